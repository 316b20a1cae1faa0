//! Events of the cluster: what they tell is told on at once, and what they do not tell is read.

use longshore_replica::{Instance, News, Question, StopCode, TasksAsk};
use longshore_wire_mesos::v1::{Offer, TaskState};

use super::world::{Client, SOON_MS, World, framework, sleeper};
use crate::machine::Input;

/// Milliseconds within which what an event tells is told on.
const AT_ONCE_MS: u64 = 5;

/// A bridge with one framework, and events that arrive.
fn hearing(instances: &[(u32, u32)]) -> (World, Client) {
    let (mut world, client) = World::with_client(instances);
    world.feed_up();
    (world, client)
}

fn cpus(offer: &Offer) -> f64 {
    let cpus = offer.resources.iter().find(|resource| resource.name == "cpus");
    cpus.and_then(|resource| resource.scalar.as_ref()).map_or(0.0, |scalar| scalar.value)
}

fn reads_in(world: &mut World, ms: u64) -> u32 {
    let before = world.cluster.reads;
    world.run_for(ms);
    world.cluster.reads - before
}

#[test]
fn what_happens_to_a_task_is_told_at_once_and_without_a_reading() {
    let (mut world, client) = hearing(&[(4096, 4096)]);
    let offer = world.offer(&client);
    let reads = world.cluster.reads;
    world.launch(&client, &[&offer], vec![sleeper("t1", &offer, 1.0, 128.0)]);
    let arn = world.cluster.arn_of("t1");
    world.cluster.runs(&arn);
    world.tell();
    assert_eq!(world.update(&client).state(), TaskState::TaskRunning);
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(3));
    world.tell();
    assert_eq!(world.update(&client).state(), TaskState::TaskFailed);
    assert_eq!(world.cluster.reads, reads);
}

#[test]
fn what_a_task_frees_is_offered_at_once() {
    let (mut world, client) = hearing(&[(1024, 1024)]);
    let arn = world.running(&client, "t1");
    // Cpus are gone; what is left is memory.
    world.offers(&client);
    let reads = world.cluster.reads;
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.tell();
    world.run_for(AT_ONCE_MS);
    let offers = world.offers(&client);
    assert_eq!(offers.iter().map(cpus).collect::<Vec<_>>(), [1.0]);
    assert_eq!(world.cluster.reads, reads);
}

/// Otherwise tasks and offers together would be more than the agent has. \[O2\]
#[test]
fn what_a_task_has_is_not_offered_before_its_end_is_told() {
    let (mut world, client) = hearing(&[(1024, 1024)]);
    let arn = world.running(&client, "t1");
    world.offers(&client);
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    let events = std::mem::take(&mut world.cluster.events);
    let (early, late): (Vec<News>, Vec<News>) =
        events.into_iter().partition(|event| matches!(event, News::Instance(..)));
    assert_eq!((early.len(), late.len()), (1, 1));
    world.step(Input::Told(early));
    world.run_for(AT_ONCE_MS);
    assert!(world.offers(&client).is_empty() && world.updates(&client).is_empty());
    world.step(Input::Told(late));
    world.run_for(AT_ONCE_MS);
    assert_eq!(world.update(&client).state(), TaskState::TaskFinished);
    assert_eq!(world.offers(&client).iter().map(cpus).collect::<Vec<_>>(), [1.0]);
}

#[test]
fn what_is_left_after_a_launch_is_offered_once_and_whole() {
    let (mut world, client) = hearing(&[(4096, 4096)]);
    let offer = world.offer(&client);
    world.launch(&client, &[&offer], vec![sleeper("t1", &offer, 1.0, 128.0)]);
    world.run_for(AT_ONCE_MS);
    let offers = world.offers(&client);
    assert_eq!(offers.iter().map(cpus).collect::<Vec<_>>(), [3.0]);
}

#[test]
fn a_cluster_that_tells_what_happens_is_hardly_read() {
    let (mut world, client) = hearing(&[(4096, 4096)]);
    world.running(&client, "t1");
    // Looks for launches of the last master are over.
    world.run_for(80_000);
    let reads = reads_in(&mut world, 300_000);
    // All instances, and all tasks, each every thirty seconds.
    assert!((10..=21).contains(&reads), "{reads} reads in five minutes");
}

#[test]
fn events_that_come_twice_late_or_turned_round_tell_what_they_told() {
    let (mut world, client) = hearing(&[(4096, 4096)]);
    let offer = world.offer(&client);
    world.tells = false;
    world.launch(&client, &[&offer], vec![sleeper("t1", &offer, 1.0, 128.0)]);
    let arn = world.cluster.arn_of("t1");
    world.cluster.runs(&arn);
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    let mut events = std::mem::take(&mut world.cluster.events);
    for event in &mut events {
        if let News::Task(task) = event {
            task.ran = true;
        }
    }
    events.reverse();
    let twice: Vec<News> = events.iter().chain(&events).cloned().collect();
    world.step(Input::Told(twice));
    let states = |world: &mut World| {
        let status = world.update(&client);
        world.run_for(1);
        status.state()
    };
    assert_eq!(states(&mut world), TaskState::TaskRunning);
    assert_eq!(states(&mut world), TaskState::TaskFinished);
    world.run_for(SOON_MS);
    assert!(world.updates(&client).is_empty());
}

