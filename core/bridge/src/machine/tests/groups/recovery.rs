//! A group outlives the bridge: what belongs to which task is found again in ECS. Rules \[R4\], \[T9\], \[A16\].

use longshore_replica::StopCode;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::scheduler::call;
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::{TaskState, TaskStatus};

use super::{acknowledged, launched, named, running, taken};
use crate::machine::Response;
use crate::machine::tests::world::{World, kind, returning, sleeper};
use crate::operator::FrameworkEntry;

/// \[R4\]
#[test]
fn a_group_is_found_again_after_a_restart_with_all_that_was_told_of_it() {
    let (mut world, mut client) = World::with_client(&[(4096, 4096)]);
    let arn = running(&mut world, &client);
    world.restart();
    client = world.subscribe(returning(&client));
    let told = taken(&mut world, &client);
    let states: Vec<_> = told.iter().map(|one| (&*one.task_id.value, one.state())).collect();
    assert_eq!(states, [("g1", TaskState::TaskRunning), ("g2", TaskState::TaskRunning)]);
    assert_eq!(told[1].executor_id.clone().map(|id| id.value).as_deref(), Some("grp"));
    let seen = world.seen(&client);
    let executors: Vec<_> = seen.executors().map(|one| one.id.to_string()).collect();
    assert_eq!(executors, ["grp"]);
    let used = |entry: &FrameworkEntry| {
        let used = entry.used();
        used.first().map(|(_, used)| (used.scalar("cpus"), used.scalar("mem")))
    };
    assert_eq!(used(&seen), Some((1_100, 160_000)));
    world.kill(&client, "g2");
    assert_eq!(world.cluster.stops, [arn]);
    assert_eq!(world.cluster.starts.len(), 1);
}

#[test]
fn a_group_that_ended_while_nobody_looked_is_told_task_by_task() {
    let (mut world, mut client) = World::with_client(&[(4096, 4096)]);
    let arn = running(&mut world, &client);
    world.cluster.exits(&arn, "g1", 0);
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(9));
    world.restart();
    client = world.subscribe(returning(&client));
    world.soon();
    let ends: Vec<_> = taken(&mut world, &client)
        .iter()
        .filter(|one| one.state() != TaskState::TaskRunning)
        .map(|one| (one.task_id.value.clone(), one.state()))
        .collect();
    let expected = [("g1", TaskState::TaskFinished), ("g2", TaskState::TaskFailed)];
    assert_eq!(ends, expected.map(named));
    world.run_for(120_000);
    assert_eq!(world.size("launches"), 0);
}

/// Its framework is with another master of this cluster, which knew that the task was over: that one must not lose what came after it, and
/// the rest of the group may still run.
#[test]
fn a_task_of_a_group_gives_way_to_one_that_another_master_launched_again() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let group = running(&mut world, &client);
    world.running(&client, "w");
    let mut again = world.cluster.starts[1].clone();
    again.started_by = "ls-another".into();
    again.environment.insert("MESOS_TASK_ID".into(), "g1".into());
    world.restart();
    let now = world.now;
    world.cluster.accept(now, &again);
    let second = world.cluster.arn_of("g1");
    assert_ne!(second, group);
    world.cluster.runs(&second);
    world.run_for(3_000);
    assert_eq!(world.cluster.stops, Vec::<Str>::new());
    let client = world.subscribe(returning(&client));
    let told = taken(&mut world, &client);
    let running = |one: &&TaskStatus| one.state() == TaskState::TaskRunning;
    let mut states: Vec<_> = told.iter().filter(running).map(|one| &*one.task_id.value).collect();
    states.sort_unstable();
    assert_eq!(states, ["g1", "g2", "w"]);
    world.cluster.exits(&group, "g2", 0);
    world.soon();
    let told = taken(&mut world, &client);
    let ends: Vec<_> = told.iter().map(|one| (&*one.task_id.value, one.state())).collect();
    assert_eq!(ends, [("g2", TaskState::TaskFinished)]);
}

/// What ECS was told says that all had ended.
#[test]
fn a_group_that_ended_well_is_told_so_after_a_restart() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = running(&mut world, &client);
    world.cluster.exits(&arn, "g1", 0);
    world.cluster.exits(&arn, "g2", 0);
    world.soon();
    let reason = world.cluster.reasons.last().cloned().unwrap_or_default();
    assert_eq!(&*reason, "All tasks of the Mesos group have ended");
    world.cluster.ends_with(&arn, StopCode::UserInitiated, Some(0), None, &reason);
    world.restart();
    let client = world.subscribe(returning(&client));
    world.soon();
    let states: Vec<_> = acknowledged(&mut world, &client).into_iter().map(|one| one.1).collect();
    assert_eq!(states.iter().filter(|one| **one == TaskState::TaskFinished).count(), 2);
    assert!(!states.contains(&TaskState::TaskKilled));
}

