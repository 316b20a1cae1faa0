//! A cluster as placement sees it: what each instance has left, and where the tasks of each group are.
//!
//! Kept up to date by whoever owns the cluster's state, one change at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;

use crate::needs::{Needs, Port};

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

/// What placement knows of one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterView {
    instances: BTreeMap<ResourceId, InstanceView>,
    groups: BTreeMap<Str, BTreeMap<ResourceId, u32>>,
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
        self.instances.insert(id, instance);
    }

    /// Changes what is known of an instance; an unknown one is left alone.
    pub fn update_instance(&mut self, id: ResourceId, change: impl FnOnce(&mut InstanceView)) {
        if let Some(instance) = self.instances.get_mut(&id) {
            change(instance);
        }
    }

    /// Forgets an instance.
    pub fn remove_instance(&mut self, id: ResourceId) {
        self.instances.remove(&id);
    }

    /// Takes what a task needs from an instance. An instance that has left the cluster has nothing to take.
    ///
    /// # Panics
    /// When the instance does not have it: callers check first.
    pub fn reserve(&mut self, id: ResourceId, needs: &Needs) {
        let Some(instance) = self.instances.get_mut(&id) else { return };
        assert!(instance.cpu >= needs.cpu, "{id} has {} CPU units, not {}", instance.cpu, needs.cpu);
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
