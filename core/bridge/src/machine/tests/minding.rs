//! Tasks that end without a word of their framework: their health check failed, or they took too long.

use longshore_replica::StopCode;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::framework_info::capability::Type as Capability;
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{
    CommandInfo, DurationInfo, FrameworkInfo, HealthCheck, TaskInfo, TaskState, TaskStatus,
    health_check,
};

use super::world::{Client, World, able, framework, returning, sleeper};

/// A framework whose only task, which has a health check, runs; ARN of its task.
fn checked(info: FrameworkInfo) -> (World, Client, Str) {
    let command = CommandInfo { value: Some("true".to_owned()), ..Default::default() };
    let check = HealthCheck {
        r#type: Some(health_check::Type::Command.into()),
        command: Some(command),
        ..Default::default()
    };
    running(info, |task| TaskInfo { health_check: Some(check), ..task })
}

/// A framework whose only task runs, and may take so many seconds; ARN of its task.
fn limited(info: FrameworkInfo, seconds: i64) -> (World, Client, Str) {
    let most = DurationInfo { nanoseconds: seconds * 1_000_000_000 };
    running(info, |task| TaskInfo { max_completion_time: Some(most), ..task })
}

fn running(info: FrameworkInfo, how: impl FnOnce(TaskInfo) -> TaskInfo) -> (World, Client, Str) {
    let mut world = World::new(&[(4096, 4096)]);
    let client = world.subscribe(info);
    let offer = world.offer(&client);
    let task = how(sleeper("t1", &offer, 1.0, 128.0));
    world.launch(&client, &[&offer], vec![task]);
    let arn = world.cluster.arn_of("t1");
    world.cluster.runs(&arn);
    world.soon();
    assert_eq!(world.update(&client).state(), TaskState::TaskRunning);
    (world, client, arn)
}

/// ECS gives a verdict, and does nothing.
fn verdict(world: &mut World, arn: &Str, healthy: bool) {
    let task = world.cluster.tasks.get_mut(arn).expect("it runs");
    task.healthy = Some(healthy);
    task.version += 1;
    // No event tells it, so the sweep over all tasks has to find it.
    world.run_for(31_000);
}

fn acknowledged(world: &mut World, client: &Client) -> Vec<TaskStatus> {
    let mut told = Vec::new();
    loop {
        let updates = world.updates(client);
        if updates.is_empty() {
            return told;
        }
        for status in updates {
            world.acknowledge(client, &status);
            if told.iter().all(|known: &TaskStatus| known.uuid != status.uuid) {
                told.push(status);
            }
        }
    }
}

/// \[A10\]
#[test]
fn a_task_whose_health_check_failed_is_told_unhealthy_stopped_and_told_killed() {
    let (mut world, client, arn) = checked(framework("one"));
    verdict(&mut world, &arn, true);
    assert_eq!(world.updates(&client).pop().and_then(|status| status.healthy), Some(true));
    assert!(world.cluster.stops.is_empty());
    let (mut world, client, arn) = checked(framework("one"));
    verdict(&mut world, &arn, false);
    assert_eq!(world.cluster.stops, std::slice::from_ref(&arn));
    let told = acknowledged(&mut world, &client);
    let [unhealthy] = &*told else { panic!("one update, not {told:?}") };
    let states = (unhealthy.state(), unhealthy.healthy, unhealthy.reason());
    let reason = Reason::TaskHealthCheckStatusUpdated;
    assert_eq!(states, (TaskState::TaskRunning, Some(false), reason));
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(143));
    world.soon();
    let killed = world.update(&client);
    assert_eq!((killed.state(), killed.healthy), (TaskState::TaskKilled, Some(false)));
    assert_eq!((killed.source(), killed.reason), (Source::Executor, None));
    world.run_for(60_000);
    assert_eq!(world.cluster.stops.len(), 1);
}

/// \[A10\], \[O27\]
#[test]
fn a_framework_that_knows_task_killing_hears_it_of_an_unhealthy_task_too() {
    let info = able(framework("one"), &[Capability::TaskKillingState]);
    let (mut world, client, arn) = checked(info);
    verdict(&mut world, &arn, false);
    let told = acknowledged(&mut world, &client);
    let states: Vec<TaskState> = told.iter().map(TaskStatus::state).collect();
    assert_eq!(states, [TaskState::TaskRunning, TaskState::TaskKilling]);
}

