//! Cluster events on their way to the queues of rules.
//!
//! One step of the cluster can produce many events, and rules can turn each event into a lot of
//! work. So a step delivers only what takes little work, rule by rule, and stores the rest in the
//! same transaction; the following ticks continue with it. Events stay in order. After a restart a
//! partly delivered event starts over: its queues may get it twice, which at-least-once delivery
//! allows.

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

/// An event that has not been through all rules yet.
#[derive(Clone, Debug)]
struct Pending {
    record: Arc<PendingEvent>,
    /// The rules at the time of the event.
    rules: Arc<Rules>,
    /// Number of rules already processed.
    done: usize,
    is_stored: bool,
}

/// Waiting events, oldest first.
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

    /// Restores a stored event.
    pub(crate) fn recall(&mut self, record: PendingEvent, rules: Arc<Rules>) {
        self.next_number = self.next_number.max(record.number + 1);
        self.bytes += record.event.bytes();
        let record = Arc::new(record);
        self.events.push_back(Pending { record, rules, done: 0, is_stored: true });
    }

    /// Whether the byte count matches the events and the events are in order.
    pub(crate) fn is_sound(&self) -> bool {
        let bytes = self.events.iter().map(|pending| pending.record.event.bytes());
        bytes.sum::<usize>() == self.bytes
            && self.events.iter().all(|pending| pending.is_stored)
            && self.events.iter().is_sorted_by_key(|pending| pending.record.number)
    }

    /// Appends an event, if there is room.
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

/// Delivers the events of one cluster step, as far as the work limit allows. The rest waits.
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

/// Delivers the next portion of the backlog.
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

/// Continues with an event, rule by rule, while there is work left. Returns whether it is done.
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
