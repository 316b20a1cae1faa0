//! Large calls: what they lead to is the same as what many small ones would, and no step does all of it.

use longshore_machine::Machine;
use longshore_replica::{DefinitionAsk, Question, StopCode};
use longshore_wire_mesos::v1::framework_info::capability::Type as CapabilityType;
use longshore_wire_mesos::v1::offer::{Operation, operation};
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::scheduler::event::Type as EventType;
use longshore_wire_mesos::v1::scheduler::{Call, call};
use longshore_wire_mesos::v1::{
    Filters, FrameworkInfo, Offer, OfferId, TaskId, TaskInfo, TaskState, TaskStatus,
};

use super::world::{Client, SOON_MS, World, able, framework, kind, returning, sleeper, total};
use crate::limits;
use crate::machine::{CallId, Input, Response};

/// More than one batch of events, and more than one slice of launches.
const MANY: usize = 1_500;
/// Events that are on their way at most.
const WINDOW: usize = 2 * limits::EVENTS_PER_MARK as usize;

fn reconcile(names: impl IntoIterator<Item = String>) -> Call {
    let task = |value| call::reconcile::Task { task_id: TaskId { value }, agent_id: None };
    let tasks = names.into_iter().map(task).collect();
    Call { reconcile: Some(call::Reconcile { tasks }), ..kind(Type::Reconcile) }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("t{number:05}")).collect()
}

fn told(updates: &[TaskStatus]) -> Vec<String> {
    updates.iter().map(|status| status.task_id.value.clone()).collect()
}

/// The framework whose tasks a master before this one launched, with its stream.
fn with_left_over(count: usize) -> (World, Client) {
    let mut world = World::unread(&[(4096, 4096)]);
    for name in names(count) {
        world.cluster.left_over("f-1", &name);
    }
    world.run_for(SOON_MS);
    let client = Client::known("f-1");
    let client = world.subscribe(returning(&client));
    (world, client)
}

fn send(world: &mut World, client: &Client, call: Call) -> CallId {
    let framework_id = Some(longshore_wire_mesos::v1::FrameworkId { value: client.id.clone() });
    world.send(Call { framework_id, ..call }, Some(client.stream_id.clone()))
}

fn launch(offer: &Offer, tasks: Vec<TaskInfo>) -> Call {
    let operation = Operation {
        r#type: Some(operation::Type::Launch.into()),
        launch: Some(operation::Launch { task_infos: tasks }),
        ..Default::default()
    };
    let accept = call::Accept {
        offer_ids: vec![offer.id.clone()],
        operations: vec![operation],
        filters: Some(Filters { refuse_seconds: Some(0.0) }),
    };
    Call { accept: Some(accept), ..kind(Type::Accept) }
}

/// \[R7\]: as many answers as questions, in their order.
#[test]
fn answers_are_made_as_they_are_read_in_the_order_of_the_questions() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.reads = false;
    assert_eq!(world.call(&client, reconcile(names(4 * MANY))), Response::Accepted);
    let mut answers = told(&world.updates(&client));
    assert_eq!(answers.len(), WINDOW, "nothing has been read");
    world.soon();
    assert!(world.updates(&client).is_empty());
    while answers.len() < 4 * MANY {
        let stream = world.marks.pop_first().expect("a mark is out as long as answers wait");
        world.step(Input::Reached(stream));
        let more = told(&world.updates(&client));
        assert!(!more.is_empty() && more.len() <= WINDOW, "{}", more.len());
        answers.extend(more);
    }
    assert_eq!(answers, names(4 * MANY));
}

/// \[R1\]
#[test]
fn all_tasks_are_told_of_those_that_there_were_when_it_was_asked() {
    let (mut world, client) = with_left_over(MANY);
    for status in world.updates(&client) {
        world.acknowledge(&client, &status);
    }
    world.reads = false;
    assert_eq!(world.call(&client, reconcile([])), Response::Accepted);
    // One that has not been told of ends meanwhile, and another comes.
    let last = names(MANY).pop().expect("there are many");
    let arn = world.cluster.arn_of(&last);
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.run_for(60_000);
    world.reads = true;
    world.read();
    let updates = world.updates(&client);
    let ended = updates.iter().find(|status| status.state() == TaskState::TaskFinished);
    let ended = ended.expect("an update does not wait behind answers").clone();
    world.acknowledge(&client, &ended);
    let answers: Vec<TaskStatus> =
        updates.into_iter().filter(|status| status.uuid.is_none()).collect();
    assert_eq!(told(&answers), names(MANY));
    assert_eq!(answers.last().map(TaskStatus::state), Some(TaskState::TaskFinished));
}

