//! Instances that fit, best first.

use std::collections::{BTreeMap, BTreeSet};

use longshore_wire_ecs::arn::ResourceId;

use crate::chain::Rank;

/// Where an instance stands within its bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) rank: Rank,
    /// Of the instance, which may have left since.
    pub(crate) id: ResourceId,
    /// Index within the pool of its rank, where there are pools.
    pub(crate) index: usize,
}

/// The instances that fit of one bucket.
#[derive(Clone, Debug)]
pub(crate) enum Candidates {
    /// By rank, then by id: the first is taken.
    Ordered(BTreeSet<(Rank, ResourceId, usize)>),
    /// Slots by rank: one of the best rank is drawn.
    Drawn(BTreeMap<Rank, Vec<usize>>),
}

impl Candidates {
    pub(crate) fn new(drawn: bool) -> Self {
        if drawn { Self::Drawn(BTreeMap::new()) } else { Self::Ordered(BTreeSet::new()) }
    }

    /// Adds a slot, and says where it stands.
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

    /// Fills an empty one with slots, and says of each where it stands.
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
                // From all of them at once: that sorts them, and costs less than to insert each.
                *set = slots.into_iter().collect();
            }
            Self::Drawn(_) => {
                for (rank, id, slot) in slots {
                    stands(slot, self.add(rank, id, slot));
                }
            }
        }
    }

    /// Takes a slot out. The slot that is returned, if any, now has the index that this one had.
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

    /// Rank and id of the best; of a pool the id says nothing.
    pub(crate) fn best(&self) -> Option<(Rank, ResourceId)> {
        match self {
            Self::Ordered(set) => set.first().map(|(rank, id, _)| (*rank, *id)),
            Self::Drawn(pools) => pools.first_key_value().map(|(rank, _)| (*rank, ResourceId(0))),
        }
    }

    /// How many slots are equally good and best.
    pub(crate) fn best_count(&self) -> usize {
        match self {
            Self::Ordered(set) => usize::from(!set.is_empty()),
            Self::Drawn(pools) => pools.first_key_value().map_or(0, |(_, pool)| pool.len()),
        }
    }

    /// The slot of that number among the best.
    pub(crate) fn nth_best(&self, number: usize) -> Option<usize> {
        match self {
            Self::Ordered(set) => set.first().map(|(_, _, slot)| *slot),
            Self::Drawn(pools) => pools.first_key_value()?.1.get(number).copied(),
        }
    }
}
