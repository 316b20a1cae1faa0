//! What is to be sent on a stream and is made only as its reader takes it.
//!
//! Whatever grows with the number of a framework's tasks goes through here: status updates, and answers to reconciliation.
//! They are made in batches. Each batch is followed by a mark, and the host says when the reader has come to it: then one more
//! batch is made. So a reader that reads slowly is told everything, and what waits for it is a list of what to tell and not
//! the events themselves.
//!
//! Invariants: at most two batches are on their way, and at most one mark. Updates go ahead of answers, since tasks wait for
//! their acknowledgement; among each other both keep their order. A launch stands at most once among those whose update waits.

use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::scheduler::{Event, call};
use longshore_wire_mesos::v1::{OperationStatus, TaskStatus};

use crate::machine::{Output, Response, StreamKey};
use crate::state::Bridge;
use crate::{limits, observe, reconcile, status, work};

/// Answers that wait to be made.
#[derive(Debug)]
pub(crate) enum Answers {
    /// One status of a task, which is made already.
    Once(Box<TaskStatus>),
    /// One status of an operation, which is made already.
    Operation(Box<OperationStatus>),
    /// About tasks that were named; the number is their size.
    Named(std::vec::IntoIter<call::reconcile::Task>, usize),
    /// About all tasks of the framework: from the bound to the last task that there was.
    All(Bound<String>, String),
    /// About operations that were named; the number is their size.
    Operations(std::vec::IntoIter<call::reconcile_operations::Operation>, usize),
    /// Agents that are gone, from this one on.
    Gone(Arc<[Str]>, usize),
}

impl Answers {
    /// How large the question is that is kept until the last answer was made.
    fn bytes(&self) -> usize {
        match self {
            Self::Named(_, bytes) | Self::Operations(_, bytes) => *bytes,
            Self::Once(_) | Self::Operation(_) | Self::All(..) | Self::Gone(..) => 0,
        }
    }

    /// The next answer; `None` after the last.
    fn next(&mut self, bridge: &Bridge, now: Timestamp, framework: &Str) -> Option<Event> {
        match self {
            // One that is empty has been sent.
            Self::Once(status) => {
                let status = std::mem::take(&mut **status);
                (status != TaskStatus::default()).then(|| status::update_event(status))
            }
            Self::Operation(status) => {
                let status = std::mem::take(&mut **status);
                (status != OperationStatus::default()).then(|| reconcile::operation_event(status))
            }
            Self::Named(tasks, _) => {
                let task = tasks.next()?;
                Some(status::update_event(reconcile::answer(bridge, now, framework, task)))
            }
            Self::All(from, last) => {
                let tasks = &bridge.frameworks.get(framework)?.tasks;
                let to = Bound::Included(std::mem::take(last));
                let next = tasks.range((from.clone(), to.clone())).next();
                if let Bound::Included(to) = to {
                    *last = to;
                }
                let (task, launch) = next?;
                *from = Bound::Excluded(task.clone());
                let launch = bridge.launches.get(launch)?;
                Some(status::update_event(reconcile::known_status(now, launch)))
            }
            Self::Operations(operations, _) => operations.next().map(reconcile::unknown_operation),
            Self::Gone(agents, at) => {
                let agent = agents.get(*at)?;
                *at += 1;
                Some(observe::failure(agent))
            }
        }
    }
}

/// What is to be sent on one stream.
#[derive(Debug)]
pub(crate) struct Outbox {
    framework: Str,
    /// Launches whose first update waits to be sent.
    updates: VecDeque<Str>,
    answers: VecDeque<Answers>,
    /// How large the questions are that `answers` keeps.
    bytes: usize,
    /// Events since the last mark.
    since_mark: u32,
    /// Whether the reader has not come to the last mark.
    mark_out: bool,
}

impl Outbox {
    pub(crate) fn new(framework: Str) -> Self {
        Self {
            framework,
            updates: VecDeque::new(),
            answers: VecDeque::new(),
            bytes: 0,
            since_mark: 0,
            mark_out: false,
        }
    }

    fn has_room(&self) -> bool {
        self.since_mark < limits::EVENTS_PER_MARK || !self.mark_out
    }

