//! What the bridge may be told, what it may ask for, and what it does when time passes.
//!
//! [`Bridge`] is a small machine: it gives each input to the flow that deals with it, and ends each step by bringing the sums of
//! the allocator up to the launches, and by sending what is due.

use longshore_machine::{Ids, Machine, Timestamp};
use longshore_replica::{Answered, News, Question};
use longshore_wire_mesos::v1::scheduler::Event;

use crate::agenda::{Agenda, Timer};
use crate::calls::ValidCall;
use crate::config::Config;
use crate::context::{Asking, Context};
use crate::flows::Parts;
use crate::happening::Happening;
use crate::limits;
use crate::operator::{Change, Command, View};
use crate::probe::{Probe, ProbeId, Probed};

/// Names one HTTP request, so that its answer finds the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// Names one event stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamKey(pub u64);

/// The way by which a call came. Each way in is a variant here and a module at the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The v1 scheduler API, with the `Mesos-Stream-Id` header of the request, if there was one.
    V1 {
        /// The header.
        stream_id: Option<String>,
    },
}

/// What the bridge may be told.
#[derive(Debug)]
pub enum Input {
    /// A framework calls.
    Called {
        /// To answer to.
        id: CallId,
        /// What it says.
        call: Box<ValidCall>,
        /// How it came.
        origin: Origin,
        /// Who the caller proved to be, where callers must prove it.
        principal: Option<String>,
    },
    /// The connection of a stream ended.
    StreamEnded(StreamKey),
    /// The reader of a stream has taken all that was sent before the last mark.
    Reached(StreamKey),
    /// The cluster answered.
    Answered(Answered),
    /// Events of the cluster arrive from now on.
    FeedUp,
    /// They do not any more, and why.
    FeedDown(String),
    /// Events of the cluster.
    Told(Vec<News>),
    /// Something came of a probe.
    Probed(ProbeId, Probed),
    /// An operator looks.
    Inspected(CallId),
    /// An operator has something done.
    Commanded(CallId, Command),
    /// An operator looks, and goes on watching.
    Watched(CallId),
    /// One who watched has left: told once for each answer to [`Input::Watched`].
    Unwatched,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// 202, no body.
    Accepted,
    /// 200, no body.
    Done,
    /// 200 and a stream of events with this `Mesos-Stream-Id`.
    Stream(StreamKey, String),
    /// A status, and text that says why.
    Refused(u16, String),
    /// What operators see at this moment.
    View(Box<View>),
    /// What operators see at this moment. All that changes after it is told by [`Output::Changed`].
    Watched(Box<View>),
}

/// What the bridge may ask for.
#[derive(Clone, Debug)]
pub enum Output {
    /// Answer a request.
    Respond(CallId, Response),
    /// Send an event.
    Send(StreamKey, Box<Event>),
    /// Say when the reader of a stream has taken all that was sent so far. One mark of a stream is out at a time.
    Mark(StreamKey),
    /// End a stream.
    Close(StreamKey),
    /// Ask the cluster.
    Ask(Question),
    /// Dial something, and say by [`Input::Probed`] what came of it.
    Probe(Box<Probe>),
    /// Whether events of the cluster are wanted from now on.
    Listen(bool),
    /// The cluster has been read: frameworks are answered from now on.
    Recovered,
    /// Something that an operator should mend.
    Note(String),
    /// Tell an operator of something.
    Happened(Happening),
    /// Tell those who watch what has changed, in this order.
    Changed(Vec<Change>),
}

/// The bridge.
#[derive(Debug)]
pub struct Bridge {
    parts: Parts,
    ids: Ids,
    agenda: Agenda,
    asking: Asking,
}

impl Bridge {
    /// A bridge that knows nothing yet and reads the cluster first.
    pub fn new(config: Config, seed: u128) -> Self {
        let mut ids = Ids::new(seed);
        let mut agenda = Agenda::default();
        agenda.at(Timestamp::default(), Timer::Recover);
        let parts = Parts::new(config, ids.uuid("master"));
        Self { parts, ids, agenda, asking: Asking::default() }
    }

    /// Whether the cluster has been read since the start.
    pub fn is_recovered(&self) -> bool {
        self.parts.is_recovered()
    }

    /// How much is kept, by what it is: what is over must not stay.
    pub fn sizes(&self) -> Vec<(&'static str, usize)> {
        let mut sizes = self.parts.sizes();
        sizes.push(("agenda", self.agenda.len()));
        sizes
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Does something to the parts in the context of a step, and then what every step ends with.
    fn run(
        &mut self,
        now: Timestamp,
        out: &mut Vec<Output>,
        act: impl FnOnce(&mut Parts, &mut Context<'_>),
    ) {
        let Self { parts, ids, agenda, asking } = self;
        let mut cx = Context { now, ids, agenda, asking, out };
        act(parts, &mut cx);
        parts.settle(&mut cx);
    }
}

impl Machine for Bridge {
    type Input = Input;
    type Output = Output;

    fn step(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        self.run(now, out, |parts, cx| match input {
            Input::Called { id, call, origin, principal } => {
                parts.called(cx, id, *call, &origin, principal);
            }
            Input::StreamEnded(stream) => parts.stream_ended(cx, stream),
            Input::Reached(stream) => parts.reached(cx, stream),
            Input::Answered(answered) => parts.answered(cx, answered),
            Input::FeedUp => parts.feed_up(cx),
            Input::FeedDown(why) => parts.feed_down(cx, &why),
            Input::Told(news) => parts.told(cx, news),
            Input::Probed(id, probed) => parts.probed(cx, id, &probed),
            Input::Inspected(id) => parts.inspected(cx, id),
            Input::Commanded(id, command) => parts.commanded(cx, id, command),
            Input::Watched(id) => parts.watched(cx, id),
            Input::Unwatched => parts.unwatched(),
        });
    }

    fn tick(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        self.run(now, out, |parts, cx| {
            for _ in 0..limits::TIMERS_PER_TICK_MAX {
                let Some(timer) = cx.agenda.pop_due(now) else { break };
                parts.due(cx, timer);
            }
            parts.go_on(cx);
        });
    }

    fn wake_at(&self) -> Option<Timestamp> {
        if self.parts.is_busy() {
            return Some(Timestamp::default());
        }
        [self.agenda.next_at(), self.parts.next_at()].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests;
