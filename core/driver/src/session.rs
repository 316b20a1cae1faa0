//! The subscription: who leads, whether there is a stream, and when to try again.

use longshore_machine::{Ids, Timestamp};
use longshore_wire_mesos::v1::MasterInfo;

use crate::limits;

/// Names one attempt to subscribe, and the stream that came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attempt(pub u64);

/// The master that leads.
#[derive(Clone, Debug, PartialEq)]
pub struct Leader {
    /// Where it is: whatever the host of the machine can dial.
    pub address: String,
    /// What is told of it, if it does not tell this itself.
    pub info: Option<Box<MasterInfo>>,
}

/// What a search for the master says.
#[derive(Clone, Debug, PartialEq)]
pub enum Detection {
    /// This one leads.
    Leader(Leader),
    /// None leads.
    Nobody,
    /// None can be found, and why: there is no use in waiting.
    Failed(String),
}

/// How an attempt, or its stream, ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The master answered with another status than 200, and said why.
    Refused {
        /// The status of HTTP.
        status: u16,
        /// What it said.
        text: String,
    },
    /// Another master leads, at this address.
    Elsewhere(String),
    /// There is no connection, or it broke, or made no sense; and how.
    Broken(String),
}

/// What becomes of the attempt that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Was {
    /// It is an older one.
    Old,
    /// The framework was not subscribed.
    Trying,
    /// It was.
    Subscribed,
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    /// There is nobody to subscribe with.
    Idle,
    /// A SUBSCRIBE is due then.
    Waiting(Timestamp),
    /// A SUBSCRIBE is out until then.
    Asking(Timestamp),
    /// The stream is there, and its first event has until then.
    Opening(Timestamp),
    /// The framework is subscribed. The master is given up if it is silent until then.
    Open(Timestamp),
}

/// The subscription.
#[derive(Debug)]
pub(crate) struct Session {
    leader: Option<Leader>,
    /// Where the leader that was found says that the leader is.
    elsewhere: Option<String>,
    hops: u32,
    attempt: Attempt,
    stream_id: Option<String>,
    state: State,
    /// Attempts that failed since the last that did not.
    failures: u32,
    patience_ms: u64,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            leader: None,
            elsewhere: None,
            hops: 0,
            attempt: Attempt::default(),
            stream_id: None,
            state: State::Idle,
            failures: 0,
            patience_ms: limits::SILENCE_MS_MIN,
        }
    }
}

impl Session {
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    pub(crate) fn attempt(&self) -> Attempt {
        self.attempt
    }

    pub(crate) fn stream_id(&self) -> Option<&str> {
        self.stream_id.as_deref()
    }

    /// Where to call.
    pub(crate) fn address(&self) -> Option<&str> {
        self.elsewhere.as_deref().or_else(|| Some(&*self.leader.as_ref()?.address))
    }

    pub(crate) fn leader(&self) -> Option<&Leader> {
        self.leader.as_ref()
    }

    /// Another master leads, or none; false if that was known.
    pub(crate) fn leads(&mut self, now: Timestamp, leader: Option<Leader>) -> bool {
        let address = |leader: &Option<Leader>| leader.as_ref().map(|one| one.address.clone());
        if address(&leader) == address(&self.leader) {
            return false;
        }
        self.leader = leader;
        (self.elsewhere, self.hops, self.failures) = (None, 0, 0);
        self.ends();
        if self.leader.is_some() {
            self.state = State::Waiting(now);
        }
        true
    }

    /// Leaves the stream, or the attempt, and makes no other.
    pub(crate) fn ends(&mut self) {
        (self.state, self.stream_id) = (State::Idle, None);
    }

    /// An attempt begins.
    pub(crate) fn begins(&mut self, now: Timestamp) -> Attempt {
        self.attempt.0 += 1;
        self.stream_id = None;
        self.state = State::Asking(now + limits::SUBSCRIBE_MS);
        self.attempt
    }

