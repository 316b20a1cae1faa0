//! All that the bus knows, and accessors to it. No policy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{Realm, ResourceId};

use crate::backlog::Backlog;
use crate::machine::Call;
use crate::queue::{Losses, Queue, Trash};
use crate::rules::Rules;

/// One account in one region.
#[derive(Clone, Debug, Default)]
pub(crate) struct Regional {
    pub(crate) rules: Arc<Rules>,
    pub(crate) queues: BTreeMap<Str, ResourceId>,
    /// Queues by the name of the dead-letter queue that they name, whether there is one of that name or not.
    pub(crate) sources: BTreeMap<Str, BTreeMap<Str, ResourceId>>,
    /// Names of queues that were deleted, and when they are free again.
    pub(crate) deleted: BTreeMap<Str, Timestamp>,
    pub(crate) deleted_ends: BTreeSet<(Timestamp, Str)>,
}

impl Regional {
    /// Notes the name of a deleted queue.
    pub(crate) fn note_deleted(&mut self, name: Str, until: Timestamp) {
        self.forget_deleted(&name);
        self.deleted_ends.insert((until, name.clone()));
        self.deleted.insert(name, until);
    }

    /// Forgets it. Whether it was noted.
    pub(crate) fn forget_deleted(&mut self, name: &Str) -> bool {
        let until = self.deleted.remove(name);
        until.is_some_and(|until| self.deleted_ends.remove(&(until, name.clone())))
    }
}

/// All that the bus knows.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub(crate) realms: BTreeMap<Realm, Regional>,
    pub(crate) queues: BTreeMap<ResourceId, Queue>,
    /// When a queue wants to be looked at.
    pub(crate) alarms: BTreeSet<(Timestamp, ResourceId)>,
    /// When the name of a deleted queue is free again.
    pub(crate) freed: BTreeSet<(Timestamp, Realm)>,
    /// Receives that wait, and where.
    pub(crate) polls: BTreeMap<Call, ResourceId>,
    /// Realms whose events somebody follows. Not stored: followers end with the program.
    pub(crate) followed: BTreeSet<Realm>,
    /// The version of the rules that changed last, in any realm.
    pub(crate) rules_version: u64,
    /// Events of the cluster that have not reached all queues yet.
    pub(crate) backlog: Backlog,
    /// What is dropped a little at a time.
    pub(crate) trash: Vec<Trash>,
    /// Events that matched a rule and could not be delivered.
    pub(crate) undelivered: u64,
}

impl State {
    pub(crate) fn realm(&mut self, realm: &Realm) -> &mut Regional {
        if !self.realms.contains_key(realm) {
            self.realms.insert(realm.clone(), Regional::default());
        }
        self.realms.get_mut(realm).expect("it was just put there")
    }

    pub(crate) fn queue_id(&self, realm: &Realm, name: &str) -> Option<ResourceId> {
        self.realms.get(realm)?.queues.get(name).copied()
    }

    /// Events that matched a rule and could not be delivered.
    pub fn undelivered(&self) -> u64 {
        self.undelivered
    }

    /// What a queue has lost.
    pub fn losses(&self, realm: &Realm, queue: &str) -> Option<Losses> {
        Some(self.queues.get(&self.queue_id(realm, queue)?)?.losses)
    }

    /// Sets the alarm of a queue to when time will change it.
    pub(crate) fn set_alarm(&mut self, id: ResourceId) {
        let Some(queue) = self.queues.get_mut(&id) else { return };
        let next = queue.next_change();
        if next != queue.alarm {
            if let Some(before) = std::mem::replace(&mut queue.alarm, next) {
                self.alarms.remove(&(before, id));
            }
            if let Some(next) = next {
                self.alarms.insert((next, id));
            }
        }
    }

    /// Notes the queue that another names as its dead-letter queue, or no longer does.
    pub(crate) fn note_source(
        &mut self,
        realm: &Realm,
        (source, id): (&Str, ResourceId),
        before: Option<&str>,
        now: Option<&str>,
    ) {
        if before == now {
            return;
        }
        let sources = &mut self.realm(realm).sources;
        if let Some(before) = before
            && let Some(names) = sources.get_mut(before)
        {
            names.remove(source);
            if names.is_empty() {
                sources.remove(before);
            }
        }
        if let Some(now) = now {
            sources.entry(now.into()).or_default().insert(source.clone(), id);
        }
    }
}