#[test]
fn updates_are_repeated_to_a_framework_that_comes_back_as_it_reads_them() {
    let (mut world, client) = with_left_over(MANY);
    assert_eq!(told(&world.updates(&client)), names(MANY));
    world.reads = false;
    let again = world.subscribe(returning(&client));
    world.run_for(5_000);
    assert_eq!(world.updates(&again).len(), WINDOW);
    world.reads = true;
    world.read();
    assert_eq!(world.updates(&again).len(), MANY - WINDOW);
    world.run_for(limits::UPDATE_RETRY_MS_MIN);
    let repeated = told(&world.updates(&again));
    assert_eq!(repeated.len(), MANY, "each is repeated once, ten seconds after it was sent");
}

#[test]
fn questions_are_refused_while_too_many_answers_wait_and_taken_again_afterwards() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.reads = false;
    let mut asked = 0;
    let refused = loop {
        match world.call(&client, reconcile(names(WINDOW))) {
            Response::Accepted => asked += WINDOW,
            refused => break refused,
        }
        assert!(asked < 10_000_000, "questions pile up without a bound");
    };
    assert!(matches!(&refused, Response::Refused(429, why) if why.contains("read")), "{refused:?}");
    let kill = call::Kill { task_id: TaskId { value: "x".to_owned() }, ..Default::default() };
    let kill = Call { kill: Some(kill), ..kind(Type::Kill) };
    assert_eq!(world.call(&client, kill.clone()), refused, "its answer would wait as well");
    world.reads = true;
    world.read();
    assert_eq!(world.updates(&client).len(), asked);
    assert_eq!(world.call(&client, kill), Response::Accepted);
}

/// \[C16\], \[C17\]
#[test]
fn a_launch_of_many_tasks_goes_on_over_many_steps_and_nobody_is_offered_what_is_left_meanwhile() {
    let (mut world, client) = World::with_client(&[(4096, 65536)]);
    let offer = world.offer(&client);
    let tasks: Vec<TaskInfo> =
        names(600).iter().map(|name| sleeper(name, &offer, 0.001, 6.0)).collect();
    let id = send(&mut world, &client, launch(&offer, tasks));
    assert_eq!(world.response(id), None, "one step does not do all of it");
    let begun = world.size("launches");
    assert!((1..600).contains(&begun), "{begun}");
    let other = world.subscribe(framework("other"));
    let mut steps = 0;
    while world.size("launches") < 600 {
        assert!(world.offers(&other).is_empty(), "what is left is held");
        let mut out = Vec::new();
        world.bridge.tick(world.now, &mut out);
        world.take_in(out);
        world.tell();
        steps += 1;
    }
    assert!(steps > 1, "{steps}");
    world.soon();
    assert_eq!(world.response(id), Some(Response::Accepted));
    assert_eq!(world.cluster.starts.len(), 600);
    let left = [world.offers(&other), world.offers(&client)].concat();
    assert_eq!(total(&left, "mem"), (65_536 - 600 * 6) * 1_000);
}

#[test]
fn tasks_that_have_not_been_launched_when_their_framework_is_removed_never_are() {
    let (mut world, client) = World::with_client(&[(4096, 65536)]);
    let offer = world.offer(&client);
    let tasks = names(600).iter().map(|name| sleeper(name, &offer, 0.001, 6.0)).collect();
    let id = send(&mut world, &client, launch(&offer, tasks));
    let begun = world.size("launches");
    assert_eq!(world.call(&client, kind(Type::Teardown)), Response::Accepted);
    world.soon();
    assert_eq!(world.response(id), Some(Response::Accepted), "it has an answer all the same");
    assert!(world.cluster.starts.len() <= begun, "{}", world.cluster.starts.len());
    assert_eq!(world.cluster.stops.len(), world.cluster.starts.len());
}

