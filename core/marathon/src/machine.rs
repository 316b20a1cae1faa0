//! The scheduler: what it is told, what it asks for, and what a step does.

mod balance;
mod calls;
mod changes;
mod deploying;
mod due;
mod hearing;
mod kills;
mod matching;
mod members;
mod ports;
mod probing;
mod reads;
mod restore;
mod updates;

use std::collections::BTreeSet;
use std::sync::Arc;

use longshore_driver_machine::framework::{Offers, Subscription};
use longshore_driver_machine::{Callback, Command};
use longshore_machine::{Change, Ids, Machine, Timestamp};
use longshore_wire_marathon::PathId;

use crate::api::{Call, Reply, Ticket};
use crate::apps::Apps;
use crate::deployments::Deployments;
use crate::events::Event;
use crate::instances::Instances;
use crate::places::Places;
use crate::timers::Timers;
use crate::{limits, rows};

/// What a scheduler is told at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// For ids; drawn once for each start.
    pub seed: u128,
    /// The framework's role.
    pub role: String,
    /// Tasks launched on one offer at most.
    pub launches_per_offer: usize,
    /// How long a task may take until it runs, in ms.
    pub launch_ms: u64,
    /// Service ports are drawn from this range.
    pub service_ports: (u16, u16),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 0,
            role: "*".to_owned(),
            launches_per_offer: limits::LAUNCHES_PER_OFFER,
            launch_ms: limits::LAUNCH_MS,
            service_ports: (limits::SERVICE_PORT_MIN, limits::SERVICE_PORT_MAX),
        }
    }
}

/// What an instance is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Whether it is well: which of its health checks, by its index.
    Health(usize),
    /// Whether it is ready.
    Readiness,
}

/// How an instance is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// By a GET. Certificates are not looked at.
    Http {
        /// Whether over TLS.
        is_https: bool,
        /// The path, with a slash.
        path: String,
    },
    /// By a connection.
    Tcp,
}

/// A question to an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The task.
    pub task: Arc<str>,
    /// Why.
    pub purpose: Purpose,
    /// How.
    pub request: Request,
    /// The host, a name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How long it may take, in ms.
    pub timeout_ms: u64,
}

/// What an instance answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A response with this status.
    Status(u16),
    /// A connection.
    Connected,
    /// Nothing, in time.
    Silent,
}

/// What a scheduler may be told.
#[derive(Debug)]
pub enum Input {
    /// Its driver calls back.
    Heard(Callback),
    /// A client calls.
    Called {
        /// For the reply.
        ticket: Ticket,
        /// What it wants.
        call: Call,
    },
    /// An instance was asked.
    Probed {
        /// The task.
        task: Arc<str>,
        /// Why.
        purpose: Purpose,
        /// What it answered.
        answer: Answer,
    },
}

impl From<Callback> for Input {
    fn from(callback: Callback) -> Self {
        Self::Heard(callback)
    }
}

/// What a scheduler may ask for.
#[derive(Debug)]
pub enum Output {
    /// Changes to commit, all or none, before anything else of this step is done.
    Store(Vec<Change>),
    /// A driver is wanted, since there is something to do: for the first time, or since the one before has given up.
    Connect {
        /// The framework's id, if it had one.
        framework: Option<String>,
    },
    /// Something for the driver.
    Say(Command),
    /// A reply.
    Reply {
        /// Whose.
        ticket: Ticket,
        /// What.
        reply: Reply,
    },
    /// An instance is to be asked.
    Probe(Probe),
    /// Something happened.
    Event(Event),
    /// The driver has given up, for this reason.
    Failed(String),
}

/// A step, while it is taken.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) now: Timestamp,
    /// The wall clock, in ms since the epoch.
    pub(crate) wall_ms: u64,
    said: Vec<Output>,
    /// Whether the framework's id has changed.
    framework: bool,
}

impl Context {
    fn new(now: Timestamp) -> Self {
        Self { now, wall_ms: now.wall().millis(), said: Vec::new(), framework: false }
    }

    fn say(&mut self, command: Command) {
        self.said.push(Output::Say(command));
    }

    fn tell(&mut self, event: Event) {
        self.said.push(Output::Event(event));
    }
}

