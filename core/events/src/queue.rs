//! One queue: its messages, and where each of them is.
//!
//! A message is in exactly one of three indexes: ready, delayed or in flight. All are ordered, so that nothing here ever
//! looks at all messages. Whoever changes a queue reads the changes off and sets its alarm: see [`crate::machine`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;

use crate::limits;
use crate::machine::Call;
use crate::record;

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// The next receive may have it.
    Ready,
    /// Hidden until then, because its sender said so.
    Delayed(Timestamp),
    /// Hidden until then, because somebody received it.
    InFlight(Timestamp),
}

/// A message in memory.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) message: Arc<record::Message>,
    pub(crate) whereabouts: Whereabouts,
    /// How often it was received.
    pub(crate) receives: u32,
    pub(crate) first_received: Option<Timestamp>,
    /// What the receipt handle of its last receive ends in; `None` before the first in this run.
    pub(crate) receipt: Option<u64>,
}

/// A receive that waits.
#[derive(Clone, Debug)]
pub(crate) struct Poll {
    pub(crate) call: Call,
    pub(crate) until: Timestamp,
    pub(crate) wanted: Wanted,
}

/// What a receive asks for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Most messages.
    pub(crate) count: usize,
    /// How long they are hidden, in ms; `None` for what the queue is set to.
    pub(crate) visibility_ms: Option<u64>,
    /// Names of the attributes that SQS itself gives.
    pub(crate) system: Vec<Str>,
    /// Names, or beginnings, of the attributes that senders give.
    pub(crate) attributes: Vec<Str>,
}

/// Messages that went without having been deleted by a receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Kept for as long as the queue keeps messages.
    pub expired: u64,
    /// Dropped, because the queue was full.
    pub dropped: u64,
}

/// A queue.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    pub(crate) record: Arc<record::Queue>,
    pub(crate) kept: BTreeMap<u64, Kept>,
    pub(crate) ready: BTreeSet<u64>,
    pub(crate) delayed: BTreeSet<(Timestamp, u64)>,
    pub(crate) in_flight: BTreeSet<(Timestamp, u64)>,
    pub(crate) by_age: BTreeSet<(Timestamp, u64)>,
    pub(crate) bytes: usize,
    pub(crate) next_place: u64,
    /// Receives that wait, in the order in which they came.
    pub(crate) polls: BTreeMap<u64, Poll>,
    pub(crate) poll_ends: BTreeSet<(Timestamp, u64)>,
    next_poll: u64,
    pub(crate) purged_at: Option<Timestamp>,
    pub(crate) losses: Losses,
    /// When the bus will look at it next.
    pub(crate) alarm: Option<Timestamp>,
}

impl Queue {
    pub(crate) fn new(record: Arc<record::Queue>) -> Self {
        Self {
            record,
            kept: BTreeMap::new(),
            ready: BTreeSet::new(),
            delayed: BTreeSet::new(),
            in_flight: BTreeSet::new(),
            by_age: BTreeSet::new(),
            bytes: 0,
            next_place: 0,
            polls: BTreeMap::new(),
            poll_ends: BTreeSet::new(),
            next_poll: 0,
            purged_at: None,
            losses: Losses::default(),
            alarm: None,
        }
    }

    /// Takes a message in.
    pub(crate) fn put(&mut self, message: Arc<record::Message>, now: Timestamp) {
        let place = message.place;
        self.next_place = self.next_place.max(place + 1);
        self.bytes += message.bytes();
        self.by_age.insert((message.sent_at, place));
        let whereabouts = if message.visible_at > now {
            Whereabouts::Delayed(message.visible_at)
        } else {
            Whereabouts::Ready
        };
        let kept = Kept { message, whereabouts, receives: 0, first_received: None, receipt: None };
        self.kept.insert(place, kept);
        self.index(place, whereabouts);
    }

    fn index(&mut self, place: u64, whereabouts: Whereabouts) {
        match whereabouts {
            Whereabouts::Ready => self.ready.insert(place),
            Whereabouts::Delayed(at) => self.delayed.insert((at, place)),
            Whereabouts::InFlight(at) => self.in_flight.insert((at, place)),
        };
    }

    fn unindex(&mut self, place: u64, whereabouts: Whereabouts) {
        match whereabouts {
            Whereabouts::Ready => self.ready.remove(&place),
            Whereabouts::Delayed(at) => self.delayed.remove(&(at, place)),
            Whereabouts::InFlight(at) => self.in_flight.remove(&(at, place)),
        };
    }

    /// Moves a message; nothing if it is gone.
    pub(crate) fn move_to(&mut self, place: u64, whereabouts: Whereabouts) {
        let Some(kept) = self.kept.get_mut(&place) else { return };
        let before = std::mem::replace(&mut kept.whereabouts, whereabouts);
        self.unindex(place, before);
        self.index(place, whereabouts);
    }

