//! What a flow needs beside the parts: the time, ids, what is due, and where effects go.

use longshore_machine::{Change, Ids, Timestamp};
use longshore_replica::{Asked, FleetQuestion, Question};
use longshore_wire_ecs::Str;

use crate::agenda::{Agenda, Timer};
use crate::call::{Reply, Ticket};
use crate::machine::Output;

/// The same for all flows of a step.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) now: Timestamp,
    pub(crate) ids: Ids,
    pub(crate) agenda: Agenda,
    asked: u64,
    changes: Vec<Change>,
    out: Vec<Output>,
}

impl Context {
    pub(crate) fn new(seed: u128) -> Self {
        Self {
            now: Timestamp::default(),
            ids: Ids::new(seed),
            agenda: Agenda::default(),
            asked: 0,
            changes: Vec::new(),
            out: Vec::new(),
        }
    }

    fn number<A>(&mut self) -> Asked<A> {
        self.asked += 1;
        Asked::new(self.asked)
    }

    /// Asks a cluster, by its ARN.
    pub(crate) fn ask<A>(
        &mut self,
        cluster: &Str,
        question: impl FnOnce(Asked<A>) -> Question,
    ) -> Asked<A> {
        let asked = self.number();
        let question = question(asked);
        self.out.push(Output::Ask { cluster: cluster.clone(), question });
        asked
    }

    /// Asks beside the clusters.
    pub(crate) fn ask_fleet<A>(
        &mut self,
        question: impl FnOnce(Asked<A>) -> FleetQuestion,
    ) -> Asked<A> {
        let asked = self.number();
        self.out.push(Output::AskFleet(question(asked)));
        asked
    }

    pub(crate) fn after(&mut self, ms: u64, timer: Timer) {
        self.agenda.at(self.now + ms, timer);
    }

    pub(crate) fn store(&mut self, change: Change) {
        self.changes.push(change);
    }

    pub(crate) fn reply(&mut self, ticket: Ticket, reply: Reply) {
        self.out.push(Output::Reply { ticket, reply });
    }

    pub(crate) fn push(&mut self, output: Output) {
        self.out.push(output);
    }

    pub(crate) fn note(&mut self, text: String) {
        self.out.push(Output::Note(text));
    }

    /// The effects of a step: what is to be stored comes first.
    pub(crate) fn drain(&mut self, out: &mut Vec<Output>) {
        if !self.changes.is_empty() {
            out.push(Output::Store(std::mem::take(&mut self.changes)));
        }
        out.append(&mut self.out);
    }
}
