//! `LAUNCH_GROUP`: one ECS task, a status for each task of the group, and an end in common. Rules \[C18\], \[A16\], \[L4\].

mod fetching;
mod leaving;
mod recovery;
mod refusals;

use std::collections::BTreeMap;

use longshore_replica::{LastStatus, StopCode};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::host::NetworkMode;
use longshore_wire_mesos::v1::framework_info::capability::Type as Capability;
use longshore_wire_mesos::v1::offer::operation::LaunchGroup;
use longshore_wire_mesos::v1::offer::{Operation, operation};
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::scheduler::event::Type as EventType;
use longshore_wire_mesos::v1::scheduler::{Call, call, event};
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{
    AgentId, CommandInfo, DurationInfo, ExecutorId, HealthCheck, Offer, TaskState, TaskStatus,
};

use super::cluster::Fate;
use super::pieces::group;
use super::world::{Client, World, able, framework, kind, sleeper, total};
use crate::limits::{SETTLE_MS, STARTING_AFTER_MS};
use crate::machine::Response;

/// The operation that launches a group.
fn operation(group: LaunchGroup) -> Operation {
    Operation {
        r#type: Some(operation::Type::LaunchGroup.into()),
        launch_group: Some(group),
        ..Operation::default()
    }
}

/// A group of two tasks of half a core and 64 MB each.
fn two(offer: &Offer) -> LaunchGroup {
    group("grp", ["g1", "g2"].map(|id| sleeper(id, offer, 0.5, 64.0)).into())
}

/// Launches it on the next offer.
fn launched(world: &mut World, client: &Client) {
    let offer = world.offer(client);
    world.accept(client, &[&offer], operation(two(&offer)));
}

/// Launches it, and its framework knows that both tasks run; ARN of its task.
fn running(world: &mut World, client: &Client) -> Str {
    launched(world, client);
    let arn = world.cluster.arn_of("g1");
    world.cluster.runs(&arn);
    world.soon();
    let states = acknowledged(world, client);
    assert_eq!(states, [("g1", TaskState::TaskRunning), ("g2", TaskState::TaskRunning)].map(named));
    arn
}

fn named((id, state): (&str, TaskState)) -> (String, TaskState) {
    (id.to_owned(), state)
}

/// Takes all updates that come, acknowledging each; the state that each task was told to have.
fn acknowledged(world: &mut World, client: &Client) -> Vec<(String, TaskState)> {
    taken(world, client).iter().map(|one| (one.task_id.value.clone(), one.state())).collect()
}

/// The same as statuses.
fn taken(world: &mut World, client: &Client) -> Vec<TaskStatus> {
    let mut all = Vec::new();
    loop {
        let updates = world.updates(client);
        if updates.is_empty() {
            return all;
        }
        for status in &updates {
            if status.uuid.is_some() {
                world.acknowledge(client, status);
            }
        }
        all.extend(updates);
    }
}

/// The status of each FAILURE of an executor.
fn failures(world: &mut World, client: &Client) -> Vec<(String, i32)> {
    let events = world.take(client.stream, EventType::Failure);
    let failure =
        |one: event::Failure| (one.executor_id.unwrap_or_default().value, one.status.unwrap_or(-1));
    events.into_iter().filter_map(|(_, event)| event.failure.map(failure)).collect()
}

