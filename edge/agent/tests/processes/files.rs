//! Where a container's output is kept, and what may be in its place.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;
use std::time::{Duration, Instant};

use longshore_lifecycle::Event;
use longshore_wire_ecs::shape::container_definition::{ContainerDefinition, LogConfiguration};

use crate::bench::{Bench, container, is_root, runs, skipped, until};

fn logging(driver: &str, options: &[(&str, &str)]) -> ContainerDefinition {
    let options = options.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let log = LogConfiguration {
        log_driver: Some(driver.into()),
        options: Some(options),
        ..Default::default()
    };
    ContainerDefinition { log_configuration: Some(log), ..Default::default() }
}

#[tokio::test]
async fn output_is_bounded_by_size_and_number_and_its_end_is_kept() {
    let bounds = [("max-size", "20k"), ("max-file", "3")];
    let script = "i=0; while test $i -lt 20000; do echo line $i; i=$((i+1)); done; exit 2";
    let mut bench = Bench::with(script, logging("json-file", &bounds));
    let (code, output) = bench.whole().await;
    assert_eq!(code, Some(2));
    assert!(output.ends_with("line 19998\nline 19999\n"), "{}", output.len());
    let directory = bench.file("").read_dir().expect("it is there");
    let sizes = directory.filter_map(|entry| {
        let entry = entry.expect("it can be read");
        let is_output = entry.file_name().to_string_lossy().starts_with("output");
        is_output.then(|| entry.metadata().expect("it is there").len())
    });
    let sizes: Vec<u64> = sizes.collect();
    assert_eq!(sizes.len(), 3, "{sizes:?}");
    // Data from one read of the pipe is not split over two files.
    assert!(sizes.iter().sum::<u64>() <= 3 * (20 + 64) * 1024, "{sizes:?}");
}

#[tokio::test]
async fn a_hundred_mebibytes_are_kept_unless_somebody_says_otherwise() {
    let mut bench = Bench::new("head -c 150000000 /dev/zero; echo end");
    let (code, output) = bench.whole().await;
    assert_eq!(code, Some(0));
    assert!(output.ends_with("end\n"));
    let directory = bench.file("").read_dir().expect("it is there");
    let bytes = |entry: fs::DirEntry| entry.metadata().expect("it is there").len();
    let all: u64 = directory.map(|entry| bytes(entry.expect("it can be read"))).sum();
    assert!((90_000_000..=106_000_000).contains(&all), "{all}");
}

#[tokio::test]
async fn nothing_is_kept_without_a_log_driver_and_wrong_options_are_named() {
    let mut bench = Bench::with("echo secret", logging("none", &[]));
    bench.run().await;
    assert_eq!(bench.ended().await, Some(0));
    assert!(!bench.file("output").exists());
    let mut bench = Bench::with("true", logging("json-file", &[("max-size", "lots")]));
    let news = bench.start().await;
    let said = |why: &str| why.contains("max-size") && why.contains("\"lots\"");
    assert!(matches!(&news, Event::StartFailed(why) if said(why)), "{news:?}");
}

#[tokio::test]
async fn links_and_fifos_in_the_place_of_output_are_neither_read_nor_waited_for() {
    let mut bench = Bench::new("echo mine");
    assert_eq!(bench.whole().await, (Some(0), "mine\n".to_owned()));
    let output = bench.file("output");
    fs::remove_file(&output).expect("it is there");
    symlink("/etc/passwd", &output).expect("it is linked");
    assert_eq!(bench.output().await, "");
    fs::remove_file(&output).expect("it is there");
    assert!(Command::new("mkfifo").arg(&output).status().expect("it runs").success());
    let began = Instant::now();
    assert_eq!(bench.output().await, "");
    assert!(began.elapsed() < Duration::from_secs(2));
    // Nor is anything behind a link in its path.
    let aside = bench.own("aside");
    fs::rename(bench.file(""), &aside).expect("it can be moved");
    fs::remove_file(aside.join("output")).expect("it is there");
    fs::write(aside.join("output"), "elsewhere").expect("it can be written");
    symlink(&aside, bench.file("").to_string_lossy().trim_end_matches('/')).expect("it is linked");
    assert_eq!(bench.output().await, "");
}

