//! What a later agent finds, and which records it trusts.

use std::fs;
use std::process::{Command, Stdio};

use longshore_lifecycle::FoundState;
use longshore_wire_ecs::shape::container_definition::ContainerDefinition;

use crate::bench::{Bench, container, runs, signal, until};

/// Runs until the test creates a file, then exits with 7.
fn gated(gate: &std::path::Path) -> String {
    format!("until test -e {}; do sleep 0.02; done; exit 7", gate.display())
}

fn bench(script: impl FnOnce(&std::path::Path) -> String) -> Bench {
    let home = tempfile::tempdir().expect("a directory can be made");
    let script = script(&home.path().join("gate"));
    Bench::at(home, container(&script, ContainerDefinition::default()), false)
}

fn open(bench: &Bench) {
    fs::write(bench.own("gate"), "").expect("it can be written");
}

#[tokio::test]
async fn a_container_that_runs_is_found_and_its_end_is_told() {
    let mut bench = bench(gated);
    bench.run().await;
    let found = bench.restart().await;
    assert_eq!((found.len(), found[0].state), (1, FoundState::Running));
    open(&bench);
    assert_eq!(bench.ended().await, Some(7));
}

#[tokio::test]
async fn a_container_that_is_found_is_stopped_and_killed_like_any() {
    for (is_kill, code) in [(false, 143), (true, 137)] {
        let mut bench = bench(gated);
        bench.run().await;
        bench.restart().await;
        if is_kill {
            bench.runtime.kill(bench.container());
        } else {
            bench.runtime.stop(bench.container());
        }
        assert_eq!(bench.ended().await, Some(code));
    }
}

#[tokio::test]
async fn an_end_that_nobody_saw_is_found_with_its_code() {
    let mut bench = bench(gated);
    bench.run().await;
    let supervisor = bench.supervisor().await;
    open(&bench);
    until("it has ended", || (!runs(supervisor)).then_some(())).await;
    let found = bench.restart().await;
    assert_eq!(found[0].state, FoundState::Exited(Some(7)));
}

#[tokio::test]
async fn an_end_that_a_task_wrote_itself_is_not_believed() {
    let script =
        "sleep 0.3; echo 0 1 >>../record; cp ../record ../copy; mv ../copy ../record; exit 7";
    let mut bench = bench(|_| script.to_owned());
    assert_eq!(bench.whole().await.0, Some(7), "the supervisor's own word");
    assert!(fs::read_to_string(bench.file("record")).expect("it is there").ends_with("0 1\n"));
    let found = bench.restart().await;
    assert_eq!(found[0].state, FoundState::Exited(None));
}

#[tokio::test]
async fn a_task_that_writes_another_process_id_ends_and_the_other_process_does_not() {
    let mut bystander =
        Command::new("sleep").arg("5").stdout(Stdio::null()).spawn().expect("it runs");
    let pid = bystander.id();
    let script = format!("sleep 0.3; rm -f ../record; echo {pid} >../record; exec sleep 600");
    let mut bench = bench(|_| script);
    bench.run().await;
    let command = bench.command().await;
    let written = || fs::read_to_string(bench.file("record")).ok()?.trim().parse().ok();
    until("it is written", || written().filter(|own: &u32| *own == pid)).await;
    let found = bench.restart().await;
    // The supervisor may have noticed first.
    assert!(matches!(found[0].state, FoundState::Exited(None | Some(137))), "{found:?}");
    until("the task has ended", || (!runs(command)).then_some(())).await;
    assert!(runs(i32::try_from(pid).expect("it is small")));
    bystander.kill().expect("it is ours");
    bystander.wait().expect("it is ours");
}

#[tokio::test]
async fn what_outlived_its_supervisor_is_ended() {
    let mut bench = bench(gated);
    bench.run().await;
    let command = bench.command().await;
    // Nobody is notified: the agent is gone by then, too.
    let supervisor = bench.supervisor().await;
    let setup = bench.setup.clone();
    signal(supervisor, "STOP");
    signal(supervisor, "KILL");
    until("it has ended", || (!runs(supervisor)).then_some(())).await;
    drop(setup);
    let found = bench.restart().await;
    assert_eq!(found[0].state, FoundState::Exited(None));
    until("the command has ended", || (!runs(command)).then_some(())).await;
}

#[tokio::test]
async fn a_directory_in_which_nothing_began_is_removed_and_nothing_begins_there() {
    let mut bench = bench(gated);
    fs::create_dir_all(bench.file("work")).expect("it can be made");
    assert_eq!(bench.restart().await, []);
    assert!(!bench.file("").exists());
}

#[tokio::test]
async fn a_process_of_an_older_version_is_ended_and_reported_as_such() {
    use std::os::unix::process::CommandExt;
    let mut bench = bench(gated);
    fs::create_dir_all(bench.file("work")).expect("it can be made");
    // As older versions started it: the directory is an argument of the shell.
    let mut old = Command::new("/bin/sh");
    let path = bench.file("pid").parent().expect("it has one").to_owned();
    old.args(["-c", "\"$@\"; exit 0"]).arg(&path).args(["sleep", "600"]).process_group(0);
    let mut old = old.stdout(Stdio::null()).spawn().expect("it runs");
    fs::write(bench.file("pid"), format!("{}\n", old.id())).expect("it can be written");
    let found = bench.restart().await;
    assert_eq!(found[0].state, FoundState::Exited(None));
    // Waiting on this thread would keep it from being ended.
    let ended = until("it has ended", || old.try_wait().expect("it is ours")).await;
    assert!(!ended.success());
}

#[test]
fn what_is_to_end_with_the_agent_does_so_however_that_ends() {
    let agent = tokio::runtime::Runtime::new().expect("it can be had");
    let home = tempfile::tempdir().expect("a directory can be made");
    let spec = container("setsid sleep 600 & sleep 600", ContainerDefinition::default());
    let mut bench = agent.block_on(async { Bench::at(home, spec, true) });
    let (command, supervisor) = agent.block_on(async {
        bench.run().await;
        (bench.command().await, bench.supervisor().await)
    });
    // As when the agent is killed: nothing is requested, and its end of the lifeline is closed.
    let Bench { home, runtime, .. } = bench;
    agent.shutdown_background();
    drop(runtime);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while runs(command) || runs(supervisor) {
        assert!(std::time::Instant::now() < end, "they run on");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    drop(home);
}

#[tokio::test]
async fn removing_everything_waits_until_nothing_is_left() {
    let mut bench = bench(|_| "setsid sleep 600 & sleep 600".to_owned());
    bench.run().await;
    let command = bench.command().await;
    let supervisor = bench.supervisor().await;
    bench.runtime.remove_all();
    bench.runtime.settle().await;
    assert!(!runs(command) && !runs(supervisor));
    let hosts = bench.own("hosts").read_dir().expect("it is there");
    assert_eq!(hosts.count(), 0, "nor are files");
}
