//! A cluster as seen by placement: what each instance has left, and where the tasks of each group
//! are.
//!
//! The owner of the cluster's state applies one change at a time. The cost of a change does not
//! depend on the size of the cluster: it is logged, and each ranking catches up with the log when
//! it is used.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;

use crate::ZONE_ATTRIBUTE;
use crate::ground::Kind;
use crate::log::Log;
use crate::machines::{self, Machines};
use crate::needs::{Needs, Port};
use crate::query::{Effort, Expression};
use crate::rankings::Rankings;
use crate::request::Strategy;
use crate::slot::{self, Slot};

/// What placement knows about one instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceView {
    /// CPU units that no task has reserved.
    pub cpu: u32,
    /// MiB that no task has reserved.
    pub memory_mib: u32,
    /// Ports in use: reserved at registration or by tasks.
    pub ports: BTreeSet<Port>,
    /// GPUs that no task has.
    pub gpus: u32,
    /// Attributes by name; the value may be absent.
    pub attributes: Arc<BTreeMap<Str, Option<Str>>>,
    /// Whether its status is ACTIVE.
    pub active: bool,
    /// Whether its agent is connected.
    pub connected: bool,
    /// Version of its agent, if reported.
    pub agent_version: Option<Str>,
    /// For example `i-0123456789abcdef0`, if reported.
    pub ec2_instance_id: Option<Str>,
    /// Registration time, in seconds since 1970-01-01T00:00:00Z.
    pub registered_at: Option<i64>,
}

/// What placement knows about one cluster.
#[derive(Clone, Debug, Default)]
pub struct ClusterView {
    slots: Vec<Slot>,
    by_id: BTreeMap<ResourceId, usize>,
    /// Free slots.
    unused: Vec<usize>,
    epochs: u64,
    machines: Machines,
    /// Number of slots and buckets visited by rankings, for cost estimates.
    pub(crate) looked_at: u64,
    /// Number of instances that accept tasks, by zone.
    zones: BTreeMap<Str, usize>,
    pub(crate) log: Log,
    pub(crate) rankings: Rankings,
}

impl ClusterView {
    /// The instances, by id.
    pub fn instances(&self) -> impl Iterator<Item = (ResourceId, &InstanceView)> {
        self.by_id.iter().filter_map(|(id, slot)| Some((*id, self.slots[*slot].view.as_ref()?)))
    }

    /// One instance.
    pub fn instance(&self, id: ResourceId) -> Option<&InstanceView> {
        self.slots[*self.by_id.get(&id)?].view.as_ref()
    }

    /// Whether an expression of the cluster query language matches an instance; false if it is
    /// unknown.
    pub fn matches(&self, id: ResourceId, expression: &Expression, effort: &Effort) -> bool {
        let slot = self.by_id.get(&id).map(|slot| &self.slots[*slot]);
        slot.is_some_and(|slot| slot::matches(slot, expression, effort))
    }

    /// Number of tasks of a group that should run on an instance.
    pub fn in_group(&self, group: &str, id: ResourceId) -> u32 {
        self.by_id.get(&id).map_or(0, |slot| self.slots[*slot].in_group(group))
    }

