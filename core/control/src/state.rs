//! The state of the control plane and its accessors. No policy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{ArnFormat, Realm, ResourceId};
use longshore_wire_ecs::host::Generation;

use crate::announce::Announcement;
use crate::cluster_state::ClusterState;
use crate::expiry::{Expiry, Visible};
use crate::limits::REALMS_MAX;
use crate::record::{DefinitionStatus, TaskDefinition};
use crate::service::Agenda;
use crate::setting::{SettingName, Settings};

/// The revisions of one family.
#[derive(Clone, Debug, Default)]
pub(crate) struct Family {
    pub(crate) revisions: BTreeMap<u32, Arc<TaskDefinition>>,
    /// The ACTIVE ones; a family may have many others.
    pub(crate) active: BTreeSet<u32>,
    /// The greatest revision ever registered; 0 before the first.
    pub(crate) last: u32,
}

impl Family {
    /// Adds or replaces a revision.
    fn put(&mut self, definition: Arc<TaskDefinition>) {
        if definition.status == DefinitionStatus::Active {
            self.active.insert(definition.revision);
        } else {
            self.active.remove(&definition.revision);
        }
        self.last = self.last.max(definition.revision);
        self.revisions.insert(definition.revision, definition);
    }

    /// The latest ACTIVE revision.
    pub(crate) fn latest(&self) -> Option<&Arc<TaskDefinition>> {
        self.revisions.get(self.active.last()?)
    }
}

/// One account in one region. Empty ones are not kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Regional {
    pub(crate) clusters: BTreeMap<Str, ClusterState>,
    pub(crate) families: BTreeMap<Str, Family>,
    pub(crate) settings: Settings,
    /// INACTIVE clusters, ordered by when they were deleted.
    pub(crate) gone: BTreeSet<(Timestamp, Str)>,
}

impl Regional {
    /// Whether there is nothing that a restart would restore.
    pub(crate) fn is_empty(&self) -> bool {
        self.clusters.is_empty() && self.families.is_empty() && self.settings.is_empty()
    }
}

/// The location of an instance, so that agents need only give its id.
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

/// Deviations from ECS that the operator asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Whether tasks that run and exit by themselves count as failures of their deployment. ECS
    /// only counts tasks that never ran or failed their health checks, so a deployment whose
    /// containers exit after a moment continues forever.
    pub breaker_counts_exits: bool,
}

/// Whether agents may be disconnected only because the control plane was down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Agents {
    /// A disconnected agent is gone.
    #[default]
    Settled,
    /// The control plane has just been loaded and does not know the time yet.
    Expected,
    /// Agents are expected back until this time.
    ExpectedUntil(Timestamp),
}

/// The state of the control plane.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub(crate) policy: Policy,
    pub(crate) realms: BTreeMap<Realm, Regional>,
    pub(crate) homes: BTreeMap<ResourceId, Home>,
    /// When stopped tasks, deregistered instances, and deleted services and clusters are forgotten.
    pub(crate) expiries: BTreeSet<Expiry>,
    /// Task definitions that are being deleted.
    pub(crate) deletions: BTreeSet<(Realm, Str, u32)>,
    /// When to check whether they are still in use; `None` if there are none.
    pub(crate) deletions_due: Option<Timestamp>,
    /// Nothing is forgotten before this time, because the last tick reached its limit.
    pub(crate) expiries_paused_until: Timestamp,
    /// Clusters that may have changed in this step.
    pub(crate) touched: BTreeSet<(Realm, Str)>,
    /// Scheduled passes over services.
    pub(crate) agenda: Agenda,
    /// Whether agents are still expected back after a restart.
    pub(crate) agents: Agents,
    /// What services announced in this step.
    pub(crate) announced: Vec<Announcement>,
    pub(crate) changed_clusters: BTreeSet<(Realm, Str)>,
    pub(crate) changed_definitions: BTreeSet<(Realm, Str, u32)>,
    pub(crate) changed_tokens: BTreeSet<(Realm, Str, Str)>,
    /// Families whose greatest revision must be remembered although it is gone.
    pub(crate) changed_families: BTreeSet<(Realm, Str)>,
    pub(crate) changed_settings: BTreeSet<(Realm, Str, SettingName)>,
}

