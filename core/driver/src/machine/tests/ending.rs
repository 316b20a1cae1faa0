//! Stopping, giving up, and what is said last.

use longshore_wire_mesos::v1::TaskState;
use longshore_wire_mesos::v1::scheduler::Event;
use longshore_wire_mesos::v1::scheduler::call::Type as CallType;
use longshore_wire_mesos::v1::scheduler::event::{self, Type};

use super::world::{World, kill, of, update};
use crate::machine::Input;
use crate::{Answer, Callback, Command, Status, limits};

const STOP: Command = Command::Stop { failover: false };

#[test]
fn a_driver_that_is_stopped_tears_the_framework_down_and_says_nothing_else() {
    let mut world = World::subscribed();
    world.command(kill("t"));
    world.command(kill("of no use any more"));
    world.command(STOP);
    assert_eq!((world.kinds(), world.finished), (vec![CallType::Kill], 0));
    world.answer(Answer::Done);
    assert_eq!(world.kinds(), [CallType::Teardown]);
    world.answer(Answer::Done);
    assert_eq!((world.finished, world.hung_up.len()), (1, 1));
    assert_eq!(world.driver.status(), Status::Stopped);
}

#[test]
fn a_framework_that_another_scheduler_takes_over_is_left_as_it_is() {
    let mut world = World::subscribed();
    world.command(Command::Stop { failover: true });
    assert_eq!((world.kinds(), world.finished), (Vec::new(), 1));
}

#[test]
fn no_callback_comes_after_stop() {
    let mut world = World::subscribed();
    world.hear(update("t", TaskState::TaskRunning, b""));
    world.command(kill("t"));
    world.command(STOP);
    world.hear(update("t", TaskState::TaskKilled, b""));
    world.breaks();
    assert_eq!((world.callbacks(), world.finished), (Vec::new(), 1));
}

#[test]
fn a_master_that_does_not_take_the_last_word_holds_nobody_up() {
    let mut world = World::subscribed();
    world.command(STOP);
    world.run_for(limits::FAREWELL_MS);
    assert_eq!((world.finished, world.hung_up.len()), (1, 1));
    assert_eq!(world.driver.status(), Status::Stopped);
    // The answer is of no use any more.
    world.answer(Answer::Done);
    world.run_for(600_000);
    assert_eq!((world.finished, world.subscribes.len()), (1, 1));
}

#[test]
fn an_error_of_the_master_aborts_the_driver_before_the_scheduler_is_told() {
    let mut world = World::subscribed();
    world.hear(update("t", TaskState::TaskRunning, b""));
    let error = event::Error { message: "Framework failed over".to_owned() };
    world.hear(Event { error: Some(error), ..of(Type::Error) });
    assert_eq!(world.driver.status(), Status::Aborted);
    assert_eq!(world.callbacks(), [Callback::Error("Framework failed over".to_owned())]);
    assert_eq!((world.finished, world.hung_up.len()), (1, 1));
}

#[test]
fn an_error_that_comes_first_is_told_too() {
    let mut world = World::new();
    world.command(Command::Start);
    world.leads("one:5050");
    let attempt = world.attempt();
    world.input(Input::Opened(attempt, None));
    let error = event::Error { message: "Framework has been removed".to_owned() };
    world.hear(Event { error: Some(error), ..of(Type::Error) });
    assert_eq!(world.callbacks(), [Callback::Error("Framework has been removed".to_owned())]);
}

#[test]
fn a_driver_that_stops_before_it_has_a_master_is_finished_at_once() {
    let mut world = World::new();
    world.command(Command::Start);
    world.command(STOP);
    assert_eq!(world.finished, 1);
    world.leads("one:5050");
    assert_eq!(world.subscribes.len(), 0);
    let mut world = World::new();
    world.command(Command::Start);
    world.leads("one:5050");
    world.command(STOP);
    assert_eq!((world.finished, world.hung_up.len()), (1, 1));
}

#[test]
fn a_driver_that_is_stopped_twice_finishes_once() {
    let mut world = World::subscribed();
    world.command(Command::Abort);
    world.command(STOP);
    world.command(STOP);
    assert_eq!((world.finished, world.driver.status()), (1, Status::Stopped));
}
