//! What makes a queue first-in-first-out: ordered message groups, and deduplication.
//!
//! A message is handed out only while no earlier message of its group is hidden, so a receiver has
//! the group to itself until its messages are deleted or visible again. Groups take turns.
//!
//! Sent messages are remembered for five minutes, even after deletion: a duplicate is accepted but
//! not stored. Source: SQS developer guide, *FIFO queues* and *Exactly-once processing*.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use sha2::{Digest, Sha256};

use crate::limits;
use crate::record::{Deduplication, Message};

/// Key of a sent message: its deduplication scope (a group, or empty for the whole queue) and its
/// deduplication id.
pub(crate) type SentKey = (Str, Str);

/// The messages of one group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    /// Places of the messages, in order.
    pub(crate) places: BTreeSet<u64>,
    /// Its turn; `None` while its first message cannot be handed out.
    pub(crate) turn: Option<u64>,
}

/// The messages returned by one receive attempt.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// Their places, and the suffixes of their receipt handles.
    pub(crate) receipts: Vec<(u64, u64)>,
    /// When their visibility timeout ends.
    pub(crate) hidden_until: Timestamp,
    ends: Timestamp,
}

/// Whether a message is a duplicate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    New,
    Again(Arc<Deduplication>),
}

/// The groups and the deduplication state of a FIFO queue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fifo {
    pub(crate) groups: BTreeMap<Str, Group>,
    /// Groups whose first message can be handed out, by turn.
    pub(crate) turns: BTreeMap<u64, Str>,
    next_turn: u64,
    pub(crate) sent: BTreeMap<SentKey, Arc<Deduplication>>,
    pub(crate) sent_ends: BTreeSet<(Timestamp, SentKey)>,
    attempts: BTreeMap<Str, Attempt>,
    attempt_ends: BTreeSet<(Timestamp, Str)>,
}

impl Fifo {
    /// Adds a message to its group. The caller must call [`Fifo::look`] for the group afterwards.
    pub(crate) fn add(&mut self, group: &Str, place: u64) {
        self.groups.entry(group.clone()).or_default().places.insert(place);
    }

    /// Removes a message from its group. The caller must call [`Fifo::look`] for the group
    /// afterwards.
    pub(crate) fn remove(&mut self, group: &Str, place: u64) {
        let Some(known) = self.groups.get_mut(group) else { return };
        known.places.remove(&place);
        if known.places.is_empty() {
            if let Some(turn) = known.turn {
                self.turns.remove(&turn);
            }
            self.groups.remove(group);
        }
    }

    /// The first message of a group.
    pub(crate) fn first(&self, group: &str) -> Option<u64> {
        self.groups.get(group)?.places.first().copied()
    }

    /// Sets whether the first message of a group can be handed out. If so, the group gets a turn
    /// after all others.
    pub(crate) fn look(&mut self, group: &str, can: bool) {
        let Some(known) = self.groups.get_mut(group) else { return };
        match (known.turn, can) {
            (Some(turn), false) => {
                self.turns.remove(&turn);
                known.turn = None;
            }
            (None, true) => {
                let name = self.groups.get_key_value(group).map(|(name, _)| name.clone());
                self.give_turn(name);
            }
            _ => {}
        }
    }

    /// Moves a group that had its turn behind the others.
    pub(crate) fn pass(&mut self, group: &str) {
        self.look(group, false);
        self.look(group, true);
    }

    fn give_turn(&mut self, name: Option<Str>) {
        let Some(name) = name else { return };
        let turn = self.next_turn;
        self.next_turn += 1;
        if let Some(group) = self.groups.get_mut(&name) {
            group.turn = Some(turn);
            self.turns.insert(turn, name);
        }
    }

    /// Remembers a sent message.
    pub(crate) fn remember(&mut self, record: Arc<Deduplication>) {
        let key = (record.scope.clone(), record.id.clone());
        if let Some(before) = self.sent.get(&key) {
            self.sent_ends.remove(&(before.until, key.clone()));
        }
        self.sent_ends.insert((record.until, key.clone()));
        self.sent.insert(key, record);
    }

    /// Forgets one sent message whose deduplication interval is over.
    pub(crate) fn forget_sent(&mut self, now: Timestamp) -> Option<SentKey> {
        let (until, key) = self.sent_ends.first().filter(|(until, _)| *until <= now)?.clone();
        self.sent_ends.remove(&(until, key.clone()));
        self.sent.remove(&key);
        Some(key)
    }

