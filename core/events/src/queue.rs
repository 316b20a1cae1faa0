//! One queue: its messages and the state of each.
//!
//! A message is in exactly one of three indexes: ready, delayed or in flight. All are sorted, so no
//! operation visits all messages. Timed changes are applied in portions, so that other queues are
//! served in between. Whoever changes a queue collects the changes and sets its alarm: see
//! [`crate::machine`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;

use crate::fifo::{self, Fifo, Sent, SentKey};
use crate::limits;
use crate::machine::Call;
use crate::record;

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// Available to the next receive.
    Ready,
    /// Hidden until then by its sender.
    Delayed(Timestamp),
    /// Hidden until then because it was received.
    InFlight(Timestamp),
}

/// A message in memory.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) message: Arc<record::Message>,
    pub(crate) whereabouts: Whereabouts,
    /// Number of receives.
    pub(crate) receives: u32,
    pub(crate) first_received: Option<Timestamp>,
    /// The suffix of the last receipt handle, and when it was issued; `None` if not received since
    /// startup.
    pub(crate) receipt: Option<(u64, Timestamp)>,
}

/// A waiting receive.
#[derive(Clone, Debug)]
pub(crate) struct Poll {
    pub(crate) call: Call,
    pub(crate) until: Timestamp,
    pub(crate) wanted: Wanted,
}

/// What a receive asks for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Maximum number of messages.
    pub(crate) count: usize,
    /// Visibility timeout in ms; `None` for the queue's default.
    pub(crate) visibility_ms: Option<u64>,
    /// Names of the attributes that SQS sets itself.
    pub(crate) system: Vec<Str>,
    /// Names or prefixes of the attributes that senders set.
    pub(crate) attributes: Vec<Str>,
    /// Identifies the attempt on a FIFO queue: a retry gets the same messages.
    pub(crate) attempt: Option<Str>,
}

/// Messages lost without having been deleted by a receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Expired at the end of the retention period.
    pub expired: u64,
    /// Dropped because the queue was full.
    pub dropped: u64,
}

/// Changes due to the passage of time.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    /// Places of messages whose retention period is over.
    pub(crate) expired: Vec<u64>,
    /// Deduplication keys whose interval is over.
    pub(crate) forgotten: Vec<SentKey>,
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
    /// Groups and deduplication state of a FIFO queue; `None` for a standard one.
    pub(crate) fifo: Option<Fifo>,
    /// Waiting receives, in order of arrival.
    pub(crate) polls: BTreeMap<u64, Poll>,
    pub(crate) poll_ends: BTreeSet<(Timestamp, u64)>,
    next_poll: u64,
    /// The latest move tasks, oldest first. Only the last may be running.
    pub(crate) moves: VecDeque<Arc<record::MoveTask>>,
    /// When the running task continues.
    pub(crate) move_at: Option<Timestamp>,
    pub(crate) purged_at: Option<Timestamp>,
    pub(crate) losses: Losses,
    /// When work was left over, to be continued at once.
    pub(crate) left_over: Option<Timestamp>,
    /// When the bus processes it next.
    pub(crate) alarm: Option<Timestamp>,
}

impl Queue {
    pub(crate) fn new(record: Arc<record::Queue>) -> Self {
        Self {
            next_place: record.places,
            fifo: record.settings.fifo.is_some().then(Fifo::default),
            record,
            kept: BTreeMap::new(),
            ready: BTreeSet::new(),
            delayed: BTreeSet::new(),
            in_flight: BTreeSet::new(),
            by_age: BTreeSet::new(),
            bytes: 0,
            polls: BTreeMap::new(),
            poll_ends: BTreeSet::new(),
            next_poll: 0,
            moves: VecDeque::new(),
            move_at: None,
            purged_at: None,
            losses: Losses::default(),
            left_over: None,
            alarm: None,
        }
    }