/// What is wrong with tasks is told as it is read. Who reads once the call is answered must not wait for himself.
#[test]
fn work_whose_answers_are_not_read_waits_until_they_are_or_nobody_can() {
    for comes_back in [true, false] {
        let (mut world, client) = World::with_client(&[(4096, 4096)]);
        let offer = world.offer(&client);
        let wrong = |name: &String| TaskInfo { command: None, ..sleeper(name, &offer, 1.0, 64.0) };
        let tasks = names(4 * MANY).iter().map(wrong).collect();
        world.reads = false;
        let id = send(&mut world, &client, launch(&offer, tasks));
        world.run_for(5_000);
        assert_eq!(world.response(id), Some(Response::Accepted));
        assert_eq!(world.updates(&client).len(), WINDOW);
        assert!(world.size("jobs") > 0, "the rest is not even made");
        let again = world.call(&client, launch(&offer, Vec::new()));
        assert!(matches!(again, Response::Refused(429, _)), "{again:?}");
        if comes_back {
            world.reads = true;
            world.read();
            world.soon();
            assert_eq!(world.updates(&client).len(), 4 * MANY - WINDOW);
        } else {
            world.step(Input::StreamEnded(client.stream));
            world.soon();
        }
        assert!(world.size("jobs") == 0);
    }
}

#[test]
fn launches_that_wait_for_a_definition_go_on_over_many_steps() {
    let (mut world, client) = World::with_client(&[(4096, 65536)]);
    let offer = world.offer(&client);
    world.hold = Some(|ask| matches!(ask, Question::Definition(_, DefinitionAsk::Register(_))));
    let tasks = names(600).iter().map(|name| sleeper(name, &offer, 0.001, 6.0)).collect();
    let id = send(&mut world, &client, launch(&offer, tasks));
    world.soon();
    assert_eq!(world.response(id), Some(Response::Accepted));
    assert!(world.cluster.starts.is_empty());
    world.release();
    let at_once = world.cluster.starts.len();
    assert!(at_once < 600, "one step does not do all of it");
    world.soon();
    assert_eq!((world.cluster.starts.len(), world.cluster.registrations.len()), (600, 1));
}

#[test]
fn the_tasks_of_a_framework_that_ends_are_stopped_over_many_steps() {
    let (mut world, client) = with_left_over(MANY);
    assert_eq!(world.call(&client, kind(Type::Teardown)), Response::Accepted);
    let at_once = world.cluster.stops.len();
    assert!((1..MANY).contains(&at_once), "{at_once}");
    world.soon();
    assert_eq!(world.cluster.stops.len(), MANY);
    let view = world.view();
    let gone = view.completed().next().expect("it is shown");
    assert_eq!(gone.ended().count(), limits::COMPLETED_TASKS_MAX, "the last ones are kept");
}

#[test]
fn many_agents_are_offered_over_many_steps_and_each_once() {
    let mut world = World::unread(&vec![(1024, 1024); 3_000]);
    world.audits = false;
    world.run_for(SOON_MS);
    let client = world.subscribe(framework("one"));
    world.run_for(10_000);
    let events = world.take(client.stream, EventType::Offers);
    assert!(events.len() > 1, "{} events", events.len());
    let offers = events.into_iter().filter_map(|(_, event)| event.offers);
    let mut agents: Vec<String> =
        offers.flat_map(|offers| offers.offers).map(|offer| offer.agent_id.value).collect();
    agents.sort_unstable();
    agents.dedup();
    assert_eq!(agents.len(), 3_000);
    // They go back at once, though it takes many steps to free them.
    world.step(Input::StreamEnded(client.stream));
    let other = world.subscribe(framework("other"));
    world.run_for(10_000);
    assert_eq!(world.offers(&other).len(), 3_000);
}

#[test]
fn a_decline_of_many_offers_goes_on_over_many_steps() {
    let mut world = World::unread(&vec![(1024, 1024); 1_500]);
    world.run_for(SOON_MS);
    let client = world.subscribe(framework("one"));
    world.soon();
    let held = world.offers(&client);
    let mut offer_ids: Vec<OfferId> = held.iter().map(|offer| offer.id.clone()).collect();
    offer_ids.push(OfferId { value: "nobody's".to_owned() });
    let decline =
        call::Decline { offer_ids, filters: Some(Filters { refuse_seconds: Some(60.0) }) };
    let id = send(&mut world, &client, Call { decline: Some(decline), ..kind(Type::Decline) });
    assert_eq!(world.response(id), None, "one step does not do all of it");
    world.soon();
    assert_eq!(world.response(id), Some(Response::Accepted));
    assert!(world.offers(&client).is_empty() && world.size("offers") == 0);
    world.run_for(60_000);
    assert_eq!(world.offers(&client).len(), 1_500, "all filters end");
}

