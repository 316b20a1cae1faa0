//! The behaviour of simulated containers, as set by their environment.

use std::sync::Arc;

use longshore_machine::{Machine, Timestamp};
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::{
    ContainerSpec, Desired, Generation, Namespaces, NetworkMode, Order, OrderedTask, Reported,
    StopCause, TaskAbout, TaskReport, TaskSpec,
};
use longshore_wire_ecs::shape::container_definition::{ContainerDefinition, PortMapping};
use longshore_wire_ecs::shape::shared::KeyValuePair;

use super::Fleet;
use crate::audit;
use crate::limits::STOP_TIMEOUT_MS;

const HOST: ResourceId = ResourceId(9);

/// A fleet and its clock.
struct World {
    fleet: Fleet,
    now: Timestamp,
    generation: u64,
}

impl World {
    fn new() -> Self {
        Self { fleet: Fleet::default(), now: Timestamp::from_millis(1_000_000), generation: 0 }
    }

    fn order(
        &mut self,
        full: bool,
        spec: &Arc<TaskSpec>,
        desired: Desired,
        was_running: bool,
    ) -> Vec<TaskReport> {
        self.generation += 1;
        let tasks = vec![OrderedTask { spec: Arc::clone(spec), desired, was_running }];
        let mut out = Vec::new();
        self.fleet.step(
            self.now,
            vec![Order {
                instance: HOST,
                generation: Generation { epoch: 1, number: self.generation },
                full,
                tasks,
                forget: Vec::new(),
            }],
            &mut out,
        );
        self.take_in(out)
    }

    fn run(&mut self, spec: &Arc<TaskSpec>) -> Vec<TaskReport> {
        self.order(false, spec, Desired::Running, false)
    }

    fn stop(&mut self, spec: &Arc<TaskSpec>) -> Vec<TaskReport> {
        self.order(false, spec, Desired::Stopped, true)
    }

    fn pass(&mut self, ms: u64) -> Vec<TaskReport> {
        self.now = self.now + ms;
        let mut out = Vec::new();
        self.fleet.tick(self.now, &mut out);
        self.take_in(out)
    }

    fn take_in(&self, out: Vec<(ResourceId, TaskReport)>) -> Vec<TaskReport> {
        for host in self.fleet.hosts.values() {
            let violations = audit(&host.lifecycle);
            assert!(violations.is_empty(), "{violations:?}");
        }
        assert!(out.iter().all(|(host, _)| *host == HOST));
        out.into_iter().map(|(_, report)| report).collect()
    }

    fn wakes_in(&self) -> Option<u64> {
        self.fleet.wake_at().map(|at| at.since(self.now))
    }
}

fn statuses(reports: &[TaskReport]) -> Vec<Reported> {
    reports.iter().map(|report| report.status).collect()
}

/// A task with one container with this environment.
fn task(environment: &[(&str, &str)]) -> Arc<TaskSpec> {
    let pair = |(name, value): &(&str, &str)| KeyValuePair {
        name: Some((*name).into()),
        value: Some((*value).into()),
    };
    let mapping =
        |host_port| PortMapping { container_port: Some(80), host_port, ..Default::default() };
    let definition = ContainerDefinition {
        name: Some("app".into()),
        port_mappings: Some(vec![mapping(Some(8080)), mapping(Some(0)), mapping(None)]),
        ..Default::default()
    };
    let container = ContainerSpec {
        definition: Arc::new(definition),
        environment: Arc::new(environment.iter().map(pair).collect()),
        ..Default::default()
    };
    Arc::new(TaskSpec {
        id: ResourceId(1),
        arn: "arn:aws:ecs:us-east-1:123456789012:task/default/1".into(),
        cluster: "arn:aws:ecs:us-east-1:123456789012:cluster/default".into(),
        family: "web".into(),
        revision: 1,
        network_mode: NetworkMode::Bridge,
        namespaces: Namespaces::default(),
        containers: Arc::new(vec![container]),
        volumes: Arc::default(),
        about: TaskAbout::default(),
    })
}

#[test]
fn without_a_word_a_container_runs_at_once_and_for_ever() {
    let (mut world, web) = (World::new(), task(&[]));
    let reports = world.run(&web);
    assert_eq!(statuses(&reports), [Reported::Pending, Reported::Running]);
    let bindings = &reports[1].containers[0].bindings;
    assert_eq!(bindings.iter().map(|bound| bound.host_port).collect::<Vec<_>>(), [8080]);
    assert_eq!(world.wakes_in(), None);
    assert!(world.pass(1_000_000).is_empty());
}

