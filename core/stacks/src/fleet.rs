//! Which instances go when a fleet is to be smaller.
//!
//! Those with the fewest tasks, of these the newest. They are terminated with what runs on them: an auto scaling group does not drain.

use longshore_wire_ecs::arn::ResourceId;

/// An instance of a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its id in the cluster.
    pub id: ResourceId,
    /// Tasks on it that have not stopped.
    pub tasks: u32,
    /// When it registered, in ms since the epoch.
    pub registered_ms: u64,
}

/// What brings a fleet to a size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// As many more.
    Add(u32),
    /// Without these.
    Remove(Vec<ResourceId>),
}

/// What brings a fleet to `size`.
pub fn plan(fleet: &[Member], size: u32) -> Plan {
    let has = u32::try_from(fleet.len()).unwrap_or(u32::MAX);
    if has <= size {
        return Plan::Add(size - has);
    }
    let mut leaving = fleet.to_vec();
    leaving.sort_by_key(|one| (one.tasks, std::cmp::Reverse(one.registered_ms), one.id));
    leaving.truncate((has - size) as usize);
    Plan::Remove(leaving.into_iter().map(|one| one.id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: u128, tasks: u32, registered_ms: u64) -> Member {
        Member { id: ResourceId(id), tasks, registered_ms }
    }

    #[test]
    fn those_with_the_fewest_tasks_go_first_and_of_these_the_newest() {
        let fleet = [member(1, 2, 10), member(2, 0, 10), member(3, 0, 20), member(4, 1, 30)];
        let ids = |size| match plan(&fleet, size) {
            Plan::Remove(ids) => ids.into_iter().map(|id| id.0).collect::<Vec<_>>(),
            Plan::Add(more) => panic!("{more} are added"),
        };
        assert_eq!(ids(3), [3]);
        assert_eq!(ids(1), [3, 2, 4]);
        assert_eq!(ids(0), [3, 2, 4, 1]);
    }

    #[test]
    fn a_fleet_that_is_too_small_or_right_loses_none() {
        let fleet = [member(1, 0, 0)];
        assert_eq!(plan(&fleet, 1), Plan::Add(0));
        assert_eq!(plan(&fleet, 4), Plan::Add(3));
        assert_eq!(plan(&[], 2), Plan::Add(2));
    }
}
