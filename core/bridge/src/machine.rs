//! What the bridge may be told, what it may ask for, and what it does when time passes.

use longshore_machine::{Machine, Timestamp};
use longshore_replica::{Answer, Ask, Failure, News};
use longshore_wire_mesos::v1::scheduler::{Call, Event};

use crate::state::{Bridge, Timer};
use crate::{call, endpoint, feed, launch, observe, reading, recover, status, stray, subscribe};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// A framework calls. The call has passed [`crate::validate_call`].
    Called {
        /// To answer to.
        id: CallId,
        /// What it says.
        call: Box<Call>,
        /// The `Mesos-Stream-Id` header.
        stream_id: Option<String>,
        /// Who the caller proved to be, where callers must prove it.
        principal: Option<String>,
    },
    /// The connection of a stream ended.
    StreamEnded(StreamKey),
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
    /// 200 and JSON.
    Json(Vec<u8>),
}

/// What the bridge may ask for.
#[derive(Clone, Debug)]
pub enum Output {
    /// Answer a request.
    Respond(CallId, Response),
    /// Send an event.
    Send(StreamKey, Box<Event>),
    /// End a stream.
    Close(StreamKey),
    /// Ask the cluster.
    Ask(Asked, Ask),
    /// Whether events of the cluster are wanted from now on.
    Listen(bool),
    /// The cluster has been read: frameworks are answered from now on.
    Recovered,
    /// Something that an operator should see.
    Note(String),
}

impl Machine for Bridge {
    type Input = Input;
    type Output = Output;

    fn step(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Called { id, call, stream_id, principal } => {
                let response = call::answer(self, now, *call, stream_id.as_deref(), principal, out);
                // A stream is answered by `subscribe`, before its first event.
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
            Input::Answered(asked, result) => reading::answered(self, now, asked, result, out),
            Input::FeedUp => feed::up(self, now),
            Input::FeedDown(why) => feed::down(self, now, &why, out),
            Input::Told(news) => feed::told(self, now, news, out),
            Input::Inspected(id, page) => {
                out.push(Output::Respond(id, Response::Json(endpoint::page(self, now, page))));
            }
        }
        self.settle(now, out);
    }

    fn tick(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        while let Some((_, timer)) = self.timers.first().cloned().filter(|(at, _)| *at <= now) {
            self.timers.pop_first();
            match timer {
                Timer::Heartbeat(stream) => subscribe::heartbeat(self, now, stream, out),
                Timer::Failover(framework) => {
                    subscribe::failover_expired(self, now, &framework, out);
                }
                Timer::Repeat(launch) => status::repeat(self, now, &launch, out),
                Timer::Settle(launch) => launch::settle(self, now, &launch, out),
                Timer::Starting(launch) => observe::starting(self, now, &launch, out),
                Timer::Stop(launch) => launch::stop_again(self, now, &launch, out),
                Timer::Recover => recover::begin(self, out),
                Timer::Strays => stray::look(self, out),
                Timer::StraysOver => stray::end(self),
                Timer::Unlisten => feed::unlisten(self, out),
                Timer::EventDue(arn) => feed::due(self, now, &arn, out),
                Timer::Filters => crate::offer::filters_ended(self, now),
                Timer::Offer(offer) => crate::offer::rescind(self, now, &offer, out),
            }
        }
        self.settle(now, out);
    }

    fn wake_at(&self) -> Option<Timestamp> {
        let timers = self.timers.first().map(|(at, _)| *at);
        let reading = reading::next_at(self);
        [timers, reading, self.allocate_at].into_iter().flatten().min()
    }
}

impl Bridge {
    /// What every step ends with: allocations and readings that are due.
    fn settle(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        if self.allocate_at.is_some_and(|at| at <= now) {
            self.allocate_at = None;
            crate::allocate::run(self, now, out);
        }
        reading::read_if_due(self, now, out);
        feed::listen(self, now, out);
    }
}

#[cfg(test)]
mod tests;