#[test]
fn a_group_is_one_ecs_task_with_a_container_for_each_task_and_one_for_the_executor() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    launched(&mut world, &client);
    let [start] = &*world.cluster.starts else {
        panic!("one start, not {:?}", world.cluster.starts)
    };
    assert_eq!(&*start.container, "executor");
    assert_eq!((start.cpu, start.memory_mib), (Some(102), Some(32)));
    let others: Vec<_> =
        start.others.iter().map(|one| (&*one.container, one.cpu, one.reserved_mib())).collect();
    assert_eq!(others, [("g1", 512, 64), ("g2", 512, 64)]);
    let told = |environment: &BTreeMap<Str, Str>| {
        ["MESOS_TASK_ID", "MESOS_EXECUTOR_ID", "MESOS_FRAMEWORK_ID", "LONGSHORE_CLAIM"]
            .map(|name| environment.get(name).map(ToString::to_string).unwrap_or_default())
    };
    let id = &*client.id;
    assert_eq!(told(&start.environment), ["", "grp", id, "cpus:0.1; disk:32; mem:32"]);
    assert_eq!(told(&start.others[1].environment), ["g2", "grp", id, "cpus:0.5; mem:64"]);
    let [content] = &*world.cluster.registrations else { panic!("one definition is registered") };
    assert_eq!(content.network_mode, Some(NetworkMode::Host));
    let names: Vec<&str> = content.others.iter().map(|one| &*one.container).collect();
    assert_eq!(names, ["g1", "g2"]);
    assert!(world.updates(&client).is_empty(), "nothing is claimed that the cluster did not say");
}

/// \[A16\], \[E1\]: as the recorded master did.
#[test]
fn each_task_of_a_group_ends_by_itself_and_the_executor_after_the_last() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = running(&mut world, &client);
    world.cluster.exits(&arn, "g1", 0);
    world.soon();
    let status = world.update(&client);
    assert_eq!(status.task_id.value, "g1");
    assert_eq!((status.state(), status.source()), (TaskState::TaskFinished, Source::Executor));
    assert_eq!(status.message.as_deref(), Some("Command exited with status 0"));
    assert_eq!(status.executor_id.map(|id| id.value).as_deref(), Some("grp"));
    let container = status.container_status.and_then(|one| one.container_id).expect("it has one");
    assert_eq!(container.value, "g1");
    assert!(container.parent.is_some_and(|parent| arn.ends_with(&parent.value.replace('-', ""))));
    assert!(world.cluster.stops.is_empty(), "one that ends well leaves the others alone");
    world.cluster.exits(&arn, "g2", 0);
    world.soon();
    assert_eq!(acknowledged(&mut world, &client), [named(("g2", TaskState::TaskFinished))]);
    assert_eq!(world.cluster.stops, std::slice::from_ref(&arn));
    assert!(failures(&mut world, &client).is_empty());
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(0));
    world.soon();
    assert_eq!(failures(&mut world, &client), [("grp".to_owned(), 0)]);
    world.run_for(60_000);
    assert_eq!((world.size("launches"), world.size("tasks")), (0, 0));
}

/// \[A16\]
#[test]
fn the_failure_of_one_task_kills_the_rest_of_its_group() {
    let mut world = World::new(&[(4096, 4096)]);
    let client = world.subscribe(able(framework("one"), &[Capability::TaskKillingState]));
    let arn = running(&mut world, &client);
    world.cluster.exits(&arn, "g2", 3);
    world.soon();
    let failed = taken(&mut world, &client);
    let told: Vec<_> = failed.iter().map(|one| (&*one.task_id.value, one.state())).collect();
    assert_eq!(told, [("g2", TaskState::TaskFailed), ("g1", TaskState::TaskKilling)]);
    assert_eq!(failed[0].message.as_deref(), Some("Command exited with status 3"));
    assert_eq!(world.cluster.stops.len(), 1);
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(143));
    world.soon();
    let [killed] = &*taken(&mut world, &client) else { panic!("one more update") };
    assert_eq!((&*killed.task_id.value, killed.state()), ("g1", TaskState::TaskKilled));
    assert_eq!(killed.message.as_deref(), Some("Killed since another task of its group has ended"));
    world.run_for(60_000);
    assert_eq!(world.size("launches"), 0);
}

/// \[A16\]
#[test]
fn tasks_that_fail_together_each_have_their_own_exit_code() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = running(&mut world, &client);
    world.cluster.exits(&arn, "g1", 1);
    world.cluster.exits(&arn, "g2", 2);
    world.soon();
    let messages: Vec<_> =
        taken(&mut world, &client).into_iter().filter_map(|one| one.message).collect();
    assert_eq!(messages, ["Command exited with status 1", "Command exited with status 2"]);
}

