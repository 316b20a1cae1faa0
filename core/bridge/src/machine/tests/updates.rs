//! Updates and their acknowledgement. Rules \[T2\] to \[T9\].

use longshore_replica::StopCode;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::framework_info::capability::Type as Capability;
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::scheduler::{Call, call};
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{AgentId, FrameworkId, TaskId, TaskState, TaskStatus};

use super::world::{Client, World, able, agent, framework, kind, sleeper};
use crate::check;
use crate::machine::Response;

/// A framework whose only task has just finished; it has not acknowledged that.
fn finished() -> (World, Client, TaskStatus) {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.soon();
    let status = world.updates(&client).pop().expect("it is told");
    assert_eq!(status.state(), TaskState::TaskFinished);
    (world, client, status)
}

fn reconcile(
    world: &mut World,
    client: &Client,
    tasks: &[(&str, Option<AgentId>)],
) -> Vec<TaskStatus> {
    let task = |(id, agent_id): &(&str, Option<AgentId>)| call::reconcile::Task {
        task_id: TaskId { value: (*id).to_owned() },
        agent_id: agent_id.clone(),
    };
    let reconcile = call::Reconcile { tasks: tasks.iter().map(task).collect() };
    let call = Call { reconcile: Some(reconcile), ..kind(Type::Reconcile) };
    assert_eq!(world.call(client, call), Response::Accepted);
    world.updates(client)
}

/// Launches `t1`, which there may be already, on what was offered last.
fn launch_t1(world: &mut World, client: &Client) {
    world.run_for(1_500);
    let offer = world.offers(client).pop().expect("something is free");
    world.launch(client, &[&offer], vec![sleeper("t1", &offer, 0.5, 64.0)]);
}

/// The next update, acknowledged.
fn awaited(world: &mut World, client: &Client, seconds: u32) -> TaskStatus {
    for _ in 0..seconds {
        world.run_for(1_000);
        if let Some(status) = world.updates(client).pop() {
            world.acknowledge(client, &status);
            return status;
        }
    }
    panic!("no update within {seconds} s")
}

/// \[T2\]
#[test]
fn an_update_is_repeated_at_growing_intervals_until_it_is_acknowledged() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.run_for(2_000_000);
    let told = world.timed_updates(&client);
    assert!(told.iter().all(|(_, status)| status.uuid == told[0].1.uuid), "it is one update");
    let gaps: Vec<u64> = told.windows(2).map(|pair| pair[1].0.since(pair[0].0) / 1_000).collect();
    assert_eq!(gaps, [10, 20, 40, 80, 160, 320, 600, 600]);
    world.acknowledge(&client, &told[0].1);
    world.run_for(2_000_000);
    assert!(world.updates(&client).is_empty());
}

/// \[T2\], \[E4\]: one update of a task is out at a time.
#[test]
fn the_next_update_waits_for_the_acknowledgement_of_the_one_before() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.launched(&client, "t1");
    let arn = world.cluster.arn_of("t1");
    world.cluster.runs(&arn);
    world.soon();
    let running = world.updates(&client).pop().expect("it runs");
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.run_for(9_000);
    assert!(world.updates(&client).is_empty());
    world.acknowledge(&client, &running);
    assert_eq!(world.update(&client).state(), TaskState::TaskFinished);
}

/// \[C35\], \[T4\]
#[test]
fn an_acknowledgement_with_another_uuid_is_ignored() {
    let (mut world, client, status) = finished();
    for uuid in [vec![0x17; 16], vec![0x40; 16]] {
        world.acknowledge(&client, &TaskStatus { uuid: Some(uuid), ..status.clone() });
    }
    world.run_for(10_000);
    let again = world.update(&client);
    assert_eq!((again.state(), again.uuid), (TaskState::TaskFinished, status.uuid));
}

/// \[C2\]
#[test]
fn bytes_that_name_no_version_are_no_uuid() {
    for uuid in [vec![0; 16], vec![0xff; 16], vec![0x41; 15], vec![0x41; 17]] {
        let acknowledge = call::Acknowledge { uuid, ..Default::default() };
        let call = Call {
            framework_id: Some(FrameworkId::default()),
            acknowledge: Some(acknowledge),
            ..kind(Type::Acknowledge)
        };
        let refused = check(call, None).expect_err("the uuid is none");
        assert_eq!(refused, "Failed to validate scheduler::Call: Not a valid UUID");
    }
}

