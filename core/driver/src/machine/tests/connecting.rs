//! Finding the master, subscribing, and coming back.

use longshore_wire_mesos::v1::FrameworkId;
use longshore_wire_mesos::v1::scheduler::Event;
use longshore_wire_mesos::v1::scheduler::call::Type as CallType;
use longshore_wire_mesos::v1::scheduler::event::{self, Type};

use super::world::{World, framework, of, subscribed_event};
use crate::machine::{Config, Input};
use crate::{Answer, Callback, Command, Detection, Ending, Status, limits};

#[test]
fn a_driver_subscribes_with_the_master_that_leads_and_says_that_it_is_registered() {
    let mut world = World::new();
    world.command(Command::Start);
    assert_eq!((world.detects, world.subscribes.len()), (1, 0));
    world.leads("one:5050");
    let (_, address, call) = world.subscribes.last().cloned().unwrap();
    assert_eq!(
        (address.as_str(), call.r#type(), call.framework_id),
        ("one:5050", CallType::Subscribe, None)
    );
    world.accepted();
    let told = world.callbacks();
    let [Callback::Registered(id, info)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((id.value.as_str(), info.id.as_str()), ("f-1", "m"));
    assert!(world.driver.is_connected());
}

#[test]
fn a_framework_with_an_id_goes_on_where_it_was() {
    let id = FrameworkId { value: "f-1".to_owned() };
    let framework = longshore_wire_mesos::v1::FrameworkInfo { id: Some(id.clone()), ..framework() };
    let mut world = World::with(Config { framework, ..Config::default() });
    world.command(Command::Start);
    world.leads("one:5050");
    assert_eq!(world.subscribes[0].2.framework_id, Some(id));
    world.accepted();
    // It is this driver's first time.
    assert!(matches!(world.callbacks()[..], [Callback::Registered(..)]));
}

#[test]
fn an_empty_id_is_none() {
    let id = Some(FrameworkId::default());
    let framework = longshore_wire_mesos::v1::FrameworkInfo { id, ..framework() };
    let mut world = World::with(Config { framework, ..Config::default() });
    world.command(Command::Start);
    world.leads("one:5050");
    assert_eq!(world.subscribes[0].2.framework_id, None);
}

#[test]
fn a_stream_that_breaks_is_told_and_made_anew_with_the_id_of_the_framework() {
    let mut world = World::subscribed();
    world.breaks();
    assert_eq!(world.callbacks(), [Callback::Disconnected]);
    world.run_for(limits::BACKOFF_MS);
    assert_eq!(world.subscribes.len(), 2);
    assert_eq!(world.subscribes[1].2.framework_id.as_ref().unwrap().value, "f-1");
    world.accepted();
    assert!(matches!(world.callbacks()[..], [Callback::Reregistered(_)]));
}

#[test]
fn pauses_grow_and_stay_below_their_limit() {
    let mut world = World::new();
    world.command(Command::Start);
    world.leads("one:5050");
    let (mut longest, begun) = (0, world.now);
    for _ in 0..120 {
        let (before, sent) = (world.now, world.subscribes.len());
        world.breaks();
        while world.subscribes.len() == sent {
            world.run_for(100);
        }
        longest = longest.max(world.now.since(before));
    }
    assert!(
        (limits::BACKOFF_MS_MAX / 2..=limits::BACKOFF_MS_MAX + 100).contains(&longest),
        "{longest}"
    );
    // It is told once, and again every five minutes.
    let minutes = world.now.since(begun) / 60_000;
    let notes = u64::try_from(world.notes.len()).unwrap();
    assert!(minutes >= 10 && (2..=minutes / 5 + 1).contains(&notes), "{minutes}: {notes}");
}

#[test]
fn a_framework_that_is_soon_given_up_does_not_pause_for_long() {
    let framework =
        longshore_wire_mesos::v1::FrameworkInfo { failover_timeout: Some(60.0), ..framework() };
    let mut world = World::with(Config { framework, ..Config::default() });
    world.command(Command::Start);
    world.leads("one:5050");
    for _ in 0..20 {
        let sent = world.subscribes.len();
        world.breaks();
        world.run_for(6_000);
        assert!(world.subscribes.len() > sent);
    }
}

#[test]
fn a_master_that_says_nothing_for_three_intervals_is_left() {
    let mut world = World::subscribed();
    let first = world.attempt();
    for _ in 0..10 {
        world.run_for(15_000);
        world.hear(of(Type::Heartbeat));
    }
    assert_eq!(world.callbacks(), []);
    world.run_for(44_000);
    assert_eq!(world.callbacks(), []);
    world.run_for(1_500);
    assert_eq!(
        (world.callbacks(), &world.hung_up[..]),
        (vec![Callback::Disconnected], &[first][..])
    );
}

#[test]
fn a_master_is_not_blamed_for_what_the_scheduler_does_not_take() {
    let mut world = World::subscribed();
    for _ in 0..limits::CALLBACKS_MAX {
        world.hear(Event { offers: Some(event::Offers::default()), ..of(Type::Offers) });
    }
    assert!(world.driver.is_behind());
    world.run_for(600_000);
    assert!(world.driver.is_connected());
    world.callbacks();
    assert!(!world.driver.is_behind());
    world.run_for(46_000);
    assert_eq!(world.callbacks(), [Callback::Disconnected]);
}

#[test]
fn a_new_stream_is_not_blamed_for_what_the_scheduler_does_not_take() {
    let mut world = World::subscribed();
    for _ in 0..limits::CALLBACKS_MAX {
        world.hear(Event { offers: Some(event::Offers::default()), ..of(Type::Offers) });
    }
    world.breaks();
    world.run_for(limits::BACKOFF_MS);
    let attempt = world.attempt();
    world.input(Input::Opened(attempt, None));
    world.run_for(600_000);
    assert_eq!((world.hung_up.len(), world.subscribes.len()), (0, 2));
}

#[test]
fn what_was_said_while_nobody_listened_is_not_said_twice() {
    let mut world = World::subscribed();
    world.breaks();
    world.command(Command::Suppress(None));
    world.run_for(limits::BACKOFF_MS);
    world.accepted();
    assert_eq!(world.kinds(), []);
}

#[test]
fn a_subscribe_without_an_answer_is_given_up() {
    let mut world = World::new();
    world.command(Command::Start);
    world.leads("one:5050");
    world.run_for(limits::SUBSCRIBE_MS + limits::BACKOFF_MS);
    assert_eq!((world.hung_up.len(), world.subscribes.len()), (1, 2));
    // The same for a stream that stays empty.
    let attempt = world.attempt();
    world.input(Input::Opened(attempt, None));
    world.run_for(limits::SUBSCRIBE_MS + 2 * limits::BACKOFF_MS);
    assert_eq!(world.hung_up.len(), 2);
    assert_eq!(world.callbacks(), []);
}

#[test]
fn a_redirect_is_followed_and_forgotten_when_the_master_there_is_gone() {
    let mut world = World::new();
    world.command(Command::Start);
    world.leads("one:5050");
    world.ends(Ending::Elsewhere("two:5050".to_owned()));
    assert_eq!(world.subscribes.last().unwrap().1, "two:5050");
    world.accepted();
    world.callbacks();
    world.command(Command::Revive(None));
    assert_eq!(world.sent[0].address, "two:5050");
    world.breaks();
    world.run_for(limits::BACKOFF_MS);
    assert_eq!(world.subscribes.last().unwrap().1, "one:5050");
}

#[test]
fn masters_that_send_each_other_are_not_asked_for_ever() {
    let mut world = World::new();
    world.command(Command::Start);
    world.leads("one:5050");
    for _ in 0..=limits::HOPS_MAX {
        world.ends(Ending::Elsewhere("two:5050".to_owned()));
    }
    assert_eq!(world.subscribes.len(), 6);
    assert!(world.notes[0].contains("two:5050 says that two:5050 leads"), "{:?}", world.notes);
    world.run_for(limits::BACKOFF_MS);
    assert_eq!(world.subscribes.len(), 7);
}

#[test]
fn another_leader_is_followed_at_once() {
    let mut world = World::subscribed();
    let first = world.attempt();
    world.leads("one:5050");
    assert_eq!(world.hung_up, [], "it is the same");
    world.leads("two:5050");
    assert_eq!(
        (world.hung_up.clone(), world.callbacks()),
        (vec![first], vec![Callback::Disconnected])
    );
    assert_eq!(world.subscribes.last().unwrap().1, "two:5050");
    // What the old stream still says is of no interest.
    world.input(Input::Heard(first, Box::new(subscribed_event())));
    assert_eq!(world.callbacks(), []);
    world.accepted();
    assert!(matches!(world.callbacks()[..], [Callback::Reregistered(_)]));
}

#[test]
fn a_driver_waits_while_nobody_leads() {
    let mut world = World::subscribed();
    world.input(Input::Detected(Detection::Nobody));
    assert_eq!(world.callbacks(), [Callback::Disconnected]);
    world.run_for(600_000);
    assert_eq!(world.subscribes.len(), 1);
    world.leads("one:5050");
    assert_eq!(world.subscribes.len(), 2);
}

#[test]
fn a_master_that_is_not_ready_is_asked_again() {
    for status in [408, 429, 500, 503] {
        let mut world = World::new();
        world.command(Command::Start);
        world.leads("one:5050");
        world.refused(status, "recovering");
        world.run_for(limits::BACKOFF_MS);
        assert_eq!((world.subscribes.len(), world.driver.status()), (2, Status::Running));
    }
}

#[test]
fn what_will_not_change_ends_the_driver_with_an_error_that_says_why() {
    let cases = [
        (
            401,
            "401 Unauthorized.",
            "one:5050 wants a credential, and the framework has none or another one: 401 Unauthorized.",
        ),
        (403, "Framework has been removed", "Framework has been removed"),
        (400, "Invalid user", "one:5050 does not accept the framework: 400 Invalid user"),
        (404, "no", "one:5050 is not a Mesos master: 404 no"),
        (415, "what?", "one:5050 does not accept the framework: 415 what?"),
    ];
    for (status, text, error) in cases {
        let mut world = World::new();
        world.command(Command::Start);
        world.leads("one:5050");
        world.refused(status, text);
        assert_eq!(world.driver.status(), Status::Aborted);
        assert_eq!(world.callbacks(), [Callback::Error(error.to_owned())]);
        world.run_for(600_000);
        assert_eq!((world.subscribes.len(), world.finished), (1, 1));
    }
}

#[test]
fn a_master_that_cannot_be_found_ends_the_driver() {
    let mut world = World::new();
    world.command(Command::Start);
    world.input(Input::Detected(Detection::Failed("no such scheme".to_owned())));
    assert_eq!(world.driver.status(), Status::Aborted);
    assert_eq!(world.callbacks(), [Callback::Error("no such scheme".to_owned())]);
}

#[test]
fn a_stream_that_opens_too_late_is_hung_up() {
    let mut world = World::new();
    world.command(Command::Start);
    world.leads("one:5050");
    let first = world.attempt();
    world.run_for(limits::SUBSCRIBE_MS + limits::BACKOFF_MS);
    world.hung_up.clear();
    world.input(Input::Opened(first, None));
    assert_eq!(world.hung_up, [first]);
}

#[test]
fn roles_that_are_suppressed_stay_so_in_the_next_subscription() {
    let mut world = World::subscribed();
    world.command(Command::Suppress(None));
    world.breaks();
    world.run_for(limits::BACKOFF_MS);
    let suppressed = |world: &World| {
        world.subscribes.last().unwrap().2.subscribe.clone().unwrap().suppressed_roles
    };
    assert_eq!(suppressed(&world), ["*"]);
    // Also what is said while there is no subscription.
    world.breaks();
    world.command(Command::Revive(None));
    world.run_for(3 * limits::BACKOFF_MS);
    assert_eq!((suppressed(&world), world.subscribes.len()), (Vec::<String>::new(), 3));
}

#[test]
fn what_is_said_while_a_subscribe_is_out_is_told_when_it_is_answered() {
    let mut world = World::new();
    world.command(Command::Start);
    world.leads("one:5050");
    world.command(Command::Suppress(None));
    world.accepted();
    let sent = world.answer(Answer::Done);
    assert_eq!(sent.call.suppress.unwrap().roles, ["*"]);
    world.breaks();
    world.run_for(limits::BACKOFF_MS);
    world.command(Command::Revive(None));
    world.accepted();
    let sent = world.answer(Answer::Done);
    assert_eq!(sent.call.revive.unwrap().roles, ["*"]);
    world.breaks();
    world.run_for(limits::BACKOFF_MS);
    let other = longshore_wire_mesos::v1::FrameworkInfo { name: "other".to_owned(), ..framework() };
    let framework = Box::new(other);
    world.command(Command::Update { framework, suppressed_roles: Vec::new(), constraints: None });
    world.accepted();
    assert_eq!(world.kinds(), [CallType::UpdateFramework]);
}

#[test]
fn a_framework_is_what_it_was_when_its_update_is_refused() {
    let mut world = World::subscribed();
    let other = longshore_wire_mesos::v1::FrameworkInfo { name: "other".to_owned(), ..framework() };
    let framework = Box::new(other);
    world.command(Command::Update { framework, suppressed_roles: Vec::new(), constraints: None });
    world.answer(Answer::Refused { status: 400, text: "no".to_owned() });
    world.breaks();
    world.run_for(limits::BACKOFF_MS);
    let said = world.subscribes.last().unwrap().2.subscribe.clone().unwrap().framework_info;
    assert_eq!(said.name, "test");
}
