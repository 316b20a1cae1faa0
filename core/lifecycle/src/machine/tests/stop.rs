//! How tasks end: in which order their containers are stopped, and when they are killed.

use longshore_wire_ecs::host::{Desired, Generation, Reported, StopCause};
use longshore_wire_ecs::shape::container_definition::ContainerDefinition;

use super::{World, container, depending, helper, task};
use crate::limits::STOP_TIMEOUT_MS;
use crate::machine::Event;

#[test]
fn the_end_of_an_essential_container_stops_the_rest_and_dependents_first() {
    let containers = vec![
        container("db"),
        depending("api", &[("db", "START")]),
        depending("web", &[("api", "START")]),
        container("job"),
    ];
    let (mut world, spec) = (World::new(), task(1, containers));
    assert_eq!(world.run(&spec), ["start db", "start job"]);
    assert_eq!(world.started(&spec, "db"), ["start api"]);
    world.started(&spec, "job");
    assert_eq!(world.started(&spec, "api"), ["start web"]);
    world.started(&spec, "web");
    assert_eq!(world.last().status, Reported::Running);
    let ended = world.now;
    assert_eq!(world.exited(&spec, "job", 0), ["stop web"]);
    assert_eq!(world.last().execution_stopped_at, Some(ended.millis()));
    assert_eq!((world.last().status, &world.last().cause), (Reported::Running, &None));
    assert_eq!(world.exited(&spec, "web", 143), ["stop api"]);
    assert_eq!(world.exited(&spec, "api", 143), ["stop db"]);
    assert_eq!(world.exited(&spec, "db", 143), ["remove 1"]);
    let report = world.last();
    assert_eq!(
        (report.status, report.cause.clone()),
        (Reported::Stopped, Some(StopCause::EssentialContainerExited))
    );
    let codes: Vec<_> = report.containers.iter().map(|container| container.exit_code).collect();
    assert_eq!(codes, [Some(143), Some(143), Some(143), Some(0)]);
}

#[test]
fn the_end_of_a_helper_stops_nothing() {
    let (mut world, spec) = (World::new(), task(1, vec![container("app"), helper("init")]));
    world.run(&spec);
    world.started(&spec, "app");
    world.started(&spec, "init");
    assert!(world.exited(&spec, "init", 1).is_empty());
    assert_eq!((world.last().status, world.last().execution_stopped_at), (Reported::Running, None));
}

#[test]
fn a_container_that_outlasts_its_stop_timeout_is_killed_at_that_very_time() {
    for (given, ms) in [(Some(5), 5_000), (None, STOP_TIMEOUT_MS)] {
        let stubborn = ContainerDefinition { stop_timeout: given, ..container("app") };
        let (mut world, spec) = (World::new(), task(1, vec![stubborn]));
        world.run(&spec);
        world.started(&spec, "app");
        assert_eq!(world.host_wakes_in(), None);
        assert_eq!(world.stop(&spec), ["stop app"]);
        assert_eq!(world.host_wakes_in(), Some(ms));
        assert!(world.pass(ms - 1).is_empty());
        assert_eq!(world.pass(1), ["kill app"]);
        assert_eq!(world.host_wakes_in(), None);
        assert!(world.pass(ms).is_empty(), "it is killed once");
        assert_eq!(world.exited(&spec, "app", 137), ["remove 1"]);
        let report = world.last();
        assert_eq!(
            (report.cause.clone(), report.containers[0].exit_code),
            (Some(StopCause::Ordered), Some(137))
        );
    }
}

#[test]
fn a_task_that_ends_in_time_is_not_killed() {
    let (mut world, spec) = (World::new(), task(1, vec![container("app")]));
    world.run(&spec);
    world.started(&spec, "app");
    world.stop(&spec);
    world.pass(100);
    assert_eq!(world.exited(&spec, "app", 0), ["remove 1"]);
    assert_eq!(world.host_wakes_in(), None);
    assert!(world.pass(STOP_TIMEOUT_MS).is_empty());
}

#[test]
fn a_task_that_is_stopped_before_it_starts_never_starts() {
    let (mut world, spec) = (World::new(), task(1, vec![container("app")]));
    assert_eq!(world.stop(&spec), ["remove 1"]);
    let report = world.last();
    assert_eq!(
        (report.status, report.cause.clone()),
        (Reported::Stopped, Some(StopCause::Ordered))
    );
    assert_eq!(
        (report.containers[0].status, report.containers[0].exit_code),
        (Reported::Stopped, None)
    );
}