/// \[A16\]
#[test]
fn a_kill_of_one_task_kills_its_group() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = running(&mut world, &client);
    world.kill(&client, "g1");
    assert_eq!(world.cluster.stops, std::slice::from_ref(&arn));
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(0));
    world.soon();
    let killed = taken(&mut world, &client);
    let told: Vec<_> = killed.iter().map(|one| (&*one.task_id.value, one.state())).collect();
    assert_eq!(told, [("g1", TaskState::TaskKilled), ("g2", TaskState::TaskKilled)]);
    assert_eq!(killed[0].message.as_deref(), Some("Killed by the framework"));
}

/// \[C32\]
#[test]
fn a_kill_of_a_task_that_has_ended_leaves_its_group_alone() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = running(&mut world, &client);
    world.cluster.exits(&arn, "g1", 0);
    world.soon();
    // Its end is not acknowledged yet.
    world.kill(&client, "g1");
    world.soon();
    assert!(world.cluster.stops.is_empty());
}

/// \[C33\]
#[test]
fn a_group_is_killed_before_it_starts() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.hold = Some(|ask| matches!(ask, longshore_replica::Question::Definition(..)));
    launched(&mut world, &client);
    world.kill(&client, "g2");
    let told = taken(&mut world, &client);
    let reasons: Vec<_> = told.iter().map(|one| (one.state(), one.reason())).collect();
    assert_eq!(reasons, [(TaskState::TaskKilled, Reason::TaskKilledDuringLaunch); 2]);
    world.release();
    world.run_for(60_000);
    assert!(world.cluster.starts.is_empty() && world.size("launches") == 0);
    assert!(failures(&mut world, &client).is_empty(), "it never was");
}

/// \[C34\]
#[test]
fn a_shutdown_of_the_executor_kills_its_tasks() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = running(&mut world, &client);
    let agent = world.cluster.instances.keys().next().expect("there is one").clone();
    for (executor, stops) in [("other", 0), ("grp", 1)] {
        let shutdown = call::Shutdown {
            executor_id: ExecutorId { value: executor.to_owned() },
            agent_id: AgentId { value: agent.rsplit('/').next().unwrap_or_default().to_owned() },
        };
        let call = Call { shutdown: Some(shutdown), ..kind(Type::Shutdown) };
        assert_eq!(world.call(&client, call), Response::Accepted);
        assert_eq!(world.cluster.stops.len(), stops, "{executor}");
    }
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(143));
    world.soon();
    let states: Vec<_> = acknowledged(&mut world, &client).into_iter().map(|one| one.1).collect();
    assert_eq!(states, [TaskState::TaskKilled; 2]);
    assert_eq!(failures(&mut world, &client), [("grp".to_owned(), 0)]);
}

#[test]
fn each_task_of_a_group_that_is_long_on_its_way_is_starting() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    launched(&mut world, &client);
    world.run_for(STARTING_AFTER_MS + 1);
    let states: Vec<_> = acknowledged(&mut world, &client).into_iter().map(|one| one.1).collect();
    assert_eq!(states, [TaskState::TaskStarting; 2]);
    // One container may run long before the others.
    let arn = world.cluster.arn_of("g1");
    world.cluster.change_container(&arn, "g2", |one| one.last_status = LastStatus::Running);
    world.soon();
    assert_eq!(acknowledged(&mut world, &client), [named(("g2", TaskState::TaskRunning))]);
}

