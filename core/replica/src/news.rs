//! Cluster events, and what is new in them.
//!
//! Events arrive at least once and in any order; they carry the same versions as readings, so both
//! merge alike. An event contains less than a reading: no task counts and no health. Those are kept
//! from the last reading.
//!
//! Source: ECS developer guide, *Amazon ECS events*.

use longshore_wire_ecs::Str;

use crate::merge::{InstanceNews, Replica};
use crate::record::{Instance, Task};

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// A container instance changed, at this time in ms since the epoch; without task counts.
    Instance(Instance, u64),
    /// A task changed; without health.
    Task(Task),
}

impl News {
    /// ARN and version of what changed.
    pub fn subject(&self) -> (&Str, i64) {
        match self {
            Self::Instance(instance, _) => (&instance.arn, instance.version),
            Self::Task(task) => (&task.arn, task.version),
        }
    }
}

/// The effect of an event about an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The same or a newer version is known already.
    Old,
    /// No reading has shown the instance: it is new, or it is gone and the event is old.
    Unknown,
    /// The instance changed.
    Changed {
        /// What changed.
        news: InstanceNews,
        /// Whether versions are missing in between: an event was lost, or is late.
        gap: bool,
    },
}

impl Replica {
    /// Merges an instance from an event.
    pub fn merge_told(&mut self, mut told: Instance) -> Told {
        let Some(held) = self.instances().get(&told.arn) else { return Told::Unknown };
        if told.version <= held.version {
            return Told::Old;
        }
        let gap = told.version > held.version + 1;
        told.running_tasks = held.running_tasks;
        told.pending_tasks = held.pending_tasks;
        Told::Changed { news: self.merge_instances(vec![told], false), gap }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(version: i64, cpu_remaining: u32) -> Instance {
        Instance { arn: "a".into(), version, cpu_remaining, ..Default::default() }
    }

    fn replica() -> Replica {
        let mut replica = Replica::default();
        replica.merge_instances(vec![Instance { running_tasks: 3, ..instance(5, 100) }], true);
        replica
    }

    #[test]
    fn an_event_changes_what_it_tells_and_keeps_the_counts_of_the_last_reading() {
        let mut replica = replica();
        let told = replica.merge_told(instance(6, 50));
        assert!(matches!(told, Told::Changed { gap: false, .. }), "{told:?}");
        let held = &replica.instances()["a"];
        assert_eq!((held.cpu_remaining, held.running_tasks), (50, 3));
    }

    #[test]
    fn an_event_that_comes_twice_or_late_tells_nothing() {
        let mut replica = replica();
        for version in [4, 5] {
            assert_eq!(replica.merge_told(instance(version, 1)), Told::Old);
        }
        assert_eq!(replica.instances()["a"].cpu_remaining, 100);
    }

    #[test]
    fn a_version_that_was_left_out_is_a_gap() {
        let told = replica().merge_told(instance(7, 50));
        assert!(matches!(told, Told::Changed { gap: true, .. }), "{told:?}");
    }

    #[test]
    fn an_event_alone_makes_no_instance_known() {
        let mut replica = Replica::default();
        assert_eq!(replica.merge_told(instance(1, 1)), Told::Unknown);
        assert!(replica.instances().is_empty());
    }
}
