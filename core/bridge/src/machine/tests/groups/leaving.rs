//! Groups on agents that are drained, marked gone, away or put down: what becomes of one task becomes of all. Rules \[C18\], \[E1\], \[T32\].

use longshore_replica::Question;
use longshore_wire_mesos::v1::maintenance::{Schedule, Window};
use longshore_wire_mesos::v1::{
    DrainState, FrameworkInfo, MachineId, Resource, TaskId, TimeInfo, Unavailability, value,
};

use super::super::decisions::aware;
use super::super::world::{agent, returning};
use super::*;
use crate::operator::{AgentWish, Command};

const DRAIN: AgentWish = AgentWish::Drain { max_grace_ms: None, mark_gone: false };

/// A group that runs on the only instance; ARNs of both.
fn with_group() -> (World, Client, Str, Str) {
    let mut world = World::new(&[(4096, 4096)]);
    let client = world.subscribe(aware("one"));
    let arn = running(&mut world, &client);
    let instance = world.cluster.instances.keys().next().expect("there is one").clone();
    world.offers(&client);
    (world, client, arn, instance)
}

fn decided(world: &mut World, instance: &str, wish: AgentWish) {
    assert_eq!(world.wish(instance, wish), Some(Response::Done));
    world.soon();
}

/// State and reason of what both tasks are told, in order.
fn told(world: &mut World, client: &Client) -> Vec<(String, TaskState, Reason)> {
    let all = taken(world, client);
    all.iter().map(|one| (one.task_id.value.clone(), one.state(), one.reason())).collect()
}

fn both(state: TaskState, reason: Reason) -> Vec<(String, TaskState, Reason)> {
    ["g1", "g2"].map(|id| (id.to_owned(), state, reason)).into()
}

#[test]
fn a_group_on_an_agent_that_is_drained_is_killed_as_a_whole() {
    let (mut world, client, arn, instance) = with_group();
    decided(&mut world, &instance, DRAIN);
    assert_eq!(world.cluster.stops, std::slice::from_ref(&arn), "it is asked for once");
    let reason = world.cluster.reasons[0].clone();
    assert_eq!(&*reason, "Killed since its Mesos agent is taken out of use");
    let killing = told(&mut world, &client);
    assert_eq!(killing, both(TaskState::TaskKilling, Reason::AgentDraining));
    world.cluster.ends_with(&arn, StopCode::UserInitiated, Some(143), None, &reason);
    world.soon();
    let killed = told(&mut world, &client);
    assert_eq!(killed, both(TaskState::TaskKilled, Reason::AgentDraining));
    assert_eq!(failures(&mut world, &client), [("grp".to_owned(), 0)]);
    let view = world.view();
    let (shown, _) = view.agent(&agent(&instance).value).expect("it is shown");
    assert_eq!(shown.drain.as_ref().map(|drain| drain.state), Some(DrainState::Drained));
    assert_eq!(world.size("launches"), 0);
}

/// The master that began to drain it has ended before it said so to ECS.
#[test]
fn a_group_that_is_taken_over_on_a_draining_agent_is_killed() {
    let (mut world, client, arn, instance) = with_group();
    world.hold = Some(|ask| matches!(ask, Question::Stop(..)));
    decided(&mut world, &instance, DRAIN);
    world.hold = None;
    world.restart();
    assert_eq!(world.cluster.stops, std::slice::from_ref(&arn));
    let info = FrameworkInfo { capabilities: aware("one").capabilities, ..returning(&client) };
    let client = world.subscribe(info);
    let reason = world.cluster.reasons[0].clone();
    world.cluster.ends_with(&arn, StopCode::UserInitiated, Some(143), None, &reason);
    world.soon();
    let all = told(&mut world, &client);
    for id in ["g1", "g2"] {
        let last = all.iter().rfind(|one| one.0 == id).expect("it is told");
        assert_eq!((last.1, last.2), (TaskState::TaskKilled, Reason::AgentDraining));
    }
}

#[test]
fn a_group_on_an_agent_that_is_marked_gone_is_over_at_once() {
    let (mut world, client, arn, instance) = with_group();
    decided(&mut world, &instance, AgentWish::MarkGone);
    let gone = told(&mut world, &client);
    assert_eq!(gone, both(TaskState::TaskGoneByOperator, Reason::AgentRemovedByOperator));
    assert_eq!(world.failures(&client), [agent(&instance).value]);
    assert_eq!(world.cluster.stops, std::slice::from_ref(&arn));
    assert_eq!(world.seen(&client).executors().count(), 0);
    world.cluster.ends_with(&arn, StopCode::UserInitiated, Some(143), None, "gone");
    world.run_for(60_000);
    assert!(told(&mut world, &client).is_empty(), "nothing more is said of it");
    assert!(world.take(client.stream, EventType::Failure).is_empty());
    assert_eq!((world.size("launches"), world.size("updates")), (0, 0));
}

