//! Events as callbacks, and who acknowledges.

use longshore_wire_mesos::v1::scheduler::Event;
use longshore_wire_mesos::v1::scheduler::call::Type as CallType;
use longshore_wire_mesos::v1::scheduler::event::{self, Type};
use longshore_wire_mesos::v1::{AgentId, ExecutorId, Offer, OfferId, TaskState};

use super::world::{World, framework, launch, of, update};
use crate::machine::{Config, Input};
use crate::{Answer, Callback, Command, Status, limits};

fn running(uuid: &[u8]) -> Event {
    update("t", TaskState::TaskRunning, uuid)
}

#[test]
fn an_update_is_acknowledged_when_its_callback_has_returned() {
    let mut world = World::subscribed();
    world.hear(running(b"0123456789abcdef"));
    let Some(Callback::StatusUpdate(_)) = world.driver.next_callback() else {
        panic!("it is told")
    };
    assert_eq!(world.kinds(), []);
    world.input(Input::Returned(Ok(())));
    let sent = world.answer(Answer::Done).call.acknowledge.unwrap();
    assert_eq!((sent.task_id.value.as_str(), &sent.uuid[..]), ("t", &b"0123456789abcdef"[..]));
}

#[test]
fn an_update_without_a_uuid_needs_no_acknowledgement() {
    let mut world = World::subscribed();
    world.hear(running(b""));
    assert_eq!(world.told().len(), 1);
    assert_eq!(world.kinds(), []);
}

#[test]
fn a_callback_that_panics_aborts_the_driver_and_acknowledges_nothing() {
    let mut world = World::subscribed();
    world.hear(running(b"0123456789abcdef"));
    world.hear(running(b"fedcba9876543210"));
    world.driver.next_callback();
    world.input(Input::Returned(Err("index out of bounds".to_owned())));
    assert_eq!((world.driver.status(), world.kinds()), (Status::Aborted, Vec::new()));
    assert_eq!(world.callbacks(), []);
    assert!(world.notes[0].contains("index out of bounds"));
}

#[test]
fn a_callback_that_stops_the_driver_acknowledges_nothing() {
    let mut world = World::subscribed();
    world.hear(running(b"0123456789abcdef"));
    world.driver.next_callback();
    assert_eq!(world.command(Command::Stop { failover: true }), Status::Stopped);
    world.input(Input::Returned(Ok(())));
    assert_eq!((world.kinds(), world.finished), (Vec::new(), 1));
}

#[test]
fn who_acknowledges_by_itself_does_so_once() {
    let config = Config { framework: framework(), ..Config::default() };
    let mut world = World::with(config);
    world.subscribe();
    world.hear(running(b"0123456789abcdef"));
    let Some(Callback::StatusUpdate(status)) = world.driver.next_callback() else {
        panic!("it is told")
    };
    world.command(Command::Acknowledge(status));
    world.input(Input::Returned(Ok(())));
    assert_eq!(world.kinds(), [CallType::Acknowledge]);
    // Where the driver does it, the scheduler is told that it need not.
    let mut world = World::subscribed();
    let status = running(b"0123456789abcdef").update.unwrap().status;
    world.command(Command::Acknowledge(Box::new(status)));
    assert_eq!((world.kinds().len(), world.notes.len()), (0, 1));
}

#[test]
fn acknowledgements_do_not_wait_for_each_other() {
    let mut world = World::subscribed();
    for _ in 0..100 {
        world.hear(running(b"0123456789abcdef"));
    }
    world.callbacks();
    assert_eq!(world.sent.len(), limits::ACKNOWLEDGEMENTS_OUT_MAX);
    world.command(Command::Revive(None));
    assert_eq!(world.kinds().last(), Some(&CallType::Revive));
    for _ in 0..100 {
        world.sent.retain(|sent| sent.call.r#type() == CallType::Acknowledge);
        world.answer(Answer::Done);
    }
    assert_eq!(world.sent.len(), 0);
}

#[test]
fn callbacks_come_one_after_the_other() {
    let mut world = World::subscribed();
    world.hear(running(b""));
    world.hear(running(b""));
    assert!(world.driver.next_callback().is_some());
    assert_eq!(world.driver.next_callback(), None);
    world.input(Input::Returned(Ok(())));
    assert!(world.driver.next_callback().is_some());
}

#[test]
fn each_event_is_a_callback() {
    let mut world = World::subscribed();
    let (agent, executor) =
        (AgentId { value: "a".to_owned() }, ExecutorId { value: "e".to_owned() });
    let offer = OfferId { value: "o".to_owned() };
    let offers = vec![Offer { id: offer.clone(), ..Offer::default() }];
    let failure =
        |executor_id, status| event::Failure { agent_id: Some(agent.clone()), executor_id, status };
    let message = event::Message {
        agent_id: agent.clone(),
        executor_id: executor.clone(),
        data: b"hello".to_vec(),
    };
    let events = [
        Event { offers: Some(event::Offers { offers: offers.clone() }), ..of(Type::Offers) },
        Event { rescind: Some(event::Rescind { offer_id: offer.clone() }), ..of(Type::Rescind) },
        Event { message: Some(message), ..of(Type::Message) },
        Event { failure: Some(failure(None, None)), ..of(Type::Failure) },
        Event { failure: Some(failure(Some(executor.clone()), Some(9))), ..of(Type::Failure) },
    ];
    for event in events {
        world.hear(event);
    }
    let expected = [
        Callback::ResourceOffers(offers),
        Callback::OfferRescinded(offer),
        Callback::FrameworkMessage(executor.clone(), agent.clone(), b"hello".to_vec()),
        Callback::AgentLost(agent.clone()),
        Callback::ExecutorLost(executor, agent, 9),
    ];
    assert_eq!(world.callbacks(), expected);
}

#[test]
fn an_event_that_is_incomplete_or_unknown_is_noted() {
    let mut world = World::subscribed();
    world.hear(of(Type::Update));
    world.hear(of(Type::UpdateOperationStatus));
    world.hear(of(Type::Heartbeat));
    assert_eq!((world.callbacks().len(), world.notes.len()), (0, 2));
}

#[test]
fn an_end_that_was_acknowledged_is_not_told_again_when_the_master_has_started_anew() {
    let end = |uuid: &[u8]| update("t", TaskState::TaskFinished, uuid);
    let mut world = World::subscribed();
    world.hear(end(b"0123456789abcdef"));
    assert_eq!(world.callbacks().len(), 1);
    world.answer(Answer::Done);
    world.breaks();
    world.run_for(limits::BACKOFF_MS);
    world.accepted();
    world.callbacks();
    world.hear(end(b"fedcba9876543210"));
    assert_eq!(world.callbacks(), []);
    let sent = world.answer(Answer::Done).call.acknowledge.unwrap();
    assert_eq!(&sent.uuid[..], b"fedcba9876543210");
    // Another task of this id is another matter.
    world.command(launch("t"));
    world.hear(end(b"aaaaaaaaaaaaaaaa"));
    assert_eq!(world.callbacks().len(), 1);
}
