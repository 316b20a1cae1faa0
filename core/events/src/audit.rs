//! Checks the invariants of every state by recomputing the indexes from the records.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;

use crate::fifo::{Fifo, SentKey};
use crate::machine::Bus;
use crate::queue::{Queue, Whereabouts};
use crate::record::Deduplication;
use crate::state::{Regional, State};

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule or queue that violates it.
    pub subject: String,
    /// What is wrong.
    pub what: String,
}

/// Returns every violated invariant.
pub fn audit(bus: &Bus) -> Vec<Violation> {
    let state = &bus.state;
    let mut violations = Vec::new();
    let mut found = |subject: &str, what: &str| {
        violations.push(Violation { subject: subject.to_owned(), what: what.to_owned() });
    };
    for (realm, regional) in &state.realms {
        for what in regional_violations(state, regional) {
            found(&realm.region, what);
        }
        for (name, id) in &regional.queues {
            let queue = state.queues.get(id);
            if queue.is_none_or(|queue| queue.record.name != *name || queue.record.realm != *realm)
            {
                found(name, "the name leads to another queue");
            }
        }
        let freed = |until| state.freed.contains(&(until, realm.clone()));
        if !regional.deleted.values().all(|until| freed(*until)) {
            found(&realm.region, "the name of a deleted queue is never free again");
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
    if !state.backlog.is_sound() {
        found("events", "those that wait are not counted or not in their order");
    }
    let waiting: usize = state.queues.values().map(|queue| queue.polls.len()).sum();
    if waiting != state.polls.len() {
        found("calls", "a call is known to wait and does not");
    }
    violations
}

fn regional_violations(state: &State, regional: &Regional) -> Vec<&'static str> {
    let mut found = Vec::new();
    if !regional.rules.is_sound() {
        found.push("the index of rules differs from the rules");
    }
    let mut sources = BTreeMap::<Str, BTreeMap<Str, ResourceId>>::new();
    for queue in regional.queues.values().filter_map(|id| state.queues.get(id)) {
        if let Some(target) = queue.record.dead_letters() {
            let of = sources.entry(target.into()).or_default();
            of.insert(queue.record.name.clone(), queue.record.id);
        }
    }
    if sources != regional.sources {
        found.push("the sources of dead-letter queues differ from the queues");
    }
    let ends: BTreeSet<_> =
        regional.deleted.iter().map(|(name, until)| (*until, name.clone())).collect();
    if ends != regional.deleted_ends {
        found.push("the ends of deleted names differ from the names");
    }
    found
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
    let running = queue.moves.back().is_some_and(|task| task.is_running());
    check(running == queue.move_at.is_some(), "a task that moves messages stands still");
    let earlier = queue.moves.iter().rev().skip(1);
    check(!earlier.clone().any(|task| task.is_running()), "two tasks move messages");
    let is_fifo = queue.record.settings.fifo.is_some();
    check(is_fifo == queue.fifo.is_some(), "the queue is of another kind than its settings say");
    if let Some(fifo) = &queue.fifo {
        found.extend(fifo_violations(queue, fifo));
    }
    found
}

fn fifo_violations(queue: &Queue, fifo: &Fifo) -> Vec<&'static str> {
    let mut found = Vec::new();
    let mut check = |holds: bool, what| {
        if !holds {
            found.push(what);
        }
    };
    let mut groups = BTreeMap::<Str, BTreeSet<u64>>::new();
    for (place, kept) in &queue.kept {
        let Some(group) = &kept.message.group else {
            check(false, "a message has no group");
            continue;
        };
        check(kept.message.sequence.is_some(), "a message has no number");
        groups.entry(group.clone()).or_default().insert(*place);
    }
    let known: BTreeMap<_, _> =
        fifo.groups.iter().map(|(name, group)| (name.clone(), group.places.clone())).collect();
    check(known == groups, "the groups differ from the messages");
    for (name, group) in &fifo.groups {
        let first = group.places.first().and_then(|place| queue.kept.get(place));
        let can = first.is_some_and(|kept| kept.whereabouts == Whereabouts::Ready);
        check(can == group.turn.is_some(), "a group has no turn, or one too many");
        let turn = group.turn.and_then(|turn| fifo.turns.get(&turn));
        check(turn == group.turn.map(|_| name), "a turn is that of another group");
    }
    let with_turn = fifo.groups.values().filter(|group| group.turn.is_some()).count();
    check(with_turn == fifo.turns.len(), "a turn has no group");
    let ends: BTreeSet<_> = fifo.sent.iter().map(|(key, sent)| (sent.until, key.clone())).collect();
    check(ends == fifo.sent_ends, "the ends of what was sent differ from what was sent");
    let same = |(key, sent): (&SentKey, &Arc<Deduplication>)| {
        key.0 == sent.scope && key.1 == sent.id && sent.queue == queue.record.id
    };
    check(fifo.sent.iter().all(same), "what was sent is remembered for another queue");
    found
}