    /// The stream is there; false if it is an older one.
    pub(crate) fn opens(
        &mut self,
        now: Timestamp,
        attempt: Attempt,
        stream_id: Option<String>,
    ) -> bool {
        if attempt != self.attempt || !matches!(self.state, State::Asking(_)) {
            return false;
        }
        self.stream_id = stream_id;
        self.state = State::Opening(now + limits::SUBSCRIBE_MS);
        true
    }

    /// The framework is subscribed; how often the master says that it is there, in seconds.
    pub(crate) fn subscribes(&mut self, now: Timestamp, interval_s: Option<f64>) {
        (self.failures, self.hops) = (0, 0);
        self.patience_ms = patience_ms(interval_s);
        self.state = State::Open(now + self.patience_ms);
    }

    /// An event came; false if it is of an older stream.
    pub(crate) fn hears(&mut self, now: Timestamp, attempt: Attempt) -> bool {
        if attempt != self.attempt {
            return false;
        }
        match &mut self.state {
            State::Open(until) => *until = now + self.patience_ms,
            State::Opening(_) => {}
            State::Idle | State::Waiting(_) | State::Asking(_) => return false,
        }
        true
    }

    /// What an attempt was that has ended.
    pub(crate) fn was(&self, attempt: Attempt) -> Was {
        match self.state {
            State::Idle | State::Waiting(_) => Was::Old,
            _ if attempt != self.attempt => Was::Old,
            State::Open(_) => Was::Subscribed,
            State::Asking(_) | State::Opening(_) => Was::Trying,
        }
    }

    /// Tries again after a while, which grows.
    pub(crate) fn fails(&mut self, now: Timestamp, ids: &mut Ids, pause_ms_max: u64) {
        self.elsewhere = None;
        let most = limits::BACKOFF_MS.saturating_mul(1 << self.failures.min(16)).min(pause_ms_max);
        self.failures = self.failures.saturating_add(1);
        self.stream_id = None;
        self.state = State::Waiting(now + ids.below("pause", most));
    }

    /// Goes where it was sent, at once; false if it is sent round in circles.
    pub(crate) fn goes(&mut self, now: Timestamp, address: String) -> bool {
        self.hops += 1;
        if self.hops > limits::HOPS_MAX {
            self.hops = 0;
            return false;
        }
        self.elsewhere = Some(address);
        self.stream_id = None;
        self.state = State::Waiting(now);
        true
    }

    /// Whether a SUBSCRIBE is due.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        matches!(self.state, State::Waiting(at) if at <= now)
    }

    /// Whether the master has been silent for too long, and how that is called.
    pub(crate) fn is_silent(&self, now: Timestamp) -> Option<&'static str> {
        match self.state {
            State::Asking(until) if until <= now => Some("the master does not answer"),
            State::Opening(until) if until <= now => {
                Some("the master opened a stream and said nothing")
            }
            State::Open(until) if until <= now => Some("the master sends no heartbeats any more"),
            _ => None,
        }
    }

    /// The master may have said something that was not read.
    pub(crate) fn excuses(&mut self, now: Timestamp) {
        match &mut self.state {
            State::Open(until) => *until = now + self.patience_ms,
            State::Opening(until) => *until = now + limits::SUBSCRIBE_MS,
            State::Idle | State::Waiting(_) | State::Asking(_) => {}
        }
    }

    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Idle => None,
            State::Waiting(at) | State::Asking(at) | State::Opening(at) | State::Open(at) => {
                Some(at)
            }
        }
    }
}

/// For how long a master may be silent that promises to speak every so many seconds.
fn patience_ms(interval_s: Option<f64>) -> u64 {
    let interval_ms = match interval_s {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is positive, and what is too large becomes the largest number"
        )]
        Some(seconds) if seconds > 0.0 => (seconds * 1000.0) as u64,
        _ => limits::HEARTBEAT_MS,
    };
    interval_ms.saturating_mul(limits::HEARTBEATS_MISSED).max(limits::SILENCE_MS_MIN)
}
