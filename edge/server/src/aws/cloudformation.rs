//! CloudFormation's room: the machine of stacks, and the keeper that makes fleets follow it.

use std::sync::{Arc, Mutex, PoisonError};

use longshore_machine::Machine;
use longshore_stacks::{CallId, Fleets, Input, Output, Stacks};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::cloudformation::{Request, Response, invalid, parse, response};
use longshore_wire_ecs::query::{Fault, Node};

use crate::clock::now;
use crate::instance::{Command, KeeperHandle, Roster};
use crate::seed;

/// The stacks of a local ECS; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct StackRoom {
    home: Realm,
    /// The cluster that has a stack even without instances.
    cluster: Str,
    machine: Arc<Mutex<Stacks>>,
    roster: Roster,
    keeper: KeeperHandle,
}

impl StackRoom {
    /// A room for the stacks of an account and region.
    pub(crate) fn new(home: Realm, cluster: Str, roster: Roster, keeper: KeeperHandle) -> Self {
        let machine = Arc::new(Mutex::new(Stacks::new(home.clone(), now(), seed())));
        Self { home, cluster, machine, roster, keeper }
    }

    /// Answers a call; its answer, in XML.
    pub(super) fn call(
        &self,
        realm: &Realm,
        form: &Node,
        may_change: bool,
        id: &str,
    ) -> Result<String, Fault> {
        let request = parse(form)?;
        if !may_change && !request.is_read() {
            let operation = request.operation();
            return Err(invalid(format!("{operation} changes state: it must be sent by POST.")));
        }
        if *realm != self.home {
            let Realm { region, account } = &self.home;
            return Err(invalid(format!(
                "The stacks of this local ECS are in region {region} of account {account}, but the request is signed for another."
            )));
        }
        self.ask(request.clone()).map(|answer| response(&request, &answer, id))
    }

    fn fleets(&self) -> Fleets {
        let mut fleets = self.roster.fleets();
        fleets.entry(self.cluster.clone()).or_default();
        fleets
    }

    fn step(&self, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        machine.step(now(), input, &mut out);
        out
    }

    fn ask(&self, request: Request) -> Result<Response, Fault> {
        let mut answer = Err(invalid("The stacks did not answer."));
        // The answer is in the same step, so no call has to be told from another.
        for output in self.step(Input::Call(CallId(0), request, self.fleets())) {
            match output {
                Output::Reply(_, reply) => answer = reply,
                Output::Resize(cluster, size) => self.resize(cluster, size),
            }
        }
        answer
    }

    /// Makes a fleet follow, and tells the machine what came of it.
    fn resize(&self, cluster: Str, size: u32) {
        let room = self.clone();
        // It ends with the keeper, who answers or is gone.
        tokio::spawn(async move {
            let asked = cluster.clone();
            let done = room.keeper.ask(|answer| Command::Resize(asked, size, answer)).await;
            let outcome = done.map(drop).map_err(|error| error.message.to_string());
            room.step(Input::Resized(cluster, outcome));
        });
    }
}
