//! The state of the bus, with accessors and no policy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{Realm, ResourceId};

use crate::backlog::Backlog;
use crate::machine::Call;
use crate::queue::{Losses, Queue, Trash};
use crate::rules::Rules;

/// The state of one account and region.
#[derive(Clone, Debug, Default)]
pub(crate) struct Regional {
    pub(crate) rules: Arc<Rules>,
    pub(crate) queues: BTreeMap<Str, ResourceId>,
    /// Queues by the name of their dead-letter queue, whether or not that exists.
    pub(crate) sources: BTreeMap<Str, BTreeMap<Str, ResourceId>>,
    /// Names of deleted queues, and when they can be reused.
    pub(crate) deleted: BTreeMap<Str, Timestamp>,
    pub(crate) deleted_ends: BTreeSet<(Timestamp, Str)>,
}

impl Regional {
    /// Records the name of a deleted queue.
    pub(crate) fn note_deleted(&mut self, name: Str, until: Timestamp) {
        self.forget_deleted(&name);
        self.deleted_ends.insert((until, name.clone()));
        self.deleted.insert(name, until);
    }

    /// Forgets the name of a deleted queue. Returns whether it was recorded.
    pub(crate) fn forget_deleted(&mut self, name: &Str) -> bool {
        let until = self.deleted.remove(name);
        until.is_some_and(|until| self.deleted_ends.remove(&(until, name.clone())))
    }
}

/// The state of the bus.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub(crate) realms: BTreeMap<Realm, Regional>,
    pub(crate) queues: BTreeMap<ResourceId, Queue>,
    /// When each queue needs processing.
    pub(crate) alarms: BTreeSet<(Timestamp, ResourceId)>,
    /// When the name of a deleted queue can be reused.
    pub(crate) freed: BTreeSet<(Timestamp, Realm)>,
    /// Waiting receives, and their queues.
    pub(crate) polls: BTreeMap<Call, ResourceId>,
    /// Realms with followers. Not stored: followers end with the program.
    pub(crate) followed: BTreeSet<Realm>,
    /// The version of the latest change to the rules of any realm.
    pub(crate) rules_version: u64,
    /// Cluster events that have not reached all queues yet.
    pub(crate) backlog: Backlog,
    /// Former queue contents, dropped a little at a time.
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

    /// The messages a queue has lost.
    pub fn losses(&self, realm: &Realm, queue: &str) -> Option<Losses> {
        Some(self.queues.get(&self.queue_id(realm, queue)?)?.losses)
    }

    /// Sets the alarm of a queue to its next change.
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

    /// Updates the index of queues that name a dead-letter queue.
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