/// \[A10\]: a definition may have a check of its own, which Mesos knows nothing of.
#[test]
fn a_task_without_a_health_check_of_its_framework_is_not_killed_for_one() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    verdict(&mut world, &arn, false);
    assert_eq!(world.updates(&client).pop().and_then(|status| status.healthy), Some(false));
    assert!(world.cluster.stops.is_empty());
}

/// \[A10\]
#[test]
fn a_task_that_becomes_unhealthy_after_a_restart_is_killed_and_one_stopped_before_is_no_failure() {
    let (mut world, client, arn) = checked(framework("one"));
    world.restart();
    let again = world.subscribe(returning(&client));
    assert_eq!(world.update(&again).state(), TaskState::TaskRunning);
    verdict(&mut world, &arn, false);
    assert_eq!(world.cluster.stops, std::slice::from_ref(&arn));
    let task = world.cluster.tasks.get_mut(&arn).expect("it is there");
    task.stopped_reason = Some("Killed since its Mesos health check failed".into());
    world.restart();
    let once_more = world.subscribe(returning(&client));
    let said = "Killed since its Mesos health check failed";
    world.cluster.ends_with(&arn, StopCode::UserInitiated, Some(143), None, said);
    world.soon();
    let told = acknowledged(&mut world, &once_more).pop().expect("it is told");
    assert_eq!((told.state(), told.healthy), (TaskState::TaskKilled, Some(false)));
}

/// \[A13\]
#[test]
fn a_task_that_takes_longer_than_it_may_is_stopped_and_has_failed() {
    let info = able(framework("one"), &[Capability::TaskKillingState]);
    let (mut world, client, arn) = limited(info, 60);
    world.run_for(58_000);
    assert!(world.cluster.stops.is_empty());
    world.run_for(2_000);
    assert_eq!(world.cluster.stops, std::slice::from_ref(&arn));
    assert!(world.updates(&client).is_empty(), "TASK_KILLING is not told");
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(137));
    world.soon();
    let status = world.update(&client);
    let told = (status.state(), status.source(), status.reason());
    let reason = Reason::MaxCompletionTimeReached;
    assert_eq!(told, (TaskState::TaskFailed, Source::Executor, reason));
}

/// \[A13\]: from the start of the launch, whoever the master is by then.
#[test]
fn the_time_that_a_task_may_take_goes_on_over_a_restart() {
    let (mut world, client, arn) = limited(framework("one"), 60);
    world.run_for(30_000);
    world.restart();
    let again = world.subscribe(returning(&client));
    assert_eq!(world.update(&again).state(), TaskState::TaskRunning);
    world.run_for(27_000);
    assert!(world.cluster.stops.is_empty());
    world.run_for(3_000);
    assert_eq!(world.cluster.stops, std::slice::from_ref(&arn));
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(137));
    world.soon();
    let status = world.update(&again);
    let told = (status.state(), status.reason());
    assert_eq!(told, (TaskState::TaskFailed, Reason::MaxCompletionTimeReached));
}

/// \[A13\]
#[test]
fn a_task_that_ended_in_time_leaves_nothing_to_be_done_later() {
    let before = {
        let (mut world, client) = World::with_client(&[(4096, 4096)]);
        let arn = world.running(&client, "t1");
        world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
        world.soon();
        world.update(&client);
        world.run_for(60_000);
        world.size("agenda")
    };
    let (mut world, client, arn) = limited(framework("one"), 86_400);
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.soon();
    assert_eq!(world.update(&client).state(), TaskState::TaskFinished);
    world.run_for(60_000);
    assert_eq!(world.size("agenda"), before);
    assert!(world.cluster.stops.is_empty());
}

/// \[A13\], \[C33\]: who asked first is right.
#[test]
fn a_kill_that_came_before_the_time_was_over_is_a_kill() {
    let (mut world, client, arn) = limited(framework("one"), 10);
    world.kill(&client, "t1");
    world.run_for(20_000);
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(137));
    world.soon();
    assert_eq!(world.update(&client).state(), TaskState::TaskKilled);
}