    fn mark(&mut self, stream: StreamKey, out: &mut Vec<Output>) {
        if self.since_mark >= limits::EVENTS_PER_MARK && !self.mark_out {
            self.since_mark = 0;
            self.mark_out = true;
            out.push(Output::Mark(stream));
        }
    }

    fn push(&mut self, answers: Answers) {
        self.bytes += answers.bytes();
        self.answers.push_back(answers);
    }

    /// Whether work that leads to more answers should wait.
    pub(crate) fn is_full(&self) -> bool {
        self.answers.len() >= limits::ANSWERS_WAITING_MAX
    }

    /// The next event.
    fn next(&mut self, bridge: &mut Bridge, now: Timestamp, stream: StreamKey) -> Option<Event> {
        while let Some(launch) = self.updates.pop_front() {
            if let Some(event) = status::front(bridge, now, &launch, stream) {
                return Some(event);
            }
        }
        while let Some(answers) = self.answers.front_mut() {
            if let Some(event) = answers.next(bridge, now, &self.framework) {
                return Some(event);
            }
            self.bytes -= answers.bytes();
            self.answers.pop_front();
        }
        None
    }

    /// What is wrong with it.
    pub(crate) fn audit(&self) -> Option<String> {
        let bytes: usize = self.answers.iter().map(Answers::bytes).sum();
        let is_stuck = self.has_room() && !(self.updates.is_empty() && self.answers.is_empty());
        (bytes != self.bytes || is_stuck).then(|| format!("{self:?}"))
    }
}

/// Sends what there is room for.
fn pump(bridge: &mut Bridge, now: Timestamp, stream: StreamKey, out: &mut Vec<Output>) {
    let Some(mut outbox) = bridge.outboxes.remove(&stream) else { return };
    while outbox.has_room() {
        let Some(event) = outbox.next(bridge, now, stream) else { break };
        out.push(Output::Send(stream, Box::new(event)));
        outbox.since_mark += 1;
        outbox.mark(stream, out);
    }
    let is_full = outbox.is_full();
    bridge.outboxes.insert(stream, outbox);
    if !is_full {
        work::resume(bridge, stream);
    }
}

/// The reader of a stream has come to the last mark.
pub(crate) fn reached(
    bridge: &mut Bridge,
    now: Timestamp,
    stream: StreamKey,
    out: &mut Vec<Output>,
) {
    let Some(outbox) = bridge.outboxes.get_mut(&stream) else { return };
    outbox.mark_out = false;
    outbox.mark(stream, out);
    pump(bridge, now, stream, out);
}

/// Sends the first update of a launch.
pub(crate) fn update(
    bridge: &mut Bridge,
    now: Timestamp,
    stream: StreamKey,
    launch: &Str,
    out: &mut Vec<Output>,
) {
    let Some(outbox) = bridge.outboxes.get_mut(&stream) else { return };
    outbox.updates.push_back(launch.clone());
    pump(bridge, now, stream, out);
}

/// Sends answers to a framework; nobody hears them if it is not there.
pub(crate) fn answer(
    bridge: &mut Bridge,
    now: Timestamp,
    framework: &str,
    answers: Answers,
    out: &mut Vec<Output>,
) {
    let stream = bridge.frameworks.get(framework).and_then(|framework| framework.stream);
    let Some(stream) = stream else { return };
    if let Some(outbox) = bridge.outboxes.get_mut(&stream) {
        outbox.push(answers);
        pump(bridge, now, stream, out);
    }
}

/// Refuses a question whose answers would wait behind too many others. `bytes` is what is kept of it until then.
pub(crate) fn refuse(bridge: &Bridge, framework: &str, bytes: usize) -> Option<Response> {
    let stream = bridge.frameworks.get(framework)?.stream?;
    let outbox = bridge.outboxes.get(&stream)?;
    let all: usize = bridge.outboxes.values().map(|outbox| outbox.bytes).sum();
    let is_large = bytes > limits::QUESTION_BYTES_SMALL;
    let too_much = outbox.bytes > 0 && outbox.bytes + bytes > limits::QUESTIONS_BYTES_MAX
        || is_large && all > 0 && all + bytes > limits::QUESTIONS_BYTES_MAX_ALL;
    (outbox.is_full() || too_much).then(|| {
        let why = "Too many responses are waiting on the event stream: read them, then retry";
        Response::Refused(429, why.to_owned())
    })
}