/// \[T32\]
#[test]
fn a_group_on_an_agent_that_is_away_is_unreachable_and_comes_back_with_it() {
    let (mut world, client, arn, instance) = with_group();
    world.cluster.change(&instance, |instance| instance.connected = false);
    world.run_for(90_000);
    let away = told(&mut world, &client);
    assert_eq!(away, both(TaskState::TaskUnreachable, Reason::AgentRemoved));
    let kill = call::Kill {
        task_id: TaskId { value: "g2".to_owned() },
        agent_id: Some(agent(&instance)),
        ..call::Kill::default()
    };
    assert!(world.cluster.stops.is_empty());
    world.cluster.change(&instance, |instance| instance.connected = true);
    world.run_for(10_000);
    let back = told(&mut world, &client);
    assert_eq!(back, both(TaskState::TaskRunning, Reason::AgentReregistered));
    let call = Call { kill: Some(kill), ..kind(Type::Kill) };
    assert_eq!(world.call(&client, call), Response::Accepted);
    world.soon();
    assert_eq!(world.cluster.stops, [arn]);
}

/// \[T32\], \[A16\]
#[test]
fn a_task_of_a_group_that_ended_while_its_agent_was_away_ends_the_group_when_it_is_back() {
    let (mut world, client, arn, instance) = with_group();
    world.cluster.change(&instance, |instance| instance.connected = false);
    world.run_for(90_000);
    told(&mut world, &client);
    world.cluster.exits(&arn, "g1", 3);
    world.run_for(60_000);
    assert!(world.cluster.stops.is_empty());
    world.cluster.change(&instance, |instance| instance.connected = true);
    world.run_for(10_000);
    let states: Vec<_> = told(&mut world, &client).into_iter().map(|one| (one.0, one.1)).collect();
    assert!(states.contains(&named(("g1", TaskState::TaskFailed))), "{states:?}");
    assert_eq!(world.cluster.stops, [arn]);
}

/// \[T32\]
#[test]
fn a_group_that_ends_while_its_agent_is_away_is_told_so_task_by_task() {
    let (mut world, client, arn, instance) = with_group();
    world.cluster.change(&instance, |instance| instance.connected = false);
    world.run_for(90_000);
    told(&mut world, &client);
    let kill = call::Kill { task_id: TaskId { value: "g2".to_owned() }, ..call::Kill::default() };
    let call = Call { kill: Some(kill), ..kind(Type::Kill) };
    assert_eq!(world.call(&client, call), Response::Accepted);
    world.soon();
    assert_eq!(world.cluster.stops, std::slice::from_ref(&arn), "ECS is told of the whole task");
    world.updates(&client);
    let reason = world.cluster.reasons[0].clone();
    world.cluster.ends_with(&arn, StopCode::UserInitiated, Some(143), None, &reason);
    world.run_for(9_000);
    let states: Vec<_> = told(&mut world, &client).into_iter().map(|one| (one.0, one.1)).collect();
    let killed = [("g1", TaskState::TaskKilled), ("g2", TaskState::TaskKilled)].map(named);
    assert_eq!(states, killed);
    assert_eq!(world.size("launches"), 0);
}

#[test]
fn a_group_on_a_machine_that_is_put_down_is_lost() {
    let (mut world, client, arn, _) = with_group();
    let machine = MachineId { hostname: Some(format!("i-{:017x}", 1)), ip: None };
    let start = TimeInfo { nanoseconds: 1_900_000_000_000_000_000 };
    let unavailability = Unavailability { start, duration: None };
    let window = Window { machine_ids: vec![machine.clone()], unavailability };
    let schedule = Schedule { windows: vec![window] };
    for command in [Command::Maintenance(schedule), Command::MachinesDown(vec![machine])] {
        assert_eq!(world.command(command), Some(Response::Done));
        world.soon();
    }
    let lost = told(&mut world, &client);
    assert_eq!(lost, both(TaskState::TaskLost, Reason::AgentRemoved));
    assert_eq!(world.cluster.stops, [arn]);
}

/// \[O27\]: each container of a group is given what its task claims.
#[test]
fn the_gpus_of_a_group_are_asked_for_container_by_container_and_not_offered_again() {
    let mut world = World::new(&[(4096, 4096)]);
    let arn = world.cluster.instances.keys().next().expect("there is one").clone();
    world.cluster.change(&arn, |instance| (instance.gpus, instance.gpus_remaining) = (4, 4));
    world.run_for(60_000);
    let client = world.subscribe(able(framework("one"), &[Capability::GpuResources]));
    let offer = world.offer(&client);
    let mut group = two(&offer);
    for task in &mut group.task_group.tasks {
        task.resources.push(Resource {
            name: "gpus".to_owned(),
            r#type: value::Type::Scalar.into(),
            scalar: Some(value::Scalar { value: 1.0 }),
            ..Resource::default()
        });
    }
    world.accept(&client, &[&offer], operation(group));
    let gpus: Vec<_> = world.cluster.starts[0].others.iter().map(|one| one.gpus).collect();
    assert_eq!((world.cluster.starts[0].gpus, gpus), (None, vec![Some(1), Some(1)]));
    let left = world.offer(&client);
    assert_eq!(total(&[left], "gpus"), 2_000);
}
