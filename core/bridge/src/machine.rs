//! What the bridge may be told, what it may ask for, and what it does when time passes.

use std::sync::Arc;

use longshore_machine::{Machine, Timestamp};
use longshore_replica::{Answer, Ask, Failure, News};
use longshore_wire_mesos::v1::scheduler::Event;

use crate::check::Checked;
use crate::happening::Happening;
use crate::state::{Bridge, Timer};
use crate::{
    allocate, call, definition, endpoint, feed, filter, launch, limits, observe, outbox, reading,
    recover, status, stop, stray, subscribe, work,
};

/// Names one HTTP request, so that its answer finds the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// Names one event stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamKey(pub u64);

/// Names one thing that was asked of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked(pub u64);

/// A page of the operator endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Page {
    /// `/state`
    State,
    /// `/slaves`
    Slaves,
    /// `/tasks`
    Tasks,
    /// `/frameworks`
    Frameworks,
    /// `/metrics/snapshot`
    Metrics,
}

/// What the bridge may be told.
#[derive(Debug)]
pub enum Input {
    /// A framework calls.
    Called {
        /// To answer to.
        id: CallId,
        /// What it says.
        call: Box<Checked>,
        /// The `Mesos-Stream-Id` header.
        stream_id: Option<String>,
        /// Who the caller proved to be, where callers must prove it.
        principal: Option<String>,
    },
    /// The connection of a stream ended.
    StreamEnded(StreamKey),
    /// The reader of a stream has taken all that was sent before the last mark.
    Reached(StreamKey),
    /// The cluster answered.
    Answered(Asked, Result<Answer, Failure>),
    /// Events of the cluster arrive from now on.
    FeedUp,
    /// They do not any more, and why.
    FeedDown(String),
    /// Events of the cluster.
    Told(Vec<News>),
    /// An operator asks.
    Inspected(CallId, Page),
}

/// The answer to an HTTP request.
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
    /// 200 and JSON, in pieces.
    Json(Arc<[Vec<u8>]>),
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
    Ask(Asked, Ask),
    /// Whether events of the cluster are wanted from now on.
    Listen(bool),
    /// The cluster has been read: frameworks are answered from now on.
    Recovered,
    /// Something that an operator should mend.
    Note(String),
    /// Tell an operator of something.
    Happened(Happening),
}

impl Machine for Bridge {
    type Input = Input;
    type Output = Output;

    fn step(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Called { id, call, stream_id, principal } => {
                let stream_id = stream_id.as_deref();
                let response = call::answer(self, now, id, *call, stream_id, principal, out);
                // A stream is answered by `subscribe`, before its first event; work, once it is done.
                if let Some(response) = response {
                    out.push(Output::Respond(id, response));
                } else if let Some(stream) = self.opening.take() {
                    // The answer goes out ahead of the events that were pushed while it was made.
                    let at = out.iter().position(
                        |output| matches!(output, Output::Send(key, _) if *key == stream.0),
                    );
                    out.insert(
                        at.unwrap_or(out.len()),
                        Output::Respond(id, Response::Stream(stream.0, stream.1)),
                    );
                }
            }
            Input::StreamEnded(stream) => subscribe::stream_ended(self, now, stream, out),
            Input::Reached(stream) => outbox::reached(self, now, stream, out),
            Input::Answered(asked, result) => reading::answered(self, now, asked, result, out),
            Input::FeedUp => feed::up(self, now),
            Input::FeedDown(why) => feed::down(self, now, &why, out),
            Input::Told(news) => feed::told(self, now, news, out),
            Input::Inspected(id, page) => {
                endpoint::ask(self, now, id, page, out);
            }
        }
        self.settle(now, out);
    }

    fn tick(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        for _ in 0..limits::TIMERS_PER_TICK_MAX {
            let due = self.timers.first().cloned().filter(|(at, _)| *at <= now);
            let Some((_, timer)) = due else { break };
            self.timers.pop_first();
            match timer {
                Timer::Heartbeat(stream) => subscribe::heartbeat(self, now, stream, out),
                Timer::Failover(framework) => {
                    subscribe::failover_expired(self, now, &framework, out);
                }
                Timer::Repeat(launch) => status::repeat(self, now, &launch, out),
                Timer::Settle(launch) => launch::settle(self, now, &launch, out),
                Timer::Starting(launch) => observe::starting(self, now, &launch, out),
                Timer::Stop(launch) => stop::again(self, &launch, out),
                Timer::Recover => recover::begin(self, out),
                Timer::Strays => stray::look(self, out),
                Timer::StraysOver => stray::end(self),
                Timer::Unlisten => feed::unlisten(self, out),
                Timer::EventDue(arn) => feed::due(self, now, &arn, out),
                Timer::Filters(framework) => filter::ended(self, now, &framework),
                Timer::Offer(offer) => crate::offer::rescind(self, now, &offer, out),
                Timer::Definitions => definition::look_again(self, now, out),
            }
        }
        allocate::go_on(self, now, out);
        work::go_on(self, now, out);
        self.settle(now, out);
    }

    fn wake_at(&self) -> Option<Timestamp> {
        if self.work.is_ready() || self.allocation.is_some() {
            return Some(Timestamp::default());
        }
        let timers = self.timers.first().map(|(at, _)| *at);
        let reading = reading::next_at(self);
        [timers, reading, self.allocate_at].into_iter().flatten().min()
    }
}

impl Bridge {
    /// What every step ends with: allocations and readings that are due.
    fn settle(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        launch::resolve_doubts(self, now, out);
        if self.allocation.is_none() && self.allocate_at.is_some_and(|at| at <= now) {
            self.allocate_at = None;
            allocate::begin(self, now, out);
        }
        reading::read_if_due(self, now, out);
        feed::listen(self, now, out);
    }
}

#[cfg(test)]
mod tests;
