//! Schedules that are due, early, late, or while clocks are set.

use super::*;

#[test]
fn a_job_without_a_start_runs_at_once_and_then_each_period() {
    let mut world = World::new();
    world.job("tick", json!({"schedule": "R3//PT1M"}));
    world.passes(0);
    let task = world.task();
    assert_eq!(task, format!("ct:{NOON}:0:tick:"));
    world.is(&task, TaskState::TaskFinished);
    world.passes(59_999);
    assert!(world.new_tasks().is_empty());
    world.passes(1);
    let task = world.task();
    assert_eq!(task, format!("ct:{}:0:tick:", NOON + 60_000));
    assert_eq!(world.shown("tick").schedule.unwrap(), "R1/2026-11-21T11:44:55.000Z/PT1M");
}

#[test]
fn after_its_last_run_a_job_is_disabled() {
    // Source: frameworks.md 4.3.
    let mut world = World::new();
    world.job("once", json!({"schedule": "R1//PT1H"}));
    world.passes(0);
    let task = world.task();
    assert!(!world.shown("once").definition.disabled);
    world.is(&task, TaskState::TaskFinished);
    assert!(world.shown("once").definition.disabled);
    world.passes(10_000_000);
    assert!(world.new_tasks().is_empty());
}

#[test]
fn what_was_due_within_epsilon_runs_and_what_was_due_before_is_skipped_and_said_so() {
    // Source: frameworks.md 4.3, 2.5.
    let mut world = World::new();
    world.job("a", json!({"schedule": "R/2026-11-21T11:42:00Z/PT1H", "epsilon": "PT55S"}));
    world.job("b", json!({"schedule": "R/2026-11-21T11:42:00Z/PT1H", "epsilon": "PT54S"}));
    world.passes(0);
    assert_eq!(world.task(), format!("ct:{}:0:a:", NOON - 55_000));
    assert!(world.notes.iter().any(|note| note.starts_with("b: skipped 1 runs")));
    assert_eq!(world.chronos.gauges().skipped_late, 1);
}

#[test]
fn skipped_runs_are_used_up() {
    let mut world = World::new();
    world.job("a", json!({"schedule": "R10/2026-11-21T05:00:00Z/PT1H", "epsilon": "PT10S"}));
    // 05:00 to 11:00 are over.
    assert_eq!(world.shown("a").schedule.unwrap(), "R3/2026-11-21T12:00:00.000Z/PT1H");
    world.job("over", json!({"schedule": "R3/2026-11-21T05:00:00Z/PT1H"}));
    assert!(world.shown("over").definition.disabled);
}

#[test]
fn a_start_long_ago_with_a_short_period_is_no_work() {
    let mut world = World::new();
    world.job("a", json!({"schedule": "R/1970-01-02T00:00:00Z/PT1S", "epsilon": "PT0S"}));
    world.passes(1_000);
    assert_eq!(world.task(), format!("ct:{NOON}:0:a:"));
}

#[test]
fn while_a_job_runs_a_due_run_is_skipped_unless_it_is_concurrent() {
    // Source: frameworks.md 4.3, 3.x.
    let mut world = World::new();
    world.job("one", json!({"schedule": "R//PT1M"}));
    world.job("many", json!({"schedule": "R//PT1M", "concurrent": true}));
    world.passes(120_000);
    let tasks = world.new_tasks();
    assert_eq!(tasks.iter().filter(|task| task.contains(":one:")).count(), 1);
    assert_eq!(tasks.iter().filter(|task| task.contains(":many:")).count(), 3);
    assert_eq!(world.chronos.gauges().skipped_busy, 2);
}

#[test]
fn a_disabled_job_is_not_due() {
    let mut world = World::new();
    world.job("off", json!({"schedule": "R//PT1M", "disabled": true}));
    world.passes(600_000);
    assert!(world.new_tasks().is_empty() && world.chronos.wake_at() > Some(world.now));
    world.job("off", json!({"schedule": "R//PT1M"}));
    world.passes(0);
    world.task();
}

#[test]
fn a_job_that_is_posted_again_is_not_due_again_at_a_time_that_it_was() {
    let mut world = World::new();
    let job = json!({"schedule": "R/2026-11-21T11:42:30Z/PT1M", "epsilon": "PT10M"});
    world.job("a", job.clone());
    world.passes(0);
    let task = world.task();
    world.is(&task, TaskState::TaskFinished);
    world.job("a", job);
    world.passes(34_999);
    assert!(world.new_tasks().is_empty());
    world.passes(1);
    assert_eq!(world.task(), format!("ct:{}:0:a:", NOON + 35_000));
}

#[test]
fn a_clock_that_is_set_back_runs_nothing_twice() {
    let mut world = World::new();
    world.job("a", json!({"schedule": "R//PT1M"}));
    world.passes(0);
    let task = world.task();
    world.is(&task, TaskState::TaskFinished);
    let _ = world.step(Input::Clock { ahead_ms: -3_600_000 });
    world.passes(3_600_000 + 59_999);
    assert!(world.new_tasks().is_empty());
    world.passes(1);
    assert_eq!(world.task(), format!("ct:{}:0:a:", NOON + 60_000));
}

#[test]
fn a_clock_that_is_set_forward_skips_as_if_time_had_passed() {
    let mut world = World::new();
    world.job("a", json!({"schedule": "R/2026-11-21T11:43:00Z/PT1M", "epsilon": "PT1M"}));
    let _ = world.step(Input::Clock { ahead_ms: 86_400_000 });
    world.passes(0);
    // 11:42 of the next day.
    assert_eq!(world.task(), format!("ct:{}:0:a:", NOON + 86_400_000 - 55_000));
    assert_eq!(world.chronos.gauges().skipped_late, 1_439);
}

#[test]
fn many_jobs_that_are_due_together_start_in_bounded_steps() {
    let mut world = World::new();
    for number in 0..1_200 {
        world.job(
            &format!("job-{number}"),
            json!({"schedule": "R1/2026-11-21T11:43:00Z/PT1H", "cpus": 0.001, "mem": 1, "disk": 1}),
        );
    }
    world.now = world.now + 5_000;
    let (mut steps, mut due) = (0, 0);
    while world.chronos.wake_at().is_some_and(|at| at <= world.now) {
        let mut out = Vec::new();
        world.chronos.tick(world.now, &mut out);
        world.performs(out);
        let now_due = world.chronos.gauges().due;
        assert!(now_due - due <= limits::DUE_PER_STEP_MAX as u64);
        (steps, due) = (steps + 1, now_due);
    }
    assert_eq!((steps, due), (3, 1_200));
    for _ in 0..3 {
        world.offer(64.0);
    }
    assert_eq!(world.new_tasks().len(), 1_200);
}
