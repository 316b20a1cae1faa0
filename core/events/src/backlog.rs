//! Events of the cluster, on their way to the queues of rules.
//!
//! One step of the cluster may have much to tell, and rules may make much of each event. So a step delivers what takes little, rule
//! by rule, and stores what is left in the same transaction; the ticks that follow go on with it. Events stay in their order. A
//! restart begins anew with an event of which a part was delivered: its queues may get it twice, as queues may anyway.

use std::collections::VecDeque;
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::arn::Realm;

use crate::deliver::{self, Forms};
use crate::event::Event;
use crate::limits;
use crate::machine::{Bus, Change, Key, Output};
use crate::pattern::Work;
use crate::record::PendingEvent;
use crate::rules::Rules;

/// An event of which rules are left.
#[derive(Clone, Debug)]
struct Pending {
    record: Arc<PendingEvent>,
    /// The rules at the time of the event.
    rules: Arc<Rules>,
    /// Rules that have been looked at.
    done: usize,
    is_stored: bool,
}

/// Events that wait, the oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backlog {
    events: VecDeque<Pending>,
    bytes: usize,
    next_number: u64,
}

impl Backlog {
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Takes in an event that was stored.
    pub(crate) fn recall(&mut self, record: PendingEvent, rules: Arc<Rules>) {
        self.next_number = self.next_number.max(record.number + 1);
        self.bytes += record.event.bytes();
        let record = Arc::new(record);
        self.events.push_back(Pending { record, rules, done: 0, is_stored: true });
    }

    /// Whether the count of bytes is that of the events, which are in their order.
    pub(crate) fn is_sound(&self) -> bool {
        let bytes = self.events.iter().map(|pending| pending.record.event.bytes());
        bytes.sum::<usize>() == self.bytes
            && self.events.iter().all(|pending| pending.is_stored)
            && self.events.iter().is_sorted_by_key(|pending| pending.record.number)
    }

    /// Puts an event behind the others, if there is room.
    fn push(&mut self, pending: Pending, out: &mut Vec<Output>) -> bool {
        let bytes = self.bytes + pending.record.event.bytes();
        if bytes > limits::BACKLOG_BYTES_MAX {
            return false;
        }
        self.bytes = bytes;
        out.push(Output::Change(Change::Pending(pending.record.clone())));
        self.events.push_back(Pending { is_stored: true, ..pending });
        true
    }
}

/// Delivers what the cluster tells in one step, as far as that takes little. What is left waits.
pub(crate) fn deliver(
    bus: &mut Bus,
    now: Timestamp,
    events: Vec<(Realm, Event)>,
    out: &mut Vec<Output>,
) {
    let mut work = Work::new(limits::CLUSTER_WORK_MAX);
    for (realm, event) in events {
        let Some(regional) = bus.state.realms.get(&realm) else { continue };
        let rules = regional.rules.clone();
        if rules.candidates(&event.source, &event.detail_type).next().is_none() {
            continue;
        }
        let number = bus.state.backlog.next_number;
        bus.state.backlog.next_number += 1;
        let record = Arc::new(PendingEvent { number, realm, event });
        let mut pending = Pending { record, rules, done: 0, is_stored: false };
        let is_next = bus.state.backlog.is_empty();
        if is_next && go_on_with(bus, now, &mut pending, &mut work, out) {
            continue;
        }
        if !bus.state.backlog.push(pending, out) {
            bus.state.undelivered += 1;
        }
    }
}

/// Goes on with what is left, a portion.
pub(crate) fn go_on(bus: &mut Bus, now: Timestamp, out: &mut Vec<Output>) {
    let mut work = Work::new(limits::CLUSTER_WORK_MAX);
    while let Some(mut pending) = bus.state.backlog.events.pop_front() {
        if !go_on_with(bus, now, &mut pending, &mut work, out) {
            bus.state.backlog.events.push_front(pending);
            return;
        }
        bus.state.backlog.bytes -= pending.record.event.bytes();
        out.push(Output::Change(Change::Forget(Key::Pending(pending.record.number))));
    }
}

/// Goes on with an event, rule by rule, while there is work left. Whether it is done.
fn go_on_with(
    bus: &mut Bus,
    now: Timestamp,
    pending: &mut Pending,
    work: &mut Work,
    out: &mut Vec<Output>,
) -> bool {
    let record = pending.record.clone();
    let (realm, event) = (&record.realm, &record.event);
    let forms = Forms::new(event, realm);
    let mut all = Vec::new();
    let candidates = pending.rules.candidates(&event.source, &event.detail_type);
    let mut left = candidates.skip(pending.done).peekable();
    while !work.is_spent()
        && let Some(rule) = left.next()
    {
        pending.done += 1;
        let mut own = Work::new(limits::CLUSTER_RULE_WORK_MAX);
        let before = all.len();
        deliver::by_rule(rule, now, &forms, &mut own, &mut all);
        work.spend(own.spent_of(limits::CLUSTER_RULE_WORK_MAX));
        if own.is_spent() {
            all.truncate(before);
            bus.state.undelivered += 1;
        }
    }
    let is_done = left.peek().is_none();
    deliver::deliver(bus, now, realm, &all, out);
    is_done
}