    /// Lets a message go.
    pub(crate) fn remove(&mut self, place: u64) -> Option<Kept> {
        let kept = self.kept.remove(&place)?;
        self.unindex(place, kept.whereabouts);
        self.by_age.remove(&(kept.message.sent_at, place));
        self.bytes -= kept.message.bytes();
        Some(kept)
    }

    /// Lets all messages go.
    pub(crate) fn clear(&mut self) {
        self.kept.clear();
        self.ready.clear();
        self.delayed.clear();
        self.in_flight.clear();
        self.by_age.clear();
        self.bytes = 0;
    }

    /// Lets time pass: shows what has been hidden long enough, and removes what has been kept long enough. The places of
    /// the latter are returned.
    pub(crate) fn advance(&mut self, now: Timestamp) -> Vec<u64> {
        while let Some((at, place)) = self.delayed.first().copied().filter(|(at, _)| *at <= now) {
            self.delayed.remove(&(at, place));
            self.show(place);
        }
        while let Some((at, place)) = self.in_flight.first().copied().filter(|(at, _)| *at <= now) {
            self.in_flight.remove(&(at, place));
            self.show(place);
        }
        let mut expired = Vec::new();
        let retention = self.record.settings.retention_ms();
        while let Some((_, place)) =
            self.by_age.first().copied().filter(|(sent, _)| *sent + retention <= now)
        {
            self.remove(place);
            self.losses.expired += 1;
            expired.push(place);
        }
        expired
    }

    fn show(&mut self, place: u64) {
        if let Some(kept) = self.kept.get_mut(&place) {
            kept.whereabouts = Whereabouts::Ready;
            self.ready.insert(place);
        }
    }

    /// The oldest message, if the queue holds more than it may.
    pub(crate) fn surplus(&self) -> Option<u64> {
        let full = self.kept.len() > limits::MESSAGES_MAX || self.bytes > limits::QUEUE_BYTES_MAX;
        self.by_age.first().filter(|_| full).map(|(_, place)| *place)
    }

    /// Whether a message has been received as often as it may be.
    pub(crate) fn is_spent(&self, kept: &Kept) -> bool {
        let redrive = self.record.settings.redrive.as_ref();
        redrive.is_some_and(|redrive| kept.receives >= redrive.receives_max)
    }

    /// Adds a receive that waits.
    pub(crate) fn wait(&mut self, poll: Poll) {
        let number = self.next_poll;
        self.next_poll += 1;
        self.poll_ends.insert((poll.until, number));
        self.polls.insert(number, poll);
    }

    /// Takes the receive that has waited longest.
    pub(crate) fn first_poll(&mut self) -> Option<Poll> {
        let (number, poll) = self.polls.pop_first()?;
        self.poll_ends.remove(&(poll.until, number));
        Some(poll)
    }

    /// Puts a receive back where it was: in front.
    pub(crate) fn wait_on(&mut self, poll: Poll) {
        let first = self.polls.keys().next().copied().unwrap_or(self.next_poll);
        match first.checked_sub(1) {
            Some(number) => {
                self.poll_ends.insert((poll.until, number));
                self.polls.insert(number, poll);
            }
            None => self.wait(poll),
        }
    }

    /// Takes a receive that has waited long enough.
    pub(crate) fn ended_poll(&mut self, now: Timestamp) -> Option<Poll> {
        let (until, number) = self.poll_ends.first().copied().filter(|(until, _)| *until <= now)?;
        self.poll_ends.remove(&(until, number));
        self.polls.remove(&number)
    }

    /// Takes the receive of a caller that hung up.
    pub(crate) fn abandon(&mut self, call: Call) {
        let found = self.polls.iter().find(|(_, poll)| poll.call == call);
        if let Some((number, until)) = found.map(|(number, poll)| (*number, poll.until)) {
            self.polls.remove(&number);
            self.poll_ends.remove(&(until, number));
        }
    }

    /// When time changes something here.
    pub(crate) fn next_change(&self) -> Option<Timestamp> {
        let retention = self.record.settings.retention_ms();
        [
            self.delayed.first().map(|(at, _)| *at),
            self.in_flight.first().map(|(at, _)| *at),
            self.by_age.first().map(|(sent, _)| *sent + retention),
            self.poll_ends.first().map(|(at, _)| *at),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

/// What a receiver deletes a message by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) message: ResourceId,
    pub(crate) place: u64,
    pub(crate) nonce: u64,
}

impl Receipt {
    pub(crate) fn show(&self) -> Str {
        format!("{}{:016x}{:016x}", self.message, self.place, self.nonce).into()
    }

    /// Reads a receipt handle; `None` for what cannot be one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let number = |digits| u64::from_str_radix(digits, 16).ok();
        Some(Self {
            message: ResourceId::parse(&text[..32])?,
            place: number(&text[32..48])?,
            nonce: number(&text[48..])?,
        })
    }
}
