//! All that the control plane knows, and accessors to it. No policy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::host::Generation;

use crate::announce::Announcement;
use crate::cluster_state::ClusterState;
use crate::expiry::{Expiry, Visible};
use crate::record::TaskDefinition;
use crate::service::Agenda;
use crate::setting::{SettingName, Settings};

/// The revisions of one family.
#[derive(Clone, Debug, Default)]
pub(crate) struct Family {
    pub(crate) revisions: BTreeMap<u32, Arc<TaskDefinition>>,
    /// The greatest revision that there ever was; 0 before the first.
    pub(crate) last: u32,
}

impl Family {
    /// Adds or replaces a revision.
    pub(crate) fn put(&mut self, definition: Arc<TaskDefinition>) {
        self.last = self.last.max(definition.revision);
        self.revisions.insert(definition.revision, definition);
    }
}

/// One account in one region.
#[derive(Clone, Debug, Default)]
pub(crate) struct Regional {
    pub(crate) clusters: BTreeMap<Str, ClusterState>,
    pub(crate) families: BTreeMap<Str, Family>,
    pub(crate) settings: Settings,
}

/// Where an instance is, so that agents need only name its id.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    pub(crate) realm: Realm,
    pub(crate) cluster: Str,
    /// Generation of the last order.
    pub(crate) generation: Generation,
}

impl Home {
    pub(crate) fn new(realm: Realm, cluster: Str) -> Self {
        Self { realm, cluster, generation: Generation::default() }
    }

    /// The generation of the next order.
    pub(crate) fn next_generation(&mut self) -> Generation {
        self.generation.number += 1;
        self.generation
    }
}

/// All that the control plane knows.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub(crate) realms: BTreeMap<Realm, Regional>,
    pub(crate) homes: BTreeMap<ResourceId, Home>,
    /// When a stopped task, a deregistered instance or a deleted service is to be forgotten.
    pub(crate) expiries: BTreeSet<Expiry>,
    /// Task definitions that are being deleted.
    pub(crate) deletions: BTreeSet<(Realm, Str, u32)>,
    /// When it is looked whether they are in use still; `None` if there are none.
    pub(crate) deletions_due: Option<Timestamp>,
    /// Clusters that may have changed in this step.
    pub(crate) touched: BTreeSet<(Realm, Str)>,
    /// Services to be looked at.
    pub(crate) agenda: Agenda,
    /// What services did in this step.
    pub(crate) announced: Vec<Announcement>,
    pub(crate) changed_clusters: BTreeSet<(Realm, Str)>,
    pub(crate) changed_definitions: BTreeSet<(Realm, Str, u32)>,
    pub(crate) changed_tokens: BTreeSet<(Realm, Str, Str)>,
    /// Families whose greatest revision is to be remembered although it is gone.
    pub(crate) changed_families: BTreeSet<(Realm, Str)>,
    pub(crate) changed_settings: BTreeSet<(Realm, Str, SettingName)>,
}

impl State {
    pub(crate) fn realm(&mut self, realm: &Realm) -> &mut Regional {
        if !self.realms.contains_key(realm) {
            self.realms.insert(realm.clone(), Regional::default());
        }
        self.realms.get_mut(realm).expect("it was just put there")
    }

    /// A cluster to read or to change. It counts as touched: what changed in it is looked for at the end of the step.
    pub(crate) fn cluster_mut(&mut self, realm: &Realm, name: &str) -> Option<&mut ClusterState> {
        let cluster = self.realms.get_mut(realm)?.clusters.get_mut(name)?;
        touch(&mut self.touched, cluster);
        Some(cluster)
    }

    /// The clusters that were touched; none is, then.
    pub(crate) fn take_touched(&mut self) -> BTreeSet<(Realm, Str)> {
        let touched = std::mem::take(&mut self.touched);
        for (realm, name) in &touched {
            let regional = self.realms.get_mut(realm);
            if let Some(cluster) = regional.and_then(|all| all.clusters.get_mut(name)) {
                cluster.is_touched = false;
            }
        }
        touched
    }

    /// A cluster to read.
    pub(crate) fn cluster(&self, realm: &Realm, name: &str) -> Option<&ClusterState> {
        self.realms.get(realm)?.clusters.get(name)
    }

    /// Says that something of a cluster is to be forgotten at a time.
    pub(crate) fn expire_at(&mut self, at: Timestamp, realm: Realm, cluster: Str, what: Visible) {
        self.expiries.insert((at, realm, cluster, what));
    }

    /// The cluster of an instance, found by the instance's id.
    pub(crate) fn home_cluster(&mut self, instance: ResourceId) -> Option<&mut ClusterState> {
        let home = self.homes.get(&instance)?;
        let cluster = self.realms.get_mut(&home.realm)?.clusters.get_mut(&home.cluster)?;
        touch(&mut self.touched, cluster);
        Some(cluster)
    }

    /// An agent connected: the orders that it gets from here on are newer than any before, also than those of an earlier
    /// control plane.
    pub(crate) fn begin_epoch(&mut self, instance: ResourceId) {
        let Some(cluster) = self.home_cluster(instance) else { return };
        let Some(version) = cluster.instances.get(&instance).map(|one| one.version) else { return };
        let Some(home) = self.homes.get_mut(&instance) else { return };
        home.generation.epoch = home.generation.epoch.max(version.unsigned_abs());
    }

    pub(crate) fn definition(
        &self,
        realm: &Realm,
        family: &str,
        revision: u32,
    ) -> Option<&Arc<TaskDefinition>> {
        self.realms.get(realm)?.families.get(family)?.revisions.get(&revision)
    }

    /// Adds or replaces a revision of a task definition; it will be stored.
    pub(crate) fn put_definition(&mut self, definition: Arc<TaskDefinition>) {
        let key = (definition.realm.clone(), definition.family.clone(), definition.revision);
        let families = &mut self.realm(&definition.realm).families;
        families.entry(definition.family.clone()).or_default().put(definition);
        self.changed_definitions.insert(key);
    }

    /// All clusters.
    pub(crate) fn clusters(&self) -> impl Iterator<Item = &ClusterState> {
        self.realms.values().flat_map(|realm| realm.clusters.values())
    }
}

/// A step touches a cluster often, and it counts once.
fn touch(touched: &mut BTreeSet<(Realm, Str)>, cluster: &mut ClusterState) {
    if !std::mem::replace(&mut cluster.is_touched, true) {
        touched.insert((cluster.record.realm.clone(), cluster.record.name.clone()));
    }
}
