//! What a part is given with each call: the time, a source of ids, a place for what is due later, and one for effects.

use longshore_machine::{Ids, Timestamp};
use longshore_replica::{Asked, InstancesAsk, Question, TasksAsk};
use longshore_wire_mesos::v1::scheduler::Event;

use crate::agenda::{Agenda, Timer};
use crate::happening::Happening;
use crate::machine::{CallId, Output, Response, StreamKey};
use crate::probe::Probe;

/// How much was asked of the cluster.
#[derive(Debug, Default)]
pub(crate) struct Asking {
    made: u64,
    /// Requests that read the cluster, as far as they are known when they are asked for.
    reads: u64,
}

impl Asking {
    /// Requests that read the cluster, at least.
    pub(crate) fn reads(&self) -> u64 {
        self.reads
    }
}

/// How many requests of the ECS API a reading takes, at least.
fn requests(question: &Question) -> u64 {
    match question {
        Question::Instances(_, InstancesAsk::List) | Question::Tasks(_, TasksAsk::List { .. }) => 2,
        Question::Instances(_, InstancesAsk::Describe(arns))
        | Question::Tasks(_, TasksAsk::Describe(arns)) => arns.len().div_ceil(100) as u64,
        Question::Tasks(_, TasksAsk::Find(_)) => 3,
        Question::Definition(..) => 1,
        Question::Start(..) | Question::Stop(..) | Question::Change(..) => 0,
    }
}

/// The surroundings of one step.
pub(crate) struct Context<'a> {
    pub(crate) now: Timestamp,
    pub(crate) ids: &'a mut Ids,
    pub(crate) agenda: &'a mut Agenda,
    pub(crate) asking: &'a mut Asking,
    pub(crate) out: &'a mut Vec<Output>,
}

impl Context<'_> {
    /// Plans something for a time from now.
    pub(crate) fn after(&mut self, ms: u64, timer: Timer) {
        self.agenda.at(self.now + ms, timer);
    }

    /// Sends an event.
    pub(crate) fn send(&mut self, stream: StreamKey, event: Event) {
        self.out.push(Output::Send(stream, Box::new(event)));
    }

    /// Wants word of the reader of a stream once it has taken all that was sent.
    pub(crate) fn mark(&mut self, stream: StreamKey) {
        self.out.push(Output::Mark(stream));
    }

    /// Ends a stream.
    pub(crate) fn close(&mut self, stream: StreamKey) {
        self.out.push(Output::Close(stream));
    }

    /// Answers a request.
    pub(crate) fn respond(&mut self, call: CallId, response: Response) {
        self.out.push(Output::Respond(call, response));
    }

    /// Asks the cluster; the name of the question, by which its answer comes.
    pub(crate) fn ask<A>(&mut self, question: impl FnOnce(Asked<A>) -> Question) -> Asked<A> {
        self.asking.made += 1;
        let asked = Asked::new(self.asking.made);
        let question = question(asked);
        self.asking.reads += requests(&question);
        self.out.push(Output::Ask(question));
        asked
    }

    /// Has something dialled.
    pub(crate) fn probe(&mut self, probe: Probe) {
        self.out.push(Output::Probe(Box::new(probe)));
    }

    /// Says whether events of the cluster are wanted.
    pub(crate) fn listen(&mut self, wanted: bool) {
        self.out.push(Output::Listen(wanted));
    }

    /// Says that frameworks are answered from now on.
    pub(crate) fn recovered(&mut self) {
        self.out.push(Output::Recovered);
    }

    /// Tells an operator of something to mend.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.out.push(Output::Note(text.into()));
    }

    /// Tells an operator what happened.
    pub(crate) fn happened(&mut self, happening: Happening) {
        self.out.push(Output::Happened(happening));
    }
}