    /// Adds a message.
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
        let group = group(&message);
        let kept = Kept { message, whereabouts, receives: 0, first_received: None, receipt: None };
        self.kept.insert(place, kept);
        self.index(place, whereabouts);
        if let Some(fifo) = &mut self.fifo {
            fifo.add(&group, place);
        }
        self.look_at(&group);
    }

    /// Whether a message was already sent to this FIFO queue.
    pub(crate) fn check_duplicate(&self, message: &record::Message) -> Sent {
        let (Some(fifo), Some(id)) = (&self.fifo, &message.deduplication) else { return Sent::New };
        let key = (fifo::scope(message, self.is_per_group()), id.clone());
        fifo.sent.get(&key).map_or(Sent::New, |sent| Sent::Again(sent.clone()))
    }

    /// Whether messages are deduplicated per message group.
    pub(crate) fn is_per_group(&self) -> bool {
        self.record.settings.fifo.as_ref().is_some_and(|fifo| fifo.per_group)
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

    /// Updates whether a group can be handed out, in a FIFO queue.
    fn look_at(&mut self, group: &str) {
        let Some(fifo) = &mut self.fifo else { return };
        let first = fifo.first(group).and_then(|place| self.kept.get(&place));
        let can = first.is_some_and(|kept| kept.whereabouts == Whereabouts::Ready);
        fifo.look(group, can);
    }

    /// Changes the state of a message; does nothing if it is gone.
    pub(crate) fn move_to(&mut self, place: u64, whereabouts: Whereabouts) {
        let Some(kept) = self.kept.get_mut(&place) else { return };
        let before = std::mem::replace(&mut kept.whereabouts, whereabouts);
        let group = self.fifo.is_some().then(|| group(&kept.message));
        self.unindex(place, before);
        self.index(place, whereabouts);
        if let Some(group) = group {
            self.look_at(&group);
        }
    }

    /// Removes a message.
    pub(crate) fn remove(&mut self, place: u64) -> Option<Kept> {
        let kept = self.kept.remove(&place)?;
        self.unindex(place, kept.whereabouts);
        self.by_age.remove(&(kept.message.sent_at, place));
        self.bytes -= kept.message.bytes();
        if let Some(fifo) = &mut self.fifo {
            let group = group(&kept.message);
            fifo.remove(&group, place);
            self.look_at(&group);
        }
        Some(kept)
    }

    /// Removes all messages and returns them, since dropping them may take long. Also forgets what
    /// was sent.
    pub(crate) fn clear(&mut self) -> Trash {
        self.bytes = 0;
        Trash {
            kept: std::mem::take(&mut self.kept),
            ready: std::mem::take(&mut self.ready),
            by_time: [&mut self.delayed, &mut self.in_flight, &mut self.by_age].map(std::mem::take),
            fifo: self.fifo.as_mut().map(std::mem::take).unwrap_or_default(),
        }
    }

    /// Applies the passage of time: shows hidden messages that are due and removes expired ones.
    /// Limited per call; `left_over` records whether anything remains.
    pub(crate) fn advance(&mut self, now: Timestamp) -> Passed {
        let mut passed = Passed::default();
        let mut left = limits::CHANGES_AT_A_TIME;
        let mut more = || {
            left = usize::saturating_sub(left, 1);
            left > 0
        };
        while let Some((_, place)) = due(&self.delayed, now).filter(|_| more()) {
            self.move_to(place, Whereabouts::Ready);
        }
        while let Some((_, place)) = due(&self.in_flight, now).filter(|_| more()) {
            self.move_to(place, Whereabouts::Ready);
        }
        let retention = self.record.settings.retention_ms();
        let expires = |(sent, _): &(Timestamp, u64)| *sent + retention <= now;
        while let Some((_, place)) = self.by_age.first().copied().filter(expires).filter(|_| more())
        {
            self.remove(place);
            self.losses.expired += 1;
            passed.expired.push(place);
        }
        if let Some(fifo) = &mut self.fifo {
            while let Some(key) = Some(()).filter(|()| more()).and_then(|()| fifo.forget_sent(now))
            {
                passed.forgotten.push(key);
            }
        }
        self.left_over = (left == 0).then_some(now);
        passed
    }

    /// The oldest message, if the queue exceeds its limits.
    pub(crate) fn surplus(&self) -> Option<u64> {
        let full = self.kept.len() > limits::MESSAGES_MAX || self.bytes > limits::QUEUE_BYTES_MAX;
        self.by_age.first().filter(|_| full).map(|(_, place)| *place)
    }

    /// Whether a message has been received the maximum number of times.
    pub(crate) fn is_spent(&self, kept: &Kept) -> bool {
        let redrive = self.record.settings.redrive.as_ref();
        redrive.is_some_and(|redrive| kept.receives >= redrive.receives_max)
    }

    /// Whether there is anything to hand out.
    pub(crate) fn has_ready(&self) -> bool {
        match &self.fifo {
            Some(fifo) => !fifo.turns.is_empty(),
            None => !self.ready.is_empty(),
        }
    }

    /// Places that can be handed out, in order.
    pub(crate) fn offered(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        let Some(fifo) = &self.fifo else { return Box::new(self.ready.iter().copied()) };
        let is_ready = |place: &u64| self.ready.contains(place);
        let groups = fifo.turns.values().filter_map(|name| fifo.groups.get(name));
        Box::new(groups.flat_map(move |group| group.places.iter().copied().take_while(is_ready)))
    }

    /// Moves the groups of messages that were handed out behind the others.
    pub(crate) fn pass_turns(&mut self, places: &[u64]) {
        let Some(fifo) = &mut self.fifo else { return };
        let mut last = None;
        for kept in places.iter().filter_map(|place| self.kept.get(place)) {
            let group = kept.message.group.as_ref();
            if group == last {
                continue;
            }
            last = group;
            let name = group.map_or("", |group| group);
            let has_turn = fifo.groups.get(name).is_some_and(|group| group.turn.is_some());
            if has_turn {
                fifo.pass(name);
            }
        }
    }

    /// Adds a waiting receive.
    pub(crate) fn wait(&mut self, poll: Poll) {
        let number = self.next_poll;
        self.next_poll += 1;
        self.poll_ends.insert((poll.until, number));
        self.polls.insert(number, poll);
    }

    /// Removes the receive that has waited longest.
    pub(crate) fn first_poll(&mut self) -> Option<Poll> {
        let (number, poll) = self.polls.pop_first()?;
        self.poll_ends.remove(&(poll.until, number));
        Some(poll)
    }

    /// Puts a receive back at the front.
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

    /// Removes a receive whose wait is over.
    pub(crate) fn ended_poll(&mut self, now: Timestamp) -> Option<Poll> {
        let (until, number) = self.poll_ends.first().copied().filter(|(until, _)| *until <= now)?;
        self.poll_ends.remove(&(until, number));
        self.polls.remove(&number)
    }

    /// Removes the receive of a caller that hung up.
    pub(crate) fn abandon(&mut self, call: Call) {
        let found = self.polls.iter().find(|(_, poll)| poll.call == call);
        if let Some((number, until)) = found.map(|(number, poll)| (*number, poll.until)) {
            self.polls.remove(&number);
            self.poll_ends.remove(&(until, number));
        }
    }

    /// The next time at which something changes.
    pub(crate) fn next_change(&self) -> Option<Timestamp> {
        let retention = self.record.settings.retention_ms();
        let sent = self.fifo.as_ref().and_then(|fifo| fifo.sent_ends.first());
        [
            self.delayed.first().map(|(at, _)| *at),
            self.in_flight.first().map(|(at, _)| *at),
            self.by_age.first().map(|(sent, _)| *sent + retention),
            self.poll_ends.first().map(|(at, _)| *at),
            sent.map(|(at, _)| *at),
            self.move_at,
            self.left_over,
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

/// The message group, empty if there is none.
fn group(message: &record::Message) -> Str {
    message.group.clone().unwrap_or_else(|| "".into())
}

/// The first entry that is due.
fn due(index: &BTreeSet<(Timestamp, u64)>, now: Timestamp) -> Option<(Timestamp, u64)> {
    index.first().copied().filter(|(at, _)| *at <= now)
}

/// Former contents of a queue, dropped a little at a time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trash {
    kept: BTreeMap<u64, Kept>,
    ready: BTreeSet<u64>,
    by_time: [BTreeSet<(Timestamp, u64)>; 3],
    fifo: Fifo,
}

impl Trash {
    /// Drops some of it. Returns whether there is more.
    pub(crate) fn drop_some(&mut self) -> bool {
        for _ in 0..limits::CHANGES_AT_A_TIME {
            let mut dropped = self.kept.pop_first().is_some();
            dropped |= self.ready.pop_first().is_some();
            for index in &mut self.by_time {
                dropped |= index.pop_first().is_some();
            }
            dropped |= self.fifo.drop_some();
            if !dropped {
                return false;
            }
        }
        true
    }
}

/// The parsed form of a receipt handle.
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

    /// Parses a receipt handle; `None` if malformed.
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
