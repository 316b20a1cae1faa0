//! What was stored, which is all that survives a crash of the control plane.
//!
//! As in the program's storage, records are read back from JSON, so what is not written is lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_control::{Change, ContainerInstance, Key, Records, Service, Task, TaskRow};
use longshore_events as events;
use longshore_wire_ecs::arn::{Realm, ResourceId};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Records by key.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    records: BTreeMap<Key, Change>,
    bus: BTreeMap<events::Key, events::Change>,
}

fn copy<T: DeserializeOwned>(record: &impl Serialize) -> T {
    let text = serde_json::to_string(record).expect("records are text, numbers and lists");
    serde_json::from_str(&text).expect("what was written can be read")
}

impl Disk {
    /// Writes one change.
    pub(crate) fn write(&mut self, change: Change) {
        let key = match &change {
            Change::Cluster(one) => Key::Cluster(one.realm.clone(), one.name.clone()),
            Change::Instance(one) => Key::Instance(one.id),
            Change::Definition(one) => {
                Key::Definition(one.realm.clone(), one.family.clone(), one.revision)
            }
            Change::Task(one) => Key::Task(one.id),
            Change::Service(one) => {
                Key::Service(one.realm.clone(), one.cluster.clone(), one.name.clone())
            }
            Change::Token { realm, cluster, token, .. } => {
                Key::Token(realm.clone(), cluster.clone(), token.clone())
            }
            Change::Family { realm, family, .. } => Key::Family(realm.clone(), family.clone()),
            Change::Setting { realm, principal, name, .. } => {
                Key::Setting(realm.clone(), principal.clone(), *name)
            }
            Change::Forget(key) => return drop(self.records.remove(key)),
            Change::Bus(change) => return self.write_bus(change.clone()),
        };
        self.records.insert(key, change);
    }

    fn write_bus(&mut self, change: events::Change) {
        match &change {
            events::Change::Purge(queue, below) => self.bus.retain(|key, _| match key {
                events::Key::Message(of, place) => of != queue || place >= below,
                events::Key::Deduplication(of, ..) => of != queue,
                _ => true,
            }),
            events::Change::Forget(key) => {
                if let events::Key::Queue(queue) = key {
                    self.write_bus(events::Change::Purge(*queue, u64::MAX));
                    self.bus
                        .retain(|key, _| !matches!(key, events::Key::Move(of, _) if of == queue));
                }
                self.bus.remove(key);
            }
            _ => drop(self.bus.insert(change.key(), change)),
        }
    }

    /// All records, as loaded by a control plane that starts.
    pub(crate) fn read(&self) -> Records {
        let mut all = Records::default();
        for change in self.records.values() {
            match change {
                Change::Cluster(one) => all.clusters.push(copy(&**one)),
                Change::Instance(one) => all.instances.push(copy(&**one)),
                Change::Definition(one) => all.definitions.push(copy(&**one)),
                Change::Task(one) => all.tasks.push(copy(&TaskRow::from(&**one))),
                Change::Service(one) => all.services.push(copy(&**one)),
                Change::Token { realm, cluster, token, usage } => {
                    all.tokens.push((realm.clone(), cluster.clone(), token.clone(), copy(usage)));
                }
                Change::Family { realm, family, last } => {
                    all.families.push((realm.clone(), family.clone(), *last));
                }
                Change::Setting { realm, principal, name, value } => {
                    all.settings.push((realm.clone(), principal.clone(), *name, value.clone()));
                }
                Change::Forget(_) | Change::Bus(_) => {}
            }
        }
        for change in self.bus.values() {
            match change {
                events::Change::Rule(one) => all.bus.rules.push(copy(&**one)),
                events::Change::Queue(one) => all.bus.queues.push(copy(&**one)),
                events::Change::Message(one) => all.bus.messages.push(copy(&**one)),
                events::Change::Deduplication(one) => all.bus.deduplications.push(copy(&**one)),
                events::Change::Move(one) => all.bus.moves.push(copy(&**one)),
                events::Change::Deleted(one) => all.bus.deleted_queues.push(copy(&**one)),
                events::Change::Pending(one) => all.bus.pending.push(copy(&**one)),
                events::Change::Purge(..) | events::Change::Forget(_) => {}
            }
        }
        all
    }

    pub(crate) fn tasks(&self) -> impl Iterator<Item = &Arc<Task>> {
        let range = self.records.range(Key::Task(ResourceId(0))..=Key::Task(ResourceId(u128::MAX)));
        range.filter_map(|(_, change)| match change {
            Change::Task(one) => Some(one),
            _ => None,
        })
    }

    pub(crate) fn task(&self, id: ResourceId) -> Option<&Arc<Task>> {
        match self.records.get(&Key::Task(id)) {
            Some(Change::Task(one)) => Some(one),
            _ => None,
        }
    }

    pub(crate) fn instance(&self, id: ResourceId) -> Option<&Arc<ContainerInstance>> {
        match self.records.get(&Key::Instance(id)) {
            Some(Change::Instance(one)) => Some(one),
            _ => None,
        }
    }

    pub(crate) fn instances(&self) -> impl Iterator<Item = &Arc<ContainerInstance>> {
        self.records.values().filter_map(|change| match change {
            Change::Instance(one) => Some(one),
            _ => None,
        })
    }

    pub(crate) fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.records.values().filter_map(|change| match change {
            Change::Service(one) => Some(one),
            _ => None,
        })
    }

    pub(crate) fn service(
        &self,
        realm: &Realm,
        cluster: &str,
        name: &str,
    ) -> Option<&Arc<Service>> {
        match self.records.get(&Key::Service(realm.clone(), cluster.into(), name.into())) {
            Some(Change::Service(one)) => Some(one),
            _ => None,
        }
    }

    /// Number of rows, except those of the bus.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Number of cluster rows.
    pub(crate) fn clusters(&self) -> usize {
        self.records.keys().filter(|key| matches!(key, Key::Cluster(..))).count()
    }

    /// Number of token rows.
    pub(crate) fn tokens(&self) -> usize {
        self.records.keys().filter(|key| matches!(key, Key::Token(..))).count()
    }

    /// Number of message rows.
    pub(crate) fn messages(&self) -> usize {
        self.bus.keys().filter(|key| matches!(key, events::Key::Message(..))).count()
    }
}
