//! The files of containers: which records are trusted, and how long files are kept.

use super::*;
use crate::process::SANDBOX_KEPT as KEPT;

fn root() -> (tempfile::TempDir, Folder, Key) {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let folder = Folder::open(directory.path()).expect("it can be opened");
    (directory, folder, Key::random())
}

const TASK: ResourceId = ResourceId(7);

fn made(root: &Folder, key: &Key) -> Directory {
    Directory::create(root, key, TASK, "web").expect("it can be made")
}

fn own() -> Process {
    Process::of(rustix::process::getpid()).expect("it runs")
}

#[test]
fn a_name_that_no_container_can_have_is_no_path() {
    let (_directory, root, key) = root();
    root.make("outside").expect("it can be made");
    root.folder("outside").and_then(|outside| outside.write(OUTPUT, b"x")).expect("it is ours");
    made(&root, &key);
    for name in ["", ".", "..", "../outside", "/etc", "a/b", "we b", "web\0", &"x".repeat(256)] {
        assert!(Directory::open(&root, &key, TASK, name).is_none(), "{name:?}");
        assert!(Directory::create(&root, &key, TASK, name).is_err(), "{name:?}");
    }
    assert!(Directory::open(&root, &key, TASK, "web").is_some());
    assert!(Directory::open(&root, &key, TASK, "other").is_none());
    assert!(Directory::open(&root, &key, ResourceId(8), "web").is_none());
}

/// A line sealed as by the supervisor.
fn line(directory: &Directory, name: &str, text: &str) -> String {
    directory.key().seal(name, text)
}

fn write(directory: &Directory, lines: &[String]) {
    directory.folder.write(RECORD, lines.concat().as_bytes()).expect("it can be written");
}

#[test]
fn whoever_makes_the_record_first_decides() {
    let (_directory, root, key) = root();
    let directory = made(&root, &key);
    assert_eq!(directory.begun(), Begun::NotYet);
    assert!(directory.fence());
    assert_eq!(directory.begun(), Begun::Never);
    assert!(directory.folder.create_new(RECORD).is_err(), "the supervisor came too late");
    remove(&root, &directory);
    let directory = made(&root, &key);
    directory.folder.create_new(RECORD).expect("nobody has fenced it");
    assert!(!directory.fence());
    write(&directory, &[line(&directory, SUPERVISOR, &format!("{} 7", name(own())))]);
    assert_eq!(directory.begun(), Begun::By(own()));
    assert_eq!(directory.times(), (Some(7), None));
}

#[test]
fn lines_that_a_task_wrote_itself_are_not_believed() {
    let (_directory, root, key) = root();
    let directory = made(&root, &key);
    let supervisor = line(&directory, SUPERVISOR, &format!("{} 7", name(own())));
    write(&directory, &[format!("{} 7\n", name(own()))]);
    assert_eq!(directory.begun(), Begun::Unknown);
    write(&directory, &[supervisor.clone(), "0 8\n".to_owned()]);
    assert_eq!((directory.begun(), directory.exit_code()), (Begun::By(own()), None));
    write(&directory, &[supervisor.clone(), format!("{} /sys/fs/cgroup\n", name(own()))]);
    assert_eq!(directory.command(), None);
    // Nor are lines of another container, or of another kind.
    let other = key_of(&key, TASK, "other");
    write(&directory, &[other.seal(EXIT, "0 8"), line(&directory, COMMAND, "0 8")]);
    assert_eq!(directory.exit_code(), None);
    let end = line(&directory, EXIT, "7 8");
    write(&directory, &["rubbish\n".to_owned(), supervisor, end.clone()]);
    assert_eq!((directory.exit_code(), directory.times()), (Some(7), (Some(7), Some(8))));
    write(&directory, &[end.trim_end().to_owned()]);
    assert_eq!(directory.exit_code(), None, "it was not written whole");
    let cgroup = "/sys/fs/cgroup/a b";
    write(&directory, &[line(&directory, COMMAND, &format!("{} {cgroup}", name(own())))]);
    let ran = Ran { process: own(), cgroup: Some(cgroup.into()) };
    assert_eq!(directory.command(), Some(ran));
    write(&directory, &[line(&directory, COMMAND, &format!("{} ", name(own())))]);
    assert_eq!(directory.command().map(|ran| ran.cgroup), Some(None));
}

