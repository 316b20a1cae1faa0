//! All that the control plane knows, and accessors to it. No policy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{Realm, ResourceId};

use crate::cluster_state::ClusterState;
use crate::record::TaskDefinition;

/// The revisions of one family.
#[derive(Clone, Debug, Default)]
pub(crate) struct Family {
    pub(crate) revisions: BTreeMap<u32, Arc<TaskDefinition>>,
}

/// One account in one region.
#[derive(Clone, Debug, Default)]
pub(crate) struct Regional {
    pub(crate) clusters: BTreeMap<Str, ClusterState>,
    pub(crate) families: BTreeMap<Str, Family>,
}

/// Where an instance is, so that agents need only name its id.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    pub(crate) realm: Realm,
    pub(crate) cluster: Str,
    /// Generation of the last order.
    pub(crate) generation: u64,
}

/// All that the control plane knows.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub(crate) realms: BTreeMap<Realm, Regional>,
    pub(crate) homes: BTreeMap<ResourceId, Home>,
    /// When a stopped task or a deregistered instance is to be forgotten.
    pub(crate) expiries: BTreeSet<(Timestamp, ResourceId)>,
    pub(crate) changed_clusters: BTreeSet<(Realm, Str)>,
    pub(crate) changed_definitions: BTreeSet<(Realm, Str, u32)>,
    pub(crate) changed_tokens: BTreeSet<(Realm, Str, Str)>,
}

impl State {
    pub(crate) fn realm(&mut self, realm: &Realm) -> &mut Regional {
        if !self.realms.contains_key(realm) {
            self.realms.insert(realm.clone(), Regional::default());
        }
        self.realms.get_mut(realm).expect("it was just put there")
    }

    pub(crate) fn cluster_mut(&mut self, realm: &Realm, name: &str) -> Option<&mut ClusterState> {
        self.realms.get_mut(realm)?.clusters.get_mut(name)
    }

    /// The cluster of an instance, found by the instance's id.
    pub(crate) fn home_cluster(&mut self, instance: ResourceId) -> Option<&mut ClusterState> {
        let home = self.homes.get(&instance)?;
        self.realms.get_mut(&home.realm)?.clusters.get_mut(&home.cluster)
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