/// \[C35\]
#[test]
fn an_acknowledgement_counts_once() {
    let (mut world, client, status) = finished();
    world.acknowledge(&client, &status);
    world.acknowledge(&client, &status);
    world.run_for(60_000);
    assert!(world.updates(&client).is_empty());
    assert!(world.size("launches") == 0);
}

#[test]
fn an_id_may_be_used_again_once_its_end_is_acknowledged() {
    let (mut world, client, status) = finished();
    launch_t1(&mut world, &client);
    let refused = world.update(&client);
    assert_eq!((refused.state(), refused.reason()), (TaskState::TaskError, Reason::TaskInvalid));
    world.acknowledge(&client, &status);
    launch_t1(&mut world, &client);
    assert!(world.updates(&client).is_empty());
    assert_eq!(world.cluster.starts.len(), 2);
}

/// \[R1\], \[R2\]
#[test]
fn reconciliation_tells_what_was_last_told() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    assert!(reconcile(&mut world, &client, &[]).is_empty());
    world.launched(&client, "t1");
    let on: Str = world.cluster.starts[0].instance.clone();
    for (asked, state) in
        [(vec![], TaskState::TaskStaging), (vec![("t1", None)], TaskState::TaskStaging)]
    {
        let told = reconcile(&mut world, &client, &asked);
        assert_eq!(told.iter().map(TaskStatus::state).collect::<Vec<_>>(), [state]);
        assert_eq!((told[0].source(), told[0].reason()), (Source::Master, Reason::Reconciliation));
        assert_eq!((&told[0].uuid, &told[0].agent_id), (&None, &Some(agent(&on))));
    }
    let arn = world.cluster.arn_of("t1");
    world.cluster.runs(&arn);
    world.soon();
    let running = world.updates(&client).pop().expect("it runs");
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.soon();
    // [T3]: what is queued behind an update that is not acknowledged has not been told.
    assert_eq!(reconcile(&mut world, &client, &[])[0].state(), TaskState::TaskRunning);
    world.acknowledge(&client, &running);
    world.update(&client);
    assert!(reconcile(&mut world, &client, &[]).is_empty());
}

/// \[R3\], \[R7\]: rows 3 and 6, one answer for each entry, in order.
#[test]
fn reconciliation_of_what_is_not_known_depends_on_agent_and_framework() {
    let mut world = World::new(&[(4096, 4096)]);
    let plain = world.subscribe(framework("one"));
    let aware = world.subscribe(able(framework("two"), &[Capability::PartitionAware]));
    let instance = world.cluster.instances.keys().next().cloned().expect("there is one");
    let asked = [("a", Some(agent(&instance))), ("b", Some(agent("x/elsewhere"))), ("c", None)];
    for (client, states) in [
        (&plain, [TaskState::TaskLost; 3]),
        (&aware, [TaskState::TaskGone, TaskState::TaskUnknown, TaskState::TaskUnknown]),
    ] {
        let told = reconcile(&mut world, client, &asked);
        assert_eq!(told.iter().map(TaskStatus::state).collect::<Vec<_>>(), states);
        let agents: Vec<_> = told.iter().map(|status| status.agent_id.clone()).collect();
        assert_eq!(agents, [Some(agent(&instance)), Some(agent("x/elsewhere")), None]);
    }
}

/// \[A10\], \[T23\]
#[test]
fn a_verdict_of_health_checks_that_changes_is_an_update_of_its_own() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    for healthy in [true, false] {
        let task = world.cluster.tasks.get_mut(&arn).expect("it runs");
        task.healthy = Some(healthy);
        task.version += 1;
        // The instance does not change with it, so the sweep over all tasks has to find it.
        let status = awaited(&mut world, &client, 31);
        assert_eq!((status.state(), status.healthy), (TaskState::TaskRunning, Some(healthy)));
        assert_eq!(status.reason(), Reason::TaskHealthCheckStatusUpdated);
    }
}

/// \[C35\]: it goes to the agent that it names, and no other has the update.
#[test]
fn an_acknowledgement_that_names_another_agent_does_not_count() {
    let (mut world, client, status) = finished();
    let elsewhere = TaskStatus { agent_id: Some(agent("cluster/nosuch")), ..status.clone() };
    world.acknowledge(&client, &elsewhere);
    world.run_for(11_000);
    let again = world.updates(&client).pop().expect("it is repeated");
    assert_eq!(again.uuid, status.uuid);
    world.acknowledge(&client, &again);
    world.run_for(60_000);
    assert_eq!(world.updates(&client), []);
}
