//! Frameworks that come back, stay away or leave. Rules \[H14\] to \[H19\] and \[F1\] to \[F11\].

use longshore_replica::StopCode;
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::scheduler::event::Type as EventType;
use longshore_wire_mesos::v1::scheduler::{Call, call};
use longshore_wire_mesos::v1::{FrameworkInfo, TaskState};

use longshore_machine::Machine as _;
use longshore_wire_mesos::v1::framework_info::capability::Type as CapabilityType;

use super::world::{Client, World, able, framework, kind, returning};
use crate::limits::HEARTBEAT_MS;
use crate::machine::{Input, Response};

fn reconcile_all(world: &mut World, client: &Client) -> Response {
    world
        .call(client, Call { reconcile: Some(call::Reconcile::default()), ..kind(Type::Reconcile) })
}

fn teardown(world: &mut World, client: &Client) -> Response {
    world.call(client, kind(Type::Teardown))
}

/// A framework that may be away for `seconds`.
fn away(seconds: f64) -> FrameworkInfo {
    FrameworkInfo { failover_timeout: Some(seconds), ..framework("one") }
}

/// \[H11\]
#[test]
fn a_stream_begins_with_subscribed_and_a_heartbeat_and_beats_on() {
    let (mut world, client) = World::with_client(&[]);
    assert_eq!(world.take(client.stream, EventType::Heartbeat).len(), 1);
    world.run_for(10 * HEARTBEAT_MS);
    assert_eq!(world.take(client.stream, EventType::Heartbeat).len(), 10);
    world.step(Input::StreamEnded(client.stream));
    world.run_for(10 * HEARTBEAT_MS);
    assert!(world.take(client.stream, EventType::Heartbeat).is_empty());
}

/// \[H17\]
#[test]
fn each_subscription_without_an_id_is_a_framework_of_its_own() {
    let mut world = World::new(&[]);
    let (one, two) = (world.subscribe(framework("same")), world.subscribe(framework("same")));
    assert_ne!(one.id, two.id);
    assert!(one.id.ends_with("-0000") && two.id.ends_with("-0001"), "{} {}", one.id, two.id);
}

/// \[H14\], \[H15\]
#[test]
fn the_newest_subscription_takes_over_and_gets_what_was_not_acknowledged() {
    let (mut world, old) = World::with_client(&[(4096, 4096)]);
    let arn = world.running(&old, "t1");
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.soon();
    let told = world.updates(&old).pop().expect("it has finished");
    world.offers(&old);

    let new = world.subscribe(returning(&old));
    assert_eq!(new.id, old.id);
    assert_ne!(new.stream, old.stream);
    assert_eq!(world.errors(old.stream), ["Framework failed over"]);
    assert!(world.closed.contains(&old.stream));
    let again = world.updates(&new);
    assert_eq!(again.iter().map(|status| &status.uuid).collect::<Vec<_>>(), [&told.uuid]);
    assert!(
        matches!(reconcile_all(&mut world, &old), Response::Refused(400, _)),
        "its stream id is void"
    );

    world.step(Input::StreamEnded(old.stream));
    assert_eq!(
        reconcile_all(&mut world, &new),
        Response::Accepted,
        "the end of the old stream is old news"
    );
    world.soon();
    assert_eq!(world.offers(&new).len(), 1, "all that was held is offered anew, as one");
    assert!(world.rescinded(&old).is_empty());
}

/// \[F1\], \[F3\]
#[test]
fn a_framework_that_comes_back_in_time_finds_its_tasks() {
    let mut world = World::new(&[(4096, 4096)]);
    let client = world.subscribe(away(60.0));
    let arn = world.running(&client, "t1");
    world.step(Input::StreamEnded(client.stream));
    assert!(matches!(reconcile_all(&mut world, &client), Response::Refused(403, _)));
    world.run_for(59_000);
    let again =
        world.subscribe(FrameworkInfo { failover_timeout: Some(60.0), ..returning(&client) });
    world.run_for(120_000);
    assert!(world.cluster.stops.is_empty());
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.soon();
    assert_eq!(world.update(&again).state(), TaskState::TaskFinished);
}

/// What happened meanwhile is told as soon as someone listens. \[E3\]
#[test]
fn what_happens_while_a_framework_is_away_is_told_when_it_is_back() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    world.step(Input::StreamEnded(client.stream));
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(4));
    world.run_for(100_000);
    let again = world.subscribe(returning(&client));
    assert_eq!(world.update(&again).state(), TaskState::TaskFailed);
}

/// \[F2\], \[F3\], \[F10\]
#[test]
fn a_framework_that_stays_away_too_long_is_removed_with_its_tasks() {
    let mut world = World::new(&[(4096, 4096)]);
    let client = world.subscribe(away(60.0));
    let arn = world.running(&client, "t1");
    world.step(Input::StreamEnded(client.stream));
    world.run_for(59_999);
    assert!(world.cluster.stops.is_empty());
    world.run_for(1);
    assert_eq!(world.cluster.stops, [arn]);
    let Response::Stream(refused, _) = world.open(returning(&client)) else {
        panic!("a refusal is a stream as well")
    };
    assert_eq!(world.errors(refused), ["Framework has been removed"]);
    assert!(world.closed.contains(&refused));
}

