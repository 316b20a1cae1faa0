//! Agents that are away for too long, and come back.

use longshore_replica::StopCode;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::scheduler::call::{self, Type};
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{TaskId, TaskInfo, TaskState, TaskStatus};

use super::decisions::aware;
use super::watched;
use super::world::{Client, World, agent, framework, kind, sleeper};
use crate::Probed;
use crate::machine::Response;
use crate::operator::AgentWish;

/// A framework with a task that runs on the first of two instances; both ARNs.
fn with_task(info: longshore_wire_mesos::v1::FrameworkInfo) -> (World, Client, Str, Str) {
    let mut world = World::new(&[(1024, 1024)]);
    let client = world.subscribe(info);
    let task = world.running(&client, "t");
    let arn = world.cluster.instances.keys().next().expect("there is one").clone();
    world.soon();
    world.offers(&client);
    (world, client, arn, task)
}

impl World {
    fn connected(&mut self, arn: &str, connected: bool) {
        self.cluster.change(arn, |instance| instance.connected = connected);
        self.run_for(5_000);
    }
}

/// \[T32\]
#[test]
fn an_agent_that_is_away_for_a_moment_keeps_its_tasks_without_a_word() {
    let (mut world, client, arn, _) = with_task(aware("one"));
    world.connected(&arn, false);
    world.run_for(60_000);
    assert_eq!(world.offers(&client), []);
    world.connected(&arn, true);
    world.run_for(200_000);
    assert!(world.updates(&client).is_empty() && world.failures(&client).is_empty());
}

/// \[T32\], \[E1\], \[R3\] row 4, \[R5\]
#[test]
fn tasks_of_an_agent_that_is_away_for_long_are_unreachable_until_it_is_back() {
    let (mut world, client, arn, _) = with_task(aware("one"));
    world.connected(&arn, false);
    world.run_for(80_000);
    world.tasks_come_first(&client);
    let status = world.update(&client);
    assert_eq!(status.state(), TaskState::TaskUnreachable);
    assert_eq!(
        (status.source(), status.reason(), status.uuid.is_some()),
        (Source::Master, Reason::AgentRemoved, false)
    );
    assert!(status.unreachable_time.is_some());
    assert_eq!(world.failures(&client), [agent(&arn).value]);
    assert_eq!(world.view().agent(&agent(&arn).value), None);
    assert_eq!(world.view().number("slaves_unreachable"), Some(1.0));
    let seen = world.seen(&client);
    let seen = seen.task("t").expect("it is shown");
    assert_eq!(seen.state, TaskState::TaskUnreachable);
    // [R1] It is none of the live ones; [R3] with its agent it is known to be unreachable, and without it it is not known.
    let all = longshore_wire_mesos::v1::scheduler::Call {
        reconcile: Some(call::Reconcile::default()),
        ..kind(Type::Reconcile)
    };
    assert_eq!(world.call(&client, all), Response::Accepted);
    assert_eq!(world.updates(&client), []);
    let answer = world.asked_for(&client, "t", Some(&arn));
    assert_eq!(answer.state(), TaskState::TaskUnreachable);
    assert_eq!(answer.unreachable_time, status.unreachable_time);
    assert_eq!(world.asked_for(&client, "t", None).state(), TaskState::TaskUnknown);
    world.run_for(700_000);
    assert_eq!(world.updates(&client), [], "it is told once");
    world.connected(&arn, true);
    let back = world.update(&client);
    assert_eq!(back.state(), TaskState::TaskRunning);
    assert_eq!(
        (back.source(), back.reason(), back.uuid.is_some()),
        (Source::Master, Reason::AgentReregistered, false)
    );
    assert!(world.view().agent(&agent(&arn).value).is_some());
    assert_eq!(world.view().number("slaves_unreachable"), Some(0.0));
    assert_eq!(world.asked_for(&client, "t", None).state(), TaskState::TaskRunning);
}

/// \[T23\]: what its health check found last is said with it, since nothing else would say it again.
#[test]
fn a_task_that_is_back_is_as_healthy_as_it_was() {
    let (mut world, client) = watched::world();
    let task = watched::run(&mut world, &client, |task| {
        let health_check = Some(watched::healthy(watched::PORT));
        watched::with_port(TaskInfo { health_check, ..task })
    });
    watched::comes_to(&mut world, Probed::Status(200));
    assert_eq!(world.update(&client).healthy, Some(true));
    let known = world.cluster.tasks.get_mut(&task).expect("it is there");
    // Whatever ECS says of its container: its framework did not ask for that.
    known.healthy = Some(false);
    let arn = known.instance_arn.clone().expect("it is on one");
    world.connected(&arn, false);
    world.run_for(80_000);
    world.updates(&client);
    world.connected(&arn, true);
    let back = world.update(&client);
    assert_eq!((back.reason(), back.healthy), (Reason::AgentReregistered, Some(true)));
    let view = world.seen(&client);
    let shown = view.task("t1").and_then(|task| task.statuses.last()?.healthy);
    assert_eq!(shown, Some(true));
}

/// What ECS shows while the agent counts as unreachable may come before it shows that the agent is back.
#[test]
fn what_became_of_a_task_while_its_agent_was_away_is_told_when_it_is_back() {
    let mut world = World::new(&[(1024, 1024)]);
    let client = world.subscribe(aware("one"));
    let offer = world.offer(&client);
    world.launch(&client, &[&offer], vec![sleeper("t", &offer, 0.5, 64.0)]);
    world.run_for(5_000);
    let starting = world.update(&client);
    assert_eq!(starting.state(), TaskState::TaskStarting);
    world.acknowledge(&client, &starting);
    let task = world.cluster.arn_of("t");
    let arn = world.cluster.instances.keys().next().expect("there is one").clone();
    world.connected(&arn, false);
    world.run_for(80_000);
    let last = world.updates(&client).pop().expect("it is told");
    assert_eq!(last.state(), TaskState::TaskUnreachable);
    world.cluster.runs(&task);
    world.run_for(60_000);
    assert_eq!(world.updates(&client), []);
    world.connected(&arn, true);
    let states: Vec<_> = world.updates(&client).iter().map(TaskStatus::state).collect();
    assert_eq!(states.last(), Some(&TaskState::TaskRunning), "{states:?}");
}

