//! Kills that are out at a time. Source: frameworks.md 2.1: 100 in flight, each again after 30 s.

use std::collections::BTreeSet;

use super::*;

#[test]
fn so_many_kills_are_out_and_the_next_follow_as_tasks_end() {
    let mut world = World::new();
    let many = u32::try_from(limits::KILLS_MAX).unwrap() + 50;
    world.runs(an_app("/web", many));
    world.said.clear();
    world.put(an_app("/web", 0));
    let first = world.new_kills();
    assert_eq!(first.len(), limits::KILLS_MAX);
    for task in &first[..30] {
        world.is(task, TaskState::TaskKilled);
    }
    let next = world.new_kills();
    assert_eq!(next.len(), 30, "one for each that ended");
    for task in first[30..].iter().chain(&next) {
        world.is(task, TaskState::TaskKilled);
    }
    for task in world.new_kills() {
        world.is(&task, TaskState::TaskKilled);
    }
    assert_eq!((world.deployments(), world.tasks("/web").len()), (0, 0));
}

#[test]
fn kills_that_are_not_answered_make_room_for_others_and_are_repeated() {
    let mut world = World::new();
    let many = limits::KILLS_MAX + 50;
    world.runs(an_app("/web", u32::try_from(many).unwrap()));
    world.said.clear();
    world.put(an_app("/web", 0));
    let first: BTreeSet<String> = world.new_kills().into_iter().collect();
    assert_eq!(first.len(), limits::KILLS_MAX);
    world.passes(limits::KILL_AGAIN_MS);
    let second: BTreeSet<String> = world.new_kills().into_iter().collect();
    assert_eq!(second.len(), limits::KILLS_MAX);
    assert_eq!(first.union(&second).count(), many, "nobody waits for those that do not end");
    world.passes(limits::KILL_AGAIN_MS);
    let third = world.new_kills();
    assert!(third.iter().any(|task| first.contains(task)), "they are said again");
}

#[test]
fn kills_that_waited_are_said_after_a_restart() {
    let mut world = World::new();
    let many = limits::KILLS_MAX + 1;
    let tasks = world.runs(an_app("/web", u32::try_from(many).unwrap()));
    world.put(an_app("/web", 0));
    world.said.clear();
    world.restarts(1_000);
    world.registers();
    let again = world.new_kills();
    assert_eq!(again.len(), limits::KILLS_MAX);
    for task in &again {
        world.is(task, TaskState::TaskKilled);
    }
    let last = world.new_kills();
    assert_eq!(last.len(), 1);
    assert!(tasks.contains(&last[0]) && !again.contains(&last[0]));
}
