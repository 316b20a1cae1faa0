//! Many hosts with a simulated runtime: the same lifecycle without any containers.
//!
//! The behaviour of a container is read from its environment: `LONGSHORE_SIM_START_MS` (0) until it
//! runs, `LONGSHORE_SIM_RUN_MS` (forever) until it exits by itself with `LONGSHORE_SIM_EXIT_CODE`
//! (0), `LONGSHORE_SIM_STOP_MS` (0) from SIGTERM until it exits with 143, and
//! `LONGSHORE_SIM_START_ERROR` for a start that fails. A fleet keeps nothing across a restart: a
//! task that was running is found running and starts its run over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_machine::{Machine, Timestamp};
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::fetch;
use longshore_wire_ecs::host::{ContainerSpec, Order, PortBinding, TaskReport, TaskSpec};

use crate::machine::{ContainerRef, Event, Found, FoundState, Input, Lifecycle, Output};

/// Many simulated hosts.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    hosts: BTreeMap<ResourceId, Host>,
    due: BTreeSet<(Timestamp, ResourceId, Due)>,
    scratch: Vec<Output>,
}

#[derive(Clone, Debug, Default)]
struct Host {
    lifecycle: Lifecycle,
    specs: BTreeMap<ResourceId, Arc<TaskSpec>>,
    greeted: bool,
}

/// What a simulated host is waiting for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Wake,
    Start(ContainerRef),
    Exit(ContainerRef, i32),
    Probed(ContainerRef),
}

impl Host {
    /// Performs the outputs of its lifecycle, or schedules their completion.
    fn perform(
        &mut self,
        now: Timestamp,
        id: ResourceId,
        asked: &mut Vec<Output>,
        due: &mut BTreeSet<(Timestamp, ResourceId, Due)>,
        out: &mut Vec<(ResourceId, TaskReport)>,
    ) {
        for output in asked.drain(..) {
            match output {
                Output::Start(container, spec) => {
                    let delay = number(&spec.containers[container.index], "LONGSHORE_SIM_START_MS");
                    self.specs.insert(container.task, spec);
                    due.insert((now + delay.unwrap_or(0), id, Due::Start(container)));
                }
                Output::Stop(container) => {
                    let spec = self.specs.get(&container.task);
                    let delay = spec.and_then(|spec| {
                        number(&spec.containers[container.index], "LONGSHORE_SIM_STOP_MS")
                    });
                    due.insert((now + delay.unwrap_or(0), id, Due::Exit(container, 143)));
                }
                Output::Kill(container) => {
                    due.insert((now, id, Due::Exit(container, 137)));
                }
                Output::Probe(container) => {
                    // A simulated container is healthy as long as it is running.
                    due.insert((now, id, Due::Probed(container)));
                }
                Output::Remove(task) => drop(self.specs.remove(&task)),
                Output::Report(report) => out.push((id, report)),
            }
        }
    }
}

/// Whether a container fetches for its task.
fn is_fetcher(spec: &ContainerSpec) -> bool {
    spec.definition.docker_labels.as_ref().is_some_and(|labels| labels.contains_key(fetch::LABEL))
}

fn number<T: std::str::FromStr>(spec: &ContainerSpec, variable: &str) -> Option<T> {
    spec.variable(variable)?.parse().ok()
}

impl Fleet {
    fn feed(
        &mut self,
        now: Timestamp,
        id: ResourceId,
        input: Input,
        out: &mut Vec<(ResourceId, TaskReport)>,
    ) {
        let host = self.hosts.entry(id).or_default();
        host.lifecycle.step(now, input, &mut self.scratch);
        host.perform(now, id, &mut self.scratch, &mut self.due, out);
        if let Some(at) = host.lifecycle.wake_at() {
            self.due.insert((at, id, Due::Wake));
        }
    }

