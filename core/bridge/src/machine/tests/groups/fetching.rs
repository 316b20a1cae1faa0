//! Files that are fetched for tasks of a group. Rules \[A2\], \[A16\].

use longshore_wire_ecs::fetch::exit_code;
use longshore_wire_mesos::v1::command_info::Uri;

use super::super::world::returning;
use super::*;

const URIS: [&str; 2] = ["http://files.example/app.tgz", "http://files.example/config"];

/// A group whose second task waits for its files; its ARN.
fn fetching() -> (World, Client, Str) {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let offer = world.offer(&client);
    let mut group = two(&offer);
    let uris = URIS.map(|uri| Uri { value: uri.to_owned(), ..Default::default() });
    let task = &mut group.task_group.tasks[1];
    task.command =
        Some(CommandInfo { uris: uris.into(), ..task.command.take().expect("it has one") });
    world.accept(&client, &[&offer], operation(group));
    world.soon();
    let arn = world.cluster.arn_of("g1");
    (world, client, arn)
}

#[test]
fn the_fetcher_of_a_task_takes_no_more_than_the_task_claims() {
    let (world, _, arn) = fetching();
    let names: Vec<&str> =
        world.cluster.tasks[&arn].containers.iter().map(|one| &*one.name).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    let (_, instance) = world.cluster.instances.first_key_value().expect("there is one");
    assert_eq!(instance.memory_mib_remaining, 4096 - 32 - 2 * 64);
}

/// Its container stops without having run: with the code that the agent of ECS gives it then.
#[test]
fn a_file_that_cannot_be_fetched_fails_its_task_and_kills_the_others() {
    let (mut world, client, arn) = fetching();
    world.cluster.change_container(&arn, "g1", |one| one.last_status = LastStatus::Running);
    world.cluster.fetched(&arn, exit_code(1).into(), None);
    world.cluster.exits(&arn, "g2", 143);
    world.soon();
    let told = taken(&mut world, &client);
    let failed: Vec<_> = told.iter().filter(|one| one.task_id.value == "g2").collect();
    assert_eq!(failed.len(), 1, "it never ran: {failed:?}");
    assert_eq!(
        (failed[0].state(), failed[0].reason()),
        (TaskState::TaskFailed, Reason::ContainerLaunchFailed)
    );
    let message = failed[0].message();
    assert!(message.contains(URIS[1]) && message.contains("'fetch-g2'"), "{message}");
    assert_eq!(world.cluster.stops, std::slice::from_ref(&arn));
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(143));
    world.soon();
    let states = acknowledged(&mut world, &client);
    assert_eq!(states.last(), Some(&named(("g1", TaskState::TaskKilled))));
}

#[test]
fn a_group_whose_files_are_there_goes_on_and_is_recognised_after_a_restart() {
    let (mut world, client, arn) = fetching();
    world.cluster.fetched(&arn, 0, None);
    world.cluster.runs(&arn);
    world.soon();
    let running = [("g1", TaskState::TaskRunning), ("g2", TaskState::TaskRunning)].map(named);
    assert_eq!(acknowledged(&mut world, &client), running);
    assert!(world.cluster.stops.is_empty());
    world.restart();
    let again = world.subscribe(returning(&client));
    let mut told = acknowledged(&mut world, &again);
    told.sort();
    assert_eq!(told, running);
    let offer = world.offer(&again);
    assert_eq!(total(std::slice::from_ref(&offer), "mem"), 1_000 * (4096 - 32 - 2 * 64));
}
