//! What hosts have ordered, started and reported, by task; and the ids of containers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use longshore_lifecycle::ContainerRef;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::{Desired, OrderedTask, TaskReport, TaskSpec};
use sha2::Sha256;

use super::Place;
use super::listen::Address;

/// Size of the key for ids, in bytes.
pub(super) const KEY_BYTES: usize = 32;

/// Everything known about tasks.
#[derive(Default)]
pub(super) struct Book {
    key: [u8; KEY_BYTES],
    tasks: BTreeMap<ResourceId, Entry>,
    containers: BTreeMap<String, ContainerRef>,
    roles: BTreeMap<String, ResourceId>,
    /// The address for processes and containers in the host's network.
    pub(super) loopback: Option<Address>,
    /// The address for containers in Docker's own network.
    pub(super) bridge: Option<Address>,
    /// The last reported reason why the latter is missing.
    bridge_complaint: String,
}

impl std::fmt::Debug for Book {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Book").field("tasks", &self.tasks.len()).finish_non_exhaustive()
    }
}

/// One task.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) place: Arc<Place>,
    pub(super) spec: Arc<TaskSpec>,
    pub(super) stopping: bool,
    /// Containers that the runtime was asked to start.
    pub(super) started: BTreeSet<usize>,
    pub(super) report: Option<TaskReport>,
}

impl Entry {
    /// The runtime id of a container, once known.
    pub(super) fn runtime_id(&self, index: usize) -> Option<&Str> {
        self.report.as_ref()?.containers.get(index)?.runtime_id.as_ref()
    }
}

impl Book {
    /// Whether this reason for the missing bridge address has not been reported yet.
    pub(super) fn complains_of_bridge(&mut self, why: &str) -> bool {
        let is_news = self.bridge_complaint != why;
        why.clone_into(&mut self.bridge_complaint);
        is_news
    }

    /// Sets the key from which ids are derived.
    pub(super) fn set_key(&mut self, key: [u8; KEY_BYTES]) {
        self.key = key;
    }

    /// The id of a container or of a task's role: 128 bits derived from the key, in the form of a
    /// UUID.
    fn id(&self, kind: &str, task: ResourceId, name: &str) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(format!("{kind} {task} {name}").as_bytes());
        let bytes: [u8; 32] = mac.finalize().into_bytes().into();
        let digits: String = bytes[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        let part = |from: usize, to: usize| &digits[from..to];
        [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
    }

    /// The id of a container.
    pub(super) fn container_id(&self, task: ResourceId, name: &str) -> String {
        self.id("container", task, name)
    }

    /// The id of a task's role.
    pub(super) fn role_id(&self, task: ResourceId) -> String {
        self.id("role", task, "")
    }

    pub(super) fn order(&mut self, place: &Arc<Place>, ordered: &OrderedTask) {
        let task = ordered.spec.id;
        if !self.tasks.contains_key(&task) {
            for (index, container) in ordered.spec.containers.iter().enumerate() {
                let id = self.container_id(task, container.name());
                self.containers.insert(id, ContainerRef { task, index });
            }
            if ordered.spec.about.role.is_some() {
                self.roles.insert(self.role_id(task), task);
            }
        }
        let entry = self.tasks.entry(task).or_insert_with(|| Entry {
            place: place.clone(),
            spec: ordered.spec.clone(),
            stopping: false,
            started: BTreeSet::new(),
            report: None,
        });
        entry.stopping |= ordered.desired == Desired::Stopped;
    }

    pub(super) fn start(&mut self, container: ContainerRef) {
        if let Some(entry) = self.tasks.get_mut(&container.task) {
            entry.started.insert(container.index);
        }
    }

    pub(super) fn report(&mut self, report: &TaskReport) {
        if let Some(entry) = self.tasks.get_mut(&report.task) {
            entry.report = Some(report.clone());
        }
    }

    pub(super) fn remove(&mut self, task: ResourceId) {
        let Some(entry) = self.tasks.remove(&task) else { return };
        for container in entry.spec.containers.iter() {
            let id = self.container_id(task, container.name());
            self.containers.remove(&id);
        }
        let id = self.role_id(task);
        self.roles.remove(&id);
    }

    pub(super) fn lose(&mut self, instance: ResourceId) {
        let on_it = self.tasks.iter().filter(|(_, entry)| entry.place.instance == instance);
        for task in on_it.map(|(task, _)| *task).collect::<Vec<_>>() {
            self.remove(task);
        }
    }

    pub(super) fn find(&self, id: &str) -> Option<(Entry, usize)> {
        let container = self.containers.get(id)?;
        Some((self.tasks.get(&container.task)?.clone(), container.index))
    }

    /// The role with an id.
    pub(super) fn role(&self, id: &str) -> Option<Str> {
        self.tasks.get(self.roles.get(id)?)?.spec.about.role.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_made_once() {
        let mut book = Book::default();
        let made = ["a", "a", "b", "b"].map(|why| book.complains_of_bridge(why));
        assert_eq!(made, [true, false, true, false]);
    }

    #[test]
    fn ids_follow_from_the_key_and_tell_containers_apart() {
        let mut book = Book::default();
        book.set_key([7; KEY_BYTES]);
        let id = book.container_id(ResourceId(1), "web");
        assert_eq!(id.len(), 36);
        assert_eq!(id, book.container_id(ResourceId(1), "web"));
        assert_ne!(id, book.container_id(ResourceId(1), "db"));
        assert_ne!(id, book.container_id(ResourceId(2), "web"));
        assert_ne!(book.container_id(ResourceId(1), ""), book.role_id(ResourceId(1)));
        book.set_key([8; KEY_BYTES]);
        assert_ne!(id, book.container_id(ResourceId(1), "web"));
    }
}
