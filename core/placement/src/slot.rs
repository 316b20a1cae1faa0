//! One instance in the view, with the tasks that should run on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;

use crate::needs::{Needs, Port, RequiredAttribute};
use crate::place::Refusal;
use crate::query::{Effort, Expression, Facts};
use crate::request::Constraint;
use crate::view::InstanceView;

/// One instance.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) id: ResourceId,
    /// `None` if the instance has left but some of its tasks have not been told to stop.
    pub(crate) view: Option<InstanceView>,
    /// Tasks that should run, by group.
    pub(crate) groups: BTreeMap<Str, u32>,
    /// Total number of these tasks.
    pub(crate) tasks: u32,
    /// Ports in use by all instances on its machine; empty if it names no machine.
    pub(crate) machine_ports: Arc<BTreeSet<Port>>,
    /// Increases when the instance changes, but not when its free resources do.
    pub(crate) epoch: u64,
}

impl Slot {
    /// Number of tasks of a group.
    pub(crate) fn in_group(&self, group: &str) -> u32 {
        self.groups.get(group).copied().unwrap_or(0)
    }
}

/// A slot with an instance, as seen by expressions.
struct Seen<'a>(&'a Slot, &'a InstanceView);

impl Facts for Seen<'_> {
    fn attribute(&self, name: &str) -> Option<Option<&str>> {
        self.1.attributes.get(name).map(Option::as_deref)
    }

    fn agent_connected(&self) -> Option<bool> {
        Some(self.1.connected)
    }

    fn agent_version(&self) -> Option<&str> {
        self.1.agent_version.as_deref()
    }

    fn ec2_instance_id(&self) -> Option<&str> {
        self.1.ec2_instance_id.as_deref()
    }

    fn registered_at(&self) -> Option<i64> {
        self.1.registered_at
    }

    fn running_tasks(&self) -> Option<u32> {
        Some(self.0.tasks)
    }

    fn any_group(&self, satisfies: &mut dyn FnMut(&str) -> bool) -> bool {
        self.0.groups.keys().any(|group| satisfies(group))
    }
}

/// The rules that an instance must pass for a task of a group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) needs: &'a Needs,
    pub(crate) group: &'a str,
    pub(crate) constraints: &'a [Constraint],
    /// The remaining budget for evaluating expressions.
    pub(crate) effort: &'a Effort,
}

