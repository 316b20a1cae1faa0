//! Calls: in their order, once, and with an answer for each task.

use longshore_wire_mesos::v1::framework_info::{Capability, capability};
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{FrameworkInfo, OfferId, TaskState};

use super::world::{World, framework, kill, launch, update};
use crate::machine::Config;
use crate::{Answer, Callback, Command, Status, limits};

fn unsure() -> Answer {
    Answer::Unsure("reset by peer".to_owned())
}

#[test]
fn calls_are_sent_in_their_order_with_the_id_and_the_stream() {
    let mut world = World::subscribed();
    world.command(launch("t"));
    world.command(kill("t"));
    world.command(Command::Revive(None));
    assert_eq!(world.kinds(), [Type::Accept], "one at a time");
    let sent = world.answer(Answer::Done);
    assert_eq!(sent.call.framework_id.unwrap().value, "f-1");
    assert_eq!((sent.address.as_str(), sent.stream_id.as_deref()), ("one:5050", Some("stream")));
    world.answer(Answer::Done);
    assert_eq!(world.kinds(), [Type::Revive]);
}

#[test]
fn a_launch_of_no_task_gives_the_offer_back() {
    let mut world = World::subscribed();
    let offers = vec![OfferId { value: "o".to_owned() }];
    world.command(Command::launch(
        offers,
        Vec::new(),
        longshore_wire_mesos::v1::Filters::default(),
    ));
    assert_eq!(world.kinds(), [Type::Decline]);
}

#[test]
fn no_roles_are_not_all_roles() {
    let mut world = World::subscribed();
    assert_eq!(world.command(Command::Revive(Some(Vec::new()))), Status::Running);
    assert_eq!(world.command(Command::Suppress(Some(Vec::new()))), Status::Running);
    assert_eq!(world.kinds(), []);
}