#[test]
fn start_ms_says_how_long_a_start_takes() {
    let (mut world, web) = (World::new(), task(&[("LONGSHORE_SIM_START_MS", "500")]));
    assert_eq!(statuses(&world.run(&web)), [Reported::Pending]);
    assert_eq!(world.wakes_in(), Some(500));
    assert!(world.pass(499).is_empty());
    assert_eq!(statuses(&world.pass(1)), [Reported::Running]);
}

#[test]
fn run_ms_and_exit_code_say_when_and_how_it_ends() {
    for (code, given) in [(0, None), (7, Some("7"))] {
        let mut environment = vec![("LONGSHORE_SIM_RUN_MS", "1000")];
        environment.extend(given.map(|code| ("LONGSHORE_SIM_EXIT_CODE", code)));
        let (mut world, job) = (World::new(), task(&environment));
        world.run(&job);
        assert!(world.pass(999).is_empty());
        let reports = world.pass(1);
        assert_eq!(statuses(&reports), [Reported::Stopped]);
        assert_eq!(reports[0].containers[0].exit_code, Some(code));
        assert_eq!(reports[0].cause, Some(StopCause::EssentialContainerExited));
        assert_eq!(world.wakes_in(), None);
    }
}

#[test]
fn a_task_without_stop_ms_ends_as_soon_as_it_is_told_to() {
    let (mut world, web) = (World::new(), task(&[]));
    world.run(&web);
    let reports = world.stop(&web);
    assert_eq!(statuses(&reports), [Reported::Stopped]);
    assert_eq!(
        (reports[0].containers[0].exit_code, &reports[0].cause),
        (Some(143), &Some(StopCause::Ordered))
    );
}

#[test]
fn stop_ms_says_how_long_the_end_takes_and_a_stubborn_container_is_killed() {
    for (stop_ms, ends_in, code) in [("300", 300, 143), ("90000", STOP_TIMEOUT_MS, 137)] {
        let (mut world, web) = (World::new(), task(&[("LONGSHORE_SIM_STOP_MS", stop_ms)]));
        world.run(&web);
        assert!(world.stop(&web).is_empty());
        assert!(world.pass(ends_in - 1).is_empty());
        let reports = world.pass(1);
        assert_eq!(statuses(&reports), [Reported::Stopped]);
        assert_eq!(reports[0].containers[0].exit_code, Some(code));
        assert!(world.pass(90_000).is_empty(), "it ends once");
        assert_eq!(world.wakes_in(), None);
    }
}

#[test]
fn start_error_is_the_reason_of_a_start_that_fails() {
    let (mut world, web) = (World::new(), task(&[("LONGSHORE_SIM_START_ERROR", "no space")]));
    let reports = world.run(&web);
    assert_eq!(statuses(&reports), [Reported::Pending, Reported::Stopped]);
    let reason = "CannotStartContainerError: no space";
    assert_eq!(reports[1].cause, Some(StopCause::FailedToStart(reason.into())));
}

#[test]
fn later_values_of_a_variable_win_and_what_is_no_number_counts_as_absent() {
    let twice = [("LONGSHORE_SIM_START_MS", "900"), ("LONGSHORE_SIM_START_MS", "100")];
    let (mut world, web) = (World::new(), task(&twice));
    world.run(&web);
    assert_eq!(world.wakes_in(), Some(100));
    let (mut world, web) = (World::new(), task(&[("LONGSHORE_SIM_START_MS", "soon")]));
    assert_eq!(statuses(&world.run(&web)), [Reported::Pending, Reported::Running]);
}

#[test]
fn a_restarted_fleet_finds_what_was_running_and_runs_it_anew() {
    let environment = [("LONGSHORE_SIM_RUN_MS", "1000"), ("LONGSHORE_SIM_START_MS", "500")];
    let (mut world, job) = (World::new(), task(&environment));
    let reports = world.order(true, &job, Desired::Running, true);
    assert_eq!(statuses(&reports), [Reported::Running]);
    assert_eq!(statuses(&world.pass(1_000)), [Reported::Stopped]);
}

#[test]
fn hosts_do_not_disturb_each_other() {
    let (mut world, web) = (World::new(), task(&[]));
    world.run(&web);
    let empty = Order {
        instance: ResourceId(10),
        generation: Generation { epoch: 1, number: 1 },
        full: true,
        tasks: Vec::new(),
        forget: Vec::new(),
    };
    let mut out = Vec::new();
    world.fleet.step(world.now, vec![empty], &mut out);
    assert!(out.is_empty());
    assert_eq!(statuses(&world.stop(&web)), [Reported::Stopped]);
}