/// \[C31\]
#[test]
fn roles_are_bounded_by_number_and_together_and_each_is_named_once() {
    let mut world = World::new(&[(4096, 4096)]);
    let roles = |from: usize, count: usize| FrameworkInfo {
        roles: (from..from + count).map(|number| format!("role-{number}")).collect(),
        ..able(framework("many"), &[CapabilityType::MultiRole])
    };
    let refused = |world: &mut World, info: FrameworkInfo| {
        let Response::Stream(stream, _) = world.open(info) else { panic!("no stream") };
        world.errors(stream).pop().expect("an error")
    };
    let most = limits::ROLES_PER_FRAMEWORK_MAX;
    let why = refused(&mut world, roles(0, most + 1));
    assert!(why.contains("10001 roles") && why.contains("maximum is 10000"), "{why}");
    let twice = FrameworkInfo { roles: vec!["a".to_owned(); 2], ..roles(0, 0) };
    assert!(refused(&mut world, twice).contains("duplicate items: { a }"));
    for number in 0..limits::ROLES_MAX / most {
        world.subscribe(roles(number * most, most));
    }
    assert!(refused(&mut world, roles(0, 1)).contains("at most 50000 roles"));
}

#[test]
fn a_framework_info_that_is_too_large_is_refused() {
    let mut world = World::new(&[(4096, 4096)]);
    let info = FrameworkInfo { user: "x".repeat(2 << 20), ..framework("large") };
    let Response::Stream(stream, _) = world.open(info) else { panic!("no stream") };
    let why = world.errors(stream).pop().expect("an error");
    assert!(why.contains("'FrameworkInfo' has") && why.contains("maximum is 1048576"), "{why}");
}

#[test]
fn frameworks_are_counted_whether_they_bring_an_id_or_not_and_one_that_is_away_gives_way() {
    let mut world = World::new(&[(4096, 4096)]);
    world.audits = false;
    let with_id = |id: &str| returning(&Client::known(id));
    for number in 0..limits::FRAMEWORKS_MAX {
        let client = world.subscribe(with_id(&format!("f-{number:05}")));
        world.now = world.now + 1;
        world.step(Input::StreamEnded(client.stream));
    }
    for known in ["f-00007", "f-00000"] {
        world.subscribe(with_id(known));
    }
    assert!(world.notes.is_empty(), "they are no more than before: {:?}", world.notes);
    world.subscribe(with_id("new"));
    let gives_way = "removing framework f-00001, which is disconnected";
    assert!(world.notes.iter().any(|note| note.contains(gives_way)), "{:?}", world.notes);
    assert_eq!(world.size("frameworks"), limits::FRAMEWORKS_MAX);
}

#[test]
fn frameworks_that_are_away_and_have_tasks_give_way_to_nobody() {
    let mut world = World::unread(&[(4096, 4096)]);
    world.audits = false;
    for number in 0..limits::FRAMEWORKS_MAX {
        world.cluster.left_over(&format!("f-{number}"), "t");
    }
    world.soon();
    let Response::Stream(stream, _) = world.open(framework("last")) else { panic!("no stream") };
    let why = world.errors(stream).pop().expect("an error");
    assert!(why.contains("has reached its maximum"), "{why}");
}

/// What operators see is of one moment, however much happens while they look.
#[test]
fn a_view_is_given_at_once_and_goes_on_showing_its_moment() {
    let (mut world, client) = with_left_over(MANY);
    let before = world.view();
    assert_eq!(world.call(&client, kind(Type::Teardown)), Response::Accepted);
    world.soon();
    let shown = before.framework(&client.id).expect("it is shown");
    let mut ids: Vec<String> = shown.tasks().map(|task| task.id.to_string()).collect();
    ids.sort_unstable();
    assert_eq!(ids, names(MANY));
    assert!(world.view().framework(&client.id).is_none());
}