/// A scheduler.
#[derive(Debug)]
pub struct Marathon {
    config: Config,
    ids: Ids,
    /// The newest version, in ms since the epoch: the next is newer.
    newest_ms: u64,
    pub(crate) apps: Apps,
    pub(crate) instances: Instances,
    pub(crate) deployments: Deployments,
    pub(crate) timers: Timers,
    pub(crate) kills: Places,
    /// Questions that were asked and not answered.
    asked: BTreeSet<(Arc<str>, Purpose)>,
    offers: Offers,
    session: Subscription,
    /// Apps that are to be looked at.
    touched: BTreeSet<PathId>,
}

impl Marathon {
    /// The framework's id, once a master gave one.
    pub fn framework(&self) -> Option<&str> {
        self.session.framework()
    }

    /// Whether there is a subscription.
    pub fn is_subscribed(&self) -> bool {
        self.session.is_open()
    }

    /// When a time of the wall clock is for machines.
    fn timer(cx: &Context, wall_ms: u64) -> Timestamp {
        let left = wall_ms.saturating_sub(cx.wall_ms);
        cx.now + left
    }

    /// Does what is due, and gives out what is to be done: changes first.
    fn settles(&mut self, mut cx: Context, out: &mut Vec<Output>) {
        self.expires(&mut cx);
        self.balances(&mut cx);
        self.matches(&mut cx);
        self.balances(&mut cx);
        self.says_kills(&mut cx);
        self.reconciles(&mut cx);
        if let Some(command) = self.session.wants(cx.now, self.apps.waiting() > 0) {
            cx.say(command);
        }
        let changes = self.changes(&cx);
        if !changes.is_empty() {
            out.push(Output::Store(changes));
        }
        if self.session.connects(self.has_work()) {
            let framework = self.session.framework().map(str::to_owned);
            out.push(Output::Connect { framework });
        }
        out.append(&mut cx.said);
    }

    /// Whether there is anything to do at a master: also the instances of apps that are gone are to end.
    fn has_work(&self) -> bool {
        self.apps.len() > 0 || self.instances.len() > 0
    }

    fn changes(&mut self, cx: &Context) -> Vec<Change> {
        let mut changes = Vec::new();
        for (id, version_ms) in self.apps.take_versions() {
            let app = self
                .apps
                .get(&id)
                .and_then(|kept| kept.versions.iter().find(|app| app.version_ms == version_ms));
            changes.push(rows::version(&id, version_ms, app));
        }
        for id in self.apps.take_dirty() {
            changes.push(rows::app(&id, self.apps.get(&id)));
        }
        for id in self.deployments.take_dirty() {
            let row = self.deployments.get(&id);
            changes.push(rows::change(rows::DEPLOYMENT, id.to_string(), row));
        }
        for id in self.instances.take_dirty() {
            let row = self.instances.get(&id);
            changes.push(rows::change(rows::INSTANCE, id.to_string(), row));
        }
        if cx.framework {
            let id = rows::THE_FRAMEWORK.to_owned();
            changes.push(rows::change(rows::FRAMEWORK, id, self.session.framework().as_ref()));
        }
        changes
    }
}

impl Machine for Marathon {
    type Input = Input;
    type Output = Output;

    fn step(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        let mut cx = Context::new(now);
        match input {
            Input::Heard(callback) => self.hears(&mut cx, callback),
            Input::Called { ticket, call } => {
                let reply = self.called(&mut cx, call);
                cx.said.push(Output::Reply { ticket, reply });
            }
            Input::Probed { task, purpose, answer } => self.probed(&mut cx, &task, purpose, answer),
        }
        self.settles(cx, out);
    }

    fn tick(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        self.settles(Context::new(now), out);
    }

    fn wake_at(&self) -> Option<Timestamp> {
        let is_new = self.session.is_missed(self.has_work());
        // What a step had no room for goes on at once.
        let rest =
            !self.offers.is_empty() || is_new || !self.touched.is_empty() || self.kills.is_next();
        let rest = rest.then(Timestamp::default);
        [rest, self.timers.wake_at(), self.session.wake_at()].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests;
