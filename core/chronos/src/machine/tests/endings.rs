//! What follows from the end of a task.

use super::*;

fn running(world: &mut World, members: Value) -> String {
    world.job("a", members);
    world.passes(0);
    world.task()
}

#[test]
fn success_is_counted() {
    let mut world = World::new();
    let task = running(&mut world, json!({"schedule": "R//PT1H"}));
    world.is(&task, TaskState::TaskRunning);
    world.passes(2_000);
    world.is(&task, TaskState::TaskFinished);
    let counters = world.shown("a").counters;
    assert_eq!((counters.successes, counters.errors), (1, 0));
    assert_eq!(counters.last_success_ms, Some(NOON + 2_000));
}

#[test]
fn an_update_is_acknowledged_once_what_follows_is_stored_and_an_end_counts_once() {
    let mut world = World::new();
    let task = running(&mut world, json!({"schedule": "R//PT1H"}));
    for _ in 0..3 {
        world.said.clear();
        world.is(&task, TaskState::TaskFinished);
        assert!(world.said.iter().any(|one| matches!(one, Command::Acknowledge(_))));
    }
    assert_eq!(world.shown("a").counters.successes, 1);
}

#[test]
fn a_failure_is_tried_again_after_a_while_and_counted_when_none_is_left() {
    // Source: frameworks.md 4.4.
    let mut world = World::new();
    let mut task = running(&mut world, json!({"schedule": "R//P1D", "retries": 2}));
    for attempt in 1..=2_u64 {
        world.is(&task, TaskState::TaskFailed);
        assert_eq!(world.shown("a").counters.errors, 0);
        world.passes(59_999);
        assert!(world.new_tasks().is_empty());
        world.passes(1);
        task = world.task();
        assert_eq!(task, format!("ct:{}:{attempt}:a:", NOON + attempt * 60_000));
    }
    world.is(&task, TaskState::TaskFailed);
    let counters = world.shown("a").counters;
    assert_eq!((counters.errors, counters.errors_since_success), (1, 1));
    world.passes(600_000);
    assert!(world.new_tasks().is_empty());
}

#[test]
fn after_a_failure_with_all_retries_there_are_none_until_a_success() {
    // Source: frameworks.md 4.4.
    let mut world = World::new();
    let task = running(&mut world, json!({"schedule": "R//PT10M", "retries": 0}));
    world.is(&task, TaskState::TaskFailed);
    world.job("a", json!({"schedule": "R//PT10M", "retries": 5}));
    world.passes(0);
    let task = world.task();
    world.is(&task, TaskState::TaskFailed);
    assert_eq!(world.shown("a").counters.errors, 2);
}

#[test]
fn a_job_that_fails_too_often_is_disabled_if_so_configured() {
    let mut world = World::with(Config { disable_after_failures: 1, ..Config::default() });
    world.registers();
    let task = running(&mut world, json!({"schedule": "R//PT10M", "retries": 0}));
    world.is(&task, TaskState::TaskLost);
    assert!(world.shown("a").definition.disabled);
}

#[test]
fn states_that_chronos_does_not_know_are_failures() {
    for state in [TaskState::TaskError, TaskState::TaskGone, TaskState::TaskGoneByOperator] {
        let mut world = World::new();
        let task = running(&mut world, json!({"schedule": "R//P1D", "retries": 0}));
        world.is(&task, TaskState::TaskRunning);
        world.is(&task, state);
        assert_eq!(world.shown("a").counters.errors, 1, "{state:?}");
    }
}

#[test]
fn a_launch_that_did_nothing_is_repeated_whatever_retries_say() {
    for (state, reason) in [
        (TaskState::TaskDropped, None),
        (TaskState::TaskLost, Some(Reason::InvalidOffers)),
        (TaskState::TaskUnknown, Some(Reason::Reconciliation)),
        (TaskState::TaskGone, Some(Reason::Reconciliation)),
        (TaskState::TaskLost, Some(Reason::MasterDisconnected)),
    ] {
        let mut world = World::new();
        let task = running(&mut world, json!({"schedule": "R1//P1D", "retries": 0}));
        world.is_because(&task, state, reason);
        assert!(!world.shown("a").definition.disabled);
        world.passes(1_000);
        let again = world.task();
        assert_eq!(again, format!("ct:{NOON}:1:a:"));
        world.is(&again, TaskState::TaskFinished);
        let counters = world.shown("a").counters;
        assert_eq!((counters.successes, counters.errors), (1, 0));
    }
}

