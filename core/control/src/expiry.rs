//! What stays visible for a while and is then forgotten: stopped tasks, deregistered instances,
//! deleted services and clusters, and deleted task definitions that nothing uses any more.
//!
//! Except for tasks, the number of deleted records kept is bounded per kind, so creating and
//! deleting in a loop exhausts neither memory nor disk. The number forgotten in one tick is bounded
//! too, since many may have ended together.

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{Realm, ResourceId};

use crate::cluster_state::ClusterState;
use crate::limits::{
    EXPIRIES_PAUSE_MS, EXPIRIES_PER_TICK_MAX, GONE_KEPT_MAX, INACTIVE_CLUSTER_VISIBLE_MS,
    INACTIVE_INSTANCE_VISIBLE_MS, INACTIVE_SERVICE_VISIBLE_MS, ORPHANS_PER_STEP_MAX,
    STOPPED_TASK_VISIBLE_MS,
};
use crate::machine::Output;
use crate::record::{ClusterStatus, InstanceStatus};
use crate::service::ServiceStatus;
use crate::state::State;
use crate::{launch, report};

/// What is still visible. Each entry knows its cluster, so forgetting searches nowhere else.
/// Clusters sort last: of entries due at the same time, a cluster is forgotten after its contents.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Visible {
    /// Tasks to stop because their instance was deregistered.
    Orphans(ResourceId),
    /// A stopped task.
    Task(ResourceId),
    /// A deregistered instance.
    Instance(ResourceId),
    /// An INACTIVE service.
    Service(Str),
    /// An INACTIVE cluster.
    Cluster,
}

/// When an entry is forgotten, and where it is.
pub(crate) type Expiry = (Timestamp, Realm, Str, Visible);

/// Forgets what is no longer visible, up to the limit of one tick. Returns true if that was so much
/// that other work should wait.
pub(crate) fn expire(state: &mut State, now: Timestamp, out: &mut Vec<Output>) -> bool {
    let mut forgotten = 0;
    while next(state).is_some_and(|at| at <= now) {
        let Some((due, realm, name, visible)) = state.expiries.pop_first() else { break };
        forgotten += match visible {
            Visible::Orphans(_) => ORPHANS_PER_STEP_MAX,
            _ => 1,
        };
        match visible {
            Visible::Orphans(id) if report::end_orphans(state, now, id) => {
                launch::order_all(state, id, out);
            }
            Visible::Orphans(id) => {
                state.expire_at(now + EXPIRIES_PAUSE_MS, realm, name, Visible::Orphans(id));
            }
            Visible::Task(id) => forget_task(state, &realm, &name, id),
            Visible::Instance(id) => forget_instance(state, &realm, &name, id),
            Visible::Service(service) if is_over(state, &realm, &name, &service, due) => {
                forget_service(state, &realm, &name, &service);
            }
            Visible::Service(_) => {}
            Visible::Cluster => forget_cluster(state, now, &realm, &name),
        }
        if forgotten >= EXPIRIES_PER_TICK_MAX {
            state.expiries_paused_until = now + EXPIRIES_PAUSE_MS;
        }
    }
    forgotten >= ORPHANS_PER_STEP_MAX
}

/// When the next entry is due.
pub(crate) fn next(state: &State) -> Option<Timestamp> {
    state.expiries.first().map(|(at, ..)| (*at).max(state.expiries_paused_until))
}

/// Keeps a deregistered instance visible for a while.
pub(crate) fn retire_instance(
    state: &mut State,
    realm: &Realm,
    name: &Str,
    id: ResourceId,
    at: Timestamp,
) {
    let until = |at| at + INACTIVE_INSTANCE_VISIBLE_MS;
    state.expire_at(until(at), realm.clone(), name.clone(), Visible::Instance(id));
    let Some(cluster) = state.cluster_mut(realm, name) else { return };
    cluster.gone_instances.insert((at, id));
    let gone = &cluster.gone_instances;
    let oldest = gone.first().filter(|_| gone.len() > GONE_KEPT_MAX).copied();
    if let Some((at, id)) = oldest.filter(|(_, id)| !cluster.loads.contains_key(id)) {
        state.expiries.remove(&(until(at), realm.clone(), name.clone(), Visible::Instance(id)));
        forget_instance(state, realm, name, id);
    }
}