/// Whose fault it was stands in what ECS was told.
#[test]
fn a_group_that_was_ended_for_one_task_is_still_told_so_after_a_restart() {
    let (mut world, mut client) = World::with_client(&[(4096, 4096)]);
    let arn = running(&mut world, &client);
    world.cluster.exits(&arn, "g2", 3);
    world.soon();
    let reason = world.cluster.reasons.last().cloned().unwrap_or_default();
    assert_eq!(&*reason, "Killed since a task of its Mesos group ended: g2");
    world.cluster.ends_with(&arn, StopCode::UserInitiated, Some(143), None, &reason);
    world.restart();
    client = world.subscribe(returning(&client));
    world.soon();
    let ends = taken(&mut world, &client);
    let ends = ends.iter().filter(|one| one.state() != TaskState::TaskRunning);
    let ends: Vec<_> = ends.map(|one| (one.state(), one.message.clone())).collect();
    let failed = Some("Command exited with status 3".to_owned());
    assert_eq!(
        (ends[0].0, ends[1].clone()),
        (TaskState::TaskKilled, (TaskState::TaskFailed, failed))
    );
}

/// \[T9\]
#[test]
fn a_group_that_shows_only_after_the_restart_is_taken_over() {
    let (mut world, mut client) = World::with_client(&[(4096, 4096)]);
    world.hold = Some(|ask| matches!(ask, longshore_replica::Question::Start(..)));
    launched(&mut world, &client);
    let start = world.held_start();
    world.restart();
    client = world.subscribe(returning(&client));
    world.cluster.accept(world.now, &start);
    let arn = world.cluster.arn_of("g1");
    world.cluster.runs(&arn);
    world.run_for(3_000);
    let states: Vec<_> = acknowledged(&mut world, &client).into_iter().map(|one| one.1).collect();
    assert_eq!(states, [TaskState::TaskRunning; 2]);
}

/// Nobody needs it any more, and its executor would wait for ever.
#[test]
fn a_group_whose_tasks_have_all_been_launched_again_is_stopped() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = running(&mut world, &client);
    // The bridge ends before it has stopped the executor.
    world.hold = Some(|ask| matches!(ask, longshore_replica::Question::Stop(..)));
    world.cluster.exits(&arn, "g1", 0);
    world.cluster.exits(&arn, "g2", 0);
    world.soon();
    acknowledged(&mut world, &client);
    let offer = world.offers(&client).pop().expect("the rest is offered");
    let again = ["g1", "g2"].map(|id| sleeper(id, &offer, 0.5, 64.0));
    world.launch(&client, &[&offer], again.into());
    for id in ["g1", "g2"] {
        let arn = world.cluster.arn_of(id);
        world.cluster.runs(&arn);
    }
    world.soon();
    assert_eq!(acknowledged(&mut world, &client).len(), 2);
    world.hold = None;
    world.restart();
    assert_eq!(world.cluster.stops, [arn]);
    let client = world.subscribe(returning(&client));
    let states: Vec<_> = acknowledged(&mut world, &client).into_iter().map(|one| one.1).collect();
    assert_eq!(states, [TaskState::TaskRunning; 2]);
}

/// \[R1\]
#[test]
fn reconciliation_answers_for_each_task_of_a_group() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    running(&mut world, &client);
    let reconcile = Some(call::Reconcile::default());
    let call = call_of(reconcile);
    assert_eq!(world.call(&client, call), Response::Accepted);
    let told = taken(&mut world, &client);
    let told: Vec<_> = told
        .iter()
        .map(|one| (&*one.task_id.value, one.state(), one.executor_id.clone().map(|id| id.value)))
        .collect();
    let executor = Some("grp".to_owned());
    assert_eq!(
        told,
        [
            ("g1", TaskState::TaskRunning, executor.clone()),
            ("g2", TaskState::TaskRunning, executor)
        ]
    );
}

fn call_of(reconcile: Option<call::Reconcile>) -> longshore_wire_mesos::v1::scheduler::Call {
    longshore_wire_mesos::v1::scheduler::Call { reconcile, ..kind(Type::Reconcile) }
}
