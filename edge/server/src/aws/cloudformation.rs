//! CloudFormation's room: the machine of stacks, and the keeper that makes fleets follow it.

use std::sync::{Arc, Mutex, PoisonError};

use longshore_machine::Machine;
use longshore_stacks::{CallId, Fleets, Input, Output, Resize, Stacks};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::cloudformation::{Request, Response, invalid, parse, response};
use longshore_wire_ecs::query::{Fault, Node};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::clock::now;
use crate::instance::{Command, KeeperHandle, Roster};
use crate::seed;

/// Fleets that wait to follow their stacks. Source: chosen by us: the keeper makes them follow one by one.
const RESIZES_MAX: usize = 256;

/// The stacks of a local ECS; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct StackRoom {
    home: Realm,
    /// The cluster that has a stack even without instances.
    cluster: Str,
    machine: Arc<Mutex<Stacks>>,
    roster: Roster,
    resizes: mpsc::Sender<Resize>,
}

impl StackRoom {
    /// A room for the stacks of an account and region, whose fleets follow in one of `tasks`.
    pub(crate) fn start(
        home: &Realm,
        cluster: &Str,
        roster: Roster,
        keeper: KeeperHandle,
        tasks: &mut JoinSet<()>,
    ) -> Self {
        let machine = Arc::new(Mutex::new(Stacks::new(home.clone(), now(), seed())));
        let (resizes, mut wanted) = mpsc::channel(RESIZES_MAX);
        let (home, cluster) = (home.clone(), cluster.clone());
        let room = Self { home, cluster, machine: machine.clone(), roster, resizes };
        tasks.spawn(async move {
            while let Some(resize) = wanted.recv().await {
                follow(&machine, &keeper, resize).await;
            }
        });
        room
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
        step(&self.machine, input)
    }

    fn ask(&self, request: Request) -> Result<Response, Fault> {
        let mut answer = Err(invalid("The stacks did not answer."));
        // The answer is in the same step, so no call has to be told from another.
        for output in self.step(Input::Call(CallId(0), request, self.fleets())) {
            match output {
                Output::Reply(_, reply) => answer = reply,
                Output::Resize(resize) => self.resize(resize),
            }
        }
        answer
    }

    /// Has a fleet follow, as soon as those before it have.
    fn resize(&self, resize: Resize) {
        let cluster = resize.cluster.clone();
        if self.resizes.try_send(resize).is_err() {
            let why = "Too many stacks change at once: try again when some have ended.".to_owned();
            self.step(Input::Resized(cluster, Err(why)));
        }
    }
}

fn step(machine: &Mutex<Stacks>, input: Input) -> Vec<Output> {
    let mut out = Vec::new();
    let mut machine = machine.lock().unwrap_or_else(PoisonError::into_inner);
    machine.step(now(), input, &mut out);
    out
}

/// Makes a fleet follow, and tells the machine what came of it.
async fn follow(machine: &Mutex<Stacks>, keeper: &KeeperHandle, resize: Resize) {
    let cluster = resize.cluster.clone();
    let done = keeper.ask(|answer| Command::Resize(resize, answer)).await;
    let outcome = done.map(drop).map_err(|error| error.message);
    step(machine, Input::Resized(cluster, outcome));
}
