//! What an instance remembers about its containers, so that their events can be attributed.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_lifecycle::{ContainerRef, Event};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::TaskSpec;
use tokio::task::JoinSet;

use super::logs::Kept;
use super::watch::End;

/// A container: its task, and its name in the definition.
pub(super) type Key = (ResourceId, Str);

/// What an instance remembers.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) specs: BTreeMap<ResourceId, Arc<TaskSpec>>,
    /// Containers whose end has not been reported.
    pub(super) containers: BTreeMap<Key, Phase>,
    /// Ends of containers whose task is not known yet.
    pub(super) exits: BTreeMap<Key, Event>,
    pub(super) kept: Kept,
    /// Starts, watchers, signals, probes and removals. Each ends by itself, by a timeout or with
    /// its container.
    pub(super) work: JoinSet<()>,
}

/// The state of a container.
#[derive(Debug)]
pub(super) enum Phase {
    /// Requested; with the signal to send once it runs.
    Starting(Option<End>),
    /// Running, with this Docker id.
    Running(String),
}

impl Table {
    pub(super) fn key(&self, container: ContainerRef) -> Option<Key> {
        let spec = self.specs.get(&container.task)?;
        let name = spec.containers.get(container.index)?.name();
        Some((container.task, name.into()))
    }

    pub(super) fn place(&self, key: &Key) -> Option<ContainerRef> {
        let (task, name) = key;
        let mut containers = self.specs.get(task)?.containers.iter();
        let index = containers.position(|container| container.name() == &**name)?;
        Some(ContainerRef { task: *task, index })
    }

    pub(super) fn running(&self, container: ContainerRef) -> Option<String> {
        match self.containers.get(&self.key(container)?)? {
            Phase::Running(id) => Some(id.clone()),
            Phase::Starting(_) => None,
        }
    }

    /// Records that a container runs; returns the signal requested before that.
    pub(super) fn started(&mut self, key: &Key, id: &str) -> Option<End> {
        let phase = self.containers.get_mut(key)?;
        match std::mem::replace(phase, Phase::Running(id.to_owned())) {
            Phase::Starting(early) => early,
            Phase::Running(_) => None,
        }
    }

    pub(super) fn forget(&mut self, task: ResourceId) {
        self.specs.remove(&task);
        self.containers.retain(|(owner, _), _| *owner != task);
        self.exits.retain(|(owner, _), _| *owner != task);
    }

    pub(super) fn forget_all(&mut self) {
        self.specs.clear();
        self.containers.clear();
        self.exits.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_from_before_the_start_is_handed_over_once() {
        let key: Key = (ResourceId(1), "web".into());
        let mut table = Table::default();
        table.containers.insert(key.clone(), Phase::Starting(Some(End::Stop)));
        assert_eq!(table.started(&key, "id"), Some(End::Stop));
        assert_eq!(table.started(&key, "id"), None);
    }

    #[test]
    fn a_forgotten_task_leaves_nothing_behind() {
        let mut table = Table::default();
        for task in [1, 2] {
            let key: Key = (ResourceId(task), "web".into());
            table.containers.insert(key.clone(), Phase::Starting(None));
            table.exits.insert(key, Event::Exited { code: None, reason: None });
        }
        table.forget(ResourceId(1));
        let left = table.containers.keys().chain(table.exits.keys());
        let left: Vec<ResourceId> = left.map(|(task, _)| *task).collect();
        assert_eq!(left, [ResourceId(2), ResourceId(2)]);
    }
}
