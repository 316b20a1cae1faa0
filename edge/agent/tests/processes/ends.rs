//! How containers end, and what ends with them.

use std::fs;
use std::time::{Duration, Instant};

use longshore_lifecycle::Event;
use longshore_wire_ecs::shape::container_definition::{ContainerDefinition, HealthCheck};

use crate::bench::{Bench, container, is_root, runs, signal, skipped, until};

#[tokio::test]
async fn a_command_writes_and_ends_with_its_exit_code() {
    let mut bench = Bench::new("echo out; echo err >&2; exit 7");
    assert_eq!(bench.whole().await, (Some(7), "out\nerr\n".to_owned()));
}

#[tokio::test]
async fn a_signal_that_ends_a_command_is_128_and_its_number() {
    let mut bench = Bench::new("kill -SEGV $$");
    bench.run().await;
    assert_eq!(bench.ended().await, Some(139));
}

#[tokio::test]
async fn a_command_is_told_to_stop_and_then_killed() {
    let mut bench = Bench::new("trap 'echo told' TERM; echo ready; while :; do sleep 0.05; done");
    bench.run().await;
    bench.until_output("ready").await;
    bench.runtime.stop(bench.container());
    bench.until_output("told").await;
    bench.runtime.kill(bench.container());
    assert_eq!(bench.ended().await, Some(137));
}

/// Starts processes that escape by `setsid` and by forking twice, and writes down their ids.
fn escapees(bench: &Bench) -> String {
    let (one, two) = (bench.own("session"), bench.own("daemon"));
    format!(
        "setsid sh -c 'echo $$ >{}; exec sleep 600' & (setsid sh -c 'echo $$ >{}; exec sleep 600' &) ; \
         until test -s {} && test -s {}; do sleep 0.01; done; ",
        one.display(),
        two.display(),
        one.display(),
        two.display(),
    )
}

#[tokio::test]
async fn children_that_left_for_a_session_of_their_own_end_with_the_command() {
    for (end, code) in [("exit 3", Some(3)), ("sleep 600", Some(137))] {
        let home = tempfile::tempdir().expect("a directory can be made");
        let mut bench = Bench::at(home, container("", ContainerDefinition::default()), false);
        let script = format!("{}{end}", escapees(&bench));
        bench = Bench::at(bench.home, container(&script, ContainerDefinition::default()), false);
        bench.run().await;
        let left =
            [bench.pid_in(bench.own("session")).await, bench.pid_in(bench.own("daemon")).await];
        if end == "sleep 600" {
            assert!(left.iter().all(|pid| runs(*pid)), "they run while the command does");
            bench.runtime.kill(bench.container());
        }
        assert_eq!(bench.ended().await, code);
        assert!(!left.iter().any(|pid| runs(*pid)), "nothing is left once the end is told");
    }
}

#[tokio::test]
async fn a_command_that_ends_its_supervisor_ends_with_its_control_group() {
    let home = tempfile::tempdir().expect("a directory can be made");
    let pid = home.path().join("left");
    // The kernel moves it into its group shortly after its start.
    let script = format!(
        "sleep 0.5; setsid sh -c 'echo $$ >{}; exec sleep 600' & sleep 1; kill -9 $PPID; sleep 600",
        pid.display()
    );
    let mut bench = Bench::at(home, container(&script, ContainerDefinition::default()), false);
    bench.run().await;
    let command = bench.command_line().await;
    let has_group = command.contains("/longshore-");
    let left = bench.pid_in(pid).await;
    assert_eq!(bench.ended().await, Some(137));
    if has_group {
        until("all of it has ended", || (!runs(left)).then_some(())).await;
    } else {
        skipped("no control group (cgroup v2) can be made here");
        signal(left, "KILL");
    }
}

#[tokio::test]
async fn no_control_group_is_left_behind() {
    let mut bench = Bench::new("sleep 0.3");
    bench.run().await;
    let command = bench.command_line().await;
    let group = command.split(' ').find(|word| word.contains("/longshore-")).map(str::to_owned);
    let Some(group) = group else { return skipped("no control group can be made here") };
    until("it is made", || fs::exists(&group).ok()?.then_some(())).await;
    assert_eq!(bench.ended().await, Some(0));
    assert!(!fs::exists(&group).expect("it can be asked"), "{group}");
}

#[tokio::test]
async fn signals_that_are_meant_for_others_do_not_end_a_supervisor() {
    let mut bench = Bench::new("sleep 1; exit 4");
    bench.run().await;
    let supervisor = bench.supervisor().await;
    for name in ["TERM", "INT", "HUP", "QUIT"] {
        signal(supervisor, name);
    }
    assert_eq!(bench.ended().await, Some(4));
}

