//! What Blox may be told, what it may ask for, and what it does when time passes.

use std::collections::{BTreeMap, BTreeSet};

use longshore_machine::{Change, Machine, Row, Timestamp};
use longshore_replica::{
    Answered, Asked, Definition, FleetAnswered, FleetQuestion, News, Question, Starts, Task,
};
use longshore_wire_ecs::Str;

use crate::agenda::Timer;
use crate::call::{Call, Reply, Ticket};
use crate::clusters::Clusters;
use crate::context::Context;
use crate::environments::Environments;
use crate::environments::stored::{Stored, read};
use crate::flows::pending::Pending;
use crate::gauges::Tally;
use crate::kinds::{RESERVED, VERSIONS};
use crate::settling::Settling;
use crate::view::{Happened, View};

/// What it is made with.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Names or ARNs of clusters to watch.
    pub clusters: Vec<Str>,
    /// Whether all clusters of account and region are watched: so Blox does.
    pub watches_all: bool,
}

/// What it may be told.
#[derive(Clone, Debug)]
pub enum Input {
    /// A client asks. It is replied to once.
    Called {
        /// To reply to.
        ticket: Ticket,
        /// What it asks.
        call: Call,
    },
    /// Events, with details.
    Told(Vec<News>),
    /// Events arrive from now on.
    FeedUp,
    /// Events do not arrive any more, and why.
    FeedDown(String),
    /// What a cluster answered.
    Answered(Answered),
    /// What was answered beside the clusters.
    FleetAnswered(FleetAnswered),
}

/// What it may ask for.
#[derive(Clone, Debug)]
pub enum Output {
    /// Commit this before anything else that follows.
    Store(Vec<Change>),
    /// Tell a client.
    Reply {
        /// Which.
        ticket: Ticket,
        /// What.
        reply: Reply,
    },
    /// Ask a cluster, with details, and tell what it answers.
    Ask {
        /// Its ARN.
        cluster: Str,
        /// What.
        question: Question,
    },
    /// Ask beside the clusters, and tell what is answered.
    AskFleet(FleetQuestion),
    /// Tell those who follow the changes.
    Happened(Happened),
    /// Something that whoever runs it may want to know.
    Note(String),
}

/// A start that is out.
#[derive(Clone, Debug)]
pub(crate) struct Starting {
    pub(crate) environment: Str,
    pub(crate) deployment: Str,
    pub(crate) instances: Vec<Str>,
}

/// A stop that is out: the environment, the instance, the task.
pub(crate) type Stopping = (Str, Str, Str);

/// A daemon scheduler and the view that it looks through.
#[derive(Debug)]
pub struct Daemon {
    pub(crate) config: Config,
    pub(crate) cx: Context,
    pub(crate) view: View,
    pub(crate) clusters: Clusters,
    pub(crate) environments: Environments,
    pub(crate) settling: Settling,
    pub(crate) pending: Pending,
    pub(crate) starts: BTreeMap<Asked<Starts>, Starting>,
    pub(crate) stops: BTreeMap<Asked<Task>, Stopping>,
    pub(crate) definitions: BTreeMap<Asked<Option<Definition>>, u64>,
    /// Names of environments that something was told of in this step.
    pub(crate) marked: BTreeSet<Str>,
    /// What was noted last of each cluster that cannot be read, by ARN.
    pub(crate) noted: BTreeMap<Str, String>,
    pub(crate) tally: Tally,
    is_started: bool,
}

impl Daemon {
    /// One that goes on where the rows say it was.
    ///
    /// # Errors
    /// Which row cannot be read.
    pub fn new(config: Config, rows: &[Row], seed: u128) -> Result<Self, String> {
        let (mut environments, mut deployments) = (Environments::default(), Vec::new());
        let mut reserved = 0;
        for row in rows {
            match read(row)? {
                Some(Stored::Environment(settings)) => environments.add(settings),
                Some(Stored::Deployment(deployment)) => deployments.push(deployment),
                None if row.kind == VERSIONS => {
                    let wrong = |error| format!("{} {}: {error}", row.kind, row.id);
                    reserved = row.body.parse().map_err(wrong)?;
                }
                None => {
                    return Err(format!("a row is of an unknown kind: {} {}", row.kind, row.id));
                }
            }
        }
        for deployment in deployments {
            let id = deployment.id.clone();
            if !environments.restore(deployment) {
                return Err(format!("the deployment {id} has no environment"));
            }
        }
        Ok(Self {
            config,
            cx: Context::new(seed),
            view: View::new(reserved),
            clusters: Clusters::default(),
            environments,
            settling: Settling::default(),
            pending: Pending::default(),
            starts: BTreeMap::new(),
            stops: BTreeMap::new(),
            definitions: BTreeMap::new(),
            marked: BTreeSet::new(),
            noted: BTreeMap::new(),
            tally: Tally::default(),
            is_started: false,
        })
    }

