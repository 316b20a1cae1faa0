//! When containers start, and what happens when a start fails.

use longshore_wire_ecs::host::{Desired, Health, PortBinding, Reported, StopCause};
use longshore_wire_ecs::shape::container_definition::{
    ContainerDefinition, HealthCheck, VolumeFrom,
};

use super::{World, container, depending, helper, task};
use crate::machine::Event;

#[test]
fn a_container_is_started_at_once_and_its_task_runs_when_it_does() {
    let (mut world, web) = (World::new(), task(1, vec![container("app")]));
    assert_eq!(world.run(&web), ["start app"]);
    assert_eq!(world.last().status, Reported::Pending);
    let bindings = vec![PortBinding {
        bind_ip: "0.0.0.0".into(),
        container_port: 80,
        host_port: 32_768,
        protocol: "tcp".into(),
    }];
    let digest = Some("sha256:0".into());
    let event = Event::Started {
        runtime_id: "r1".into(),
        image_digest: digest.clone(),
        bindings: bindings.clone(),
    };
    assert!(world.happened(&web, "app", event).is_empty());
    let report = world.last();
    assert_eq!(
        (report.status, report.containers[0].status),
        (Reported::Running, Reported::Running)
    );
    assert_eq!(report.containers[0].runtime_id.as_deref(), Some("r1"));
    assert_eq!(
        (&report.containers[0].image_digest, &report.containers[0].bindings),
        (&digest, &bindings)
    );
    assert_eq!(report.cause, None);
}

#[test]
fn a_task_runs_only_when_all_its_containers_do() {
    let (mut world, web) = (World::new(), task(1, vec![container("app"), container("log")]));
    assert_eq!(world.run(&web), ["start app", "start log"]);
    world.started(&web, "app");
    assert_eq!(world.last().status, Reported::Pending);
    world.started(&web, "log");
    assert_eq!(world.last().status, Reported::Running);
}

#[test]
fn pulls_are_told_with_their_times() {
    let (mut world, web) = (World::new(), task(1, vec![container("app")]));
    world.run(&web);
    let began = world.now;
    world.happened(&web, "app", Event::PullStarted);
    world.pass(700);
    world.happened(&web, "app", Event::PullStopped);
    let report = world.last();
    assert_eq!(
        (report.pull_started_at, report.pull_stopped_at),
        (Some(began.millis()), Some(began.millis() + 700))
    );
}

#[test]
fn start_waits_until_the_dependency_runs() {
    let (mut world, web) =
        (World::new(), task(1, vec![depending("app", &[("db", "START")]), container("db")]));
    assert_eq!(world.run(&web), ["start db"]);
    assert_eq!(world.started(&web, "db"), ["start app"]);
}

/// Docker rejects a container that links to one that is not running.
#[test]
fn what_is_linked_to_or_lends_its_volumes_starts_first() {
    let lender = VolumeFrom { source_container: Some("data".into()), read_only: None };
    let app = ContainerDefinition {
        links: Some(vec!["db:database".into()]),
        volumes_from: Some(vec![lender]),
        ..container("app")
    };
    let (mut world, web) = (World::new(), task(1, vec![app, container("db"), helper("data")]));
    assert_eq!(world.run(&web), ["start db", "start data"]);
    assert!(world.started(&web, "db").is_empty());
    assert_eq!(world.started(&web, "data"), ["start app"]);
}

#[test]
fn complete_waits_until_the_dependency_has_ended_however_it_did() {
    let (mut world, web) =
        (World::new(), task(1, vec![helper("init"), depending("app", &[("init", "COMPLETE")])]));
    assert_eq!(world.run(&web), ["start init"]);
    assert!(world.started(&web, "init").is_empty());
    assert_eq!(world.exited(&web, "init", 3), ["start app"]);
    world.started(&web, "app");
    assert_eq!(world.last().status, Reported::Running);
    assert_eq!(world.last().containers[0].exit_code, Some(3));
}

#[test]
fn success_waits_for_exit_code_0() {
    let (mut world, web) =
        (World::new(), task(1, vec![helper("init"), depending("app", &[("init", "SUCCESS")])]));
    world.run(&web);
    world.started(&web, "init");
    assert_eq!(world.exited(&web, "init", 0), ["start app"]);
}

#[test]
fn healthy_waits_for_the_first_probe_that_passes() {
    let (mut world, web) =
        (World::new(), task(1, vec![probed("db"), depending("app", &[("db", "HEALTHY")])]));
    assert_eq!(world.run(&web), ["start db"]);
    assert!(world.started(&web, "db").is_empty());
    assert_eq!(world.pass(5_000), ["probe db"]);
    assert_eq!(world.happened(&web, "db", Event::Probed { passed: true }), ["start app"]);
    assert_eq!(world.last().containers[0].health, Health::Healthy);
}

#[test]
fn a_start_that_fails_is_told_as_such_and_the_task_was_never_running() {
    let (mut world, web) = (World::new(), task(1, vec![container("app"), container("log")]));
    world.run(&web);
    world.started(&web, "log");
    let reason = "CannotPullContainerError: no such image";
    assert_eq!(world.happened(&web, "app", Event::StartFailed(reason.into())), ["stop log"]);
    assert_eq!(world.last().status, Reported::Pending);
    assert_eq!(world.exited(&web, "log", 143), ["remove 1"]);
    let report = world.last();
    assert_eq!(
        (report.status, report.cause.clone()),
        (Reported::Stopped, Some(StopCause::FailedToStart(reason.into())))
    );
    assert_eq!(
        (report.containers[0].exit_code, report.containers[0].reason.as_deref()),
        (None, Some(reason))
    );
    assert!(!world.furthest(&web).contains(&Reported::Running));
}

#[test]
fn a_repeated_order_starts_nothing_twice() {
    let (mut world, web) = (World::new(), task(1, vec![container("app")]));
    world.run(&web);
    assert!(world.run(&web).is_empty());
    world.started(&web, "app");
    assert!(world.order(false, &[(&web, Desired::Running, true)]).is_empty());
    assert!(world.order(true, &[(&web, Desired::Running, true)]).is_empty());
}

/// A container that is probed every five seconds and is unhealthy after one failure.
fn probed(name: &str) -> ContainerDefinition {
    let check = HealthCheck {
        command: Some(vec!["CMD".into(), "true".into()]),
        interval: Some(5),
        retries: Some(1),
        ..Default::default()
    };
    ContainerDefinition { health_check: Some(check), ..container(name) }
}
