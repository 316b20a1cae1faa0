//! A host from order to report, with a runtime controlled by each test.

mod dependencies;
mod health;
mod restart;
mod start;
mod stop;

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_machine::{Machine, Timestamp};
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::{
    ContainerSpec, Desired, Generation, Namespaces, NetworkMode, Order, OrderedTask, Reported,
    TaskAbout, TaskReport, TaskSpec,
};
use longshore_wire_ecs::shape::container_definition::{ContainerDefinition, ContainerDependency};

use super::{ContainerRef, Event, Found, FoundState, Input, Lifecycle, Output};
use crate::audit;

/// A host, its clock, and the outputs of its last step.
struct World {
    host: Lifecycle,
    now: Timestamp,
    generation: u64,
    specs: BTreeMap<ResourceId, Arc<TaskSpec>>,
    /// Everything ever reported, in order.
    reports: Vec<TaskReport>,
    /// Number of reports before the last step.
    reported_before: usize,
    /// Whether the control plane records every end at once; otherwise it never confirms any.
    puts_on_record: bool,
}

impl World {
    fn new() -> Self {
        Self {
            host: Lifecycle::default(),
            now: Timestamp::from_millis(1_000_000),
            generation: 0,
            specs: BTreeMap::new(),
            reports: Vec::new(),
            reported_before: 0,
            puts_on_record: true,
        }
    }

    /// Steps, and returns what the runtime was asked to do, such as `start app` and `remove 1`.
    fn step(&mut self, input: Input) -> Vec<String> {
        let mut out = Vec::new();
        self.host.step(self.now, input, &mut out);
        self.take_in(out)
    }

    /// Advances the clock by `ms` and ticks.
    fn pass(&mut self, ms: u64) -> Vec<String> {
        self.now = self.now + ms;
        let mut out = Vec::new();
        self.host.tick(self.now, &mut out);
        self.take_in(out)
    }

    fn take_in(&mut self, out: Vec<Output>) -> Vec<String> {
        let violations = audit(&self.host);
        assert!(violations.is_empty(), "{violations:?}");
        self.reported_before = self.reports.len();
        let mut asked = Vec::new();
        let mut over = Vec::new();
        for output in out {
            if let Output::Report(report) = &output
                && report.status == Reported::Stopped
            {
                over.push(report.task);
            }
            match output {
                Output::Start(container, spec) => {
                    assert_eq!(spec.id, container.task);
                    asked.push(format!("start {}", self.name(container)));
                }
                Output::Stop(container) => asked.push(format!("stop {}", self.name(container))),
                Output::Kill(container) => asked.push(format!("kill {}", self.name(container))),
                Output::Probe(container) => asked.push(format!("probe {}", self.name(container))),
                Output::Remove(task) => asked.push(format!("remove {}", task.0)),
                Output::Report(report) => self.reports.push(report),
            }
        }
        if self.puts_on_record {
            asked.extend(self.forget(over));
        }
        asked
    }

    /// Confirms that the ends of tasks are recorded.
    fn forget(&mut self, tasks: Vec<ResourceId>) -> Vec<String> {
        if tasks.is_empty() {
            return Vec::new();
        }
        self.generation += 1;
        let (instance, generation) = (ResourceId(99), self.now_at());
        let order = Order { instance, generation, full: false, tasks: Vec::new(), forget: tasks };
        let mut out = Vec::new();
        self.host.step(self.now, Input::Ordered(order), &mut out);
        let removed = out.into_iter().map(|output| match output {
            Output::Remove(task) => format!("remove {}", task.0),
            other => panic!("{other:?} was not called for"),
        });
        removed.collect()
    }

    fn name(&self, container: ContainerRef) -> String {
        self.specs[&container.task].containers[container.index].name().to_owned()
    }

    fn order(&mut self, full: bool, tasks: &[(&Arc<TaskSpec>, Desired, bool)]) -> Vec<String> {
        self.generation += 1;
        self.order_of(self.now_at(), full, tasks)
    }

