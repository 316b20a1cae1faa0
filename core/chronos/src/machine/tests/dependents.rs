//! Jobs with parents.

use super::*;

/// Runs a job by hand, and ends its task.
fn succeeds(world: &mut World, name: &str) {
    let reply = world.call(Call::Run { name: name.to_owned(), arguments: String::new() });
    assert!(matches!(reply, Reply::Done));
    world.passes(0);
    let task = world.task();
    assert!(task.contains(&format!(":{name}:")), "{task}");
    world.is(&task, TaskState::TaskFinished);
    world.passes(0);
}

fn family(members: Value) -> World {
    let mut world = World::new();
    world.job("p", json!({"schedule": "R0//PT1H"}));
    world.job("q", json!({"schedule": "R0//PT1H"}));
    world.job("c", members);
    world
}

#[test]
fn a_child_runs_after_each_success_of_its_parent() {
    // Source: frameworks.md 4.4.
    let mut world = family(json!({"parents": ["p"]}));
    for _ in 0..2 {
        succeeds(&mut world, "p");
        let task = world.task();
        assert!(task.contains(":c:"));
        world.is(&task, TaskState::TaskFinished);
    }
    assert_eq!(world.shown("c").counters.successes, 2);
}

#[test]
fn a_child_of_two_runs_when_both_have_succeeded_as_often() {
    // Source: frameworks.md 4.4.
    let mut world = family(json!({"parents": ["p", "q"]}));
    succeeds(&mut world, "p");
    succeeds(&mut world, "p");
    succeeds(&mut world, "q");
    assert!(world.new_tasks().is_empty());
    succeeds(&mut world, "q");
    world.task();
}

#[test]
fn a_child_that_runs_when_its_parent_succeeds_again_runs_again_afterwards() {
    let mut world = family(json!({"parents": ["p"]}));
    succeeds(&mut world, "p");
    let first = world.task();
    succeeds(&mut world, "p");
    assert!(world.new_tasks().is_empty());
    world.is(&first, TaskState::TaskFinished);
    world.passes(0);
    let second = world.task();
    assert!(second.contains(":c:") && second != first);
}

#[test]
fn a_failure_stops_the_chain_unless_it_is_soft() {
    for (is_soft, children) in [(false, 0), (true, 1)] {
        let mut world = World::new();
        world.job("p", json!({"schedule": "R1//PT1H", "retries": 0, "softError": is_soft}));
        world.job("c", json!({"parents": ["p"]}));
        world.passes(0);
        let task = world.task();
        world.is(&task, TaskState::TaskFailed);
        world.passes(0);
        assert_eq!(world.new_tasks().len(), children);
    }
}

#[test]
fn a_disabled_child_does_not_run_and_that_is_said() {
    let mut world = family(json!({"parents": ["p"], "disabled": true}));
    succeeds(&mut world, "p");
    assert!(world.new_tasks().is_empty());
    assert!(world.notes.iter().any(|note| note.starts_with("c: its parents have succeeded")));
}

#[test]
fn a_success_that_a_person_declares_starts_children() {
    let mut world = family(json!({"parents": ["p"]}));
    let Reply::Text(text) = world.call(Call::Succeed { name: "p".to_owned() }) else { panic!() };
    assert_eq!(text, "marked job p as successful: true");
    world.passes(0);
    world.task();
}

#[test]
fn parents_must_be_there_and_there_is_no_cycle() {
    // Source: frameworks.md 4.4.
    let mut world = family(json!({"parents": ["p"]}));
    let orphan = json!({"name": "o", "command": "", "parents": ["nobody"]});
    assert!(world.try_post(orphan).unwrap_err().starts_with("parents: there is no job 'nobody'"));
    let cycle = json!({"name": "p", "command": "", "parents": ["c"]});
    assert!(world.try_post(cycle).unwrap_err().contains("cycle"));
}

#[test]
fn children_of_a_deleted_job_get_its_schedule_or_its_parents() {
    // Source: frameworks.md 4.4.
    let mut world = World::new();
    world.job("top", json!({"schedule": "R5/2026-11-21T12:00:00Z/PT1H"}));
    world.job("middle", json!({"parents": ["top"]}));
    world.job("low", json!({"parents": ["middle"]}));
    world.call(Call::Delete { name: "middle".to_owned() });
    let low = world.shown("low");
    assert_eq!(low.schedule, None);
    world.call(Call::Delete { name: "top".to_owned() });
    let low = world.shown("low");
    assert_eq!(low.schedule.unwrap(), "R5/2026-11-21T12:00:00.000Z/PT1H");
}

#[test]
fn a_child_that_would_get_too_many_parents_keeps_the_one_that_it_has() {
    let mut world = World::new();
    let names = |prefix: &str| (0..60).map(|number| format!("{prefix}{number}")).collect();
    let (one, other): (Vec<String>, Vec<String>) = (names("a"), names("b"));
    for name in one.iter().chain(&other) {
        world.job(name, json!({"schedule": "R0//PT1H"}));
    }
    world.job("middle", json!({"parents": one}));
    let mut parents = other;
    parents.push("middle".to_owned());
    world.job("low", json!({"parents": parents}));
    let Reply::Refused(why) = world.call(Call::Delete { name: "middle".to_owned() }) else {
        panic!()
    };
    assert!(why.0.starts_with("Job 'low' would have more than 100 parents"), "{}", why.0);
    world.restarts(0);
}