/// \[F2\], \[F4\]
#[test]
fn without_a_failover_timeout_the_end_of_the_stream_is_the_end() {
    for seconds in [0.0, -5.0] {
        let mut world = World::new(&[(4096, 4096)]);
        let client = world.subscribe(away(seconds));
        let arn = world.running(&client, "t1");
        world.step(Input::StreamEnded(client.stream));
        assert_eq!(world.cluster.stops, [arn]);
        assert_eq!(
            reconcile_all(&mut world, &client),
            Response::Refused(400, "Framework cannot be found".to_owned())
        );
    }
}

/// \[F10\], \[F11\]
#[test]
fn teardown_stops_the_tasks_and_says_nothing_about_them() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    world.launched(&client, "t2");
    assert_eq!(teardown(&mut world, &client), Response::Accepted);
    assert!(world.closed.contains(&client.stream));
    assert_eq!(world.cluster.stops.len(), 2);
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(143));
    let other = world.cluster.arn_of("t2");
    world.cluster.ends(&other, StopCode::UserInitiated, None);
    world.run_for(60_000);
    assert_eq!(world.cluster.stops.len(), 2, "each is told to stop once");
    assert!(world.updates(&client).is_empty());
    assert!(world.size("launches") == 0 && world.size("offers") == 0);
    assert_eq!(
        teardown(&mut world, &client),
        Response::Refused(400, "Framework cannot be found".to_owned())
    );
}

/// A launch whose reply is on its way when its framework leaves must not be left running.
#[test]
fn a_launch_that_is_on_its_way_at_the_teardown_is_stopped_when_it_is_known() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let offer = world.offer(&client);
    world.hold = Some(|ask| matches!(ask, longshore_replica::Question::Start(..)));
    world.launch(&client, &[&offer], vec![super::world::sleeper("t1", &offer, 1.0, 128.0)]);
    teardown(&mut world, &client);
    world.run_for(5_000);
    assert!(world.cluster.stops.is_empty() && world.cluster.tasks.is_empty());
    world.release();
    assert_eq!(world.cluster.stops, [world.cluster.arn_of("t1")]);
}

#[test]
fn what_a_framework_that_left_had_is_offered_to_others() {
    let (mut world, one) = World::with_client(&[(1024, 1024)]);
    world.offer(&one);
    let two = world.subscribe(framework("two"));
    world.soon();
    assert!(world.offers(&two).is_empty());
    teardown(&mut world, &one);
    world.soon();
    assert_eq!(world.offers(&two).len(), 1);
}

fn with_roles(client: &Client, numbers: std::ops::Range<usize>) -> FrameworkInfo {
    let roles = numbers.map(|number| format!("role/{number:05}")).collect();
    FrameworkInfo { roles, ..able(returning(client), &[CapabilityType::MultiRole]) }
}

fn update(world: &mut World, client: &Client, framework_info: FrameworkInfo) -> Response {
    let update = call::UpdateFramework { framework_info, ..Default::default() };
    world.call(client, Call { update_framework: Some(update), ..kind(Type::UpdateFramework) })
}

/// \[C60\]: roles that are dropped are taken apart a slice at a time, and nothing is offered for them from the first on.
#[test]
fn roles_that_a_framework_drops_go_over_many_steps_and_may_come_back_meanwhile() {
    const MANY: usize = 4_000;
    let mut world = World::new(&[(4096, 4096)]);
    world.audits = false;
    let client = world.subscribe(with_roles(&Client::known("f-1"), 0..MANY));
    world.soon();
    let offer = world.offer(&client);
    assert_eq!(update(&mut world, &client, with_roles(&client, MANY - 1..MANY)), Response::Done);
    assert_eq!(world.rescinded(&client), [offer.id.value]);
    assert!(world.view().role("role/03997").is_some(), "it is not all done at once");
    assert_eq!(update(&mut world, &client, with_roles(&client, MANY - 2..MANY)), Response::Done);
    world.audits = true;
    world.soon();
    let has = |world: &mut World, role: &str| {
        world.view().role(role).is_some_and(|entry| entry.frameworks().count() == 1)
    };
    assert!(has(&mut world, "role/03998") && has(&mut world, "role/03999"));
    assert!(!has(&mut world, "role/00000") && !has(&mut world, "role/03997"));
    let role = world.offer(&client).allocation_info.and_then(|one| one.role).expect("it is told");
    assert!(role == "role/03998" || role == "role/03999", "{role}");
    assert!(world.bridge.wake_at().is_some_and(|at| at > world.now), "it rests");
    teardown(&mut world, &client);
    world.soon();
    assert_eq!(world.view().roles().count(), 0);
}
