//! The copy itself. Records merge by version, so readings may arrive out of order.

use std::collections::{BTreeMap, BTreeSet};

use longshore_wire_ecs::Str;
use longshore_wire_ecs::host::MACHINE_ATTRIBUTE;

use crate::record::{Instance, LastStatus, Task};

/// What changed by merging a reading of instances.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceNews {
    /// Instances that were unknown before, by ARN.
    pub added: Vec<Str>,
    /// Instances that changed, by ARN.
    pub changed: Vec<Str>,
    /// Instances that are gone.
    pub removed: Vec<Instance>,
}

/// A copy of a cluster's state.
#[derive(Clone, Debug, Default)]
pub struct Replica {
    instances: BTreeMap<Str, Instance>,
    /// ARNs of the instances on each machine that says which it is.
    machines: BTreeMap<Str, BTreeSet<Str>>,
    tasks: BTreeMap<Str, Task>,
}

/// The machine that an instance is on, if it says so: all instances on it have its ports together.
fn machine_of(instance: &Instance) -> Option<&Str> {
    instance.attribute(MACHINE_ATTRIBUTE)
}

impl Replica {
    /// The instances, by ARN.
    pub fn instances(&self) -> &BTreeMap<Str, Instance> {
        &self.instances
    }

    /// The tasks, by ARN.
    pub fn tasks(&self) -> &BTreeMap<Str, Task> {
        &self.tasks
    }

    /// The ARNs of all instances on the machine of one, in order and with its own; none where it does not say on which it is.
    pub fn on_machine_of(&self, instance: &Instance) -> impl ExactSizeIterator<Item = &Str> {
        static NONE: BTreeSet<Str> = BTreeSet::new();
        let machine = machine_of(instance).and_then(|machine| self.machines.get(machine));
        machine.unwrap_or(&NONE).iter()
    }

    fn insert_instance(&mut self, instance: Instance) {
        let arn = instance.arn.clone();
        self.remove_instance(&arn);
        if let Some(machine) = machine_of(&instance) {
            self.machines.entry(machine.clone()).or_default().insert(arn.clone());
        }
        self.instances.insert(arn, instance);
    }

    fn remove_instance(&mut self, arn: &str) -> Option<Instance> {
        let removed = self.instances.remove(arn)?;
        if let Some(machine) = machine_of(&removed)
            && let Some(there) = self.machines.get_mut(machine)
        {
            there.remove(arn);
            if there.is_empty() {
                self.machines.remove(machine);
            }
        }
        Some(removed)
    }

    /// Merges instances. Those missing from a complete reading are removed.
    pub fn merge_instances(&mut self, read: Vec<Instance>, complete: bool) -> InstanceNews {
        let mut news = InstanceNews::default();
        let named: BTreeSet<Str> = read.iter().map(|instance| instance.arn.clone()).collect();
        for instance in read {
            match self.instances.get(&instance.arn) {
                None => news.added.push(instance.arn.clone()),
                // Connection state does not always change the version, so an equal version may
                // still differ.
                Some(held) if instance.version >= held.version && instance != *held => {
                    news.changed.push(instance.arn.clone());
                }
                Some(_) => continue,
            }
            self.insert_instance(instance);
        }
        if complete {
            let gone: Vec<Str> =
                self.instances.keys().filter(|arn| !named.contains(*arn)).cloned().collect();
            news.removed = gone.iter().filter_map(|arn| self.remove_instance(arn)).collect();
        }
        news
    }

    /// Merges a task; returns whether it changed. Health does not always change the version, so an
    /// equal version may still differ.
    pub fn merge_task(&mut self, task: Task) -> bool {
        match self.tasks.get(&task.arn) {
            Some(held)
                if held.version > task.version
                    || held.last_status == LastStatus::Stopped
                    || *held == task =>
            {
                false
            }
            _ => {
                self.tasks.insert(task.arn.clone(), task);
                true
            }
        }
    }

    /// Removes a task that is no longer of interest.
    pub fn forget_task(&mut self, arn: &str) {
        self.tasks.remove(arn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(arn: &str, version: i64) -> Instance {
        Instance { arn: arn.into(), version, ..Default::default() }
    }

    #[test]
    fn an_older_record_never_replaces_a_newer_one() {
        let mut replica = Replica::default();
        replica.merge_instances(vec![instance("a", 5)], true);
        let news = replica.merge_instances(vec![instance("a", 4)], false);
        assert_eq!((news, replica.instances()["a"].version), (InstanceNews::default(), 5));
    }

    #[test]
    fn only_a_complete_reading_makes_an_instance_disappear() {
        let mut replica = Replica::default();
        replica.merge_instances(vec![instance("a", 1), instance("b", 1)], true);
        assert!(replica.merge_instances(vec![instance("a", 2)], false).removed.is_empty());
        let news = replica.merge_instances(vec![instance("a", 2)], true);
        assert_eq!(news.removed, [instance("b", 1)]);
    }

    #[test]
    fn instances_are_known_by_their_machine() {
        let mut replica = Replica::default();
        let on = |arn: &str, machine: Option<&str>, version| {
            let mut instance = instance(arn, version);
            if let Some(machine) = machine {
                instance.attributes.insert(MACHINE_ATTRIBUTE.into(), Some(machine.into()));
            }
            instance
        };
        let read = vec![on("b", Some("m"), 1), on("a", Some("m"), 1), on("c", None, 1)];
        replica.merge_instances(read, true);
        let mates = |replica: &Replica, arn: &str| -> Vec<String> {
            let instance = &replica.instances()[arn];
            replica.on_machine_of(instance).map(ToString::to_string).collect()
        };
        assert_eq!(
            (mates(&replica, "b"), mates(&replica, "c").len()),
            (vec!["a".to_owned(), "b".to_owned()], 0)
        );
        replica.merge_instances(vec![on("a", Some("other"), 2), on("c", None, 1)], false);
        assert_eq!(
            (mates(&replica, "a"), mates(&replica, "b")),
            (vec!["a".to_owned()], vec!["b".to_owned()])
        );
        replica.merge_instances(vec![on("b", Some("m"), 1)], true);
        assert_eq!(replica.machines.len(), 1);
    }

    #[test]
    fn a_stopped_task_stays_stopped() {
        let mut replica = Replica::default();
        let task = |version, last_status| Task {
            arn: "t".into(),
            version,
            last_status,
            ..Default::default()
        };
        assert!(replica.merge_task(task(3, LastStatus::Stopped)));
        assert!(!replica.merge_task(task(4, LastStatus::Running)));
    }
}
