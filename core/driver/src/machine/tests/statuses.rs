//! What methods return, whatever the driver is. Source: `mesos-v0-wire` B8.

use super::world::{World, kill};
use crate::{Command, Status};

const ALL: [Status; 4] = [Status::NotStarted, Status::Running, Status::Aborted, Status::Stopped];

/// A driver that is so.
fn that_is(status: Status) -> World {
    let mut world = if status == Status::NotStarted { World::new() } else { World::subscribed() };
    match status {
        Status::NotStarted | Status::Running => {}
        Status::Aborted => drop(world.command(Command::Abort)),
        Status::Stopped => drop(world.command(Command::Stop { failover: false })),
    }
    assert_eq!(world.driver.status(), status);
    world
}

/// What a command returns, and what the driver is then, for each of what it may be.
fn table(command: &Command) -> [(Status, Status); 4] {
    ALL.map(|status| {
        let mut world = that_is(status);
        (world.command(command.clone()), world.driver.status())
    })
}

#[test]
fn a_driver_starts_once() {
    use Status::{Aborted, Running, Stopped};
    let rows = [(Running, Running), (Running, Running), (Aborted, Aborted), (Stopped, Stopped)];
    assert_eq!(table(&Command::Start), rows);
}

#[test]
fn whoever_stops_a_driver_that_was_aborted_is_told_so() {
    use Status::{Aborted, NotStarted, Stopped};
    let rows =
        [(NotStarted, NotStarted), (Stopped, Stopped), (Aborted, Stopped), (Stopped, Stopped)];
    assert_eq!(table(&Command::Stop { failover: false }), rows);
    assert_eq!(table(&Command::Stop { failover: true }), rows);
}

#[test]
fn a_driver_is_aborted_while_it_runs() {
    use Status::{Aborted, NotStarted, Stopped};
    let rows =
        [(NotStarted, NotStarted), (Aborted, Aborted), (Aborted, Aborted), (Stopped, Stopped)];
    assert_eq!(table(&Command::Abort), rows);
}

#[test]
fn every_other_call_returns_what_the_driver_is_and_is_sent_only_while_it_runs() {
    for status in ALL {
        let mut world = that_is(status);
        world.sent.clear();
        assert_eq!(world.command(kill("t")), status);
        assert_eq!(world.sent.len(), usize::from(status == Status::Running), "{status}");
    }
}

#[test]
fn the_numbers_and_names_are_those_of_mesos() {
    let all = ALL.map(|status| (status as i32, status.to_string()));
    let names = ["DRIVER_NOT_STARTED", "DRIVER_RUNNING", "DRIVER_ABORTED", "DRIVER_STOPPED"];
    for (number, (is, name)) in (1..).zip(all) {
        assert_eq!((is, &*name), (number, names[usize::try_from(number - 1).unwrap()]));
    }
}
