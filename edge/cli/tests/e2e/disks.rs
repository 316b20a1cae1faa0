//! The program when its files are removed or truncated, or its disk is full.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::server::{Home, Server, until};

/// A server with a running task; returns the task's ARN and its supervisor.
fn running(home: &Home) -> (Server, String, u32) {
    let server = Server::start(home, &[]);
    server.define("long", "setsid sleep 600 & sleep 600");
    let arn = server.run("long");
    server.wait(&arn, "RUNNING");
    let pid = home.pid(&arn).expect("it is written before the command begins");
    (server, arn, pid)
}

/// Whether a process runs, wherever its files are.
fn runs(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

#[test]
fn a_data_directory_that_is_removed_ends_the_program_within_a_second_and_its_tasks() {
    let home = Home::new();
    let (mut server, _, supervisor) = running(&home);
    let began = Instant::now();
    fs::remove_dir_all(home.state()).expect("it is ours");
    // Requests in the meantime are not acknowledged.
    let made = server.call("CreateCluster", &json!({"clusterName": "late"}));
    assert!(made.is_err() || made.is_ok_and(|reply| reply.status == 500));
    assert_eq!(server.ended(), Some(1), "{}", server.said());
    // Including a quarter of a second for pending answers.
    assert!(began.elapsed() < Duration::from_millis(1_500), "{:?}", began.elapsed());
    let said = server.said();
    for part in
        [&*home.state().to_string_lossy(), "was removed", "No further changes are acknowledged"]
    {
        assert!(said.contains(part), "{part:?} is not in {said:?}");
    }
    until("its tasks have ended", || (!runs(supervisor)).then_some(()));
    let server = Server::start(&home, &[]);
    assert_eq!(server.ecs("ListTasks", &json!({}))["taskArns"], json!([]), "an empty cluster");
}

#[test]
fn a_data_directory_that_is_replaced_is_noticed_while_nothing_is_asked() {
    let home = Home::new();
    let (mut server, arn, supervisor) = running(&home);
    let began = Instant::now();
    fs::rename(home.state(), home.path("aside")).expect("it is ours");
    fs::create_dir(home.state()).expect("it is ours");
    assert_eq!(server.ended(), Some(1), "{}", server.said());
    assert!(began.elapsed() < Duration::from_millis(1_500), "{:?}", began.elapsed());
    assert!(server.said().contains("moved or replaced"), "{}", server.said());
    assert!(runs(supervisor), "its files are all there");
    // Once restored, the program continues where it was.
    fs::remove_dir(home.state()).expect("nothing was written to it");
    fs::rename(home.path("aside"), home.state()).expect("it is ours");
    let server = Server::start(&home, &[]);
    server.wait(&arn, "RUNNING");
    assert_eq!(home.pid(&arn), Some(supervisor));
}

#[test]
fn a_log_that_was_cut_starts_with_what_is_whole_and_says_what_is_missing() {
    let home = Home::new();
    let mut server = Server::start(&home, &[]);
    let log = home.state().join("longshore.db-wal");
    let mut middle = 0;
    for number in 0..20 {
        server.ecs("CreateCluster", &json!({"clusterName": format!("c{number:02}")}));
        if number == 9 {
            middle = fs::metadata(&log).expect("it is there").len();
        }
    }
    server.kill();
    let file = fs::OpenOptions::new().write(true).open(&log).expect("it is ours");
    // In the middle of a page of a later commit.
    file.set_len(middle + 3_000).expect("it can be cut");
    let server = Server::start(&home, &[]);
    let said = server.said();
    assert!(said.contains("acknowledged commits are not in the database"), "{said}");
    let listed = server.ecs("ListClusters", &json!({}));
    let names: Vec<String> = listed["clusterArns"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|arn| Some(arn.as_str()?.rsplit_once("/c")?.1.to_owned()))
        .collect();
    assert!((10..20).contains(&names.len()), "{names:?}");
    let first: Vec<String> = (0..names.len()).map(|number| format!("{number:02}")).collect();
    assert_eq!(names, first, "those that were made first, and none is left out");
    drop(server);
    let before = said.matches("are not in the database").count();
    let server = Server::start(&home, &[]);
    let again = server.said().matches("are not in the database").count();
    assert_eq!(again, before, "it is said once");
}

/// A small file system, unmounted on drop.
struct Small(PathBuf);

impl Small {
    fn mount(path: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir(&path).expect("it is ours");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size},mode=0700"), "none"]).arg(&path);
        if mount.output().is_ok_and(|done| done.status.success()) {
            return Some(Self(path));
        }
        // Bypasses the harness, which hides the output of passing tests. A failure is harmless.
        let _ = writeln!(std::io::stderr(), "skipped: only root can mount a small file system");
        None
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Without their files the tasks end; a lazy unmount handles what is still in use.
        let _ = fs::remove_dir_all(self.0.join("hosts"));
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_disk_that_is_full_at_the_start_is_called_that() {
    for size in ["4k", "200k"] {
        let home = Home::new();
        let Some(_small) = Small::mount(home.state(), size) else { return };
        let (code, said) = crate::server::refused(&home, &[]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("is full: free some space") && said.contains("--data-dir"), "{said}");
    }
}

#[test]
fn tasks_that_fill_the_disk_do_not_end_the_control_plane() {
    let home = Home::new();
    let Some(_small) = Small::mount(home.state(), "80m") else { return };
    let server = Server::start(&home, &[]);
    // One writes output forever, the other fills its own directory until it cannot write any more.
    server.define("noisy", "while :; do echo a line of output that nobody needs; done");
    server.define("filler", "dd if=/dev/zero of=big bs=1M 2>/dev/null; echo full; sleep 600");
    server.define("small", "exit 3");
    let noisy = server.run("noisy");
    server.wait(&noisy, "RUNNING");
    let filler = server.run("filler");
    server.wait(&filler, "RUNNING");
    let big = home.container(&filler).expect("it is there").join("work/big");
    let size = || fs::metadata(&big).map_or(0, |meta| meta.len());
    until("the disk is full", || {
        let before = size();
        std::thread::sleep(Duration::from_millis(300));
        (before > 0 && size() == before).then_some(())
    });
    let end = Instant::now() + Duration::from_secs(3);
    let mut made = 0;
    while Instant::now() < end {
        server.ecs("CreateCluster", &json!({"clusterName": format!("c{made}")}));
        made += 1;
    }
    assert!(made > 100, "{made}");
    assert!(server.said().contains("the disk is full"), "{}", server.said());
    // A task that has no room for its files fails to start, with a message.
    let refused = server.run("small");
    let refused = until("it is over", || {
        let task = server.task(&refused);
        (task["lastStatus"] == "STOPPED").then_some(task)
    });
    let reason = refused["stoppedReason"].to_string();
    assert!(
        reason.contains("o space left") || refused["containers"][0]["exitCode"] == 3,
        "{refused}"
    );
    // With free space everything works again.
    server.ecs("StopTask", &json!({"task": filler}));
    server.wait(&filler, "STOPPED");
    until("its files are gone", || (!big.exists()).then_some(()));
    let arn = server.run("small");
    assert_eq!(server.wait(&arn, "STOPPED")["containers"][0]["exitCode"], 3);
    server.ecs("StopTask", &json!({"task": noisy}));
    server.wait(&noisy, "STOPPED");
}
