//! What must hold in every state, recomputed from the records and compared with the indexes.

use std::collections::BTreeSet;

use crate::machine::Bus;
use crate::queue::{Queue, Whereabouts};
use crate::state::RuleIndex;

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule or queue that shows it.
    pub subject: String,
    /// What does not hold.
    pub what: String,
}

/// Every invariant that does not hold; empty when all is well.
pub fn audit(bus: &Bus) -> Vec<Violation> {
    let state = &bus.state;
    let mut violations = Vec::new();
    let mut found = |subject: &str, what: &str| {
        violations.push(Violation { subject: subject.to_owned(), what: what.to_owned() });
    };
    for (realm, regional) in &state.realms {
        if regional.index != RuleIndex::of(&regional.rules) {
            found(&realm.region, "the index of rules differs from the rules");
        }
        for (name, id) in &regional.queues {
            let queue = state.queues.get(id);
            if queue.is_none_or(|queue| queue.record.name != *name || queue.record.realm != *realm)
            {
                found(name, "the name leads to another queue");
            }
        }
    }
    let named: usize = state.realms.values().map(|regional| regional.queues.len()).sum();
    if named != state.queues.len() {
        found("queues", "a queue has no name");
    }
    for (id, queue) in &state.queues {
        for what in queue_violations(queue) {
            found(&queue.record.name, what);
        }
        let rings = state.alarms.iter().filter(|(_, subject)| subject == id).map(|(at, _)| *at);
        if queue.alarm.into_iter().ne(rings) {
            found(&queue.record.name, "the alarm is set for another time");
        }
        let polls = queue.polls.values();
        if polls.clone().any(|poll| state.polls.get(&poll.call) != Some(id)) {
            found(&queue.record.name, "a call waits and is not known");
        }
    }
    let waiting: usize = state.queues.values().map(|queue| queue.polls.len()).sum();
    if waiting != state.polls.len() {
        found("calls", "a call is known to wait and does not");
    }
    violations
}

fn queue_violations(queue: &Queue) -> Vec<&'static str> {
    let mut found = Vec::new();
    let mut check = |holds: bool, what| {
        if !holds {
            found.push(what);
        }
    };
    let (mut ready, mut delayed, mut in_flight) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let (mut by_age, mut bytes) = (BTreeSet::new(), 0);
    for (place, kept) in &queue.kept {
        match kept.whereabouts {
            Whereabouts::Ready => ready.insert(*place),
            Whereabouts::Delayed(at) => delayed.insert((at, *place)),
            Whereabouts::InFlight(at) => in_flight.insert((at, *place)),
        };
        by_age.insert((kept.message.sent_at, *place));
        bytes += kept.message.bytes();
        check(*place < queue.next_place, "a message has a place that is still to come");
        check(kept.message.queue == queue.record.id, "a message thinks it is elsewhere");
    }
    check(ready == queue.ready, "the messages that are ready are counted wrongly");
    check(delayed == queue.delayed, "the messages that are delayed are counted wrongly");
    check(in_flight == queue.in_flight, "the messages in flight are counted wrongly");
    check(by_age == queue.by_age, "the ages of messages differ from the messages");
    check(bytes == queue.bytes, "the bytes of messages are counted wrongly");
    let ends: BTreeSet<_> =
        queue.polls.iter().map(|(number, poll)| (poll.until, *number)).collect();
    check(ends == queue.poll_ends, "the ends of waits differ from the waits");
    check(queue.alarm == queue.next_change(), "the alarm does not ring at the next change");
    found
}