    /// How many tasks and instances are known, and environments there are.
    pub fn sizes(&self) -> (usize, usize, usize) {
        let (tasks, instances) = self.view.sizes();
        (tasks, instances, self.environments.len())
    }

    /// The latest version of the view.
    pub fn version(&self) -> u64 {
        self.view.version()
    }

    /// Begins: reads which clusters there are, and watches those of environments.
    fn start(&mut self) {
        self.is_started = true;
        self.revise_old();
        let theirs: Vec<Str> = self.environments.clusters().cloned().collect();
        for arn in theirs {
            self.clusters.watch(&mut self.cx, &arn);
        }
        self.cx.agenda.at(self.cx.now, Timer::Clusters);
    }

    /// Environments that were stored before there were revisions have one from now on.
    fn revise_old(&mut self) {
        let all = self.environments.list(None).filter(|one| one.settings.revisions.is_empty());
        let names: Vec<Str> = all.map(|one| one.settings.name.clone()).collect();
        for name in names {
            let id: Str = self.cx.ids.uuid("revision").into();
            if let Some(environment) = self.environments.get_mut(&name) {
                environment.revise(id);
                self.cx.store(environment.put());
            }
        }
    }

    fn begin(&mut self, now: Timestamp) {
        self.cx.now = self.cx.now.max(now);
        if !self.is_started {
            self.start();
        }
    }

    fn do_due(&mut self) {
        while let Some(timer) = self.cx.agenda.due(self.cx.now) {
            match timer {
                Timer::Clusters => self.read_clusters(),
                Timer::Read(arn) => self.clusters.read(&mut self.cx, &arn),
                Timer::Hot(arn) => self.clusters.read_hot(&mut self.cx, &arn),
                Timer::Settle(deployment) => self.look_for(&deployment),
                Timer::Slot(environment, instance) => self.touch(&environment, &instance),
                Timer::Stop(environment, instance, task) => {
                    self.stop_again(&environment, &instance, &task);
                }
                Timer::Forget(task) => {
                    self.view.forget_task(&task);
                }
                Timer::Close(deployment) => self.close(&deployment),
            }
        }
    }

    fn end(&mut self, out: &mut Vec<Output>) {
        self.do_due();
        while let Some(name) = self.marked.pop_first() {
            self.act(&name);
        }
        if let Some(reserved) = self.view.reserve() {
            let (kind, id, body) = (VERSIONS, RESERVED.to_owned(), reserved.to_string());
            self.cx.store(Change::Put { kind, id, body });
        }
        self.cx.drain(out);
    }
}

impl Machine for Daemon {
    type Input = Input;
    type Output = Output;

    fn step(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        self.begin(now);
        match input {
            Input::Called { ticket, call: Call::State(call) } => self.call_state(ticket, call),
            Input::Called { ticket, call: Call::Scheduler(call) } => {
                self.call_scheduler(ticket, call);
            }
            Input::Called { ticket, call: Call::V1(call) } => self.call_v1(ticket, call),
            Input::Called { ticket, call: Call::Gauges } => {
                self.cx.reply(ticket, Reply::Gauges(Box::new(self.gauges())));
            }
            Input::Told(news) => {
                self.tally.told += news.len() as u64;
                self.hear(news);
            }
            Input::FeedUp => self.clusters.hears(&mut self.cx, true),
            Input::FeedDown(why) => self.feed_down(&why),
            Input::Answered(answered) => self.answered(answered),
            Input::FleetAnswered(answered) => self.fleet_answered(answered),
        }
        self.end(out);
    }

    fn tick(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        self.begin(now);
        self.end(out);
    }

    fn wake_at(&self) -> Option<Timestamp> {
        if self.is_started { self.cx.agenda.next_at() } else { Some(Timestamp::default()) }
    }
}

#[cfg(test)]
mod tests;