    /// The groups with tasks that should run on an instance and names that start with `prefix`.
    pub fn groups_on<'a>(
        &'a self,
        id: ResourceId,
        prefix: &'a str,
    ) -> impl Iterator<Item = &'a Str> + 'a {
        let slot = self.by_id.get(&id).map(|slot| &self.slots[*slot]);
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let groups = slot.into_iter().flat_map(move |slot| slot.groups.range::<str, _>(from));
        groups.map(|(group, _)| group).take_while(move |group| group.starts_with(prefix))
    }

    /// How many tasks of each group should run on each instance, for consistency checks.
    pub fn groups(&self) -> BTreeMap<(Str, ResourceId), u32> {
        let one = |slot: &Slot| {
            let id = slot.id;
            slot.groups.clone().into_iter().map(move |(group, count)| ((group, id), count))
        };
        self.slots.iter().flat_map(one).collect()
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    pub(crate) fn parts(&mut self) -> (&[Slot], &mut Log, &mut Rankings) {
        (&self.slots, &mut self.log, &mut self.rankings)
    }

    pub(crate) fn slot(&self, id: ResourceId) -> Option<&Slot> {
        self.by_id.get(&id).map(|slot| &self.slots[*slot])
    }

    /// The slots of the instances, by id.
    pub(crate) fn known(&self) -> impl Iterator<Item = &Slot> {
        self.by_id.values().map(|slot| &self.slots[*slot]).filter(|slot| slot.view.is_some())
    }

    /// Adds or replaces an instance. The counts of its tasks are kept.
    pub fn put_instance(&mut self, id: ResourceId, instance: InstanceView) {
        let slot = self.slot_for(id);
        let left = self.machines.leave(&mut self.slots, slot);
        self.epochs += 1;
        self.slots[slot].epoch = self.epochs;
        self.leave_zone(slot);
        self.slots[slot].view = Some(instance);
        let joined = self.machines.join(&mut self.slots, slot);
        self.join_zone(slot);
        self.note(slot, left.into_iter().chain(joined));
    }

    /// Records a change of a slot, and of others on its machine.
    fn note(&mut self, slot: usize, others: impl IntoIterator<Item = usize>) {
        for other in others {
            self.log.push(other);
            self.rankings.follow(other, &self.slots[other]);
        }
        self.log.push(slot);
        self.rankings.follow(slot, &self.slots[slot]);
    }

    /// The other instances on the same machine, with which it shares ports.
    pub fn beside(&self, id: ResourceId) -> impl Iterator<Item = ResourceId> {
        let slot = self.slot(id);
        let around = slot.into_iter().flat_map(|slot| self.machines.around(slot));
        around.map(|slot| self.slots[slot].id).filter(move |other| *other != id)
    }

    /// The ports that an instance cannot offer: in use by itself, or by others on its machine.
    pub fn ports_in_use(&self, id: ResourceId) -> Option<&BTreeSet<Port>> {
        let slot = self.slot(id)?;
        let view = slot.view.as_ref()?;
        // The machine's set includes the instance's own ports.
        Some(if machines::named(view).is_some() { &slot.machine_ports } else { &view.ports })
    }

    /// Sets whether the agent of an instance is connected; ignores an unknown instance.
    pub fn set_connected(&mut self, id: ResourceId, connected: bool) {
        let Some(slot) = self.by_id.get(&id).copied() else { return };
        self.leave_zone(slot);
        if let Some(view) = &mut self.slots[slot].view {
            view.connected = connected;
        }
        self.join_zone(slot);
        self.epochs += 1;
        self.slots[slot].epoch = self.epochs;
        self.log.push(slot);
        self.rankings.follow(slot, &self.slots[slot]);
    }

    /// Number of instances or buckets visited by placement so far. Four take about a microsecond;
    /// the cost of expressions is converted to the same unit.
    pub fn looked_at(&self) -> u64 {
        self.looked_at
    }

    /// The availability zones with an instance that accepts tasks.
    pub fn zones(&self) -> impl Iterator<Item = &Str> {
        self.zones.keys()
    }

    /// Counts the instance of a slot in its zone, if it accepts tasks.
    fn join_zone(&mut self, slot: usize) {
        if let Some(zone) = self.zone(slot) {
            *self.zones.entry(zone).or_default() += 1;
        }
    }

    /// Undoes one [`Self::join_zone`]; call before anything it depends on changes.
    fn leave_zone(&mut self, slot: usize) {
        let Some(zone) = self.zone(slot) else { return };
        let Some(count) = self.zones.get_mut(&zone) else { return };
        *count -= 1;
        if *count == 0 {
            self.zones.remove(&zone);
        }
    }

    fn zone(&self, slot: usize) -> Option<Str> {
        let view = self.slots[slot].view.as_ref().filter(|view| view.active && view.connected)?;
        view.attributes.get(ZONE_ATTRIBUTE)?.clone()
    }

    /// Builds in advance what requests with these needs share, and keeps it up to date, so that the
    /// first request need not visit all instances.
    pub fn prepare(&mut self, needs: &Arc<Needs>, strategies: &[Strategy]) {
        let kind = Kind::of(needs, &[], strategies);
        self.rankings.ground(&kind, &self.slots);
    }

    /// Removes an instance.
    pub fn remove_instance(&mut self, id: ResourceId) {
        let Some(slot) = self.by_id.get(&id).copied() else { return };
        let left = self.machines.leave(&mut self.slots, slot);
        self.leave_zone(slot);
        self.slots[slot].view = None;
        self.note(slot, left);
        self.give_back(slot);
    }

    fn slot_for(&mut self, id: ResourceId) -> usize {
        if let Some(slot) = self.by_id.get(&id) {
            return *slot;
        }
        let (groups, machine_ports) = (BTreeMap::new(), Arc::default());
        let fresh = Slot { id, view: None, groups, tasks: 0, machine_ports, epoch: 0 };
        let slot = if let Some(slot) = self.unused.pop() {
            self.slots[slot] = fresh;
            slot
        } else {
            self.slots.push(fresh);
            self.slots.len() - 1
        };
        self.by_id.insert(id, slot);
        slot
    }

    /// Frees a slot with no instance and no tasks.
    fn give_back(&mut self, slot: usize) {
        let left = &self.slots[slot];
        if left.view.is_none() && left.groups.is_empty() && self.by_id.remove(&left.id).is_some() {
            self.unused.push(slot);
        }
    }

    /// Takes what a task needs from an instance. Does nothing if the instance has left the cluster.
    ///
    /// # Panics
    /// If the instance does not have it: callers check first.
    pub fn reserve(&mut self, id: ResourceId, needs: &Needs) {
        let Some(slot) = self.by_id.get(&id).copied() else { return };
        let Some(view) = &mut self.slots[slot].view else { return };
        assert!(view.cpu >= needs.cpu, "{id} has {} CPU units, not {}", view.cpu, needs.cpu);
        assert!(view.memory_mib >= needs.memory_mib, "{id} lacks memory");
        assert!(view.gpus >= needs.gpus, "{id} lacks GPUs");
        view.gpus -= needs.gpus;
        view.cpu -= needs.cpu;
        view.memory_mib -= needs.memory_mib;
        for port in &needs.ports {
            assert!(view.ports.insert(*port), "{id} already uses {port:?}");
        }
        let others = self.machines.change(&mut self.slots, slot, &needs.ports, true);
        self.note(slot, others);
    }

    /// Returns what [`ClusterView::reserve`] took.
    pub fn release(&mut self, id: ResourceId, needs: &Needs) {
        let Some(slot) = self.by_id.get(&id).copied() else { return };
        let Some(view) = &mut self.slots[slot].view else { return };
        view.gpus += needs.gpus;
        view.cpu += needs.cpu;
        view.memory_mib += needs.memory_mib;
        for port in &needs.ports {
            assert!(view.ports.remove(port), "{id} did not use {port:?}");
        }
        let others = self.machines.change(&mut self.slots, slot, &needs.ports, false);
        self.note(slot, others);
    }

    /// Counts a task of `group` on an instance, from when it should run.
    pub fn join_group(&mut self, group: &Str, id: ResourceId) {
        let slot = self.slot_for(id);
        let tasks = &mut self.slots[slot];
        match tasks.groups.get_mut(group) {
            Some(count) => *count += 1,
            None => drop(tasks.groups.insert(group.clone(), 1)),
        }
        tasks.tasks += 1;
        self.log.push(slot);
    }

    /// Undoes one [`ClusterView::join_group`].
    pub fn leave_group(&mut self, group: &Str, id: ResourceId) {
        let Some(slot) = self.by_id.get(&id).copied() else { return };
        let tasks = &mut self.slots[slot];
        let Some(count) = tasks.groups.get_mut(group) else { return };
        *count -= 1;
        if *count == 0 {
            tasks.groups.remove(group);
        }
        tasks.tasks -= 1;
        self.log.push(slot);
        self.give_back(slot);
    }
}