#[test]
fn what_waits_when_its_task_is_stopped_never_starts() {
    let (mut world, spec) =
        (World::new(), task(1, vec![container("db"), depending("app", &[("db", "START")])]));
    assert_eq!(world.run(&spec), ["start db"]);
    assert!(world.stop(&spec).is_empty(), "what is being started cannot be stopped yet");
    assert_eq!(world.started(&spec, "db"), ["stop db"]);
    assert_eq!(world.exited(&spec, "db", 143), ["remove 1"]);
    assert_eq!(world.last().cause, Some(StopCause::Ordered));
}

#[test]
fn a_start_that_fails_while_its_task_is_stopped_ends_it_as_ordered() {
    let (mut world, spec) = (World::new(), task(1, vec![container("app")]));
    world.run(&spec);
    world.stop(&spec);
    assert_eq!(
        world.happened(&spec, "app", Event::StartFailed("CannotStartContainerError: x".into())),
        ["remove 1"]
    );
    assert_eq!(world.last().cause, Some(StopCause::Ordered));
}

#[test]
fn news_that_overtakes_the_start_is_not_lost() {
    let (mut world, spec) = (World::new(), task(1, vec![container("app"), container("log")]));
    world.run(&spec);
    world.started(&spec, "log");
    // No runtime reports an exit without a start, but the two may arrive in either order.
    world.exited(&spec, "app", 0);
    let after = world.started(&spec, "app");
    assert_eq!(after, ["stop log"]);
    assert_eq!(world.last().containers[0].status, Reported::Stopped);
}

#[test]
fn an_order_of_a_generation_that_is_not_newer_is_ignored() {
    let (mut world, spec) = (World::new(), task(1, vec![container("app")]));
    let at = |epoch, number| Generation { epoch, number };
    assert_eq!(world.order_of(at(3, 5), false, &[(&spec, Desired::Running, false)]), ["start app"]);
    world.started(&spec, "app");
    for generation in [at(3, 5), at(3, 4), at(3, 0), at(2, 9)] {
        // It affects neither the tasks that it names nor, if full, those that it omits: it is older
        // than what is known.
        for full in [false, true] {
            assert!(
                world.order_of(generation, full, &[(&spec, Desired::Stopped, false)]).is_empty()
            );
            assert!(world.order_of(generation, full, &[]).is_empty());
            assert!(world.new_reports().is_empty());
        }
    }
    assert_eq!(world.order_of(at(3, 6), false, &[(&spec, Desired::Stopped, false)]), ["stop app"]);
}

#[test]
fn a_control_plane_that_counts_from_the_beginning_is_obeyed_in_its_newer_epoch() {
    let (mut world, spec) = (World::new(), task(1, vec![container("app")]));
    let at = |epoch, number| Generation { epoch, number };
    assert_eq!(
        world.order_of(at(3, 900), true, &[(&spec, Desired::Running, false)]),
        ["start app"]
    );
    world.started(&spec, "app");
    assert!(world.order_of(at(4, 1), true, &[(&spec, Desired::Running, true)]).is_empty());
    assert!(world.order_of(at(3, 901), true, &[]).is_empty(), "the old one is late");
    assert_eq!(world.order_of(at(4, 2), true, &[]), ["remove 1"]);
}

#[test]
fn a_full_order_removes_what_it_does_not_name() {
    let (mut world, one, two) =
        (World::new(), task(1, vec![container("a")]), task(2, vec![container("b")]));
    world.run(&one);
    world.started(&one, "a");
    assert_eq!(world.order(true, &[(&two, Desired::Running, false)]), ["start b", "remove 1"]);
    assert!(world.exited(&one, "a", 137).is_empty(), "nobody asks about it any more");
    assert!(world.new_reports().is_empty());
    assert!(world.run(&two).is_empty());
}

#[test]
fn an_order_of_changes_leaves_what_it_does_not_name_alone() {
    let (mut world, one, two) =
        (World::new(), task(1, vec![container("a")]), task(2, vec![container("b")]));
    world.run(&one);
    assert_eq!(world.run(&two), ["start b"]);
    world.started(&one, "a");
    assert_eq!(world.last().task, one.id);
}
