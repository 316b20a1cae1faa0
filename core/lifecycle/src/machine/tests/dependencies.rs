//! What happens to a container whose dependency fails, and to its task.

use longshore_wire_ecs::host::{Reported, StopCause};
use longshore_wire_ecs::shape::container_definition::{ContainerDefinition, HealthCheck};

use super::{World, container, depending, helper, task};
use crate::machine::Event;

/// A container that waits for others and is not essential.
fn waiting_helper(name: &str, on: &[(&str, &str)]) -> ContainerDefinition {
    ContainerDefinition { essential: Some(false), ..depending(name, on) }
}

/// A container that is probed every five seconds and is unhealthy after one failure.
fn probed(name: &str) -> ContainerDefinition {
    let check = HealthCheck {
        command: Some(vec!["CMD".into(), "true".into()]),
        interval: Some(5),
        retries: Some(1),
        ..Default::default()
    };
    ContainerDefinition { health_check: Some(check), ..helper(name) }
}

/// Reason and exit code of a container, from the last report.
fn end(world: &World, index: usize) -> (Option<&str>, Option<i32>) {
    let container = &world.last().containers[index];
    assert_eq!(container.status, Reported::Stopped);
    (container.reason.as_deref(), container.exit_code)
}

const NO_SUCCESS: &str = "CannotStartContainerError: dependency graph: failed to resolve container ordering dependency [a(busybox) (STOPPED->RUNNING) - Exit: 1] for target [b(busybox) (NONE->RUNNING)] as dependency did not exit successfully.";

#[test]
fn a_helper_whose_dependency_did_not_succeed_ends_and_its_task_goes_on() {
    let containers = vec![container("app"), helper("a"), waiting_helper("b", &[("a", "SUCCESS")])];
    let (mut world, web) = (World::new(), task(1, containers));
    assert_eq!(world.run(&web), ["start app", "start a"]);
    world.started(&web, "app");
    world.started(&web, "a");
    assert_eq!(world.last().status, Reported::Pending);
    assert!(world.exited(&web, "a", 1).is_empty());
    assert_eq!((world.last().status, world.last().ran), (Reported::Running, true));
    assert_eq!(end(&world, 2), (Some(NO_SUCCESS), Some(143)));
    assert_eq!(world.host_wakes_in(), None);
}

#[test]
fn an_essential_container_whose_dependency_did_not_succeed_ends_the_task() {
    let containers = vec![helper("log"), helper("a"), depending("b", &[("a", "SUCCESS")])];
    let (mut world, web) = (World::new(), task(1, containers));
    world.run(&web);
    world.started(&web, "log");
    world.started(&web, "a");
    assert_eq!(world.exited(&web, "a", 1), ["stop log"]);
    assert_eq!(world.exited(&web, "log", 143), ["remove 1"]);
    assert_eq!(end(&world, 2), (Some(NO_SUCCESS), Some(143)));
    let report = world.last();
    assert_eq!(
        (report.status, report.ran, report.cause.clone()),
        (Reported::Stopped, false, Some(StopCause::FailedToStart(NO_SUCCESS.into())))
    );
    assert!(!world.furthest(&web).contains(&Reported::Running));
}

#[test]
fn what_waits_for_one_that_will_never_start_is_given_up_in_turn() {
    for condition in ["START", "COMPLETE", "SUCCESS", "HEALTHY"] {
        // The order of the definition does not matter.
        let containers = vec![
            waiting_helper("c", &[("b", condition)]),
            container("app"),
            waiting_helper("b", &[("a", "SUCCESS")]),
            helper("a"),
        ];
        let (mut world, web) = (World::new(), task(1, containers));
        world.run(&web);
        world.started(&web, "app");
        world.started(&web, "a");
        assert!(world.exited(&web, "a", 1).is_empty());
        assert_eq!(world.last().status, Reported::Running);
        let why = "CannotStartContainerError: dependency graph: failed to resolve container ordering dependency [b(busybox) (NONE->STOPPED) - Exit: 143] for target [c(busybox) (NONE->RUNNING)] because dependency will never start";
        assert_eq!(end(&world, 0), (Some(why), Some(143)), "{condition}");
    }
}

#[test]
fn a_helper_that_cannot_be_started_ends_alone() {
    let containers = vec![container("app"), helper("a"), waiting_helper("b", &[("a", "START")])];
    let (mut world, web) = (World::new(), task(1, containers));
    world.run(&web);
    world.started(&web, "app");
    let reason = "CannotPullContainerError: no such image";
    assert!(world.happened(&web, "a", Event::StartFailed(reason.into())).is_empty());
    assert_eq!(world.last().status, Reported::Running);
    assert_eq!(end(&world, 1), (Some(reason), None));
    let why = "CannotStartContainerError: dependency graph: failed to resolve container ordering dependency [a(busybox) (CREATED->STOPPED)] for target [b(busybox) (NONE->RUNNING)] because dependency will never start";
    assert_eq!(end(&world, 2), (Some(why), Some(143)));
    assert_eq!(world.exited(&web, "app", 0), ["remove 1"]);
    assert_eq!(world.last().cause, Some(StopCause::EssentialContainerExited));
}

