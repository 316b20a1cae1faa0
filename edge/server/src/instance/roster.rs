//! Which instances of which cluster are on this machine, and what one more would be like.
//!
//! The keeper writes it, and others read it without waiting for the keeper, who may be busy with a machine for a while. Invariant: an
//! instance is in it from its registration until it is gone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_stacks::{Fleet, Fleets};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;

use super::InstanceConfig;

/// Clusters without instances that are kept. Source: chosen by us.
const EMPTY_MAX: usize = 1_000;

#[derive(Debug, Default)]
struct Rolls {
    members: BTreeMap<ResourceId, Str>,
    /// The newest instance of each cluster, as it was asked for.
    newest: BTreeMap<Str, InstanceConfig>,
}

/// The instances of this machine; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roster(Arc<Mutex<Rolls>>);

/// The name in a name or an ARN.
fn name(cluster: &str) -> &str {
    cluster.rsplit('/').next().unwrap_or(cluster)
}

impl Roster {
    fn lock(&self) -> MutexGuard<'_, Rolls> {
        // Each change is one insertion or removal, so a panic elsewhere cannot leave it half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An instance has registered.
    pub(super) fn add(&self, id: ResourceId, cluster: &str, config: &InstanceConfig) {
        let mut rolls = self.lock();
        rolls.members.insert(id, name(cluster).into());
        rolls.newest.insert(name(cluster).into(), config.clone());
        if rolls.newest.len() > EMPTY_MAX {
            let used: Vec<Str> = rolls.members.values().cloned().collect();
            rolls.newest.retain(|cluster, _| used.contains(cluster));
        }
    }

    /// An instance is gone.
    pub(super) fn remove(&self, id: ResourceId) {
        self.lock().members.remove(&id);
    }

    /// What one more instance of a cluster is like: as the newest, with a name and a zone of its own.
    pub(super) fn another(&self, cluster: &str) -> Option<InstanceConfig> {
        let newest = self.lock().newest.get(name(cluster)).cloned();
        newest.map(|one| InstanceConfig {
            ec2_instance_id: Str::default(),
            zone: Str::default(),
            ..one
        })
    }

    /// The instances of a cluster.
    pub(super) fn of(&self, cluster: &str) -> Vec<ResourceId> {
        let rolls = self.lock();
        let is_here = |(_, one): &(&ResourceId, &Str)| ***one == *name(cluster);
        rolls.members.iter().filter(is_here).map(|(id, _)| *id).collect()
    }

    /// The fleets of all clusters that have or had instances.
    pub(crate) fn fleets(&self) -> Fleets {
        let rolls = self.lock();
        let fleet = |config: &InstanceConfig| Fleet {
            size: 0,
            instance_type: config.instance_type.clone(),
        };
        let newest = rolls.newest.iter();
        let mut fleets: Fleets =
            newest.map(|(cluster, config)| (cluster.clone(), fleet(config))).collect();
        for cluster in rolls.members.values() {
            fleets.entry(cluster.clone()).or_default().size += 1;
        }
        fleets
    }
}
