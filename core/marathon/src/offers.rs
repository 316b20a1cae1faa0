//! Offers that are looked at in their turn.

use std::collections::{BTreeSet, VecDeque};

use longshore_wire_mesos::v1::{Offer, OfferId};

/// Offers that nobody has looked at yet.
#[derive(Debug, Default)]
pub(crate) struct Offers {
    waiting: VecDeque<Offer>,
    ids: BTreeSet<String>,
}

impl Offers {
    pub(crate) fn push(&mut self, offer: Offer) {
        if self.ids.insert(offer.id.value.clone()) {
            self.waiting.push_back(offer);
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Offer> {
        while let Some(offer) = self.waiting.pop_front() {
            // What is not there any more was rescinded.
            if self.ids.remove(&offer.id.value) {
                return Some(offer);
            }
        }
        None
    }

    pub(crate) fn rescind(&mut self, id: &OfferId) {
        self.ids.remove(&id.value);
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// They are all void.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
        self.ids.clear();
    }
}
