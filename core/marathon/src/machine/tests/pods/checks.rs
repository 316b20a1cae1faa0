//! Health checks of containers. Source: Marathon 1.11, `healthCheck.raml`; frameworks.md 3.5.

use longshore_wire_marathon::{ContainerCheck, HealthCheck, HealthProtocol};

use super::*;

fn a_check(protocol: HealthProtocol, port_index: Option<u32>) -> HealthCheck {
    HealthCheck {
        protocol,
        path: None,
        command: None,
        port_index,
        port: None,
        grace_period_ms: 0,
        interval_ms: 10_000,
        timeout_ms: 5_000,
        max_consecutive_failures: 2,
        ignore_http_1xx: false,
        delay_ms: 1_000,
    }
}

#[test]
fn ports_of_endpoints_are_asked_by_us_and_commands_by_mesos() {
    let mut world = World::new();
    let (mut web, mut side) = (a_container("web"), a_container("side"));
    web.endpoints = vec![endpoint("one", 0), endpoint("two", 0)];
    web.check = Some(ContainerCheck { at: 0, exec: None });
    side.check = Some(ContainerCheck { at: 1, exec: Some(Exec::Argv(vec!["true".to_owned()])) });
    let mut pod = of_containers("/web", 1, vec![web, side]);
    pod.health_checks =
        vec![a_check(HealthProtocol::Http, Some(1)), a_check(HealthProtocol::Command, None)];
    world.put(pod);
    world.supplies();
    let group = world.new_groups().remove(0);
    let [web, side] = <[TaskInfo; 2]>::try_from(group.task_group.tasks).unwrap();
    assert!(web.health_check.is_none());
    assert_eq!(side.health_check.unwrap().command.unwrap().value.as_deref(), Some("true"));
    let (web, side) = (web.task_id.value, side.task_id.value);
    world.all_run(&[web.clone(), side.clone()]);
    assert_eq!((world.probes[0].port, world.deployments()), (31_001, 1));
    let probe = world.probes.remove(0);
    let answer = Answer::Status(200);
    world.step(Input::Probed { task: probe.task.clone(), purpose: probe.purpose, answer });
    assert_eq!(world.deployments(), 1, "the other one is not known to be well");
    let status = TaskStatus { healthy: Some(true), ..a_status(&side, TaskState::TaskRunning) };
    world.hears(Callback::StatusUpdate(Box::new(status)));
    assert_eq!(world.deployments(), 0);
    // A container that has ended well is not asked any more, and is not missed.
    world.is(&web, TaskState::TaskFinished);
    world.probes.clear();
    world.passes(60_000);
    assert!(world.probes.is_empty());
    assert_eq!(world.shown("/web").counts.healthy, 1);
    assert_eq!(
        world.tasks("/web")[0].instance.members[0].stage,
        MemberStage::Ended("TASK_FINISHED".to_owned())
    );
}

#[test]
fn one_that_is_not_well_too_often_ends_its_instance() {
    let mut world = World::new();
    let mut web = a_container("web");
    web.endpoints = vec![endpoint("one", 0)];
    web.check = Some(ContainerCheck { at: 0, exec: None });
    let mut pod = of_containers("/web", 1, vec![web, a_container("side")]);
    pod.health_checks = vec![a_check(HealthProtocol::Tcp, Some(0))];
    world.put(pod);
    let tasks = world.launches().remove(0);
    world.all_run(&tasks);
    world.new_kills();
    for _ in 0..2 {
        let probe = world.probes.remove(0);
        let answer = Answer::Silent;
        world.step(Input::Probed { task: probe.task.clone(), purpose: probe.purpose, answer });
        world.passes(15_000);
    }
    assert_eq!(world.new_kills(), tasks);
}