#[test]
fn a_task_that_ran_and_is_lost_has_failed() {
    let mut world = World::new();
    let task = running(&mut world, json!({"schedule": "R//P1D", "retries": 0}));
    world.is(&task, TaskState::TaskRunning);
    world.is_because(&task, TaskState::TaskLost, Some(Reason::Reconciliation));
    assert_eq!(world.shown("a").counters.errors, 1);
}

#[test]
fn an_agent_that_comes_back_in_time_costs_nothing_and_one_that_does_not_loses_its_tasks() {
    let mut world = World::new();
    let task = running(&mut world, json!({"schedule": "R//P1D", "retries": 0}));
    world.is(&task, TaskState::TaskUnreachable);
    world.passes(limits::UNREACHABLE_MS - 1);
    world.is(&task, TaskState::TaskRunning);
    world.passes(limits::UNREACHABLE_MS);
    assert_eq!(world.shown("a").counters.errors, 0);
    world.is(&task, TaskState::TaskUnreachable);
    world.passes(limits::UNREACHABLE_MS);
    assert_eq!(world.shown("a").counters.errors, 1);
    assert_eq!(world.kills(), [task.as_str()]);
}

#[test]
fn a_killed_task_is_no_failure_and_not_tried_again() {
    // Source: frameworks.md 4.4.
    let mut world = World::new();
    let task = running(&mut world, json!({"schedule": "R//P1D"}));
    world.is(&task, TaskState::TaskRunning);
    assert!(matches!(world.call(Call::Kill { name: "a".to_owned() }), Reply::Done));
    world.passes(limits::KILL_AGAIN_MS);
    assert_eq!(world.kills(), [task.as_str(), task.as_str()]);
    world.is(&task, TaskState::TaskFailed);
    world.passes(600_000);
    assert!(world.new_tasks().is_empty());
    let counters = world.shown("a").counters;
    assert_eq!((counters.successes, counters.errors), (0, 0));
}

#[test]
fn a_kill_that_nobody_heard_is_said_again_once_there_is_a_subscription() {
    let mut world = World::new();
    let task = running(&mut world, json!({"schedule": "R//P1D"}));
    world.is(&task, TaskState::TaskRunning);
    world.hears(Callback::Disconnected);
    assert!(matches!(world.call(Call::Kill { name: "a".to_owned() }), Reply::Done));
    let before = world.kills().len();
    world.registers();
    world.passes(0);
    assert_eq!(world.kills().len() - before, 1);
}

#[test]
fn history_is_bounded_and_the_latest_is_first() {
    let mut world = World::new();
    world.job("a", json!({"schedule": "R//PT1M"}));
    world.passes(0);
    for _ in 0..limits::HISTORY_RUNS_MAX + 5 {
        let task = world.task();
        world.is(&task, TaskState::TaskFinished);
        world.passes(60_000);
    }
    let Reply::Stat(stat) = world.call(Call::Stat { name: "a".to_owned() }) else { panic!() };
    assert_eq!(stat.task_stat_history.len(), limits::HISTORY_RUNS_MAX + 1);
    assert_eq!(stat.task_stat_history[0].status, "Running");
    let rows = world.rows.keys().filter(|(kind, _)| kind == "run").count();
    assert_eq!(rows, limits::HISTORY_RUNS_MAX + 1);
}

#[test]
fn a_task_that_nobody_knows_is_killed() {
    let mut world = World::new();
    world.is("ct:1:0:gone:", TaskState::TaskRunning);
    world.is("ct:2:0:gone:", TaskState::TaskFinished);
    assert_eq!(world.kills(), ["ct:1:0:gone:"]);
}