    fn order_of(
        &mut self,
        generation: Generation,
        full: bool,
        tasks: &[(&Arc<TaskSpec>, Desired, bool)],
    ) -> Vec<String> {
        let mut ordered = Vec::new();
        for (spec, desired, was_running) in tasks {
            self.specs.insert(spec.id, Arc::clone(spec));
            ordered.push(OrderedTask {
                spec: Arc::clone(spec),
                desired: *desired,
                was_running: *was_running,
            });
        }
        self.step(Input::Ordered(Order {
            instance: ResourceId(99),
            generation,
            full,
            tasks: ordered,
            forget: Vec::new(),
        }))
    }

    fn now_at(&self) -> Generation {
        Generation { epoch: 1, number: self.generation }
    }

    fn run(&mut self, spec: &Arc<TaskSpec>) -> Vec<String> {
        self.order(false, &[(spec, Desired::Running, false)])
    }

    fn stop(&mut self, spec: &Arc<TaskSpec>) -> Vec<String> {
        self.order(false, &[(spec, Desired::Stopped, false)])
    }

    fn happened(&mut self, spec: &TaskSpec, container: &str, event: Event) -> Vec<String> {
        let index = spec
            .containers
            .iter()
            .position(|one| one.name() == container)
            .expect("it is in the definition");
        self.step(Input::Happened(ContainerRef { task: spec.id, index }, event))
    }

    fn started(&mut self, spec: &TaskSpec, container: &str) -> Vec<String> {
        let runtime_id = format!("runtime-{container}").into();
        self.happened(
            spec,
            container,
            Event::Started { runtime_id, image_digest: None, bindings: Vec::new() },
        )
    }

    fn exited(&mut self, spec: &TaskSpec, container: &str, code: i32) -> Vec<String> {
        self.happened(spec, container, Event::Exited { code: Some(code), reason: None })
    }

    /// The last report.
    fn last(&self) -> &TaskReport {
        self.reports.last().expect("something was reported")
    }

    /// What the last step reported.
    fn new_reports(&self) -> &[TaskReport] {
        &self.reports[self.reported_before..]
    }

    /// Milliseconds until the host wants to be woken.
    fn host_wakes_in(&self) -> Option<u64> {
        self.host.wake_at().map(|at| at.since(self.now))
    }

    /// Every status reported for a task, in order.
    fn furthest(&self, spec: &TaskSpec) -> Vec<Reported> {
        self.reports
            .iter()
            .filter(|report| report.task == spec.id)
            .map(|report| report.status)
            .collect()
    }
}

fn container(name: &str) -> ContainerDefinition {
    ContainerDefinition {
        name: Some(name.into()),
        image: Some("busybox".into()),
        ..Default::default()
    }
}

/// A container that is not essential.
fn helper(name: &str) -> ContainerDefinition {
    ContainerDefinition { essential: Some(false), ..container(name) }
}

/// A container that waits for others.
fn depending(name: &str, on: &[(&str, &str)]) -> ContainerDefinition {
    let dependency = |(name, condition): &(&str, &str)| ContainerDependency {
        container_name: Some((*name).into()),
        condition: Some((*condition).into()),
    };
    ContainerDefinition { depends_on: Some(on.iter().map(dependency).collect()), ..container(name) }
}

fn task(number: u128, containers: Vec<ContainerDefinition>) -> Arc<TaskSpec> {
    let id = ResourceId(number);
    let spec = |definition: ContainerDefinition| ContainerSpec {
        definition: Arc::new(definition),
        ..Default::default()
    };
    Arc::new(TaskSpec {
        id,
        arn: format!("arn:aws:ecs:us-east-1:123456789012:task/default/{id}").into(),
        cluster: "arn:aws:ecs:us-east-1:123456789012:cluster/default".into(),
        family: "web".into(),
        revision: 1,
        network_mode: NetworkMode::Bridge,
        namespaces: Namespaces::default(),
        containers: Arc::new(containers.into_iter().map(spec).collect()),
        volumes: Arc::default(),
        about: TaskAbout::default(),
    })
}

/// A container that the runtime has from an earlier run.
fn found(spec: &TaskSpec, container: &str, state: FoundState) -> Found {
    Found {
        task: spec.id,
        container: container.into(),
        runtime_id: format!("old-{container}").into(),
        bindings: Vec::new(),
        state,
    }
}
