//! What a host may be told, what it asks of its runtime, and when it wakes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_machine::{Machine, Timestamp};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::{
    Desired, Generation, Order, OrderedTask, PortBinding, TaskReport, TaskSpec,
};

use crate::task::TaskState;

/// Names a container: its task, and its place in the definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContainerRef {
    /// The task.
    pub task: ResourceId,
    /// From 0.
    pub index: usize,
}

/// What a host may be told.
#[derive(Clone, Debug)]
pub enum Input {
    /// What the runtime already has, told once before the first order.
    Inventory(Vec<Found>),
    /// The control plane orders.
    Ordered(Order),
    /// The runtime tells.
    Happened(ContainerRef, Event),
}

/// A container that the runtime has from before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its task.
    pub task: ResourceId,
    /// Its name in the definition.
    pub container: Str,
    /// What the runtime calls it.
    pub runtime_id: Str,
    /// Ports as they are bound.
    pub bindings: Vec<PortBinding>,
    /// Whether it still runs.
    pub state: FoundState,
}

/// Whether a container that was found still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundState {
    /// It runs.
    Running,
    /// It ended; with its exit code, if that is known.
    Exited(Option<i32>),
}

/// What a runtime tells of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Its image is being pulled.
    PullStarted,
    /// Its image is there.
    PullStopped,
    /// It runs.
    Started {
        /// What the runtime calls it.
        runtime_id: Str,
        /// Digest of its image.
        image_digest: Option<Str>,
        /// Ports as they are bound.
        bindings: Vec<PortBinding>,
    },
    /// It could not be started; the reason is `ErrorName: text`. A task goes on without a container that is not essential.
    StartFailed(Str),
    /// What its whole task needs cannot be had, so that none of it starts; the reason is `ErrorName: text`.
    TaskFailed(Str),
    /// It ended.
    Exited {
        /// Exit code, if it is known.
        code: Option<i32>,
        /// What went wrong besides, as `ErrorName: text`.
        reason: Option<Str>,
    },
    /// A probe that was asked for came back.
    Probed {
        /// Whether it passed.
        passed: bool,
    },
}

/// What a host asks for.
#[derive(Clone, Debug)]
pub enum Output {
    /// Pull if need be, create and start.
    Start(ContainerRef, Arc<TaskSpec>),
    /// Send the stop signal.
    Stop(ContainerRef),
    /// End it at once.
    Kill(ContainerRef),
    /// Run its health check command.
    Probe(ContainerRef),
    /// End what still runs of the task and forget its containers.
    Remove(ResourceId),
    /// Tell the control plane.
    Report(TaskReport),
}

/// One host.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    pub(crate) tasks: BTreeMap<ResourceId, TaskState>,
    found: BTreeMap<ResourceId, Vec<Found>>,
    /// What happened to containers that were found, before the order that names their tasks.
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
            // What was found and is not wanted was left behind by an earlier run.
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
            // Whoever orders this does not know what became of the task.
            task.forget_report();
        }
        self.advance(now, id, out);
    }

    /// Does all that can be done for a task now.
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

    /// Lets go of a task: nobody will ask for it again.
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