#[test]
fn an_event_of_an_unknown_instance_offers_nothing_before_a_reading_has_shown_it() {
    let (mut world, client) = hearing(&[(1024, 1024)]);
    world.offers(&client);
    let ghost = Instance {
        arn: "arn:aws:ecs:us-east-1:123456789012:container-instance/default/feed".into(),
        active: true,
        connected: true,
        cpu: 8192,
        cpu_remaining: 8192,
        memory_mib: 8192,
        memory_mib_remaining: 8192,
        version: 9,
        ..Instance::default()
    };
    let listings = world.cluster.reads;
    let now = world.now.millis();
    world.step(Input::Told(vec![News::Instance(ghost, now)]));
    world.run_for(SOON_MS);
    assert!(world.offers(&client).is_empty());
    assert!(world.cluster.reads > listings, "it was not even looked for");
    let real = world.cluster.add_instance(2048, 2048);
    world.cluster.change(&real, |_| {});
    world.tell();
    world.run_for(SOON_MS);
    assert_eq!(world.offers(&client).len(), 1);
}

#[test]
fn an_instance_that_drains_takes_its_offer_back_at_once() {
    let (mut world, client) = hearing(&[(1024, 1024)]);
    let offer = world.offer(&client);
    let arn = world.cluster.instances.keys().next().expect("there is one").clone();
    world.cluster.change(&arn, |instance| instance.active = false);
    world.tell();
    assert_eq!(world.rescinded(&client), [offer.id.value]);
}

#[test]
fn health_which_no_event_tells_is_read_when_a_running_task_changed() {
    let (mut world, client) = hearing(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    let task = world.cluster.tasks.get_mut(&arn).expect("there is such a task");
    task.healthy = Some(false);
    task.version += 1;
    let told = longshore_replica::Task { healthy: None, ..task.clone() };
    world.step(Input::Told(vec![News::Task(told)]));
    world.run_for(100);
    assert_eq!(world.update(&client).healthy, Some(false));
}

#[test]
fn a_lost_event_is_made_up_for_by_a_reading_soon_after() {
    let (mut world, client) = hearing(&[(4096, 4096)]);
    world.launched(&client, "t1");
    let arn = world.cluster.arn_of("t1");
    world.cluster.runs(&arn);
    world.cluster.events.clear();
    world.run_for(2_500);
    assert_eq!(world.update(&client).state(), TaskState::TaskRunning);
}

#[test]
fn a_feed_that_tells_nothing_of_what_is_read_is_not_relied_on_until_it_does() {
    let (mut world, client) = hearing(&[(4096, 4096)]);
    world.tells = false;
    world.launched(&client, "t1");
    let arn = world.cluster.arn_of("t1");
    world.cluster.runs(&arn);
    world.run_for(2_500);
    assert_eq!(world.update(&client).state(), TaskState::TaskRunning);
    world.run_for(12_500);
    let deaf = "events of the cluster do not arrive";
    assert_eq!(world.notes.iter().filter(|note| note.starts_with(deaf)).count(), 1);
    // Read as without events: the end is known soon.
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.run_for(SOON_MS);
    assert_eq!(world.update(&client).state(), TaskState::TaskFinished);
    world.tells = true;
    let instance = world.cluster.instances.keys().next().expect("there is one").clone();
    world.cluster.change(&instance, |instance| instance.connected = false);
    world.tell();
    world.run_for(80_000);
    assert!(reads_in(&mut world, 60_000) <= 6, "events arrive and are not relied on");
}

#[test]
fn without_its_feed_the_bridge_reads_as_before() {
    let (mut world, client) = hearing(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    world.tells = false;
    world.step(Input::FeedDown("the queue is gone".to_owned()));
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.run_for(SOON_MS);
    assert_eq!(world.update(&client).state(), TaskState::TaskFinished);
    assert!(
        world.notes.iter().any(|note| note.ends_with("the queue is gone")),
        "{:?}",
        world.notes
    );
}

#[test]
fn what_happened_before_the_feed_was_there_is_read() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    world.hold = Some(|ask| matches!(ask, Question::Tasks(_, TasksAsk::Describe(_))));
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.hold = None;
    world.feed_up();
    assert_eq!(world.update(&client).state(), TaskState::TaskFinished);
}

#[test]
fn events_are_wanted_while_someone_is_there_to_be_told() {
    let mut world = World::new(&[(4096, 4096)]);
    assert!(!world.listens);
    let client = world.subscribe(framework("one"));
    assert!(world.listens);
    world.step(Input::StreamEnded(client.stream));
    world.run_for(50_000);
    assert!(world.listens, "frameworks come back");
    world.run_for(20_000);
    assert!(!world.listens);
    world.subscribe(framework("two"));
    assert!(world.listens);
}

#[test]
fn what_a_launch_reserves_is_not_subtracted_twice_when_the_event_comes_before_the_reply() {
    let (mut world, client) = hearing(&[(4096, 4096)]);
    let offer = world.offer(&client);
    world.hold = Some(|ask| matches!(ask, Question::Start(..)));
    world.launch(&client, &[&offer], vec![sleeper("t1", &offer, 1.0, 128.0)]);
    let start = world.held_start();
    // Accepted and told; the reply is still on its way.
    let answer = world.cluster.accept(world.now, &start);
    // Only the instance's event is there yet.
    world.cluster.events.truncate(1);
    world.tell();
    world.run_for(AT_ONCE_MS);
    assert!(world.offers(&client).is_empty(), "half of what is free was offered");
    world.reply_to_start(answer);
    world.run_for(AT_ONCE_MS);
    let offers = world.offers(&client);
    assert_eq!(offers.iter().map(cpus).collect::<Vec<_>>(), [3.0]);
}
