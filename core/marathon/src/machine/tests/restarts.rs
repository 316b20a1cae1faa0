//! The scheduler crashes and goes on from its rows.

use super::*;

#[test]
fn what_was_launched_is_not_launched_again() {
    let mut world = World::new();
    world.put(an_app("/web", 3));
    let tasks = world.supplies();
    world.all_run(&tasks[..2]);
    world.restarts(1_000);
    world.registers();
    assert!(world.supplies().is_empty());
    world.all_run(&tasks[2..]);
    assert_eq!(world.deployments(), 0);
    assert_eq!(world.shown("/web").counts.running, 3);
}

#[test]
fn a_launch_that_was_never_sent_is_found_by_reconciliation_and_replaced() {
    let mut world = World::new();
    world.put(an_app("/web", 1));
    let task = world.supplies().remove(0);
    world.restarts(0);
    world.registers();
    world.is_because(&task, TaskState::TaskLost, Some(Reason::Reconciliation));
    assert_eq!(world.supplies().len(), 1);
}

#[test]
fn a_deployment_goes_on_where_it_was() {
    let mut world = World::new();
    let mut second = an_app("/second", 1);
    second.dependencies = vec![PathId::kept("/first")];
    world.put_all(vec![an_app("/first", 1), second], false);
    let first = world.supplies();
    assert!(first[0].starts_with("first."));
    world.restarts(0);
    world.registers();
    assert!(world.supplies().is_empty());
    world.all_run(&first);
    world.restarts(0);
    world.registers();
    let second = world.supplies();
    assert!(second[0].starts_with("second."));
    world.all_run(&second);
    assert_eq!(world.deployments(), 0);
}

#[test]
fn a_kill_is_repeated_after_a_crash() {
    let mut world = World::new();
    let tasks = world.runs(an_app("/web", 1));
    world.put(an_app("/web", 0));
    world.new_kills();
    world.restarts(0);
    world.registers();
    assert_eq!(world.new_kills(), tasks);
}

#[test]
fn an_idle_scheduler_has_no_rows_left_of_what_is_gone() {
    let mut world = World::new();
    let tasks = world.runs(an_app("/web", 1));
    world.call(Call::Delete { id: PathId::kept("/web"), sort: crate::Sort::App, force: false });
    world.is(&tasks[0], TaskState::TaskKilled);
    let kinds: Vec<_> = world.rows.keys().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["framework"]);
    assert_eq!(world.deployments(), 0);
}
