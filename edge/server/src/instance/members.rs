//! The numbers of the instances of this machine, which their addresses are made of.
//!
//! The number of an instance that is gone is given again, so that adding and removing instances can go on for ever. EC2 ids are never given
//! again: they are made of how many instances were ever started.

use std::collections::{BTreeMap, BTreeSet};

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;

/// An instance of this machine.
#[derive(Debug)]
struct Member {
    number: u32,
    cluster: Str,
}

/// The instances of this machine.
#[derive(Debug, Default)]
pub(super) struct Members {
    here: BTreeMap<ResourceId, Member>,
    /// Numbers of instances that are gone: with those that are here, all from 1 on.
    free: BTreeSet<u32>,
    /// How many were ever started.
    started: u32,
}

impl Members {
    /// The lowest number that no instance has, counting from 1.
    pub(super) fn free_number(&self) -> u32 {
        let given = self.here.len() + self.free.len();
        let next = || u32::try_from(given).unwrap_or(u32::MAX).saturating_add(1);
        self.free.first().copied().unwrap_or_else(next)
    }

    /// How many were started before.
    pub(super) fn started(&self) -> u32 {
        self.started
    }

    /// One more is started, in a cluster, with the number that is free.
    pub(super) fn add(&mut self, id: ResourceId, cluster: Str) {
        let number = self.free_number();
        self.free.remove(&number);
        self.started = self.started.saturating_add(1);
        let before = self.here.insert(id, Member { number, cluster });
        self.free.extend(before.map(|member| member.number));
    }

    /// The cluster of an instance; none if it is not of this machine.
    pub(super) fn cluster(&self, id: ResourceId) -> Option<&Str> {
        self.here.get(&id).map(|member| &member.cluster)
    }

    /// An instance is gone.
    pub(super) fn remove(&mut self, id: ResourceId) {
        let gone = self.here.remove(&id);
        self.free.extend(gone.map(|member| member.number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_again_and_instances_come_and_go_for_ever() {
        let mut members = Members::default();
        for id in 1..=3 {
            assert_eq!(members.free_number(), u32::try_from(id).expect("it is small"));
            members.add(ResourceId(id), "c".into());
        }
        members.remove(ResourceId(2));
        for id in 4..10_000 {
            assert_eq!(members.free_number(), 2);
            members.add(ResourceId(id), "c".into());
            assert_eq!(members.free_number(), 4);
            members.remove(ResourceId(id));
        }
        assert_eq!(members.started(), 9_999, "what EC2 ids are made of");
        assert!(members.cluster(ResourceId(2)).is_none());
        assert_eq!(members.cluster(ResourceId(3)).map(|name| &**name), Some("c"));
    }
}
