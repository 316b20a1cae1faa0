//! A cluster as placement sees it: what each instance has left, and where the tasks of each group are.
//!
//! Kept up to date by whoever owns the cluster's state, one change at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;

use crate::ZONE_ATTRIBUTE;
use crate::needs::{Needs, Port};

/// The number that stands for no zone.
pub(crate) const NO_ZONE: u32 = u32::MAX;

/// What placement knows of one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceView {
    /// CPU units that no task has reserved.
    pub cpu: u32,
    /// MiB that no task has reserved.
    pub memory_mib: u32,
    /// Ports in use: reserved at registration or by tasks.
    pub ports: BTreeSet<Port>,
    /// Attributes by name; the value may be absent.
    pub attributes: Arc<BTreeMap<Str, Option<Str>>>,
    /// Whether its status is ACTIVE.
    pub active: bool,
    /// Whether its agent is connected.
    pub connected: bool,
}

impl InstanceView {
    /// The availability zone, if the instance told.
    pub(crate) fn zone(&self) -> Option<&Str> {
        self.attributes.get(ZONE_ATTRIBUTE).and_then(Option::as_ref)
    }
}

/// What placement knows of one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterView {
    instances: BTreeMap<ResourceId, InstanceView>,
    groups: BTreeMap<Str, BTreeMap<ResourceId, u32>>,
    /// Numbers of the zones, so that instances are compared by number.
    zones: BTreeMap<Str, u32>,
    zone_of: BTreeMap<ResourceId, u32>,
    /// How many instances have an attribute of a name: what all have needs no look at each.
    attribute_counts: BTreeMap<Str, usize>,
}

impl ClusterView {
    /// The instances, by id.
    pub fn instances(&self) -> &BTreeMap<ResourceId, InstanceView> {
        &self.instances
    }

    /// One instance.
    pub fn instance(&self, id: ResourceId) -> Option<&InstanceView> {
        self.instances.get(&id)
    }

    /// Adds an instance or replaces what is known of it.
    pub fn put_instance(&mut self, id: ResourceId, instance: InstanceView) {
        self.remove_instance(id);
        for name in instance.attributes.keys() {
            *self.attribute_counts.entry(name.clone()).or_insert(0) += 1;
        }
        if let Some(zone) = instance.zone() {
            let next = u32::try_from(self.zones.len()).unwrap_or(NO_ZONE);
            let number = *self.zones.entry(zone.clone()).or_insert(next);
            self.zone_of.insert(id, number);
        }
        self.instances.insert(id, instance);
    }

    /// Says whether the agent of an instance is connected; an unknown instance is left alone.
    pub fn set_connected(&mut self, id: ResourceId, connected: bool) {
        if let Some(instance) = self.instances.get_mut(&id) {
            instance.connected = connected;
        }
    }

    /// Forgets an instance.
    pub fn remove_instance(&mut self, id: ResourceId) {
        self.zone_of.remove(&id);
        let Some(instance) = self.instances.remove(&id) else { return };
        for name in instance.attributes.keys() {
            if let Some(count) = self.attribute_counts.get_mut(name) {
                *count -= 1;
                if *count == 0 {
                    self.attribute_counts.remove(name);
                }
            }
        }
    }

    /// Each instance with the number of its zone, by id.
    pub(crate) fn with_zones(&self) -> impl Iterator<Item = (ResourceId, &InstanceView, u32)> {
        let mut zones = self.zone_of.iter().peekable();
        self.instances.iter().map(move |(id, instance)| {
            let zone = zones.next_if(|(of, _)| *of == id).map_or(NO_ZONE, |(_, zone)| *zone);
            (*id, instance, zone)
        })
    }

    /// Whether every instance has an attribute of that name.
    pub(crate) fn all_have(&self, name: &str) -> bool {
        self.attribute_counts.get(name) == Some(&self.instances.len())
    }

    /// Takes what a task needs from an instance. An instance that has left the cluster has nothing to take.
    ///
    /// # Panics
    /// When the instance does not have it: callers check first.
    pub fn reserve(&mut self, id: ResourceId, needs: &Needs) {
        let Some(instance) = self.instances.get_mut(&id) else { return };
        assert!(
            instance.cpu >= needs.cpu,
            "{id} has {} CPU units, not {}",
            instance.cpu,
            needs.cpu
        );
        assert!(instance.memory_mib >= needs.memory_mib, "{id} lacks memory");
        instance.cpu -= needs.cpu;
        instance.memory_mib -= needs.memory_mib;
        for port in &needs.ports {
            assert!(instance.ports.insert(*port), "{id} already uses {port:?}");
        }
    }

    /// Gives back what [`ClusterView::reserve`] took.
    pub fn release(&mut self, id: ResourceId, needs: &Needs) {
        let Some(instance) = self.instances.get_mut(&id) else { return };
        instance.cpu += needs.cpu;
        instance.memory_mib += needs.memory_mib;
        for port in &needs.ports {
            assert!(instance.ports.remove(port), "{id} did not use {port:?}");
        }
    }

    /// Counts a task of `group` on an instance, as long as it should run.
    pub fn join_group(&mut self, group: &Str, id: ResourceId) {
        *self.groups.entry(group.clone()).or_default().entry(id).or_insert(0) += 1;
    }

    /// Takes back one [`ClusterView::join_group`].
    pub fn leave_group(&mut self, group: &Str, id: ResourceId) {
        let Some(members) = self.groups.get_mut(group) else { return };
        if let Some(count) = members.get_mut(&id) {
            *count -= 1;
            if *count == 0 {
                members.remove(&id);
            }
        }
        if members.is_empty() {
            self.groups.remove(group);
        }
    }

    /// Tasks of `group` that should run, by instance.
    pub fn group(&self, group: &str) -> Option<&BTreeMap<ResourceId, u32>> {
        self.groups.get(group)
    }
}
