//! How a host handles what an earlier run of its agent left, and what it reports after losing its
//! connection.

use longshore_wire_ecs::host::{Desired, Reported, StopCause};

use super::{World, container, found, helper, task};
use crate::machine::{FoundState, Input};

#[test]
fn a_container_that_is_found_running_is_adopted() {
    let (mut world, web) = (World::new(), task(1, vec![container("app")]));
    assert!(world.step(Input::Inventory(vec![found(&web, "app", FoundState::Running)])).is_empty());
    assert!(world.order(true, &[(&web, Desired::Running, true)]).is_empty());
    let report = world.last();
    assert_eq!(
        (report.status, report.containers[0].runtime_id.as_deref()),
        (Reported::Running, Some("old-app"))
    );
    assert_eq!(world.stop(&web), ["stop app"]);
    assert_eq!(world.exited(&web, "app", 143), ["remove 1"]);
}

#[test]
fn a_container_that_is_found_ended_is_told_with_its_code() {
    let (mut world, web) = (World::new(), task(1, vec![container("app")]));
    world.step(Input::Inventory(vec![found(&web, "app", FoundState::Exited(Some(3)))]));
    assert_eq!(world.order(true, &[(&web, Desired::Running, true)]), ["remove 1"]);
    let report = world.last();
    assert_eq!(
        (report.status, report.cause.clone()),
        (Reported::Stopped, Some(StopCause::EssentialContainerExited))
    );
    assert_eq!(report.containers[0].exit_code, Some(3));
}

#[test]
fn an_end_between_the_inventory_and_the_first_order_is_not_lost() {
    let (mut world, web) = (World::new(), task(1, vec![container("app")]));
    world.step(Input::Inventory(vec![found(&web, "app", FoundState::Running)]));
    assert!(world.exited(&web, "app", 7).is_empty(), "nobody asked for it yet");
    assert_eq!(world.order(true, &[(&web, Desired::Running, true)]), ["remove 1"]);
    let report = world.last();
    assert_eq!((report.status, report.containers[0].exit_code), (Reported::Stopped, Some(7)));
}

#[test]
fn a_task_that_was_running_and_is_not_found_is_lost_and_never_started() {
    let (mut world, web) = (World::new(), task(1, vec![container("app"), helper("log")]));
    world.step(Input::Inventory(Vec::new()));
    assert_eq!(world.order(true, &[(&web, Desired::Running, true)]), ["remove 1"]);
    let report = world.last();
    assert_eq!((report.status, report.cause.clone()), (Reported::Stopped, Some(StopCause::Lost)));
    assert!(report.containers.iter().all(|container| container.exit_code.is_none()));
}

#[test]
fn an_essential_container_that_is_missing_among_those_found_ends_the_task() {
    let (mut world, web) = (World::new(), task(1, vec![container("app"), container("log")]));
    world.step(Input::Inventory(vec![found(&web, "log", FoundState::Running)]));
    assert_eq!(world.order(true, &[(&web, Desired::Running, true)]), ["stop log"]);
    assert_eq!(world.exited(&web, "log", 143), ["remove 1"]);
    assert_eq!(world.last().cause, Some(StopCause::EssentialContainerExited));
}

#[test]
fn a_task_that_had_begun_to_start_goes_on_with_what_is_found() {
    let (mut world, web) = (World::new(), task(1, vec![container("app"), container("log")]));
    world.step(Input::Inventory(vec![found(&web, "app", FoundState::Running)]));
    assert_eq!(world.order(true, &[(&web, Desired::Running, false)]), ["start log"]);
    assert_eq!(world.last().status, Reported::Pending);
    world.started(&web, "log");
    assert_eq!(world.last().status, Reported::Running);
}

#[test]
fn what_is_found_and_not_ordered_is_removed() {
    let (mut world, old) = (World::new(), task(1, vec![container("app")]));
    world.step(Input::Inventory(vec![found(&old, "app", FoundState::Running)]));
    assert_eq!(world.order(true, &[]), ["remove 1"]);
    assert!(world.reports.is_empty());
}

#[test]
fn what_is_found_and_should_be_stopped_is_stopped() {
    let (mut world, web) = (World::new(), task(1, vec![container("app")]));
    world.step(Input::Inventory(vec![found(&web, "app", FoundState::Running)]));
    assert_eq!(world.order(true, &[(&web, Desired::Stopped, true)]), ["stop app"]);
    world.exited(&web, "app", 143);
    assert_eq!(world.last().cause, Some(StopCause::Ordered));
}

#[test]
fn reports_are_repeated_for_a_full_order() {
    let (mut world, web) = (World::new(), task(1, vec![container("app")]));
    world.run(&web);
    world.started(&web, "app");
    let said = world.last().clone();
    assert!(world.order(true, &[(&web, Desired::Running, false)]).is_empty());
    assert_eq!(world.new_reports(), [said]);
}

#[test]
fn a_report_is_repeated_for_a_full_order_that_stops_the_task() {
    let (mut world, web) = (World::new(), task(1, vec![container("app")]));
    world.run(&web);
    world.started(&web, "app");
    world.stop(&web);
    assert!(world.order(true, &[(&web, Desired::Stopped, true)]).is_empty());
    assert_eq!(
        world.new_reports().iter().map(|report| report.status).collect::<Vec<_>>(),
        [Reported::Running]
    );
}

/// The control plane may have missed the last report if the connection was lost.
#[test]
fn a_task_that_is_over_is_not_started_again_by_an_order_that_does_not_know_so() {
    let (mut world, web) = (World::new(), task(1, vec![container("app")]));
    world.puts_on_record = false;
    world.run(&web);
    world.started(&web, "app");
    assert!(world.exited(&web, "app", 7).is_empty());
    let said = world.last().clone();
    assert!(
        !world.order(true, &[(&web, Desired::Running, false)]).contains(&"start app".to_owned())
    );
    assert_eq!(world.last(), &said);
}
