//! Fitting instances, best first.

use std::collections::{BTreeMap, BTreeSet};

use longshore_wire_ecs::arn::ResourceId;

use crate::chain::Rank;

/// Where an instance is within its bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) rank: Rank,
    /// The instance, which may have left since.
    pub(crate) id: ResourceId,
    /// Index within the pool of its rank, if candidates are drawn.
    pub(crate) index: usize,
}

/// The fitting instances of one bucket.
#[derive(Clone, Debug)]
pub(crate) enum Candidates {
    /// Sorted by rank, then id: the first one is taken.
    Ordered(BTreeSet<(Rank, ResourceId, usize)>),
    /// Slots by rank: one of the best rank is drawn.
    Drawn(BTreeMap<Rank, Vec<usize>>),
}

impl Candidates {
    pub(crate) fn new(drawn: bool) -> Self {
        if drawn { Self::Drawn(BTreeMap::new()) } else { Self::Ordered(BTreeSet::new()) }
    }

    /// Adds a slot and returns its standing.
    pub(crate) fn add(&mut self, rank: Rank, id: ResourceId, slot: usize) -> Standing {
        match self {
            Self::Ordered(set) => {
                set.insert((rank, id, slot));
                Standing { rank, id, index: 0 }
            }
            Self::Drawn(pools) => {
                let pool = pools.entry(rank).or_default();
                pool.push(slot);
                Standing { rank, id, index: pool.len() - 1 }
            }
        }
    }

    /// Fills an empty bucket with slots, and reports the standing of each.
    pub(crate) fn fill(
        &mut self,
        slots: Vec<(Rank, ResourceId, usize)>,
        mut stands: impl FnMut(usize, Standing),
    ) {
        match self {
            Self::Ordered(set) => {
                for (rank, id, slot) in &slots {
                    stands(*slot, Standing { rank: *rank, id: *id, index: 0 });
                }
                // Collecting sorts all of them at once, which is cheaper than inserting each.
                *set = slots.into_iter().collect();
            }
            Self::Drawn(_) => {
                for (rank, id, slot) in slots {
                    stands(slot, self.add(rank, id, slot));
                }
            }
        }
    }

    /// Removes a slot. The slot that is returned, if any, now has the index of the removed one.
    pub(crate) fn take(&mut self, at: Standing, slot: usize) -> Option<usize> {
        match self {
            Self::Ordered(set) => {
                set.remove(&(at.rank, at.id, slot));
                None
            }
            Self::Drawn(pools) => {
                let pool = pools.get_mut(&at.rank)?;
                pool.swap_remove(at.index);
                let moved = pool.get(at.index).copied();
                if pool.is_empty() {
                    pools.remove(&at.rank);
                }
                moved
            }
        }
    }

    /// Rank and id of the best; in a pool the id is meaningless.
    pub(crate) fn best(&self) -> Option<(Rank, ResourceId)> {
        match self {
            Self::Ordered(set) => set.first().map(|(rank, id, _)| (*rank, *id)),
            Self::Drawn(pools) => pools.first_key_value().map(|(rank, _)| (*rank, ResourceId(0))),
        }
    }

    /// Number of slots with the best rank.
    pub(crate) fn best_count(&self) -> usize {
        match self {
            Self::Ordered(set) => usize::from(!set.is_empty()),
            Self::Drawn(pools) => pools.first_key_value().map_or(0, |(_, pool)| pool.len()),
        }
    }

    /// The slot with that index among the best.
    pub(crate) fn nth_best(&self, number: usize) -> Option<usize> {
        match self {
            Self::Ordered(set) => set.first().map(|(_, _, slot)| *slot),
            Self::Drawn(pools) => pools.first_key_value()?.1.get(number).copied(),
        }
    }
}
