//! What stays visible for a while after its end, and is forgotten then: stopped tasks, deregistered instances, deleted
//! services, and deleted task definitions that nothing uses any more.

use std::collections::BTreeSet;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{Realm, ResourceId};

use crate::record::InstanceStatus;
use crate::service::ServiceStatus;
use crate::state::State;

/// What is visible still. Each entry knows its cluster, so that forgetting looks nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Visible {
    /// A stopped task.
    Task(ResourceId),
    /// A deregistered instance.
    Instance(ResourceId),
    /// An INACTIVE service.
    Service(Str),
}

/// When what is to be forgotten, and where it is.
pub(crate) type Expiry = (Timestamp, Realm, Str, Visible);

/// Forgets what is no longer visible.
pub(crate) fn expire(state: &mut State, now: Timestamp) {
    while state.expiries.first().is_some_and(|(at, ..)| *at <= now) {
        let Some((at, realm, name, visible)) = state.expiries.pop_first() else { return };
        match visible {
            Visible::Task(id) => forget_task(state, &realm, &name, id),
            Visible::Instance(id) => forget_instance(state, &realm, &name, id),
            Visible::Service(service) => forget_service(state, &realm, &name, &service, at),
        }
    }
}

/// Forgets the task definitions that are being deleted and that neither a task that is known nor a deployment uses. Source: ECS API
/// reference, `DeleteTaskDefinitions`. All of them are looked at together, since that takes one walk over tasks and services.
pub(crate) fn finish_deletions(state: &mut State, now: Timestamp) {
    if state.deletions_due.is_none_or(|due| due > now) {
        return;
    }
    let mut unused = state.deletions.clone();
    for (realm, regional) in &state.realms {
        for cluster in regional.clusters.values() {
            for task in cluster.tasks.values() {
                let definition = &task.template.definition;
                use_definition(&mut unused, realm, &definition.family, definition.revision);
            }
            let services = cluster.services.values();
            for deployment in services.flat_map(|service| &service.record.deployments) {
                use_definition(&mut unused, realm, &deployment.family, deployment.revision);
            }
        }
    }
    for key in unused {
        state.deletions.remove(&key);
        let (realm, family, revision) = &key;
        let regional = state.realms.get_mut(realm);
        if let Some(known) = regional.and_then(|all| all.families.get_mut(family)) {
            known.revisions.remove(revision);
            // Its number is not given again.
            if known.last == *revision {
                state.changed_families.insert((realm.clone(), family.clone()));
            }
        }
        state.changed_definitions.insert(key);
    }
    let waits = !state.deletions.is_empty();
    state.deletions_due = waits.then(|| now + crate::limits::DELETION_CHECK_MS);
}

fn use_definition(
    unused: &mut BTreeSet<(Realm, Str, u32)>,
    realm: &Realm,
    family: &Str,
    revision: u32,
) {
    if !unused.is_empty() {
        unused.remove(&(realm.clone(), family.clone(), revision));
    }
}

fn forget_task(state: &mut State, realm: &Realm, name: &Str, id: ResourceId) {
    let Some(cluster) = state.cluster_mut(realm, name) else { return };
    cluster.remove_task(id);
    // A token goes with the last task that it launched.
    if let Some(token) = cluster.forget_token_of(id) {
        state.changed_tokens.insert((realm.clone(), name.clone(), token));
    }
}

fn forget_instance(state: &mut State, realm: &Realm, name: &Str, id: ResourceId) {
    let Some(cluster) = state.cluster_mut(realm, name) else { return };
    if cluster.instances.get(&id).is_some_and(|known| known.status == InstanceStatus::Inactive) {
        cluster.instances.remove(&id);
        cluster.changed_instances.insert(id);
        state.homes.remove(&id);
    }
}

/// A service of that name may have been created anew meanwhile; that one stays.
fn forget_service(state: &mut State, realm: &Realm, name: &Str, service: &Str, due: Timestamp) {
    let Some(cluster) = state.cluster_mut(realm, name) else { return };
    let over = cluster.services.get(service).is_some_and(|known| {
        let ended =
            known.record.inactive_at.map(|at| at + crate::limits::INACTIVE_SERVICE_VISIBLE_MS);
        known.record.status == ServiceStatus::Inactive && ended.is_some_and(|at| at <= due)
    });
    if over {
        cluster.services.remove(service);
        cluster.changed_services.insert(service.clone());
    }
}