/// \[A10\], \[A16\]
#[test]
fn a_task_whose_health_check_fails_takes_its_group_with_it() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let offer = world.offer(&client);
    let mut asked = two(&offer);
    let command = CommandInfo { value: Some("true".to_owned()), ..CommandInfo::default() };
    asked.task_group.tasks[0].health_check =
        Some(HealthCheck { command: Some(command), ..HealthCheck::default() });
    world.accept(&client, &[&offer], operation(asked));
    let arn = world.cluster.arn_of("g1");
    world.cluster.runs(&arn);
    world.soon();
    acknowledged(&mut world, &client);
    world.cluster.change_container(&arn, "g1", |one| one.healthy = Some(true));
    world.soon();
    let [told] = &*taken(&mut world, &client) else { panic!("one verdict") };
    assert_eq!((&*told.task_id.value, told.healthy), ("g1", Some(true)));
    world.cluster.change_container(&arn, "g1", |one| one.healthy = Some(false));
    world.soon();
    assert_eq!(world.cluster.stops.len(), 1);
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(143));
    world.soon();
    let ends = taken(&mut world, &client);
    let ends = ends.iter().filter(|one| one.state() == TaskState::TaskKilled);
    let mut ends: Vec<_> = ends.map(|one| (&*one.task_id.value, one.healthy)).collect();
    ends.sort_unstable();
    assert_eq!(ends, [("g1", Some(false)), ("g2", None)]);
}

/// \[A13\], \[A16\]
#[test]
fn a_task_that_takes_too_long_fails_and_takes_its_group_with_it() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let offer = world.offer(&client);
    let mut asked = two(&offer);
    asked.task_group.tasks[1].max_completion_time =
        Some(DurationInfo { nanoseconds: 5_000_000_000 });
    world.accept(&client, &[&offer], operation(asked));
    let arn = world.cluster.arn_of("g1");
    world.cluster.runs(&arn);
    world.run_for(5_500);
    acknowledged(&mut world, &client);
    assert_eq!(world.cluster.stops.len(), 1);
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(143));
    world.soon();
    let ends: Vec<_> =
        taken(&mut world, &client).iter().map(|one| (one.state(), one.reason())).collect();
    let late = (TaskState::TaskFailed, Reason::MaxCompletionTimeReached);
    assert_eq!((ends[0].0, ends[1]), (TaskState::TaskKilled, late));
}

/// \[C18\]: at most once, as with any launch.
#[test]
fn a_group_whose_reply_is_lost_is_found_and_not_asked_for_again() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.cluster.fates.push_back(Fate::LostAfter);
    launched(&mut world, &client);
    let arn = world.cluster.arn_of("g2");
    world.cluster.runs(&arn);
    world.run_for(SETTLE_MS + 500);
    let states: Vec<_> = acknowledged(&mut world, &client).into_iter().map(|one| one.1).collect();
    assert_eq!(states, [TaskState::TaskRunning; 2]);
    world.run_for(60_000);
    assert_eq!((world.cluster.starts.len(), world.cluster.tasks.len()), (1, 1));
}

/// \[C18\]
#[test]
fn a_group_that_the_instance_does_not_take_is_dropped_as_a_whole() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.cluster.fates.push_back(Fate::NotStarted("RESOURCE:CPU"));
    launched(&mut world, &client);
    let told = taken(&mut world, &client);
    let reasons: Vec<_> = told.iter().map(|one| (one.state(), one.reason())).collect();
    assert_eq!(reasons, [(TaskState::TaskLost, Reason::InvalidOffers); 2]);
    assert_eq!(world.size("launches"), 0);
}

#[test]
fn what_a_group_holds_is_free_again_when_its_ecs_task_has_stopped() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = running(&mut world, &client);
    let offers = world.offers(&client);
    assert_eq!((total(&offers, "cpus"), total(&offers, "disk")), (2_900, 9_968_000));
    assert_eq!(offers[0].executor_ids, [ExecutorId { value: "grp".to_owned() }]);
    world.cluster.exits(&arn, "g1", 0);
    world.cluster.exits(&arn, "g2", 0);
    world.soon();
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(0));
    world.soon();
    acknowledged(&mut world, &client);
    for offer in &offers {
        world.decline(&client, offer, 0.0);
    }
    world.run_for(1_500);
    let offers = world.offers(&client);
    assert_eq!((total(&offers, "cpus"), total(&offers, "disk")), (4_000, 10_000_000));
    assert!(offers.iter().all(|offer| offer.executor_ids.is_empty()));
}

