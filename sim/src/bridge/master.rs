//! What hosts one bridge: its streams, the calls that it has not answered, and its feed of events. With `api.rs` this is all that
//! knows what a bridge is told and asks for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use longshore_bridge::operator::Command;
use longshore_bridge::{CallId, Input, Origin, Output, Response, StreamKey, check};
use longshore_machine::{Machine, Timestamp};
use longshore_replica::{Answered, Asked, News, Outcome, Question};
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::scheduler::{Call, Event};

use super::faulty::{Fault, Faulty};
use super::forms;
use super::promises::Promises;

/// What is on its way to the reader of a stream.
#[derive(Debug)]
pub(super) enum Item {
    Event(Box<Event>),
    Mark,
    Close,
}

/// One event stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) scheduler: usize,
    /// The framework that it is of, once SUBSCRIBED was sent.
    pub(super) framework: Option<String>,
    /// Whether its framework knows that it is there.
    pub(super) is_open: bool,
    pub(super) items: VecDeque<(Timestamp, Item)>,
    /// When its reader last began to read again.
    pub(super) read_since: Timestamp,
}

/// A call that is not answered.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) scheduler: usize,
    pub(super) is_subscribe: bool,
}

/// One start of a bridge, and the world right around it.
#[derive(Debug)]
pub(super) struct Master {
    pub(super) bridge: Faulty,
    /// How often it was started.
    pub(super) epoch: u64,
    pub(super) started_at: Timestamp,
    pub(super) up: bool,
    pub(super) listens: bool,
    pub(super) feed_up: bool,
    pub(super) promises: Promises,
    pub(super) streams: BTreeMap<StreamKey, Stream>,
    pub(super) calls: BTreeMap<CallId, Pending>,
    calls_made: u64,
    /// What operators asked and were not answered.
    pub(super) of_operators: BTreeSet<CallId>,
    /// Launches whose start was asked for.
    pub(super) starts: BTreeMap<Asked<Outcome>, Str>,
    fault: Fault,
    seed: u64,
}

impl Master {
    pub(super) fn new(seed: u64, fault: Fault) -> Self {
        Self {
            bridge: Faulty::new(forms::config(), u128::from(seed), fault),
            epoch: 0,
            started_at: Timestamp::default(),
            up: true,
            listens: false,
            feed_up: false,
            promises: Promises::new(),
            streams: BTreeMap::new(),
            calls: BTreeMap::new(),
            calls_made: 0,
            of_operators: BTreeSet::new(),
            starts: BTreeMap::new(),
            fault,
            seed,
        }
    }

    /// The program ends; nothing of what it knew is left.
    pub(super) fn crash(&mut self) {
        *self = Self {
            epoch: self.epoch + 1,
            up: false,
            ..Self::new(self.seed.wrapping_add(0x9e37_79b9), self.fault)
        };
    }

    /// When the bridge wants to be woken.
    pub(super) fn wake_at(&self) -> Option<Timestamp> {
        self.bridge.wake_at().filter(|_| self.up)
    }

    pub(super) fn tick(&mut self, now: Timestamp) -> Vec<Output> {
        let mut out = Vec::new();
        self.bridge.tick(now, &mut out);
        out
    }

    fn step(&mut self, now: Timestamp, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        self.bridge.step(now, input, &mut out);
        out
    }

    /// A call arrives. What is not well-formed is refused before the bridge sees it. Also whether it was taken.
    pub(super) fn call(
        &mut self,
        now: Timestamp,
        scheduler: usize,
        call: Call,
        stream_id: Option<String>,
    ) -> (Vec<Output>, bool) {
        let spends = forms::spent(&call);
        let acknowledged = forms::acknowledged(&call);
        let Ok(checked) = check(call, None) else { return (Vec::new(), false) };
        self.calls_made += 1;
        let id = CallId(self.calls_made);
        self.calls.insert(id, Pending { scheduler, is_subscribe: stream_id.is_none() });
        let origin = Origin::V1 { stream_id };
        let input = Input::Called { id, call: Box::new(checked), origin, principal: None };
        let out = self.step(now, input);
        let refused = out.iter().any(
            |output| matches!(output, Output::Respond(of, Response::Refused(..)) if *of == id),
        );
        if !refused {
            for offer in spends {
                self.promises.offers.remove(&offer);
            }
            if let Some((framework, task, uuid)) = acknowledged {
                self.promises.acknowledged(&framework, &task, &uuid);
            }
        }
        (out, !refused)
    }

    /// An operator has something done, or looks.
    pub(super) fn operated(&mut self, now: Timestamp, command: Option<Command>) -> Vec<Output> {
        self.calls_made += 1;
        let id = CallId(self.calls_made);
        self.of_operators.insert(id);
        let input = match command {
            Some(command) => Input::Commanded(id, command),
            None => Input::Inspected(id),
        };
        self.step(now, input)
    }

    pub(super) fn answered(&mut self, now: Timestamp, answered: Answered) -> Vec<Output> {
        self.step(now, Input::Answered(answered))
    }

    pub(super) fn told(&mut self, now: Timestamp, news: News) -> Vec<Output> {
        self.step(now, Input::Told(vec![news]))
    }

    pub(super) fn feed(&mut self, now: Timestamp, up: bool) -> Vec<Output> {
        self.feed_up = up;
        let down = || Input::FeedDown("the queue does not exist".to_owned());
        self.step(now, if up { Input::FeedUp } else { down() })
    }

    pub(super) fn reached(&mut self, now: Timestamp, stream: StreamKey) -> Vec<Output> {
        self.step(now, Input::Reached(stream))
    }

    pub(super) fn stream_ended(&mut self, now: Timestamp, stream: StreamKey) -> Vec<Output> {
        self.streams.remove(&stream);
        self.promises.stream_ended(stream);
        self.step(now, Input::StreamEnded(stream))
    }
}

/// A question that is on its way to the cluster.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) master: usize,
    pub(super) epoch: u64,
    pub(super) question: Question,
}
