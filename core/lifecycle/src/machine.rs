//! A host as a machine: its inputs, what it asks of its runtime, and when it wakes up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_machine::{Machine, Timestamp};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::{
    Desired, Generation, Order, OrderedTask, PortBinding, TaskReport, TaskSpec,
};

use crate::task::TaskState;

/// Identifies a container by its task and its index in the definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContainerRef {
    /// The task.
    pub task: ResourceId,
    /// Counts from 0.
    pub index: usize,
}

/// Inputs of a host.
#[derive(Clone, Debug)]
pub enum Input {
    /// What the runtime already has, sent once before the first order.
    Inventory(Vec<Found>),
    /// An order from the control plane.
    Ordered(Order),
    /// An event from the runtime.
    Happened(ContainerRef, Event),
}

/// A container that the runtime has from an earlier run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its task.
    pub task: ResourceId,
    /// Its name in the definition.
    pub container: Str,
    /// Its id in the runtime.
    pub runtime_id: Str,
    /// The bound ports.
    pub bindings: Vec<PortBinding>,
    /// Whether it is still running.
    pub state: FoundState,
}

/// Whether a found container is still running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundState {
    /// It is running.
    Running,
    /// It exited, with its exit code if known.
    Exited(Option<i32>),
}

/// Something that happened to a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Its image is being pulled.
    PullStarted,
    /// Its image is available.
    PullStopped,
    /// It is running.
    Started {
        /// Its id in the runtime.
        runtime_id: Str,
        /// Digest of its image.
        image_digest: Option<Str>,
        /// The bound ports.
        bindings: Vec<PortBinding>,
    },
    /// It could not be started; the reason is `ErrorName: text`. A task continues without a
    /// container that is not essential.
    StartFailed(Str),
    /// Something that the whole task needs is unavailable, so none of it starts; the reason is
    /// `ErrorName: text`.
    TaskFailed(Str),
    /// It exited.
    Exited {
        /// Exit code, if known.
        code: Option<i32>,
        /// What else went wrong, as `ErrorName: text`.
        reason: Option<Str>,
    },
    /// A requested probe finished.
    Probed {
        /// Whether it passed.
        passed: bool,
    },
}

/// Outputs of a host.
#[derive(Clone, Debug)]
pub enum Output {
    /// Pull its image if necessary, then create and start it.
    Start(ContainerRef, Arc<TaskSpec>),
    /// Send the stop signal.
    Stop(ContainerRef),
    /// Kill it immediately.
    Kill(ContainerRef),
    /// Run its health check command.
    Probe(ContainerRef),
    /// Stop whatever is left of the task and remove its containers.
    Remove(ResourceId),
    /// Report to the control plane.
    Report(TaskReport),
}

/// One host.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    pub(crate) tasks: BTreeMap<ResourceId, TaskState>,
    found: BTreeMap<ResourceId, Vec<Found>>,
    /// Events of found containers that arrived before the order naming their tasks.
    early: BTreeMap<ResourceId, Vec<(usize, Event)>>,
    due: BTreeSet<(Timestamp, ResourceId)>,
    generation: Generation,
}

impl Lifecycle {
    fn ordered(&mut self, now: Timestamp, order: Order, out: &mut Vec<Output>) {
        if order.generation <= self.generation {
            return;
        }
        self.generation = order.generation;
        let named: BTreeSet<ResourceId> = order.tasks.iter().map(|task| task.spec.id).collect();
        for task in order.tasks {
            self.take_in(now, task, order.full, out);
        }
        for id in order.forget {
            self.forget(id, out);
        }
        if order.full {
            let dropped: Vec<ResourceId> =
                self.tasks.keys().filter(|id| !named.contains(id)).copied().collect();
            for id in dropped {
                self.forget(id, out);
            }
            // Containers that were found but are not wanted are left over from an earlier run.
            for id in std::mem::take(&mut self.found).into_keys() {
                out.push(Output::Remove(id));
            }
            self.early.clear();
        }
    }

    fn take_in(&mut self, now: Timestamp, ordered: OrderedTask, full: bool, out: &mut Vec<Output>) {
        let id = ordered.spec.id;
        let stop = ordered.desired == Desired::Stopped;
        let found = self.found.remove(&id);
        let task = self.tasks.entry(id).or_insert_with(|| {
            TaskState::new(now, ordered.spec, ordered.was_running, found.unwrap_or_default())
        });
        for (index, event) in self.early.remove(&id).unwrap_or_default() {
            task.happened(now, index, event);
        }
        if stop {
            task.order_stop();
        }
        if full || !stop {
            // The sender of this order does not know the state of the task.
            task.forget_report();
        }
        self.advance(now, id, out);
    }

    /// Does everything that can be done for a task now.
    fn advance(&mut self, now: Timestamp, id: ResourceId, out: &mut Vec<Output>) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        if let Some(at) = task.take_wake() {
            self.due.remove(&(at, id));
        }
        task.advance(now, out);
        if let Some(at) = task.next_wake(now) {
            self.due.insert((at, id));
        }
    }

    /// Drops a task that will not be asked for again.
    fn forget(&mut self, id: ResourceId, out: &mut Vec<Output>) {
        if let Some(at) = self.tasks.remove(&id).and_then(|mut task| task.take_wake()) {
            self.due.remove(&(at, id));
        }
        out.push(Output::Remove(id));
    }
}

impl Machine for Lifecycle {
    type Input = Input;
    type Output = Output;

    fn step(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Inventory(found) => {
                for one in found {
                    self.found.entry(one.task).or_default().push(one);
                }
            }
            Input::Ordered(order) => self.ordered(now, order, out),
            Input::Happened(container, event) => {
                if let Some(task) = self.tasks.get_mut(&container.task) {
                    task.happened(now, container.index, event);
                    self.advance(now, container.task, out);
                } else if self.found.contains_key(&container.task) {
                    self.early.entry(container.task).or_default().push((container.index, event));
                }
            }
        }
    }

    fn tick(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        while let Some((_, id)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.pop_first();
            self.advance(now, id, out);
        }
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests;