impl State {
    /// The state of a realm; reads do not create one.
    pub(crate) fn regional(&self, realm: &Realm) -> Option<&Regional> {
        self.realms.get(realm)
    }

    /// A realm that is about to get state. Callers that add nothing call [`Self::drop_if_empty`].
    pub(crate) fn regional_mut(&mut self, realm: &Realm) -> &mut Regional {
        if !self.realms.contains_key(realm) {
            self.realms.insert(realm.clone(), Regional::default());
        }
        self.realms.get_mut(realm).expect("it was just put there")
    }

    /// The form of the ARNs of new resources of a realm, by the setting of their kind.
    pub(crate) fn arns(&self, realm: &Realm, name: SettingName) -> ArnFormat {
        self.regional(realm).map_or(ArnFormat::Long, |all| all.settings.arns(realm, name))
    }

    /// Drops a realm that has become empty.
    pub(crate) fn drop_if_empty(&mut self, realm: &Realm) {
        if self.realms.get(realm).is_some_and(Regional::is_empty) {
            self.realms.remove(realm);
        }
    }

    /// Whether there is no room for another realm.
    pub(crate) fn is_crowded(&self, realm: &Realm) -> bool {
        self.realms.len() >= REALMS_MAX && !self.realms.contains_key(realm)
    }

    /// Adds or replaces a revision of a task definition, to be stored.
    pub(crate) fn put_definition(&mut self, definition: Arc<TaskDefinition>) {
        let (realm, family) = (definition.realm.clone(), definition.family.clone());
        self.changed_definitions.insert((realm.clone(), family.clone(), definition.revision));
        self.regional_mut(&realm).families.entry(family).or_default().put(definition);
    }

    /// A cluster for reading or changing. It is marked as touched, and its changes are collected at
    /// the end of the step.
    pub(crate) fn cluster_mut(&mut self, realm: &Realm, name: &str) -> Option<&mut ClusterState> {
        let cluster = self.realms.get_mut(realm)?.clusters.get_mut(name)?;
        touch(&mut self.touched, cluster);
        Some(cluster)
    }

    /// Takes the touched clusters and clears their marks.
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

    /// A cluster for reading.
    pub(crate) fn cluster(&self, realm: &Realm, name: &str) -> Option<&ClusterState> {
        self.realms.get(realm)?.clusters.get(name)
    }

    /// Schedules an entry of a cluster to be forgotten.
    pub(crate) fn expire_at(&mut self, at: Timestamp, realm: Realm, cluster: Str, what: Visible) {
        self.expiries.insert((at, realm, cluster, what));
    }

    /// The cluster of an instance.
    pub(crate) fn home_cluster(&mut self, instance: ResourceId) -> Option<&mut ClusterState> {
        let home = self.homes.get(&instance)?;
        let cluster = self.realms.get_mut(&home.realm)?.clusters.get_mut(&home.cluster)?;
        touch(&mut self.touched, cluster);
        Some(cluster)
    }

    /// Makes the orders after an agent connects newer than all before, including those of an
    /// earlier control plane.
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

    /// All clusters.
    pub(crate) fn clusters(&self) -> impl Iterator<Item = &ClusterState> {
        self.realms.values().flat_map(|realm| realm.clusters.values())
    }
}

/// Marks a cluster as touched, once per step.
fn touch(touched: &mut BTreeSet<(Realm, Str)>, cluster: &mut ClusterState) {
    if !std::mem::replace(&mut cluster.is_touched, true) {
        touched.insert((cluster.record.realm.clone(), cluster.record.name.clone()));
    }
}