#[test]
fn what_a_whole_task_lacks_ends_it_though_a_helper_asked() {
    let (mut world, web) = (World::new(), task(1, vec![container("app"), helper("a")]));
    world.run(&web);
    world.started(&web, "app");
    let reason = "ResourceInitializationError: no such secret";
    assert_eq!(world.happened(&web, "a", Event::TaskFailed(reason.into())), ["stop app"]);
    world.exited(&web, "app", 143);
    let report = world.last();
    assert_eq!(report.cause, Some(StopCause::FailedToStart(reason.into())));
    assert!(!report.ran);
}

#[test]
fn a_dependency_may_take_as_long_as_it_likes_without_a_start_timeout_of_its_own() {
    let impatient = ContainerDefinition {
        // It limits containers that wait for this one, not what this one waits for.
        start_timeout: Some(10),
        ..depending("app", &[("init", "COMPLETE")])
    };
    let (mut world, web) = (World::new(), task(1, vec![helper("init"), impatient]));
    world.run(&web);
    world.started(&web, "init");
    assert_eq!(world.host_wakes_in(), None);
    assert!(world.pass(24 * 3_600_000).is_empty());
    assert_eq!(world.exited(&web, "init", 0), ["start app"]);
}

#[test]
fn a_dependency_that_takes_longer_than_its_start_timeout_is_given_up_on() {
    for condition in ["COMPLETE", "SUCCESS", "HEALTHY"] {
        let slow = ContainerDefinition { start_timeout: Some(10), ..helper("a") };
        let containers = vec![container("app"), slow, waiting_helper("b", &[("a", condition)])];
        let (mut world, web) = (World::new(), task(1, containers));
        world.run(&web);
        world.started(&web, "app");
        world.pass(5_000);
        world.started(&web, "a");
        assert_eq!(world.host_wakes_in(), Some(10_000), "from its start");
        world.pass(9_999);
        assert_eq!(world.last().status, Reported::Pending);
        assert!(world.pass(1).is_empty(), "the dependency itself goes on");
        let why = "CannotStartContainerError: dependency graph: container ordering dependency [a(busybox) (RUNNING->RUNNING)] for target [b(busybox) (NONE->RUNNING)] has timed out.";
        assert_eq!(end(&world, 2), (Some(why), Some(143)));
        assert_eq!(world.last().status, Reported::Running);
        assert_eq!(world.host_wakes_in(), None);
    }
}

#[test]
fn a_dependency_that_is_unhealthy_may_recover() {
    let containers = vec![probed("db"), depending("app", &[("db", "HEALTHY")])];
    let (mut world, web) = (World::new(), task(1, containers));
    world.run(&web);
    world.started(&web, "db");
    world.pass(5_000);
    assert!(world.happened(&web, "db", Event::Probed { passed: false }).is_empty());
    world.pass(5_000);
    assert_eq!(world.happened(&web, "db", Event::Probed { passed: true }), ["start app"]);
}

#[test]
fn a_dependency_that_ended_before_it_was_healthy_never_will_be() {
    let containers = vec![probed("db"), depending("app", &[("db", "HEALTHY")])];
    let (mut world, web) = (World::new(), task(1, containers));
    world.run(&web);
    world.started(&web, "db");
    assert_eq!(world.exited(&web, "db", 2), ["remove 1"]);
    assert!(end(&world, 1).0.is_some_and(|why| why.ends_with(
        "[db(busybox) (STOPPED->RUNNING) - Exit: 2] for target [app(busybox) (NONE->RUNNING)] as dependency stopped before it was healthy."
    )));
    assert!(!world.last().ran);
}

#[test]
fn a_task_whose_essential_container_ends_while_others_wait_was_never_running() {
    let sidecar = ContainerDefinition { essential: Some(true), ..probed("sidecar") };
    let containers = vec![sidecar, depending("app", &[("sidecar", "HEALTHY")])];
    let (mut world, web) = (World::new(), task(1, containers));
    world.run(&web);
    world.started(&web, "sidecar");
    assert_eq!(world.exited(&web, "sidecar", 1), ["remove 1"]);
    let report = world.last();
    assert_eq!(
        (report.status, report.ran, report.cause.clone()),
        (Reported::Stopped, false, Some(StopCause::EssentialContainerExited))
    );
    assert!(!world.furthest(&web).contains(&Reported::Running));
}

#[test]
fn a_task_whose_essential_container_ends_while_others_start_was_never_running() {
    let (mut world, web) = (World::new(), task(1, vec![container("app"), container("log")]));
    world.run(&web);
    world.started(&web, "app");
    assert!(world.exited(&web, "app", 1).is_empty());
    assert_eq!(world.started(&web, "log"), ["stop log"]);
    world.exited(&web, "log", 143);
    assert!(!world.last().ran && !world.furthest(&web).contains(&Reported::Running));
}

#[test]
fn a_task_that_was_running_for_a_moment_says_so_at_its_end() {
    let (mut world, web) = (World::new(), task(1, vec![container("app")]));
    world.run(&web);
    world.started(&web, "app");
    world.exited(&web, "app", 0);
    assert_eq!((world.last().status, world.last().ran), (Reported::Stopped, true));
}