#[test]
fn a_process_of_another_run_of_the_machine_is_gone_and_its_end_is_known() {
    let (_directory, root, key) = root();
    let directory = made(&root, &key);
    let before = format!("{} {} another-boot 7", own().pid.as_raw_nonzero(), own().began);
    let end = line(&directory, EXIT, "3 8");
    write(&directory, &[line(&directory, SUPERVISOR, &before), end]);
    assert_eq!((directory.begun(), directory.exit_code()), (Begun::Before, Some(3)));
}

#[test]
fn a_record_of_an_older_version_had_begun() {
    let (_directory, root, key) = root();
    let directory = made(&root, &key);
    directory.folder.write(OLD_RECORD, b"1\n").expect("it can be written");
    assert_eq!(directory.begun(), Begun::Unknown);
    assert_eq!(directory.unsealed(), None, "that process is another's");
    directory.disown();
    assert_eq!(directory.begun(), Begun::Unknown, "and is not forgotten");
}

#[test]
fn the_end_of_the_output_reaches_back_over_a_change_of_files() {
    let (_directory, root, key) = root();
    let directory = made(&root, &key);
    assert_eq!(directory.output(4), None, "nothing was written, not even nothing");
    directory.folder.write(OUTPUT, b"cd").expect("it can be written");
    assert_eq!(directory.output(4).as_deref(), Some(b"cd".as_slice()));
    directory.folder.write(&older(OUTPUT, 1), b"xyab").expect("it can be written");
    assert_eq!(directory.output(4).as_deref(), Some(b"abcd".as_slice()));
    assert_eq!(directory.output(1).as_deref(), Some(b"d".as_slice()));
}

#[test]
fn output_of_tasks_that_are_over_goes_after_an_hour_and_nothing_else_does() {
    let (_directory, root, key) = root();
    let old = made(&root, &key);
    let runs = Directory::create(&root, &key, ResourceId(8), "web").expect("it can be made");
    let young = Directory::create(&root, &key, ResourceId(9), "web").expect("it can be made");
    old.retire();
    young.retire();
    assert!(old.folder.folder(WORK).is_err() && runs.folder.folder(WORK).is_ok());
    let retired = old.folder.open_or_create(RETIRED).expect("it is there");
    let long_ago = SystemTime::now().checked_sub(KEPT + Duration::from_mins(1));
    retired.set_modified(long_ago.expect("there was a time")).expect("it is ours");
    sweep(&root, KEPT);
    let left: Vec<ResourceId> = all(&root, &key).iter().map(|one| one.task).collect();
    assert!(!left.contains(&TASK), "{left:?}");
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn the_oldest_output_goes_first_when_it_is_too_much() {
    let (_directory, root, key) = root();
    for (task, age_s) in [(1, 30), (2, 20), (3, 10)] {
        let one = Directory::create(&root, &key, ResourceId(task), "web").expect("it can be made");
        let file = one.folder.open_or_create(OUTPUT).expect("it can be made");
        // A sparse file occupies no disk space.
        file.set_len(KEPT_BYTES_MAX / 2).expect("it can be as long");
        one.retire();
        let retired = one.folder.open_or_create(RETIRED).expect("it is there");
        let at = SystemTime::now().checked_sub(Duration::from_secs(age_s));
        retired.set_modified(at.expect("there was a time")).expect("it is ours");
    }
    sweep(&root, KEPT);
    let mut left: Vec<u128> = all(&root, &key).iter().map(|one| one.task.0).collect();
    left.sort_unstable();
    assert_eq!(left, [2, 3]);
}
