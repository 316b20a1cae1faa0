//! What follows from states. Source: frameworks.md 2.1, 3.4.

use super::*;

#[test]
fn a_task_that_fails_is_replaced_after_a_delay_that_grows() {
    let mut world = World::new();
    let mut task = world.runs(an_app("/web", 1)).remove(0);
    for delay_ms in [1_000, 1_150, 1_322] {
        world.is(&task, TaskState::TaskFailed);
        world.offer();
        assert!(world.new_tasks().is_empty());
        world.passes(delay_ms - 1);
        world.offer();
        assert!(world.new_tasks().is_empty());
        world.passes(1);
        world.offer();
        task = world.new_tasks().remove(0);
    }
    let failure = world.shown("/web").failure.unwrap();
    assert_eq!(failure.state, "TASK_FAILED");
}

#[test]
fn a_delay_can_be_reset_and_is_none_for_a_task_that_was_killed() {
    let mut world = World::new();
    let task = world.runs(an_app("/web", 1)).remove(0);
    world.is(&task, TaskState::TaskKilled);
    let task = world.supplies().remove(0);
    world.all_run(std::slice::from_ref(&task));
    world.is(&task, TaskState::TaskFailed);
    assert!(world.supplies().is_empty());
    assert_eq!(world.call(Call::ResetDelay { id: PathId::kept("/web") }), Reply::Ok);
    assert_eq!(world.supplies().len(), 1);
}

#[test]
fn an_update_is_acknowledged_after_what_follows_is_stored() {
    let mut world = World::new();
    let task = world.runs(an_app("/web", 1)).remove(0);
    let mut out = Vec::new();
    let status = Box::new(a_status(&task, TaskState::TaskFailed));
    world.marathon.step(world.now, Callback::StatusUpdate(status).into(), &mut out);
    assert!(matches!(&out[0], Output::Store(changes) if changes.len() == 2), "{out:?}");
    assert!(out.iter().any(|one| matches!(one, Output::Say(Command::Acknowledge(_)))));
}

#[test]
fn a_task_that_does_not_run_in_time_is_killed_and_replaced() {
    let mut world = World::new();
    world.put(an_app("/web", 1));
    let task = world.supplies().remove(0);
    world.is(&task, TaskState::TaskStaging);
    world.passes(limits::LAUNCH_MS);
    assert_eq!(world.new_kills(), std::slice::from_ref(&task));
    world.passes(limits::KILL_AGAIN_MS);
    assert_eq!(world.new_kills(), std::slice::from_ref(&task), "said again");
    world.is(&task, TaskState::TaskKilled);
    assert_eq!(world.supplies().len(), 1);
}

#[test]
fn a_kill_that_nobody_heard_is_said_again_once_there_is_a_subscription() {
    let mut world = World::new();
    let task = world.runs(an_app("/web", 1)).remove(0);
    world.hears(Callback::Disconnected);
    world.call(Call::Delete { id: PathId::kept("/web"), sort: crate::Sort::App, force: false });
    let _ = world.new_kills();
    world.registers();
    world.passes(0);
    assert_eq!(world.new_kills(), [task]);
}

#[test]
fn a_framework_that_was_removed_comes_back_as_another_and_starts_what_is_missing() {
    let mut world = World::new();
    let before = world.runs(an_app("/web", 2));
    let connects = world.connects;
    world.hears(Callback::Error("Framework has been removed".to_owned()));
    assert_eq!((world.connects - connects, world.marathon.framework()), (1, None));
    world.registers();
    let after = world.supplies();
    assert_eq!(after.len(), 2);
    assert!(after.iter().all(|task| !before.contains(task)));
}

#[test]
fn a_task_out_of_reach_is_replaced_at_once_and_killed_if_it_returns() {
    let mut world = World::new();
    let task = world.runs(an_app("/web", 1)).remove(0);
    world.is_because(&task, TaskState::TaskLost, Some(Reason::AgentRemoved));
    let next = world.supplies();
    assert_eq!(next.len(), 1);
    world.all_run(&next);
    world.new_kills();
    world.is(&task, TaskState::TaskRunning);
    assert_eq!(world.new_kills(), [task]);
}

#[test]
fn a_task_out_of_reach_is_waited_for_as_its_app_says() {
    let mut world = World::new();
    let strategy = Unreachable::After { inactive_s: 60, expunge_s: 120 };
    let app = App { unreachable_strategy: strategy, ..an_app("/web", 1) };
    let task = world.runs(app).remove(0);
    world.is(&task, TaskState::TaskUnreachable);
    world.passes(59_000);
    assert!(world.supplies().is_empty());
    assert_eq!(world.shown("/web").counts.unreachable, 1);
    world.passes(1_000);
    let next = world.supplies();
    assert_eq!(next.len(), 1);
    world.all_run(&next);
    world.new_kills();
    // It is back before it is given up: one of them is too much.
    world.is(&task, TaskState::TaskRunning);
    assert_eq!(world.new_kills().len(), 1);
    world.passes(120_000);
    let kept = Unreachable::Disabled;
    let mut world = World::new();
    let task = world.runs(App { unreachable_strategy: kept, ..an_app("/web", 1) }).remove(0);
    world.is(&task, TaskState::TaskUnreachable);
    world.passes(10_000_000);
    assert!(world.supplies().is_empty());
}

#[test]
fn a_task_that_nobody_knows_is_killed_if_it_is_ours() {
    let mut world = World::new();
    world.is("old.instance-1._app.1", TaskState::TaskRunning);
    world.is("somebody-elses", TaskState::TaskRunning);
    assert_eq!(world.new_kills(), ["old.instance-1._app.1"]);
    world.is("old.instance-1._app.1", TaskState::TaskFinished);
    assert!(world.new_kills().is_empty());
    let last = world.events.last();
    assert!(matches!(last, Some(Event::UnknownTerminated { .. })), "{last:?}");
}

#[test]
fn states_are_asked_for_at_registration_and_every_ten_minutes() {
    let mut world = World::new();
    let tasks = world.runs(an_app("/web", 2));
    world.said.clear();
    world.passes(longshore_driver_machine::limits::RECONCILE_MS);
    let asked: Vec<usize> = world
        .said
        .iter()
        .filter_map(|one| match one {
            Command::Reconcile(tasks) => Some(tasks.len()),
            _ => None,
        })
        .collect();
    assert_eq!(asked, [tasks.len(), 0]);
}