#[tokio::test]
async fn only_the_name_of_a_container_is_looked_up_and_no_path() {
    let mut bench = Bench::new("echo mine");
    assert_eq!(bench.whole().await, (Some(0), "mine\n".to_owned()));
    let outside = bench.own("outside");
    fs::create_dir(&outside).expect("it can be made");
    fs::write(outside.join("output"), "secret").expect("it can be written");
    let path = outside.to_string_lossy().into_owned();
    for name in [path.as_str(), "../../../../outside", "web/../web", ".", "..", "", "web\0"] {
        let read = bench.runtime.logs(bench.container().task, name).await;
        assert_eq!(read, Ok(None), "{name:?}");
    }
}

#[tokio::test]
async fn files_of_a_container_are_for_their_owner_only() {
    let mut bench = Bench::new("umask; touch made");
    let (_, output) = bench.whole().await;
    for (name, mode) in [("", 0o700), ("work", 0o700), ("output", 0o600), ("record", 0o600)] {
        let meta = fs::metadata(bench.file(name)).expect(name);
        assert_eq!(meta.permissions().mode() & 0o777, mode, "{name}");
    }
    let own = String::from_utf8(
        Command::new("sh").args(["-c", "umask"]).output().expect("it runs").stdout,
    );
    assert_eq!(Ok(output), own, "what the command makes is its own affair");
}

#[tokio::test]
async fn whoever_removes_the_directory_ends_what_runs_there() {
    let mut bench = Bench::new("setsid sleep 600 & sleep 600");
    bench.run().await;
    let supervisor = bench.supervisor().await;
    let command = bench.command().await;
    fs::remove_dir_all(bench.file("")).expect("it is ours");
    until("all of it has ended", || (!runs(command) && !runs(supervisor)).then_some(())).await;
    assert_eq!(bench.ended().await, Some(137));
}

#[tokio::test]
async fn whoever_moves_the_directory_away_ends_what_runs_there() {
    let mut bench = Bench::new("setsid sleep 600 & sleep 600");
    bench.run().await;
    let (supervisor, command) = (bench.supervisor().await, bench.command().await);
    let (from, to) = (bench.file(""), bench.own("elsewhere"));
    fs::rename(&from, &to).expect("it is ours");
    // A link in its place is not the directory.
    std::os::unix::fs::symlink(&to, from.components().as_path()).expect("it is ours");
    until("all of it has ended", || (!runs(command) && !runs(supervisor)).then_some(())).await;
    assert_eq!(bench.ended().await, Some(137));
}

/// A file system of a few mebibytes, unmounted on drop.
struct Small(std::path::PathBuf);

impl Small {
    fn mount(path: std::path::PathBuf, size: &str) -> Option<Self> {
        fs::create_dir(&path).expect("it can be made");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size},mode=0700"), "none"]).arg(&path);
        mount.output().is_ok_and(|done| done.status.success()).then_some(Self(path))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // A lazy unmount, in case it is still in use.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_holds_up_no_command_and_its_end_is_known_all_the_same() {
    let home = tempfile::tempdir().expect("a directory can be made");
    let small = is_root().then(|| Small::mount(home.path().join("hosts"), "4m")).flatten();
    let Some(_small) = small else { return skipped("only root can mount a small file system") };
    let script = "head -c 20000000 /dev/zero; echo; echo before; \
                  head -c 20000000 /dev/zero >file 2>/dev/null; echo full >&2; exit 6";
    let mut bench = Bench::at(home, container(script, ContainerDefinition::default()), false);
    bench.run().await;
    assert_eq!(bench.ended().await, Some(6));
    let found = bench.restart().await;
    assert_eq!(found[0].state, longshore_lifecycle::FoundState::Exited(Some(6)));
}

#[tokio::test]
async fn output_leaves_the_last_of_the_disk_to_others() {
    let home = tempfile::tempdir().expect("a directory can be made");
    let small = is_root().then(|| Small::mount(home.path().join("hosts"), "40m")).flatten();
    let Some(small) = small else { return skipped("only root can mount a small file system") };
    let mut bench = Bench::at(
        home,
        container("head -c 100000000 /dev/zero", ContainerDefinition::default()),
        false,
    );
    bench.run().await;
    assert_eq!(bench.ended().await, Some(0));
    let disk = rustix::fs::statvfs(&small.0).expect("it is there");
    let free = disk.f_bavail * disk.f_frsize;
    assert!(free >= 1024 * 1024, "{free}");
}