#[test]
fn operators_see_the_executor_of_a_group_and_what_it_uses() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = running(&mut world, &client);
    let seen = world.seen(&client);
    let [executor] = &*seen.executors().collect::<Vec<_>>() else { panic!("one executor") };
    assert_eq!((&*executor.id, executor.info.r#type().as_str_name()), ("grp", "DEFAULT"));
    assert_eq!(seen.task("g2").and_then(|task| task.executor.as_deref()), Some("grp"));
    let [(_, used)] = &*seen.used() else { panic!("one role") };
    assert_eq!((used.scalar("cpus"), used.scalar("disk")), (1_100, 32_000));
    world.kill(&client, "g1");
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(0));
    world.soon();
    acknowledged(&mut world, &client);
    let seen = world.seen(&client);
    assert_eq!((seen.executors().count(), seen.used().len(), seen.ended().count()), (0, 0, 2));
}

/// \[A16\]
#[test]
fn while_events_arrive_each_tells_what_became_of_one_task() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = running(&mut world, &client);
    world.feed_up();
    let reads = world.cluster.described.len();
    world.cluster.exits(&arn, "g1", 0);
    world.tell();
    assert_eq!(acknowledged(&mut world, &client), [named(("g1", TaskState::TaskFinished))]);
    world.run_for(10_000);
    assert!(world.cluster.described.len() <= reads + 1, "a group that runs is not asked about");
    world.cluster.exits(&arn, "g2", 4);
    world.tell();
    assert_eq!(acknowledged(&mut world, &client), [named(("g2", TaskState::TaskFailed))]);
    assert_eq!(world.cluster.stops.len(), 1);
}

/// Its tasks have all ended, and ECS takes a while to stop it.
#[test]
fn an_executor_whose_tasks_have_ended_makes_way_for_one_of_its_id() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = running(&mut world, &client);
    world.cluster.exits(&arn, "g1", 0);
    world.cluster.exits(&arn, "g2", 0);
    world.soon();
    acknowledged(&mut world, &client);
    let offers = world.offers(&client);
    let offer = offers.last().expect("the rest is offered");
    world.accept(&client, &[offer], operation(two(offer)));
    let second = world.cluster.arn_of("g1");
    world.cluster.runs(&second);
    world.soon();
    assert_eq!(acknowledged(&mut world, &client).len(), 2);
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(0));
    world.soon();
    assert_eq!(failures(&mut world, &client).len(), 1);
    assert_eq!(world.seen(&client).executors().count(), 1);
    world.kill(&client, "g2");
    assert_eq!(world.cluster.stops, [arn, second]);
}

/// \[F10\]
#[test]
fn a_framework_that_is_torn_down_takes_its_groups_with_it() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = running(&mut world, &client);
    assert_eq!(world.call(&client, kind(Type::Teardown)), Response::Accepted);
    assert_eq!(world.cluster.stops, std::slice::from_ref(&arn));
    // A task of it that ends by itself is nobody's any more, and the rest still has to end.
    world.cluster.exits(&arn, "g1", 1);
    world.soon();
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(143));
    world.run_for(60_000);
    assert_eq!((world.size("launches"), world.size("tasks")), (0, 0));
}

/// \[T31\]
#[test]
fn a_group_whose_agent_is_gone_is_lost_task_by_task() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = running(&mut world, &client);
    world.cluster.ends_with(
        &arn,
        StopCode::HostLost,
        None,
        None,
        "Host EC2 (instance i-1) terminated.",
    );
    world.soon();
    let told = taken(&mut world, &client);
    let reasons: Vec<_> = told.iter().map(|one| (one.state(), one.reason())).collect();
    assert_eq!(reasons, [(TaskState::TaskLost, Reason::AgentRemoved); 2]);
}
