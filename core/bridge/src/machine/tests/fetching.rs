//! Files that are fetched before a task starts.

use longshore_replica::StopCode;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::fetch::exit_code;
use longshore_wire_mesos::v1::command_info::Uri;
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{CommandInfo, TaskState};

use super::pieces::{returning, total};
use super::world::{Client, World, sleeper};

const URIS: [&str; 2] = ["http://files.example/app.tgz", "http://files.example/config"];

/// A task that waits for its files; its ARN.
fn fetching() -> (World, Client, Str) {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let offer = world.offer(&client);
    let uri = |value: &str| Uri { value: value.to_owned(), ..Default::default() };
    let mut task = sleeper("t1", &offer, 1.0, 128.0);
    task.command =
        Some(CommandInfo { uris: URIS.map(uri).to_vec(), ..task.command.expect("it has one") });
    world.launch(&client, &[&offer], vec![task]);
    world.soon();
    let arn = world.cluster.arn_of("t1");
    (world, client, arn)
}

/// \[A2\]
#[test]
fn the_fetcher_takes_no_more_than_the_task_claims() {
    let (world, _, _) = fetching();
    let (instance, _) = world.cluster.instances.first_key_value().expect("there is one");
    let left = world.cluster.instances[instance].memory_mib_remaining;
    assert_eq!(left, 4096 - 128);
    assert!(world.cluster.registrations[0].fetch.is_some());
}

/// \[A2\], \[L5\], \[T31\]
#[test]
fn a_file_that_cannot_be_fetched_fails_the_task_and_is_named() {
    let told = "CannotFetchUriError: http://files.example/config: the server answers 404 Not Found";
    for (code, reason, expected) in [
        (
            exit_code(1).into(),
            Some(told),
            "Failed to fetch http://files.example/config: the server answers 404 Not Found",
        ),
        (
            exit_code(1).into(),
            None,
            "Failed to fetch http://files.example/config: the log of the container 'fetch' says why",
        ),
        (exit_code(7).into(), None, "Failed to fetch URI number 8 of the task"),
        (126, Some("exec format error"), "its fetcher exited with status 126: exec format error"),
    ] {
        let (mut world, client, arn) = fetching();
        world.cluster.fetched(&arn, code, reason);
        world.cluster.ends(&arn, StopCode::FailedToStart, None);
        world.soon();
        let status = world.update(&client);
        assert_eq!((status.state(), status.source()), (TaskState::TaskFailed, Source::Agent));
        assert_eq!(status.reason(), Reason::ContainerLaunchFailed);
        let message = status.message.expect("it says why");
        assert!(message.contains(expected), "{message}");
    }
}

/// \[A2\], \[A12\]
#[test]
fn a_task_that_is_killed_while_its_files_are_fetched_is_killed() {
    let (mut world, client, arn) = fetching();
    world.kill(&client, "t1");
    world.cluster.fetched(&arn, 143, None);
    world.cluster.ends(&arn, StopCode::UserInitiated, None);
    world.soon();
    assert_eq!(world.update(&client).state(), TaskState::TaskKilled);
}

/// \[A2\]
#[test]
fn a_task_whose_files_are_there_ends_by_its_own_exit_code() {
    for (code, state) in [
        (0, TaskState::TaskFinished),
        (3, TaskState::TaskFailed),
        // That of what fetched is no better one.
        (137, TaskState::TaskFailed),
    ] {
        let (mut world, client, arn) = fetching();
        world.cluster.fetched(&arn, 0, None);
        world.cluster.runs(&arn);
        world.soon();
        let running = world.update(&client);
        assert_eq!(running.state(), TaskState::TaskRunning);
        world.acknowledge(&client, &running);
        world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(code));
        world.soon();
        let status = world.update(&client);
        assert_eq!((status.state(), status.reason), (state, None));
    }
}

/// \[A2\], \[T9\]: ECS tells an environment of each of its containers.
#[test]
fn a_task_with_files_is_recognised_after_a_restart() {
    let (mut world, client, arn) = fetching();
    world.cluster.fetched(&arn, 0, None);
    world.cluster.runs(&arn);
    world.soon();
    let running = world.update(&client);
    world.acknowledge(&client, &running);
    world.restart();
    let again = world.subscribe(returning(&client));
    assert_eq!(world.update(&again).state(), TaskState::TaskRunning);
    let offer = world.offer(&again);
    assert_eq!(total(std::slice::from_ref(&offer), "cpus"), 3_000, "what it holds is not offered");
}
