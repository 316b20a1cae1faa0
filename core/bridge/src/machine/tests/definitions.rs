//! Task definitions that were found, and are no longer what they were.

use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::{CommandInfo, TaskState};

use super::cluster::Fate;
use super::world::{Client, World, returning, sleeper};

/// Launches a task that names a definition, on the next offer.
fn launch_named(world: &mut World, client: &Client, id: &str, named: &str) {
    let offer = world.offer(client);
    let mut task = sleeper(id, &offer, 0.25, 64.0);
    task.command = Some(CommandInfo { value: Some(named.to_owned()), ..Default::default() });
    world.launch(client, &[&offer], vec![task]);
}

fn revisions(world: &World) -> Vec<String> {
    let starts = world.cluster.starts.iter();
    let revision = |arn: &str| arn.rsplit(':').next().unwrap_or_default().to_owned();
    starts.map(|start| revision(&start.definition)).collect()
}

#[test]
fn a_definition_that_was_replaced_since_it_was_found_is_looked_up_again() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.cluster.define("web", 256, 64);
    launch_named(&mut world, &client, "t1", "web");
    world.cluster.revise("web");
    launch_named(&mut world, &client, "t2", "web");
    assert_eq!(
        revisions(&world),
        ["1", "1", "2"],
        "the second one is refused, and starts after all"
    );
    assert!(world.updates(&client).is_empty());
    launch_named(&mut world, &client, "t3", "web");
    assert_eq!(revisions(&world).len(), 4, "what was found then is known from now on");
}

#[test]
fn content_whose_definition_was_deregistered_is_registered_again() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.launched(&client, "t1");
    let family = world.cluster.registrations[0].family.clone();
    world.cluster.deregister(&family);
    world.launched(&client, "t2");
    assert_eq!(revisions(&world), ["1", "1", "2"]);
    assert_eq!(world.cluster.registrations.len(), 2);
    assert!(world.updates(&client).is_empty());
}

#[test]
fn a_name_that_is_no_definition_any_more_is_a_command_of_the_size_that_was_claimed() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.cluster.define("web", 512, 256);
    launch_named(&mut world, &client, "t1", "web");
    world.cluster.deregister("web");
    launch_named(&mut world, &client, "t2", "web");
    assert!(world.updates(&client).is_empty());
    let last = world.cluster.starts.last().expect("it is started");
    assert_eq!(last.command.as_deref(), Some(&["web".into()][..]));
    assert_eq!((last.cpu, last.memory_mib), (Some(256), Some(64)));
    let arn = world.cluster.arn_of("t2");
    world.cluster.runs(&arn);
    world.soon();
    let status = world.updates(&client).pop().expect("it runs");
    assert_eq!((status.state(), status.message), (TaskState::TaskRunning, None));
}

/// A refusal for another reason is not made better by asking again.
#[test]
fn a_start_that_is_refused_while_its_definition_is_still_the_same_is_asked_for_once() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.cluster.define("web", 256, 64);
    launch_named(&mut world, &client, "t1", "web");
    for id in ["t2", "t3"] {
        world.cluster.fates.push_back(Fate::Refused);
        launch_named(&mut world, &client, id, "web");
        let status = world.update(&client);
        assert_eq!((status.state(), status.reason()), (TaskState::TaskError, Reason::TaskInvalid));
        assert_eq!(status.message.as_deref(), Some("ClientException: it is wrong"));
    }
    world.run_for(60_000);
    assert_eq!(world.cluster.starts.len(), 3);
}

/// Even a definition that changes with every look is looked up once for each launch.
#[test]
fn a_launch_that_is_refused_with_two_definitions_is_given_up() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.cluster.define("web", 256, 64);
    launch_named(&mut world, &client, "t1", "web");
    world.cluster.revise("web");
    world.cluster.fates.extend([Fate::Refused, Fate::Refused]);
    launch_named(&mut world, &client, "t2", "web");
    assert_eq!(world.update(&client).state(), TaskState::TaskError);
    assert_eq!(revisions(&world), ["1", "1", "2"]);
}

#[test]
fn what_a_task_says_goes_to_the_container_that_it_is_and_not_to_those_beside_it() {
    for (containers, container) in [
        (&[("proxy", false), ("app", true)][..], "app"),
        (&[("proxy", false), ("app", true), ("t1", true)][..], "t1"),
        (&[("t1", false), ("first", true), ("second", true)][..], "first"),
    ] {
        let (mut world, client) = World::with_client(&[(4096, 4096)]);
        world.cluster.define_with("web", containers, 256, 64);
        launch_named(&mut world, &client, "t1", "web");
        let start = &world.cluster.starts[0];
        assert_eq!((&*start.container, &start.command), (container, &None));
        let identity = ["MESOS_FRAMEWORK_ID", "MESOS_TASK_ID", "LONGSHORE_CLAIM"];
        assert!(identity.iter().all(|name| start.environment.contains_key(*name)));
        world.restart();
        let again = world.subscribe(returning(&client));
        let arn = world.cluster.arn_of("t1");
        world.cluster.runs(&arn);
        world.soon();
        let status = world.update(&again);
        assert_eq!((&*status.task_id.value, status.state()), ("t1", TaskState::TaskRunning));
    }
}

#[test]
fn what_was_registered_is_taken_even_where_its_label_is_not_shown() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.cluster.shows_labels = false;
    world.running(&client, "t1");
    assert_eq!(world.cluster.registrations.len(), 1);
}
