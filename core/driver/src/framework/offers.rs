//! Offers that a framework looks at in their turn.

use std::collections::{BTreeSet, VecDeque};

use longshore_wire_mesos::v1::{Filters, Offer, OfferId};

use crate::Command;
use crate::limits::OFFERS_HELD_MAX;

/// Offers that nobody has looked at yet; at most [`OFFERS_HELD_MAX`].
#[derive(Debug, Default)]
pub struct Offers {
    waiting: VecDeque<Offer>,
    ids: BTreeSet<String>,
}

impl Offers {
    /// Holds offers, as many as there is room for. Returns what to say of the rest.
    pub fn hold(&mut self, offers: Vec<Offer>) -> Option<Command> {
        let room = OFFERS_HELD_MAX.saturating_sub(self.len());
        let mut offers = offers.into_iter();
        for offer in offers.by_ref().take(room) {
            if self.ids.insert(offer.id.value.clone()) {
                self.waiting.push_back(offer);
            }
        }
        let rest: Vec<OfferId> = offers.map(|offer| offer.id).collect();
        (!rest.is_empty()).then(|| Command::Decline(rest, Filters::default()))
    }

    /// The next one.
    pub fn pop(&mut self) -> Option<Offer> {
        while let Some(offer) = self.waiting.pop_front() {
            // What is not there any more was rescinded.
            if self.ids.remove(&offer.id.value) {
                return Some(offer);
            }
        }
        None
    }

    /// One is void.
    pub fn rescind(&mut self, id: &OfferId) {
        self.ids.remove(&id.value);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// They are all void.
    pub fn clear(&mut self) {
        self.waiting.clear();
        self.ids.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(id: usize) -> Offer {
        Offer { id: OfferId { value: id.to_string() }, ..Offer::default() }
    }

    #[test]
    fn offers_come_in_their_order_without_those_that_are_void() {
        let mut offers = Offers::default();
        assert_eq!(offers.hold(vec![offer(1), offer(2), offer(3)]), None);
        offers.rescind(&OfferId { value: "2".to_owned() });
        assert_eq!(offers.len(), 2);
        let told: Vec<String> =
            std::iter::from_fn(|| offers.pop()).map(|one| one.id.value).collect();
        assert_eq!(told, ["1", "3"]);
    }

    #[test]
    fn those_that_there_is_no_room_for_are_declined() {
        let mut offers = Offers::default();
        assert_eq!(offers.hold((1..OFFERS_HELD_MAX).map(offer).collect()), None);
        let rest = offers.hold(vec![offer(0), offer(OFFERS_HELD_MAX)]);
        let expected = vec![OfferId { value: OFFERS_HELD_MAX.to_string() }];
        assert_eq!(rest, Some(Command::Decline(expected, Filters::default())));
        assert_eq!(offers.len(), OFFERS_HELD_MAX);
    }
}