#[test]
fn tasks_that_are_launched_without_a_subscription_are_lost_at_once() {
    let aware = Capability { r#type: Some(capability::Type::PartitionAware.into()) };
    let aware = FrameworkInfo { capabilities: vec![aware], ..framework() };
    for (framework, state) in [(framework(), TaskState::TaskLost), (aware, TaskState::TaskDropped)]
    {
        let mut world = World::with(Config { framework, ..Config::default() });
        world.subscribe();
        world.breaks();
        assert_eq!(world.callbacks(), [Callback::Disconnected]);
        assert_eq!(world.command(launch("t")), Status::Running);
        let told = world.callbacks();
        let [Callback::StatusUpdate(status)] = &told[..] else { panic!("{told:?}") };
        assert_eq!((status.state(), status.source()), (state, Source::Master));
        assert_eq!((status.reason(), status.uuid.as_ref()), (Reason::MasterDisconnected, None));
        assert_eq!(status.agent_id.as_ref().unwrap().value, "a");
        assert_eq!(world.kinds(), []);
    }
}

#[test]
fn what_waits_when_the_subscription_ends_is_told_lost_and_what_is_out_is_asked_about() {
    let mut world = World::subscribed();
    world.command(launch("out"));
    world.command(launch("waits"));
    world.breaks();
    let told = world.callbacks();
    assert!(matches!(told[0], Callback::Disconnected));
    let Callback::StatusUpdate(status) = &told[1] else { panic!("{told:?}") };
    assert_eq!((told.len(), status.task_id.value.as_str()), (2, "waits"));
    world.sent.clear();
    world.run_for(limits::BACKOFF_MS);
    world.accepted();
    assert_eq!(world.kinds(), [], "the launch may still be under way");
    world.run_for(limits::ASK_AFTER_MS);
    assert_eq!(world.kinds(), [Type::Reconcile]);
    let asked = world.sent[0].call.reconcile.clone().unwrap().tasks;
    assert_eq!((asked.len(), asked[0].task_id.value.as_str()), (1, "out"));
    // Once it is told, nobody asks again.
    world.answer(Answer::Done);
    world.hear(update("out", TaskState::TaskRunning, b""));
    world.breaks();
    world.run_for(3 * limits::BACKOFF_MS);
    world.accepted();
    world.run_for(10_000);
    assert_eq!(world.kinds(), []);
}

#[test]
fn a_launch_that_broke_off_alone_is_asked_about_until_it_is_told() {
    let mut world = World::subscribed();
    world.command(launch("t"));
    world.answer(unsure());
    // What was offered is given back, in case that it did not arrive.
    assert_eq!(world.kinds(), [Type::Decline]);
    world.answer(Answer::Done);
    world.run_for(limits::ASK_AFTER_MS);
    assert_eq!(world.kinds(), [Type::Reconcile]);
    world.answer(unsure());
    world.run_for(limits::ASK_AFTER_MS);
    assert_eq!(world.kinds(), [Type::Reconcile]);
    assert_eq!(world.told(), []);
}

#[test]
fn what_may_be_said_twice_is_said_until_it_is_answered() {
    let all =
        [kill("t"), Command::Revive(None), Command::Suppress(None), Command::Reconcile(Vec::new())];
    for command in all {
        let mut world = World::subscribed();
        world.command(command);
        let sent = world.answer(unsure());
        world.run_for(limits::BUSY_MS);
        assert_eq!(world.sent[0].call, sent.call);
        world.answer(Answer::Done);
        world.run_for(limits::BUSY_MS);
        assert_eq!(world.kinds(), []);
    }
}

#[test]
fn a_master_that_does_not_lead_is_left() {
    let texts = [
        (307, ""),
        (400, "Framework cannot be found"),
        (403, "Framework is not connected via HTTP"),
    ];
    for (status, text) in texts {
        let mut world = World::subscribed();
        world.command(kill("t"));
        world.answer(Answer::Refused { status, text: text.to_owned() });
        assert_eq!(world.callbacks(), [Callback::Disconnected], "{status} {text}");
    }
}

#[test]
fn an_update_that_is_refused_takes_no_later_one_back() {
    let mut world = World::subscribed();
    for name in ["first", "second"] {
        let framework = Box::new(FrameworkInfo { name: name.to_owned(), ..framework() });
        world.command(Command::Update {
            framework,
            suppressed_roles: Vec::new(),
            constraints: None,
        });
    }
    world.answer(Answer::Refused { status: 400, text: "no".to_owned() });
    world.answer(Answer::Done);
    world.breaks();
    world.run_for(limits::BACKOFF_MS);
    let said = world.subscribes.last().unwrap().2.subscribe.clone().unwrap().framework_info;
    assert_eq!(said.name, "second");
}

#[test]
fn a_master_that_is_busy_gets_the_same_call_again_before_the_next() {
    let mut world = World::subscribed();
    world.command(launch("t"));
    world.command(kill("t"));
    for _ in 0..20 {
        world.answer(Answer::Busy("too many calls".to_owned()));
        assert_eq!(world.kinds(), []);
        world.run_for(limits::BUSY_MS_MAX);
        assert_eq!(world.kinds(), [Type::Accept]);
        world.hear(super::world::of(longshore_wire_mesos::v1::scheduler::event::Type::Heartbeat));
    }
    world.answer(Answer::Done);
    assert_eq!(world.kinds(), [Type::Kill]);
}

#[test]
fn a_launch_that_is_refused_is_an_error_of_each_of_its_tasks() {
    let mut world = World::subscribed();
    world.command(launch("t"));
    world.answer(Answer::Refused { status: 400, text: "no such thing".to_owned() });
    let told = world.told();
    assert_eq!(told, [("t".to_owned(), TaskState::TaskError, "no such thing".to_owned())]);
    assert!(world.driver.is_connected());
}

#[test]
fn a_master_that_does_not_know_the_stream_is_subscribed_with_again() {
    let texts = [(403, "Framework is not subscribed"), (400, "The stream ID 'a' included")];
    for (status, text) in texts {
        let mut world = World::subscribed();
        world.command(launch("t"));
        world.answer(Answer::Refused { status, text: text.to_owned() });
        let told = world.told();
        assert_eq!(told[0].1, TaskState::TaskLost);
        world.run_for(limits::BACKOFF_MS);
        assert_eq!(world.subscribes.len(), 2);
    }
}

#[test]
fn a_framework_that_changes_stays_itself() {
    let mut world = World::subscribed();
    let user = String::new();
    let changed = FrameworkInfo { name: "other".to_owned(), user, ..framework() };
    let framework = Box::new(changed);
    world.command(Command::Update { framework, suppressed_roles: Vec::new(), constraints: None });
    let sent = world.answer(Answer::Done).call.update_framework.unwrap().framework_info;
    assert_eq!((sent.name.as_str(), sent.user.as_str()), ("other", "root"));
    assert_eq!(sent.id.unwrap().value.as_str(), "f-1");
    world.breaks();
    world.run_for(limits::BACKOFF_MS);
    let again = world.subscribes.last().unwrap().2.subscribe.clone().unwrap().framework_info;
    assert_eq!((again.name.as_str(), again.id.unwrap().value.as_str()), ("other", "f-1"));
}

#[test]
fn whoever_calls_faster_than_the_master_takes_is_to_wait() {
    let mut world = World::subscribed();
    for _ in 0..=limits::CALLS_MAX {
        assert!(!world.driver.is_full());
        world.command(kill("t"));
    }
    assert!(world.driver.is_full());
    world.breaks();
    assert!(!world.driver.is_full());
}