#[tokio::test]
async fn what_cannot_be_run_says_why_and_never_ran() {
    let home = || tempfile::tempdir().expect("a directory can be made");
    for (words, wanted) in [
        (vec!["no-such-program"], "executable file not found in $PATH"),
        (vec!["./no-such-file"], "executable file not found"),
        (vec!["/etc/passwd"], "ermission denied"),
    ] {
        let mut spec = container("", ContainerDefinition::default());
        spec.command = Some(std::sync::Arc::new(words.iter().map(|word| (*word).into()).collect()));
        let mut bench = Bench::at(home(), spec, false);
        match bench.start().await {
            Event::StartFailed(why) => {
                assert!(why.starts_with("CannotStartContainerError: "), "{why}");
                assert!(why.contains(wanted), "{why}");
            }
            other => panic!("it did not fail: {other:?}"),
        }
    }
    let nowhere =
        ContainerDefinition { working_directory: Some("/no/such".into()), ..Default::default() };
    let mut bench = Bench::with("true", nowhere);
    let news = bench.start().await;
    assert!(matches!(&news, Event::StartFailed(why) if why.contains("/no/such")), "{news:?}");
}

#[tokio::test]
async fn a_command_runs_as_the_user_that_it_names_and_cannot_touch_its_records() {
    if !is_root() {
        return skipped("only root can run a process as another user");
    }
    let script = "id -u; id -g; id -G; pwd | grep -c work; echo mine >file; cat file; echo $HOME; \
                  for f in record output; do echo 0 >../$f; rm -f ../$f; done 2>/dev/null; exit 9";
    let definition = ContainerDefinition { user: Some("nobody".into()), ..Default::default() };
    let mut bench = Bench::with(script, definition);
    let (code, output) = bench.whole().await;
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(code, Some(9), "{output}");
    assert_eq!(lines[..5], ["65534", "65534", "65534", "1", "mine"], "{output}");
    for record in ["record", "output"] {
        assert!(bench.file(record).exists(), "{record}");
    }
    bench.restart().await;
    let found = bench.restart().await;
    assert_eq!(found[0].state, longshore_lifecycle::FoundState::Exited(Some(9)));
}

#[tokio::test]
async fn a_user_that_is_not_there_is_named() {
    let definition =
        ContainerDefinition { user: Some("no-such-user".into()), ..Default::default() };
    let mut bench = Bench::with("true", definition);
    let news = bench.start().await;
    let said = |why: &str| why.contains("unable to find user no-such-user");
    assert!(matches!(&news, Event::StartFailed(why) if said(why)), "{news:?}");
}

#[tokio::test]
async fn a_health_check_sees_the_environment_and_leaves_nothing_behind() {
    let home = tempfile::tempdir().expect("a directory can be made");
    let pid = home.path().join("left");
    let words = |script: &str| {
        let words = ["CMD-SHELL".into(), script.into()];
        Some(HealthCheck { command: Some(words.into()), timeout: Some(1), ..Default::default() })
    };
    let script = format!(
        "test \"$SECRET\" = s3cret || exit 1; setsid sh -c 'echo $$ >{}; exec sleep 600' & \
         until test -s {}; do sleep 0.01; done",
        pid.display(),
        pid.display()
    );
    let definition = ContainerDefinition { health_check: words(&script), ..Default::default() };
    let mut spec = container("sleep 600", definition);
    let variable = longshore_wire_ecs::shape::shared::KeyValuePair {
        name: Some("SECRET".into()),
        value: Some("s3cret".into()),
    };
    spec.environment = std::sync::Arc::new(vec![variable]);
    let mut bench = Bench::at(home, spec, false);
    bench.run().await;
    bench.runtime.probe(bench.container());
    assert_eq!(bench.next().await, Event::Probed { passed: true });
    let left = bench.pid_in(pid.clone()).await;
    assert!(!runs(left), "what it started has ended with it");
    bench.restart().await;
    bench.runtime.probe(bench.container());
    assert_eq!(bench.next().await, Event::Probed { passed: true }, "after a restart, too");
    bench.runtime.kill(bench.container());
    assert_eq!(bench.ended().await, Some(137));

    let home = tempfile::tempdir().expect("a directory can be made");
    let pid = home.path().join("left");
    let script = format!("echo $$ >{}; sleep 600", pid.display());
    let definition = ContainerDefinition { health_check: words(&script), ..Default::default() };
    let mut bench = Bench::at(home, container("sleep 600", definition), false);
    bench.run().await;
    let began = Instant::now();
    bench.runtime.probe(bench.container());
    assert_eq!(bench.next().await, Event::Probed { passed: false });
    assert!(began.elapsed() < Duration::from_secs(5));
    let left = bench.pid_in(pid).await;
    until("what took too long has ended", || (!runs(left)).then_some(())).await;
    bench.runtime.kill(bench.container());
    assert_eq!(bench.ended().await, Some(137));
}

#[tokio::test]
async fn what_a_container_uses_counts_children_with_sessions_of_their_own() {
    let home = tempfile::tempdir().expect("a directory can be made");
    let mut bench = Bench::at(home, container("", ContainerDefinition::default()), false);
    let script = format!("{}exec sleep 600", escapees(&bench));
    bench = Bench::at(bench.home, container(&script, ContainerDefinition::default()), false);
    bench.run().await;
    bench.pid_in(bench.own("daemon")).await;
    let stats = bench.runtime.stats(bench.container(), "").await.expect("it runs");
    // The command, and the two that escaped.
    assert!(stats["pids_stats"]["current"].as_u64() >= Some(3), "{stats}");
    bench.runtime.kill(bench.container());
    assert_eq!(bench.ended().await, Some(137));
}