/// \[C41\]
#[test]
fn without_partition_awareness_the_task_is_lost_and_may_come_back() {
    let (mut world, client, arn, task) = with_task(framework("one"));
    world.connected(&arn, false);
    world.run_for(80_000);
    let status = world.update(&client);
    assert_eq!((status.state(), status.reason()), (TaskState::TaskLost, Reason::AgentRemoved));
    assert!(status.unreachable_time.is_some() && world.cluster.stops.is_empty());
    assert_eq!(world.asked_for(&client, "t", Some(&arn)).state(), TaskState::TaskLost);
    world.connected(&arn, true);
    assert_eq!(world.update(&client).state(), TaskState::TaskRunning);
    assert!(world.cluster.tasks[&task].desired_running);
}

/// \[L8\] row 2
#[test]
fn the_id_of_an_unreachable_task_is_not_free() {
    let (mut world, client, arn, _) = with_task(aware("one"));
    world.connected(&arn, false);
    world.run_for(80_000);
    world.update(&client);
    world.cluster.add_instance(1024, 1024);
    world.run_for(20_000);
    let offer = world.offers(&client).pop().expect("there is another agent");
    world.launch(&client, &[&offer], vec![sleeper("t", &offer, 0.5, 128.0)]);
    let status = world.update(&client);
    assert_eq!(status.state(), TaskState::TaskError);
    assert_eq!(status.message(), "Task reuses the ID of an unreachable task: t");
}

/// \[C32\]
#[test]
fn an_unreachable_task_that_is_killed_ends_as_soon_as_its_agent_is_back() {
    let (mut world, client, arn, task) = with_task(aware("one"));
    world.connected(&arn, false);
    world.run_for(80_000);
    world.update(&client);
    let kill = call::Kill {
        task_id: TaskId { value: "t".to_owned() },
        agent_id: Some(agent(&arn)),
        ..Default::default()
    };
    let kill = longshore_wire_mesos::v1::scheduler::Call { kill: Some(kill), ..kind(Type::Kill) };
    assert_eq!(world.call(&client, kill), Response::Accepted);
    assert_eq!(world.update(&client).state(), TaskState::TaskUnreachable);
    assert_eq!(world.cluster.stops.first(), Some(&task));
    world.connected(&arn, true);
    world.cluster.ends(&task, StopCode::UserInitiated, Some(143));
    world.run_for(5_000);
    let told = world.updates(&client);
    let states: Vec<TaskState> =
        told.iter().map(longshore_wire_mesos::v1::TaskStatus::state).collect();
    assert_eq!(states, [TaskState::TaskRunning, TaskState::TaskKilled]);
}

/// \[T2\]: an agent that is away keeps what is not acknowledged, and sends it again when it is back.
#[test]
fn an_update_that_is_out_is_not_repeated_while_its_agent_is_unreachable() {
    let mut world = World::new(&[(1024, 1024)]);
    let client = world.subscribe(aware("one"));
    world.launched(&client, "t");
    let task = world.cluster.arn_of("t");
    world.cluster.runs(&task);
    world.soon();
    let running = world.updates(&client).pop().expect("it runs");
    let arn = world.cluster.instances.keys().next().expect("there is one").clone();
    world.connected(&arn, false);
    world.run_for(80_000);
    world.updates(&client);
    world.run_for(700_000);
    assert_eq!(world.updates(&client), []);
    world.connected(&arn, true);
    let told = world.updates(&client);
    assert!(told.iter().any(|status| status.uuid == running.uuid), "{told:?}");
}

/// \[C41\], \[T31\]
#[test]
fn an_unreachable_task_whose_instance_is_terminated_is_gone() {
    let (mut world, client, arn, task) = with_task(aware("one"));
    world.connected(&arn, false);
    world.run_for(80_000);
    world.update(&client);
    world.failures(&client);
    let why = "Host EC2 (instance i-1) terminated.";
    world.cluster.ends_with(&task, StopCode::HostLost, None, None, why);
    world.cluster.instances.remove(&arn);
    world.run_for(90_000);
    let status = world.updates(&client).pop().expect("it is told");
    assert_eq!((status.state(), status.reason()), (TaskState::TaskGone, Reason::AgentRemoved));
    assert_eq!(world.failures(&client), Vec::<String>::new(), "that it is gone was told before");
    assert_eq!(world.size("agents that stand out"), 0);
}

/// \[R3\] row 5
#[test]
fn an_unreachable_agent_can_be_marked_gone() {
    let (mut world, client, arn, task) = with_task(aware("one"));
    world.connected(&arn, false);
    world.run_for(80_000);
    world.update(&client);
    world.failures(&client);
    assert_eq!(world.wish(&arn, AgentWish::MarkGone), Some(Response::Done));
    world.soon();
    assert_eq!(world.update(&client).state(), TaskState::TaskGoneByOperator);
    assert_eq!(world.cluster.stops, [task]);
    assert!(world.failures(&client).is_empty());
    world.connected(&arn, true);
    world.run_for(60_000);
    assert!(world.updates(&client).is_empty() && world.offers(&client).is_empty());
}