/// Keeps an INACTIVE service visible for a while.
pub(crate) fn retire_service(
    state: &mut State,
    realm: &Realm,
    name: &Str,
    service: &Str,
    at: Timestamp,
) {
    let until = |at| at + INACTIVE_SERVICE_VISIBLE_MS;
    let visible = Visible::Service(service.clone());
    state.expire_at(until(at), realm.clone(), name.clone(), visible);
    let Some(cluster) = state.cluster_mut(realm, name) else { return };
    cluster.gone_services.insert((at, service.clone()));
    let gone = &cluster.gone_services;
    let oldest = gone.first().filter(|_| gone.len() > GONE_KEPT_MAX).cloned();
    if let Some((at, service)) = oldest {
        let visible = Visible::Service(service.clone());
        state.expiries.remove(&(until(at), realm.clone(), name.clone(), visible));
        forget_service(state, realm, name, &service);
    }
}

/// Keeps a deleted cluster visible for a while, and for as long as anything in it is.
pub(crate) fn retire_cluster(
    state: &mut State,
    now: Timestamp,
    realm: &Realm,
    name: &Str,
    at: Timestamp,
) {
    keep_cluster(state, realm, name, at);
    let gone = &state.regional_mut(realm).gone;
    let oldest = gone.first().filter(|_| gone.len() > GONE_KEPT_MAX).cloned();
    let unused = |name: &Str| state.cluster(realm, name).is_some_and(is_unused);
    if let Some((at, name)) = oldest.filter(|(_, name)| unused(name)) {
        let at = at + INACTIVE_CLUSTER_VISIBLE_MS;
        state.expiries.remove(&(at, realm.clone(), name.clone(), Visible::Cluster));
        forget_cluster(state, now, realm, &name);
    }
}

/// Schedules an INACTIVE cluster to be forgotten.
pub(crate) fn keep_cluster(state: &mut State, realm: &Realm, name: &Str, at: Timestamp) {
    state.regional_mut(realm).gone.insert((at, name.clone()));
    let at = at + INACTIVE_CLUSTER_VISIBLE_MS;
    state.expire_at(at, realm.clone(), name.clone(), Visible::Cluster);
}

/// Schedules a stopped task to be forgotten.
pub(crate) fn keep_task(
    state: &mut State,
    realm: Realm,
    cluster: Str,
    id: ResourceId,
    at: Timestamp,
) {
    state.expire_at(at + STOPPED_TASK_VISIBLE_MS, realm, cluster, Visible::Task(id));
}

/// Finds tasks left over from deregistering an instance that had more of them than one step ends.
pub(crate) fn find_orphans(state: &mut State) {
    let mut found = Vec::new();
    for cluster in state.clusters() {
        let (realm, name) = (&cluster.record.realm, &cluster.record.name);
        let gone = cluster.gone_instances.iter().filter(|(_, id)| cluster.loads.contains_key(id));
        found
            .extend(gone.map(|(at, id)| (*at, realm.clone(), name.clone(), Visible::Orphans(*id))));
    }
    state.expiries.extend(found);
}

/// Cancels forgetting a cluster that is created again.
pub(crate) fn revive_cluster(state: &mut State, realm: &Realm, name: &Str, gone_at: Timestamp) {
    state.regional_mut(realm).gone.remove(&(gone_at, name.clone()));
    let at = gone_at + INACTIVE_CLUSTER_VISIBLE_MS;
    state.expiries.remove(&(at, realm.clone(), name.clone(), Visible::Cluster));
}

/// Forgets task definitions being deleted that no known task or deployment uses. One pass over the
/// services serves all of them; tasks are counted by definition, since there may be a million.
///
/// Source: ECS API reference, `DeleteTaskDefinitions`.
pub(crate) fn finish_deletions(state: &mut State, now: Timestamp) {
    if state.deletions_due.is_none_or(|due| due > now) {
        return;
    }
    let mut unused = state.deletions.clone();
    unused.retain(|(realm, family, revision)| {
        let used = (family.clone(), *revision);
        let regional = state.realms.get(realm);
        let mut clusters = regional.into_iter().flat_map(|all| all.clusters.values());
        !clusters.any(|cluster| cluster.of_definition.contains_key(&used))
    });
    for (realm, regional) in &state.realms {
        if unused.is_empty() {
            break;
        }
        let services = regional.clusters.values().flat_map(|cluster| cluster.services.values());
        for deployment in services.flat_map(|service| &service.record.deployments) {
            unused.remove(&(realm.clone(), deployment.family.clone(), deployment.revision));
        }
    }
    for key in unused {
        state.deletions.remove(&key);
        let (realm, family, revision) = &key;
        let regional = state.realms.get_mut(realm);
        if let Some(known) = regional.and_then(|all| all.families.get_mut(family)) {
            known.revisions.remove(revision);
            // Revision numbers are not reused.
            if known.last == *revision {
                state.changed_families.insert((realm.clone(), family.clone()));
            }
        }
        state.changed_definitions.insert(key);
    }
    let waits = !state.deletions.is_empty();
    state.deletions_due = waits.then(|| now + crate::limits::DELETION_CHECK_MS);
}