    /// What a receive attempt was given, if it is still valid.
    pub(crate) fn attempt(&mut self, id: &str, now: Timestamp) -> Option<Attempt> {
        while let Some((ends, id)) = self.attempt_ends.first().filter(|(ends, _)| *ends <= now) {
            let (ends, id) = (*ends, id.clone());
            self.attempts.remove(&id);
            self.attempt_ends.remove(&(ends, id));
        }
        self.attempts.get(id).cloned()
    }

    /// Remembers what a receive attempt was given; at the limit, drops the oldest attempt.
    pub(crate) fn remember_attempt(
        &mut self,
        id: Str,
        receipts: Vec<(u64, u64)>,
        hidden_until: Timestamp,
        now: Timestamp,
    ) {
        self.forget_attempt(&id);
        let ends = now + limits::DEDUPLICATION_MS;
        self.attempt_ends.insert((ends, id.clone()));
        self.attempts.insert(id, Attempt { receipts, hidden_until, ends });
        if self.attempts.len() > limits::ATTEMPTS_MAX
            && let Some((_, oldest)) = self.attempt_ends.pop_first()
        {
            self.attempts.remove(&oldest);
        }
    }

    /// Drops a few entries of each collection, without keeping the others consistent. Returns
    /// whether there were any.
    pub(crate) fn drop_some(&mut self) -> bool {
        let mut dropped = self.turns.pop_first().is_some();
        dropped |= self.sent.pop_first().is_some();
        dropped |= self.sent_ends.pop_first().is_some();
        dropped |= self.attempts.pop_first().is_some();
        dropped |= self.attempt_ends.pop_first().is_some();
        if let Some(mut group) = self.groups.first_entry() {
            dropped = true;
            if group.get_mut().places.pop_first().is_none() {
                group.remove();
            }
        }
        dropped
    }

    /// Forgets a receive attempt.
    pub(crate) fn forget_attempt(&mut self, id: &Str) {
        if let Some(attempt) = self.attempts.remove(id) {
            self.attempt_ends.remove(&(attempt.ends, id.clone()));
        }
    }
}

/// The content-based deduplication id of a body: its SHA-256.
pub(crate) fn content_id(body: &str) -> Str {
    let mut id = String::with_capacity(64);
    for byte in Sha256::digest(body.as_bytes()) {
        // Writing to a string cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    id.into()
}

/// The sequence number shown for a FIFO message: 20 digits, as in SQS.
pub(crate) fn sequence_number(sequence: u64) -> Str {
    (18_800_000_000_000_000_000_u128 + u128::from(sequence)).to_string().into()
}

/// The deduplication record of a sent message, if it is deduplicated.
pub(crate) fn deduplication(
    message: &Message,
    per_group: bool,
    queue: ResourceId,
    now: Timestamp,
) -> Option<Deduplication> {
    Some(Deduplication {
        queue,
        scope: scope(message, per_group),
        id: message.deduplication.clone()?,
        message: message.id,
        sequence: message.sequence.unwrap_or_default(),
        until: now + limits::DEDUPLICATION_MS,
    })
}

/// The scope of a message's deduplication id.
pub(crate) fn scope(message: &Message, per_group: bool) -> Str {
    message.group.clone().filter(|_| per_group).unwrap_or_else(|| "".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_take_turns() {
        let mut fifo = Fifo::default();
        for (place, group) in ["a", "b", "a", "c"].into_iter().enumerate() {
            fifo.add(&group.into(), place as u64);
            fifo.look(group, true);
        }
        let order = |fifo: &Fifo| fifo.turns.values().map(|name| &**name).collect::<String>();
        assert_eq!(order(&fifo), "abc");
        fifo.pass("a");
        fifo.look("b", false);
        assert_eq!(order(&fifo), "ca");
        fifo.look("b", true);
        fifo.remove(&"a".into(), 0);
        assert_eq!((order(&fifo).as_str(), fifo.first("a")), ("cab", Some(2)));
        fifo.remove(&"a".into(), 2);
        assert_eq!(order(&fifo), "cb");
    }

    #[test]
    fn a_sequence_number_has_twenty_digits_and_rises() {
        let (one, other) = (sequence_number(0), sequence_number(1 << 60));
        assert!(one < other && one.len() == 20 && other.len() == 20);
    }

    #[test]
    fn of_too_many_attempts_the_oldest_is_forgotten() {
        let mut fifo = Fifo::default();
        let at = Timestamp::from_millis;
        for number in 0..=limits::ATTEMPTS_MAX as u64 {
            fifo.remember_attempt(format!("{number}").into(), Vec::new(), at(0), at(number));
        }
        assert!(fifo.attempt("0", at(1)).is_none());
        assert!(fifo.attempt("1", at(1)).is_some());
        assert!(fifo.attempt("1", at(1 + limits::DEDUPLICATION_MS)).is_none());
    }
}