impl Rules<'_> {
    /// Returns the first check that an instance fails.
    pub(crate) fn check(&self, slot: &Slot, view: &InstanceView) -> Result<(), Refusal> {
        if !view.active {
            return Err(Refusal::NotActive);
        }
        if !view.connected {
            return Err(Refusal::NotConnected);
        }
        self.attributes(view)?;
        self.room(slot, view)?;
        self.constraints(slot, view, |_| true)
    }

    /// Every check that an instance fails, in order.
    pub(crate) fn check_all(&self, slot: &Slot, view: &InstanceView) -> Vec<Refusal> {
        let needs = self.needs;
        let mut failed = Vec::new();
        let mut unless = |passes: bool, refusal: Refusal| {
            if !passes {
                failed.push(refusal);
            }
        };
        unless(view.active, Refusal::NotActive);
        unless(view.connected, Refusal::NotConnected);
        for required in needs.attributes.iter().filter(|required| !has(view, required)) {
            unless(false, Refusal::Attribute(required.name.clone()));
        }
        unless(view.cpu >= needs.cpu, Refusal::Cpu(view.cpu));
        unless(view.memory_mib >= needs.memory_mib, Refusal::Memory(view.memory_mib));
        for refusal in needs.ports.iter().filter_map(|port| port_in_use(slot, view, *port)) {
            unless(false, refusal);
        }
        unless(view.gpus >= needs.gpus, Refusal::Gpu(view.gpus));
        for number in 0..self.constraints.len() {
            if let Err(refusal) = self.constraint(number, slot, view) {
                failed.push(refusal);
            }
        }
        failed
    }

    /// The index of the `distinctInstance` constraint.
    pub(crate) fn distinct_at(&self) -> Option<usize> {
        self.constraints.iter().position(|one| *one == Constraint::DistinctInstance)
    }

    /// Whether an instance is eligible in principle, regardless of free resources, tasks and agent
    /// connection.
    pub(crate) fn suits(&self, slot: &Slot, view: &InstanceView) -> bool {
        let member_of = |constraint: &Constraint| matches!(constraint, Constraint::MemberOf(_));
        view.active
            && self.attributes(view).is_ok()
            && self.constraints(slot, view, member_of).is_ok()
    }

    /// The part of [`Self::check`] whose result cannot change within the slot's epoch.
    pub(crate) fn lasting(&self, slot: &Slot, view: &InstanceView) -> bool {
        view.active
            && view.connected
            && self.attributes(view).is_ok()
            && self.lasting_constraints(slot, view)
    }

    /// The part of [`Self::lasting`] that depends on constraints.
    pub(crate) fn lasting_constraints(&self, slot: &Slot, view: &InstanceView) -> bool {
        self.constraints(slot, view, |constraint| !reads_tasks(constraint)).is_ok()
    }

    /// The part of [`Self::check`] that may change within an epoch.
    pub(crate) fn passing(&self, slot: &Slot, view: &InstanceView) -> bool {
        self.room(slot, view).is_ok() && self.constraints(slot, view, reads_tasks).is_ok()
    }

    fn attributes(&self, view: &InstanceView) -> Result<(), Refusal> {
        let lacks = self.needs.attributes.iter().find(|required| !has(view, required));
        match lacks {
            Some(required) => Err(Refusal::Attribute(required.name.clone())),
            None => Ok(()),
        }
    }

    fn room(&self, slot: &Slot, view: &InstanceView) -> Result<(), Refusal> {
        let needs = self.needs;
        if view.cpu < needs.cpu {
            return Err(Refusal::Cpu(view.cpu));
        }
        if view.memory_mib < needs.memory_mib {
            return Err(Refusal::Memory(view.memory_mib));
        }
        match needs.ports.iter().find_map(|port| port_in_use(slot, view, *port)) {
            Some(refusal) => Err(refusal),
            None if view.gpus < needs.gpus => Err(Refusal::Gpu(view.gpus)),
            None => Ok(()),
        }
    }

    fn constraints(
        &self,
        slot: &Slot,
        view: &InstanceView,
        which: impl Fn(&Constraint) -> bool,
    ) -> Result<(), Refusal> {
        for number in 0..self.constraints.len() {
            if which(&self.constraints[number]) {
                self.constraint(number, slot, view)?;
            }
        }
        Ok(())
    }

    fn constraint(&self, number: usize, slot: &Slot, view: &InstanceView) -> Result<(), Refusal> {
        match &self.constraints[number] {
            Constraint::DistinctInstance if slot.in_group(self.group) > 0 => {
                Err(Refusal::DistinctInstance)
            }
            Constraint::MemberOf(expression)
                if !expression.matches_within(&Seen(slot, view), self.effort) =>
            {
                Err(Refusal::MemberOf(number))
            }
            Constraint::DistinctInstance | Constraint::MemberOf(_) => Ok(()),
        }
    }
}

/// Whether a port is in use: on the instance, or by another one on its machine.
fn port_in_use(slot: &Slot, view: &InstanceView, port: Port) -> Option<Refusal> {
    if view.ports.contains(&port) {
        return Some(Refusal::Port(port));
    }
    slot.machine_ports.contains(&port).then_some(Refusal::MachinePort(port))
}

/// Whether an instance has a required attribute.
fn has(view: &InstanceView, required: &RequiredAttribute) -> bool {
    let held = view.attributes.get(&required.name);
    held.is_some_and(|value| required.value.is_none() || *value == required.value)
}

/// Whether a constraint's result changes as tasks come and go.
fn reads_tasks(constraint: &Constraint) -> bool {
    match constraint {
        Constraint::DistinctInstance => true,
        Constraint::MemberOf(expression) => expression.reads_tasks(),
    }
}

/// Whether an expression matches the instance of a slot.
pub(crate) fn matches(slot: &Slot, expression: &Expression, effort: &Effort) -> bool {
    let means = |view| expression.matches_within(&Seen(slot, view), effort);
    slot.view.as_ref().is_some_and(means)
}