    fn start(
        &mut self,
        now: Timestamp,
        id: ResourceId,
        container: ContainerRef,
        out: &mut Vec<(ResourceId, TaskReport)>,
    ) {
        let Some(spec) =
            self.hosts.get(&id).and_then(|host| host.specs.get(&container.task)).cloned()
        else {
            return;
        };
        let simulated = &spec.containers[container.index];
        if let Some(error) = simulated.variable("LONGSHORE_SIM_START_ERROR") {
            let reason = format!("CannotStartContainerError: {error}").into();
            return self.feed(now, id, Input::Happened(container, Event::StartFailed(reason)), out);
        }
        // What is fetched is there at once.
        let fetched = is_fetcher(simulated).then_some(0);
        if let Some(run_ms) = number::<u64>(simulated, "LONGSHORE_SIM_RUN_MS").or(fetched) {
            let code = number(simulated, "LONGSHORE_SIM_EXIT_CODE").unwrap_or(0);
            self.due.insert((now + run_ms, id, Due::Exit(container, code)));
        }
        let started = Event::Started {
            runtime_id: format!("simulated-{}-{}", container.task, container.index).into(),
            image_digest: None,
            bindings: bindings(simulated),
        };
        self.feed(now, id, Input::Happened(container, started), out);
    }

    /// After a restart, the fleet finds what was running.
    fn greet(&mut self, now: Timestamp, order: &Order, out: &mut Vec<(ResourceId, TaskReport)>) {
        let host = self.hosts.entry(order.instance).or_default();
        if std::mem::replace(&mut host.greeted, true) {
            return;
        }
        let mut found = Vec::new();
        for task in order.tasks.iter().filter(|task| task.was_running) {
            host.specs.insert(task.spec.id, task.spec.clone());
            for (index, spec) in task.spec.containers.iter().enumerate() {
                let container = ContainerRef { task: task.spec.id, index };
                if let Some(run_ms) = number::<u64>(spec, "LONGSHORE_SIM_RUN_MS") {
                    let code = number(spec, "LONGSHORE_SIM_EXIT_CODE").unwrap_or(0);
                    self.due.insert((now + run_ms, order.instance, Due::Exit(container, code)));
                }
                found.push(Found {
                    task: task.spec.id,
                    container: spec.name().into(),
                    runtime_id: format!("simulated-{}-{index}", task.spec.id).into(),
                    bindings: bindings(spec),
                    state: if is_fetcher(spec) {
                        FoundState::Exited(Some(0))
                    } else {
                        FoundState::Running
                    },
                });
            }
        }
        self.feed(now, order.instance, Input::Inventory(found), out);
    }
}

/// Binds fixed ports as given and dynamic ports not at all, since nothing listens anyway.
fn bindings(spec: &ContainerSpec) -> Vec<PortBinding> {
    let mappings = spec.definition.port_mappings.iter().flatten();
    let bound = mappings.filter_map(|mapping| {
        Some(PortBinding {
            bind_ip: "0.0.0.0".into(),
            container_port: u16::try_from(mapping.container_port?).ok()?,
            host_port: u16::try_from(mapping.host_port?).ok().filter(|port| *port > 0)?,
            protocol: mapping.protocol.clone().unwrap_or_else(|| "tcp".into()),
        })
    });
    bound.collect()
}

impl Machine for Fleet {
    type Input = Vec<Order>;
    type Output = (ResourceId, TaskReport);

    fn step(&mut self, now: Timestamp, orders: Vec<Order>, out: &mut Vec<Self::Output>) {
        for order in orders {
            self.greet(now, &order, out);
            let instance = order.instance;
            self.feed(now, instance, Input::Ordered(order), out);
        }
        // What takes no time happens now, so a burst of orders needs no timers.
        self.tick(now, out);
    }

    fn tick(&mut self, now: Timestamp, out: &mut Vec<Self::Output>) {
        while let Some((at, ..)) = self.due.first()
            && *at <= now
        {
            let Some((_, id, due)) = self.due.pop_first() else { return };
            match due {
                Due::Start(container) => self.start(now, id, container, out),
                Due::Exit(container, code) => {
                    let exited = Event::Exited { code: Some(code), reason: None };
                    self.feed(now, id, Input::Happened(container, exited), out);
                }
                Due::Probed(container) => {
                    self.feed(
                        now,
                        id,
                        Input::Happened(container, Event::Probed { passed: true }),
                        out,
                    );
                }
                Due::Wake => {
                    let Some(host) = self.hosts.get_mut(&id) else { continue };
                    host.lifecycle.tick(now, &mut self.scratch);
                    host.perform(now, id, &mut self.scratch, &mut self.due, out);
                    if let Some(at) = host.lifecycle.wake_at() {
                        self.due.insert((at.max(now + 1), id, Due::Wake));
                    }
                }
            }
        }
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, ..)| *at)
    }
}

#[cfg(test)]
mod tests;
