//! Health and readiness checks. Source: frameworks.md 3.5.

use longshore_wire_marathon::{HealthCheck, HealthProtocol, ReadinessCheck};

use super::*;

fn a_check(protocol: HealthProtocol) -> HealthCheck {
    HealthCheck {
        protocol,
        path: Some("/ping".to_owned()),
        command: Some("true".to_owned()),
        port_index: Some(0),
        port: None,
        grace_period_ms: 300_000,
        interval_ms: 60_000,
        timeout_ms: 20_000,
        max_consecutive_failures: 3,
        ignore_http_1xx: false,
        delay_ms: 15_000,
    }
}

fn checked(protocol: HealthProtocol) -> App {
    App { health_checks: vec![a_check(protocol)], ..an_app("/web", 1) }
}

impl World {
    /// The one question that was asked is answered.
    fn answers(&mut self, answer: Answer) -> Probe {
        assert_eq!(self.probes.len(), 1, "{:?}", self.probes);
        let probe = self.probes.remove(0);
        self.step(Input::Probed { task: probe.task.clone(), purpose: probe.purpose, answer });
        probe
    }
}

#[test]
fn a_deployment_waits_until_checks_pass() {
    let mut world = World::new();
    world.put(checked(HealthProtocol::Http));
    let task = world.supplies().remove(0);
    world.is(&task, TaskState::TaskRunning);
    assert_eq!(world.deployments(), 1);
    let probe = world.answers(Answer::Status(503));
    let request = Request::Http { is_https: false, path: "/ping".to_owned() };
    assert_eq!((probe.request, probe.host.as_str(), probe.port), (request, "host-1", 31_000));
    assert_eq!(
        world.shown("/web").counts.unhealthy,
        0,
        "failures of the grace period do not count"
    );
    world.passes(60_000);
    world.answers(Answer::Status(302));
    assert_eq!((world.deployments(), world.shown("/web").counts.healthy), (0, 1));
    let last = world.events.iter().rev().find(|one| matches!(one, Event::Health { .. }));
    assert!(matches!(last, Some(Event::Health { is_well: true, .. })));
}

#[test]
fn failures_in_a_row_end_an_instance() {
    let mut world = World::new();
    world.put(checked(HealthProtocol::Tcp));
    let task = world.supplies().remove(0);
    world.is(&task, TaskState::TaskRunning);
    world.answers(Answer::Connected);
    for failures in 1..=3 {
        world.passes(60_000);
        assert!(world.new_kills().is_empty(), "after {failures} failures");
        world.answers(Answer::Silent);
    }
    assert_eq!(world.new_kills(), std::slice::from_ref(&task));
    assert!(world.events.iter().any(|one| matches!(one, Event::UnhealthyKilled { .. })));
    world.is(&task, TaskState::TaskKilled);
    assert_eq!(world.supplies().len(), 1, "replaced");
}

#[test]
fn a_question_that_is_never_answered_is_a_failure_and_a_late_answer_nothing() {
    let mut world = World::new();
    world.put(checked(HealthProtocol::Tcp));
    let task = world.supplies().remove(0);
    world.is(&task, TaskState::TaskRunning);
    world.answers(Answer::Connected);
    world.passes(60_000);
    let late = world.probes.remove(0);
    world.passes(60_000);
    assert_eq!(world.shown("/web").counts.unhealthy, 1);
    world.answers(Answer::Connected);
    let (task, purpose) = (late.task, late.purpose);
    world.step(Input::Probed { task, purpose, answer: Answer::Silent });
    assert_eq!(world.shown("/web").counts.healthy, 1);
}

#[test]
fn mesos_makes_its_own_checks_and_says_what_it_finds() {
    let mut world = World::new();
    world.put(checked(HealthProtocol::MesosHttp));
    world.offer();
    let task = world.launched.pop().unwrap();
    let check = task.health_check.unwrap();
    assert_eq!(check.http.unwrap().port, 31_000);
    let id = task.task_id.value;
    world.is(&id, TaskState::TaskRunning);
    assert!(world.probes.is_empty());
    assert_eq!(world.deployments(), 1);
    let status = TaskStatus { healthy: Some(true), ..a_status(&id, TaskState::TaskRunning) };
    world.hears(Callback::StatusUpdate(Box::new(status)));
    assert_eq!(world.deployments(), 0);
}

#[test]
fn a_deployment_waits_until_instances_are_ready() {
    let mut world = World::new();
    let readiness = ReadinessCheck {
        name: "readinessCheck".to_owned(),
        is_https: false,
        path: "/ready".to_owned(),
        port_name: "http-api".to_owned(),
        interval_ms: 30_000,
        timeout_ms: 10_000,
        http_status_codes_for_ready: vec![200],
        preserve_last_response: false,
    };
    world.put(App { readiness_checks: vec![readiness], ..an_app("/web", 1) });
    let task = world.supplies().remove(0);
    world.is(&task, TaskState::TaskRunning);
    world.answers(Answer::Status(503));
    assert_eq!(world.shown("/web").readiness, [(Arc::from(task.as_str()), Some(503), false)]);
    world.passes(30_000);
    world.answers(Answer::Status(200));
    assert_eq!(world.deployments(), 0);
    world.passes(600_000);
    assert!(world.probes.is_empty(), "only during a deployment");
}
