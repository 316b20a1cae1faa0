//! What became of a task, in Mesos's words.

use longshore_replica::StopCode;
use longshore_wire_mesos::v1::TaskState;
use longshore_wire_mesos::v1::framework_info::capability::Type as Capability;
use longshore_wire_mesos::v1::scheduler::event::Type as EventType;
use longshore_wire_mesos::v1::task_status::{Reason, Source};

use super::world::{World, able, agent, framework, sleeper};
use crate::limits::MISSING_MS;

/// \[T31\]
#[test]
fn exit_codes_are_finished_or_failed() {
    for (code, state) in
        [(0, TaskState::TaskFinished), (3, TaskState::TaskFailed), (137, TaskState::TaskFailed)]
    {
        let (mut world, client) = World::with_client(&[(4096, 4096)]);
        let arn = world.running(&client, "t1");
        world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(code));
        world.soon();
        let status = world.update(&client);
        assert_eq!((status.state(), status.source()), (state, Source::Executor));
        assert_eq!(status.message, Some(format!("Command exited with status {code}")));
    }
}

#[test]
fn an_end_without_an_exit_code_is_a_failure() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, None);
    world.soon();
    let status = world.update(&client);
    assert_eq!(
        (status.state(), status.reason()),
        (TaskState::TaskFailed, Reason::ExecutorTerminated)
    );
}

/// \[T30\]
#[test]
fn a_task_that_ended_before_anyone_saw_it_run_is_told_by_its_end_alone() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.launched(&client, "t1");
    let arn = world.cluster.arn_of("t1");
    world.cluster.runs(&arn);
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.soon();
    assert_eq!(world.update(&client).state(), TaskState::TaskFinished);
}

#[test]
fn a_task_that_failed_to_start_says_why() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.launched(&client, "t1");
    let arn = world.cluster.arn_of("t1");
    let why = "CannotPullContainerError: no such image";
    world.cluster.ends_with(&arn, StopCode::FailedToStart, None, Some(why), "Task failed to start");
    world.soon();
    let status = world.update(&client);
    assert_eq!(
        (status.state(), status.reason()),
        (TaskState::TaskFailed, Reason::ContainerLaunchFailed)
    );
    assert_eq!(status.message.as_deref(), Some(why));
}

#[test]
fn a_task_that_ran_out_of_memory_says_so() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    let why = "OutOfMemoryError: Container killed due to memory usage";
    world.cluster.ends_with(
        &arn,
        StopCode::EssentialContainerExited,
        Some(137),
        Some(why),
        "Essential container exited",
    );
    world.soon();
    let status = world.update(&client);
    assert_eq!(
        (status.state(), status.reason()),
        (TaskState::TaskFailed, Reason::ContainerLimitationMemory)
    );
}

#[test]
fn a_task_that_someone_else_stopped_has_failed() {
    for code in [StopCode::UserInitiated, StopCode::Other("ServiceSchedulerInitiated".into())] {
        let (mut world, client) = World::with_client(&[(4096, 4096)]);
        let arn = world.running(&client, "t1");
        world.cluster.ends_with(&arn, code, Some(143), None, "maintenance");
        world.soon();
        let status = world.update(&client);
        assert_eq!(
            (status.state(), status.reason()),
            (TaskState::TaskFailed, Reason::ExecutorTerminated)
        );
        let text = "Stopped on Amazon ECS, not by the framework: maintenance";
        assert_eq!(status.message.as_deref(), Some(text));
    }
}

/// \[A10\], \[A13\]: another master on the cluster may see first that a task is to end, and says why as this one would.
#[test]
fn a_task_that_another_master_stopped_has_ended_as_if_this_one_had() {
    for (text, state, healthy) in [
        ("Killed since its Mesos health check failed", TaskState::TaskKilled, Some(false)),
        ("Killed since its Mesos max_completion_time is over", TaskState::TaskFailed, None),
    ] {
        let (mut world, client) = World::with_client(&[(4096, 4096)]);
        let arn = world.running(&client, "t1");
        world.cluster.ends_with(&arn, StopCode::UserInitiated, Some(143), None, text);
        world.soon();
        let status = world.update(&client);
        assert_eq!((status.state(), status.healthy), (state, healthy), "{text}");
    }
}

/// \[C41\]
#[test]
fn a_task_whose_host_was_lost_is_gone_or_lost() {
    for (info, state) in [
        (framework("one"), TaskState::TaskLost),
        (able(framework("one"), &[Capability::PartitionAware]), TaskState::TaskGone),
    ] {
        let mut world = World::new(&[(4096, 4096)]);
        let client = world.subscribe(info);
        let arn = world.running(&client, "t1");
        world.cluster.ends(&arn, StopCode::HostLost, None);
        world.soon();
        let status = world.update(&client);
        assert_eq!((status.state(), status.reason()), (state, Reason::AgentRemoved));
    }
}

