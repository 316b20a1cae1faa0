//! Scheduled passes. Each matter has one time, the earliest requested.

use std::collections::{BTreeMap, BTreeSet};

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Realm;

/// What a pass is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Matter {
    /// One service: realm, cluster, name.
    Service(Realm, Str, Str),
    /// Zone balancing for the services of a cluster.
    Zones(Realm, Str),
    /// The services of a cluster that are waiting for room.
    Waiting(Realm, Str),
}

/// Matters ordered by time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agenda {
    order: BTreeSet<(Timestamp, Matter)>,
    times: BTreeMap<Matter, Timestamp>,
    /// Nothing is taken before this time, because the last tick reached its limit.
    paused_until: Timestamp,
}

impl Agenda {
    /// Schedules a pass at `at` or earlier.
    pub(crate) fn schedule(&mut self, matter: Matter, at: Timestamp) {
        if let Some(known) = self.times.get_mut(&matter) {
            if *known <= at {
                return;
            }
            self.order.remove(&(*known, matter.clone()));
            *known = at;
        } else {
            self.times.insert(matter.clone(), at);
        }
        self.order.insert((at, matter));
    }

    /// Takes the next due matter.
    pub(crate) fn take(&mut self, now: Timestamp) -> Option<Matter> {
        if self.paused_until > now || self.order.first().is_none_or(|(at, _)| *at > now) {
            return None;
        }
        let (_, matter) = self.order.pop_first()?;
        self.times.remove(&matter);
        Some(matter)
    }

    /// Takes nothing more before `until`.
    pub(crate) fn pause(&mut self, until: Timestamp) {
        self.paused_until = until;
    }

    /// When the next pass is due.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| (*at).max(self.paused_until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str) -> Matter {
        Matter::Service(Realm::new("us-east-1", "1"), "default".into(), name.into())
    }

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn the_earliest_time_that_was_asked_for_counts() {
        let mut agenda = Agenda::default();
        agenda.schedule(service("a"), at(20));
        agenda.schedule(service("a"), at(10));
        agenda.schedule(service("a"), at(30));
        assert_eq!(agenda.next(), Some(at(10)));
        assert_eq!(agenda.take(at(9)), None);
        assert_eq!(agenda.take(at(10)), Some(service("a")));
        assert_eq!((agenda.take(at(99)), agenda.next()), (None, None));
    }

    #[test]
    fn matters_come_in_the_order_of_their_times() {
        let mut agenda = Agenda::default();
        for (name, ms) in [("a", 3), ("b", 1), ("c", 2)] {
            agenda.schedule(service(name), at(ms));
        }
        let order: Vec<Matter> = std::iter::from_fn(|| agenda.take(at(5))).collect();
        assert_eq!(order, ["b", "c", "a"].map(service));
    }

    #[test]
    fn a_pause_holds_everything_back() {
        let mut agenda = Agenda::default();
        agenda.schedule(service("a"), at(1));
        agenda.pause(at(5));
        assert_eq!((agenda.take(at(4)), agenda.next()), (None, Some(at(5))));
        assert_eq!(agenda.take(at(5)), Some(service("a")));
    }
}