fn forget_task(state: &mut State, realm: &Realm, name: &Str, id: ResourceId) {
    let Some(cluster) = state.cluster_mut(realm, name) else { return };
    cluster.remove_task(id);
    // A token is removed with the last task that it launched.
    if let Some(token) = cluster.forget_token_of(id) {
        state.changed_tokens.insert((realm.clone(), name.clone(), token));
    }
}

fn forget_instance(state: &mut State, realm: &Realm, name: &Str, id: ResourceId) {
    let Some(cluster) = state.cluster_mut(realm, name) else { return };
    let Some(known) = cluster.instances.get(&id) else { return };
    if known.status == InstanceStatus::Inactive {
        if let Some(at) = known.deregistered_at {
            cluster.gone_instances.remove(&(at, id));
        }
        cluster.instances.remove(&id);
        cluster.changed_instances.insert(id);
        state.homes.remove(&id);
    }
}

/// Whether a service has been INACTIVE for long enough: one of the same name may have been created
/// and deleted since.
fn is_over(state: &State, realm: &Realm, name: &Str, service: &Str, due: Timestamp) -> bool {
    let cluster = state.cluster(realm, name);
    let known = cluster.and_then(|cluster| cluster.services.get(service));
    let gone_at = known.and_then(|known| known.record.inactive_at);
    gone_at.is_some_and(|at| at + INACTIVE_SERVICE_VISIBLE_MS <= due)
}

fn forget_service(state: &mut State, realm: &Realm, name: &Str, service: &Str) {
    let Some(cluster) = state.cluster_mut(realm, name) else { return };
    let Some(known) = cluster.services.get(service) else { return };
    if known.record.status == ServiceStatus::Inactive {
        if let Some(at) = known.record.inactive_at {
            cluster.gone_services.remove(&(at, service.clone()));
        }
        cluster.services.remove(service);
        cluster.changed_services.insert(service.clone());
    }
}

/// Keeps a cluster that was created again in the meantime, or that something still refers to.
fn forget_cluster(state: &mut State, now: Timestamp, realm: &Realm, name: &Str) {
    let Some(cluster) = state.cluster_mut(realm, name) else { return };
    let gone_at = cluster.record.inactive_at;
    if cluster.record.status != ClusterStatus::Inactive {
        return;
    }
    if !is_unused(cluster) {
        let later = now + INACTIVE_CLUSTER_VISIBLE_MS;
        // Removals in this step have yet to be stored.
        let soon = now + EXPIRIES_PAUSE_MS;
        let at = if is_empty(cluster) { soon } else { later };
        return state.expire_at(at, realm.clone(), name.clone(), Visible::Cluster);
    }
    let regional = state.regional_mut(realm);
    regional.clusters.remove(name);
    if let Some(at) = gone_at {
        regional.gone.remove(&(at, name.clone()));
    }
    state.changed_clusters.insert((realm.clone(), name.clone()));
    state.drop_if_empty(realm);
}

/// Whether nothing refers to a cluster any more.
fn is_empty(cluster: &ClusterState) -> bool {
    cluster.instances.is_empty()
        && cluster.tasks.is_empty()
        && cluster.services.is_empty()
        && cluster.tokens.is_empty()
}

/// Whether nothing refers to a cluster and none of its removals is yet to be stored.
fn is_unused(cluster: &ClusterState) -> bool {
    is_empty(cluster)
        && cluster.changed_tasks.is_empty()
        && cluster.changed_instances.is_empty()
        && cluster.changed_services.is_empty()
}
