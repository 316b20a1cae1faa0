//! What hosts one bridge: its streams, the calls that it has not answered, and its feed of events. With `api.rs` this is all that
//! knows what a bridge is told and asks for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use longshore_bridge::operator::{AgentWish, Command, View};
use longshore_bridge::{
    CallId, Input, Origin, Output, ProbeId, Probed, Response, StreamKey, check,
};
use longshore_machine::{Machine, Timestamp};
use longshore_replica::{Answered, Asked, News, Outcome, Question};
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::Filters;
use longshore_wire_mesos::v1::scheduler::{Call, Event};

use super::describe::{Description, caller};
use super::driven::Ticket;
use super::faulty::{Fault, Faulty};
use super::forms;
use super::policy::Policy;
use super::promises::Promises;
use super::watch::Watch;

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
    /// What its framework said of itself when it asked for the stream.
    pub(super) description: Description,
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
    /// Who calls, if it has an id.
    pub(super) framework: Option<String>,
    /// What it says of itself, if it does.
    pub(super) description: Option<Description>,
    /// What a driver is told of it.
    pub(super) ticket: Option<Ticket>,
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
    pub(super) policy: Policy,
    /// Whoever has watched since the start.
    pub(super) watch: Option<Watch>,
    /// What an operator saw last.
    pub(super) seen: Option<Box<View>>,
    /// How long an offer may be out, in ms.
    pub(super) timeout_ms: Option<u64>,
    pub(super) streams: BTreeMap<StreamKey, Stream>,
    pub(super) calls: BTreeMap<CallId, Pending>,
    calls_made: u64,
    /// What operators asked and were not answered.
    pub(super) of_operators: BTreeMap<CallId, Option<Command>>,
    /// Agents of which nothing may be offered, as operators were told that they decided. That outlives the bridge.
    pub(super) closed: BTreeSet<String>,
    /// The same of agents on machines that are down, which does not.
    pub(super) down: BTreeSet<String>,
    /// Launches whose start was asked for.
    pub(super) starts: BTreeMap<Asked<Outcome>, Str>,
    fault: Fault,
    seed: u64,
}

impl Master {
    pub(super) fn new(seed: u64, timeout_ms: Option<u64>, fault: Fault) -> Self {
        Self {
            bridge: Faulty::new(forms::config(timeout_ms), u128::from(seed), fault),
            epoch: 0,
            started_at: Timestamp::default(),
            up: true,
            listens: false,
            feed_up: false,
            promises: Promises::new(),
            policy: Policy::default(),
            watch: None,
            seen: None,
            timeout_ms,
            streams: BTreeMap::new(),
            calls: BTreeMap::new(),
            calls_made: 0,
            of_operators: BTreeMap::new(),
            closed: BTreeSet::new(),
            down: BTreeSet::new(),
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
            closed: std::mem::take(&mut self.closed),
            ..Self::new(self.seed.wrapping_add(0x9e37_79b9), self.timeout_ms, self.fault)
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
        pending: Pending,
        call: Call,
        stream_id: Option<String>,
    ) -> (Vec<Output>, bool) {
        let acknowledged = forms::acknowledged(&call);
        let spoiled = self.bridge.spoil_call(call.clone());
        let Ok(checked) = check(spoiled, None) else { return (Vec::new(), false) };
        self.calls_made += 1;
        let id = CallId(self.calls_made);
        self.calls.insert(id, pending);
        let origin = Origin::V1 { stream_id };
        let input = Input::Called { id, call: Box::new(checked), origin, principal: None };
        let out = self.step(now, input);
        let refused = out.iter().any(
            |output| matches!(output, Output::Respond(of, Response::Refused(..)) if *of == id),
        );
        if !refused {
            self.spend(now, &call);
            self.policy.called(&call);
            if let Some((framework, task, uuid)) = acknowledged {
                self.promises.acknowledged(&framework, &task, &uuid);
            }
        }
        (out, !refused)
    }

    /// Offers are out no more once they have been answered. Source: \[C7\]: an ACCEPT that is not valid uses up all that it names,
    /// whosever they are.
    fn spend(&mut self, now: Timestamp, call: &Call) {
        for offer in forms::spent(call) {
            let held = self.promises.offers.get(&offer);
            let is_own = held.is_some_and(|held| Some(held.framework.as_str()) == caller(call));
            if !is_own && call.accept.is_none() {
                continue;
            }
            let spent = self.promises.offers.remove(&offer);
            if let (Some(decline), Some(spent)) = (&call.decline, spent) {
                let seconds = decline.filters.as_ref().map_or(5.0, Filters::refuse_seconds);
                self.policy.declined(now, spent, seconds);
            }
        }
    }

    /// An operator looks.
    pub(super) fn inspected(&mut self, now: Timestamp) -> Vec<Output> {
        let id = self.operator_calls(None);
        self.step(now, Input::Inspected(id))
    }

    /// An operator looks, and goes on watching.
    pub(super) fn watched(&mut self, now: Timestamp) -> Vec<Output> {
        let id = self.operator_calls(None);
        self.step(now, Input::Watched(id))
    }

    fn operator_calls(&mut self, command: Option<Command>) -> CallId {
        self.calls_made += 1;
        let id = CallId(self.calls_made);
        self.of_operators.insert(id, command);
        id
    }

    /// An operator has something done.
    pub(super) fn commanded(&mut self, now: Timestamp, command: Command) -> Vec<Output> {
        if let Command::MachinesUp(_) = &command {
            self.down.clear();
        }
        let id = self.operator_calls(Some(command.clone()));
        let out = self.step(now, Input::Commanded(id, command.clone()));
        let done = |one: &Output| matches!(one, Output::Respond(of, Response::Done) if *of == id);
        if out.iter().any(done) {
            self.policy.commanded(&command);
        }
        out
    }

    /// An operator is told that something was done.
    pub(super) fn done(&mut self, command: Command, agents: impl Fn(&str) -> Option<String>) {
        match command {
            Command::Agent(agent, wish) if wish != AgentWish::Reactivate => {
                self.closed.insert(agent.to_string());
            }
            Command::MachinesDown(machines) => {
                let names = machines.iter().filter_map(|machine| machine.hostname.as_deref());
                let down: Vec<String> = names.filter_map(agents).collect();
                // What was decided about an agent before goes with it.
                self.closed.retain(|agent| !down.contains(agent));
                self.down.extend(down);
            }
            _ => {}
        }
    }

    pub(super) fn answered(&mut self, now: Timestamp, answered: Answered) -> Vec<Output> {
        self.step(now, Input::Answered(answered))
    }

    pub(super) fn probed(&mut self, now: Timestamp, id: ProbeId, probed: Probed) -> Vec<Output> {
        self.step(now, Input::Probed(id, probed))
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
        let framework = self.streams.remove(&stream).and_then(|ended| ended.framework);
        self.promises.stream_ended(stream);
        // The bridge knows only the newest stream of each.
        let newer = self.streams.range(stream..).any(|(_, one)| one.framework == framework);
        if let Some(framework) = framework.filter(|_| !newer) {
            self.policy.is_away(&framework);
        }
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