/// \[C41\], \[T31\]: ECS has several words for it, and says some of them in the reason alone.
#[test]
fn a_task_whose_instance_was_removed_is_lost_with_it_and_has_not_failed() {
    let why = [
        (StopCode::UserInitiated, "Container instance deregistration forced by user"),
        (StopCode::Other("Odd".into()), "Host EC2 (instance i-0123456789abcdef0) terminated."),
        (StopCode::EssentialContainerExited, "Host EC2 (instance i-0123456789abcdef0) stopped."),
        (StopCode::HostLost, "Your Spot Task was interrupted."),
    ];
    for (code, text) in why {
        for (info, state) in [
            (framework("one"), TaskState::TaskLost),
            (able(framework("one"), &[Capability::PartitionAware]), TaskState::TaskGone),
        ] {
            let mut world = World::new(&[(4096, 4096)]);
            let client = world.subscribe(info);
            let arn = world.running(&client, "t1");
            world.cluster.ends_with(&arn, code.clone(), Some(137), None, text);
            world.soon();
            let status = world.update(&client);
            let told = (status.state(), status.source(), status.reason());
            assert_eq!(told, (state, Source::Master, Reason::AgentRemoved), "{text}");
            assert_eq!(status.message.as_deref(), Some(text));
        }
    }
}

/// \[C41\], \[E1\]
#[test]
fn tasks_on_an_instance_that_is_listed_no_more_are_lost_or_gone_by_the_word_of_the_master() {
    for (info, state) in [
        (framework("one"), TaskState::TaskLost),
        (able(framework("one"), &[Capability::PartitionAware]), TaskState::TaskGone),
    ] {
        let mut world = World::new(&[(4096, 4096), (4096, 4096)]);
        let client = world.subscribe(info);
        world.soon();
        let offers = world.offers(&client);
        world.launch(&client, &[&offers[0]], vec![sleeper("t1", &offers[0], 1.0, 128.0)]);
        let arn = world.cluster.arn_of("t1");
        world.cluster.runs(&arn);
        world.soon();
        assert_eq!(world.update(&client).state(), TaskState::TaskRunning);
        let instance = world.cluster.starts[0].instance.clone();
        world.cluster.lose(&instance);
        world.run_for(2 * MISSING_MS);
        let status = world.updates(&client).pop().expect("it is told, and told again");
        let told = (status.state(), status.source(), status.reason());
        assert_eq!(told, (state, Source::Master, Reason::AgentRemoved));
        assert_eq!(world.take(client.stream, EventType::Failure).len(), 1);
    }
}

/// \[E1\], \[O7\]
#[test]
fn an_instance_that_is_gone_takes_its_offers_and_tasks_with_it() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.running(&client, "t1");
    let left = world.offers(&client).pop().expect("what is left");
    let instance = world.cluster.instances.keys().next().cloned().expect("there is one");
    world.cluster.lose(&instance);
    world.run_for(5_000);
    let failures = world.take(client.stream, EventType::Failure);
    let agents: Vec<_> = failures
        .into_iter()
        .map(|(_, event)| event.failure.and_then(|failure| failure.agent_id))
        .collect();
    assert_eq!(agents, [Some(agent(&instance))]);
    assert_eq!(world.rescinded(&client), [left.id.value]);
    assert!(world.updates(&client).is_empty(), "the task is new: reads may be behind");
    world.run_for(2 * MISSING_MS);
    let status = world.updates(&client).pop().expect("it is told, and told again");
    assert_eq!((status.state(), status.reason()), (TaskState::TaskLost, Reason::AgentRemoved));
    world.acknowledge(&client, &status);
    assert!(world.size("launches") == 0);
}

#[test]
fn what_a_task_held_is_offered_again_when_it_has_ended() {
    let (mut world, client) = World::with_client(&[(1024, 1024)]);
    let arn = world.running(&client, "t1");
    world.offers(&client);
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.soon();
    assert_eq!(super::world::total(&world.offers(&client), "cpus"), 1_000);
}

#[test]
fn a_read_that_does_not_show_a_new_task_yet_is_no_sign_of_its_end() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.launched(&client, "t1");
    let arn = world.cluster.arn_of("t1");
    let hidden = world.cluster.tasks.remove(&arn).expect("it was accepted");
    world.soon();
    assert!(world.updates(&client).is_empty(), "nobody said that it ended");
    world.cluster.tasks.insert(arn.clone(), hidden);
    world.cluster.runs(&arn);
    world.soon();
    assert_eq!(world.update(&client).state(), TaskState::TaskRunning);
}

#[test]
fn a_task_that_no_read_shows_for_a_long_time_is_gone() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    world.cluster.tasks.remove(&arn);
    world.run_for(2 * MISSING_MS);
    let status = world.updates(&client).pop().expect("it is told, and told again");
    assert_eq!((status.state(), status.reason()), (TaskState::TaskLost, Reason::AgentRemoved));
}
