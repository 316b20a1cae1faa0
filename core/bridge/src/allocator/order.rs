//! In which order whoever wants offers gets them: a tree of places, the children of each sorted by who has least.
//!
//! Only places that lead to someone who takes part are in it, so that a walk never meets a branch where nobody is.

use std::collections::{BTreeMap, BTreeSet, btree_set};

use longshore_wire_ecs::Str;

use super::tree::Place;

/// Who comes first among siblings. Source: \[O24\]: the least share; of equal shares the fewest allocations; then by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// The bits of a share. Shares are not negative, so that their bits are in the order of their values.
    share: u64,
    allocations: u64,
}

impl Rank {
    pub(super) fn new(share: f64, allocations: u64) -> Self {
        Self { share: share.max(0.0).to_bits(), allocations }
    }
}

/// A place among its siblings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seat {
    pub(super) rank: Rank,
    pub(super) name: Str,
    pub(super) place: Place,
}

/// The children of places that take part.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Order {
    children: BTreeMap<Place, BTreeSet<Seat>>,
}

impl Order {
    pub(super) fn is_empty(&self) -> bool {
        self.children.is_empty()
    }

    /// Whether a place with no children of its own, or with some, takes part below its parent.
    pub(super) fn has(&self, parent: Place, seat: &Seat) -> bool {
        self.children.get(&parent).is_some_and(|seats| seats.contains(seat))
    }

    /// Whether anyone below a place takes part.
    pub(super) fn leads_on(&self, place: Place) -> bool {
        self.children.contains_key(&place)
    }

    /// Puts a place below its parent; true if it is the first one there.
    pub(super) fn insert(&mut self, parent: Place, seat: Seat) -> bool {
        let seats = self.children.entry(parent).or_default();
        let is_first = seats.is_empty();
        seats.insert(seat);
        is_first
    }

    /// Takes a place away from its parent; true if it was the last one there.
    pub(super) fn remove(&mut self, parent: Place, seat: &Seat) -> bool {
        let Some(seats) = self.children.get_mut(&parent) else { return false };
        let was_last = seats.remove(seat) && seats.is_empty();
        if was_last {
            self.children.remove(&parent);
        }
        was_last
    }

    /// A place has another rank now, if it takes part.
    pub(super) fn rerank(&mut self, parent: Place, seat: Seat, rank: Rank) {
        if let Some(seats) = self.children.get_mut(&parent)
            && seats.remove(&seat)
        {
            seats.insert(Seat { rank, ..seat });
        }
    }

    pub(super) fn clear(&mut self) {
        self.children.clear();
    }

    /// Everyone below a place, the first to be offered something first.
    pub(super) fn walk(&self, from: Place) -> Walk<'_> {
        let first = self.children.get(&from).map(BTreeSet::iter);
        Walk { order: self, open: first.into_iter().collect() }
    }
}

/// A walk through an order. It keeps its own stack.
pub(super) struct Walk<'a> {
    order: &'a Order,
    open: Vec<btree_set::Iter<'a, Seat>>,
}

impl Iterator for Walk<'_> {
    type Item = Place;

    fn next(&mut self) -> Option<Place> {
        loop {
            let Some(seat) = self.open.last_mut()?.next() else {
                self.open.pop();
                continue;
            };
            match self.order.children.get(&seat.place) {
                Some(children) => self.open.push(children.iter()),
                None => return Some(seat.place),
            }
        }
    }
}
