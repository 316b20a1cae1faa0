//! Schedulers that go on from the rows of one that ended.

use super::*;

#[test]
fn a_run_that_was_launched_is_found_again_and_not_launched_again() {
    let mut world = World::new();
    world.job("a", json!({"schedule": "R//PT1H"}));
    world.passes(0);
    let task = world.task();
    world.restarts(1_000);
    world.registers();
    world.passes(60_000);
    assert!(world.new_tasks().is_empty());
    let asked = world.said.iter().any(|one| match one {
        Command::Reconcile(tasks) => tasks.iter().any(|one| one.task_id.value == task),
        _ => false,
    });
    assert!(asked);
    world.is(&task, TaskState::TaskFinished);
    assert_eq!(world.shown("a").counters.successes, 1);
}

#[test]
fn a_run_that_was_stored_and_never_launched_is_launched() {
    let mut world = World::new();
    world.job("a", json!({"schedule": "R1//PT1H"}));
    world.restarts(3_600_000);
    world.registers();
    world.passes(0);
    assert_eq!(world.task(), format!("ct:{NOON}:0:a:"));
}

#[test]
fn what_was_due_while_it_was_down_runs_as_epsilon_says() {
    let mut world = World::new();
    world.job("late", json!({"schedule": "R/2026-11-21T11:43:00Z/PT1H", "epsilon": "PT4M"}));
    world.job("lost", json!({"schedule": "R/2026-11-21T11:43:00Z/PT1H", "epsilon": "PT1M"}));
    world.restarts(240_000);
    world.registers();
    world.passes(0);
    assert_eq!(world.task(), format!("ct:{}:0:late:", NOON + 5_000));
    assert_eq!(world.chronos.gauges().skipped_late, 1);
}

#[test]
fn a_retry_waits_on_over_a_restart() {
    let mut world = World::new();
    world.job("a", json!({"schedule": "R1//PT1H"}));
    world.passes(0);
    let task = world.task();
    world.is(&task, TaskState::TaskFailed);
    world.restarts(30_000);
    world.registers();
    world.passes(29_999);
    assert!(world.new_tasks().is_empty());
    world.passes(1);
    world.task();
}

#[test]
fn a_kill_is_said_again_after_a_restart_even_if_the_job_is_gone() {
    let mut world = World::new();
    world.job("a", json!({"schedule": "R1//PT1H"}));
    world.passes(0);
    let task = world.task();
    world.is(&task, TaskState::TaskRunning);
    world.call(Call::Delete { name: "a".to_owned() });
    assert_eq!(world.kills(), [task.as_str()]);
    world.restarts(1_000);
    world.registers();
    world.passes(0);
    assert!(world.kills().len() >= 2);
    world.is(&task, TaskState::TaskKilled);
    assert!(!world.rows.keys().any(|(kind, _)| kind != "framework"), "{:?}", world.rows.keys());
}

#[test]
fn edges_of_parents_are_remembered() {
    let mut world = World::new();
    world.job("p", json!({"schedule": "R0//PT1H"}));
    world.job("q", json!({"schedule": "R0//PT1H"}));
    world.job("c", json!({"parents": ["p", "q"]}));
    world.call(Call::Succeed { name: "p".to_owned() });
    world.restarts(0);
    world.registers();
    world.call(Call::Succeed { name: "q".to_owned() });
    world.passes(0);
    world.task();
}

#[test]
fn a_scheduler_that_is_restored_is_the_one_that_it_was() {
    let mut world = World::new();
    world.job("a", json!({"schedule": "R//PT1M", "scheduleTimeZone": "Europe/Vienna"}));
    world.job("b", json!({"parents": ["a"]}));
    world.passes(0);
    let before = (
        world.shown("a").schedule,
        format!("{:?}", world.chronos.runs().all().collect::<Vec<_>>()),
    );
    world.restarts(0);
    let after = (
        world.shown("a").schedule,
        format!("{:?}", world.chronos.runs().all().collect::<Vec<_>>()),
    );
    assert_eq!(before, after);
}

#[test]
fn the_framework_keeps_its_id_until_it_is_removed() {
    let mut world = World::new();
    world.restarts(0);
    assert_eq!(world.chronos.framework(), Some("framework-1"));
    world.hears(Callback::Error("Framework has been removed".to_owned()));
    world.restarts(0);
    assert_eq!(world.chronos.framework(), None);
}

#[test]
fn a_row_that_cannot_be_read_is_named() {
    let wrong = Chronos::restore(Config::default(), 0, [("job", "a", "{}")]).unwrap_err();
    assert_eq!((wrong.kind.as_str(), wrong.id.as_str()), ("job", "a"));
}
