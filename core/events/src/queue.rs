//! One queue: its messages, and where each of them is.
//!
//! A message is in exactly one of three indexes: ready, delayed or in flight. All are ordered, so that nothing here ever
//! looks at all messages. What time changes is changed in portions: what is left of a large one is done a little later, and others are
//! served in between. Whoever changes a queue reads the changes off and sets its alarm: see [`crate::machine`].

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
    /// What the receipt handle of its last receive ends in, and when that was; `None` before the first in this run.
    pub(crate) receipt: Option<(u64, Timestamp)>,
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
    /// Names the attempt, of a FIFO queue: made again, it is given the same messages.
    pub(crate) attempt: Option<Str>,
}

/// Messages that went without having been deleted by a receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Kept for as long as the queue keeps messages.
    pub expired: u64,
    /// Dropped, because the queue was full.
    pub dropped: u64,
}

/// What time has changed in a queue.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    /// Places of messages that were kept long enough.
    pub(crate) expired: Vec<u64>,
    /// What was sent long enough ago to be forgotten.
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
    /// Groups and memory of a FIFO queue; `None` for a standard one.
    pub(crate) fifo: Option<Fifo>,
    /// Receives that wait, in the order in which they came.
    pub(crate) polls: BTreeMap<u64, Poll>,
    pub(crate) poll_ends: BTreeSet<(Timestamp, u64)>,
    next_poll: u64,
    /// The latest tasks that move its messages on, the latest last. Only the last may be running.
    pub(crate) moves: VecDeque<Arc<record::MoveTask>>,
    /// When the running one goes on.
    pub(crate) move_at: Option<Timestamp>,
    pub(crate) purged_at: Option<Timestamp>,
    pub(crate) losses: Losses,
    /// Work was left over then, and goes on at once.
    pub(crate) left_over: Option<Timestamp>,
    /// When the bus will look at it next.
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
        let group = group(&message);
        let kept = Kept { message, whereabouts, receives: 0, first_received: None, receipt: None };
        self.kept.insert(place, kept);
        self.index(place, whereabouts);
        if let Some(fifo) = &mut self.fifo {
            fifo.add(&group, place);
        }
        self.look_at(&group);
    }

    /// Whether something was sent before, to a FIFO queue.
    pub(crate) fn check_duplicate(&self, message: &record::Message) -> Sent {
        let (Some(fifo), Some(id)) = (&self.fifo, &message.deduplication) else { return Sent::New };
        let key = (fifo::scope(message, self.is_per_group()), id.clone());
        fifo.sent.get(&key).map_or(Sent::New, |sent| Sent::Again(sent.clone()))
    }

    /// Whether what was sent is told apart within its message group only.
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

    /// Looks whether a group can be handed out, in a FIFO queue.
    fn look_at(&mut self, group: &str) {
        let Some(fifo) = &mut self.fifo else { return };
        let first = fifo.first(group).and_then(|place| self.kept.get(&place));
        let can = first.is_some_and(|kept| kept.whereabouts == Whereabouts::Ready);
        fifo.look(group, can);
    }

    /// Moves a message; nothing if it is gone.
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

    /// Lets a message go.
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

    /// Lets all messages go, and forgets what was sent. What there was is returned: it may take long to drop.
    pub(crate) fn clear(&mut self) -> Trash {
        self.bytes = 0;
        Trash {
            kept: std::mem::take(&mut self.kept),
            ready: std::mem::take(&mut self.ready),
            by_time: [&mut self.delayed, &mut self.in_flight, &mut self.by_age].map(std::mem::take),
            fifo: self.fifo.as_mut().map(std::mem::take).unwrap_or_default(),
        }
    }

    /// Lets time pass: shows what has been hidden long enough, and removes what has been kept long enough. Does so much at a
    /// time; whether anything is left is noted.
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

    /// Whether there is anything to hand out.
    pub(crate) fn has_ready(&self) -> bool {
        match &self.fifo {
            Some(fifo) => !fifo.turns.is_empty(),
            None => !self.ready.is_empty(),
        }
    }

    /// Places that can be handed out, in the order in which they are.
    pub(crate) fn offered(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        let Some(fifo) = &self.fifo else { return Box::new(self.ready.iter().copied()) };
        let is_ready = |place: &u64| self.ready.contains(place);
        let groups = fifo.turns.values().filter_map(|name| fifo.groups.get(name));
        Box::new(groups.flat_map(move |group| group.places.iter().copied().take_while(is_ready)))
    }

    /// Puts the groups of messages that were handed out behind the others.
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

/// The group of a message of a FIFO queue.
fn group(message: &record::Message) -> Str {
    message.group.clone().unwrap_or_else(|| "".into())
}

/// The first that is due.
fn due(index: &BTreeSet<(Timestamp, u64)>, now: Timestamp) -> Option<(Timestamp, u64)> {
    index.first().copied().filter(|(at, _)| *at <= now)
}

/// What a queue has held: dropped a little at a time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trash {
    kept: BTreeMap<u64, Kept>,
    ready: BTreeSet<u64>,
    by_time: [BTreeSet<(Timestamp, u64)>; 3],
    fifo: Fifo,
}

impl Trash {
    /// Drops some of it. Whether there is more.
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
