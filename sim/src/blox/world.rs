//! The scheduler, its store, its clients and ECS, with one clock and one seed.

use std::collections::{BTreeMap, BTreeSet};

use longshore_daemon::{Config, Daemon, Happened, Input, Output, Reply, Ticket};
use longshore_machine::{Change, Machine, Row, Timestamp};
use longshore_replica::{
    Answered, Cluster, Definition, DefinitionAsk, Failure, FleetAnswered, FleetQuestion, News,
    Question, StopCode, Task,
};
use longshore_wire_ecs::Str;

use super::ecs::{CLUSTER, Ecs};
use crate::chance::Chance;

/// How old a read may be, in ms. Less than what the scheduler allows for.
const LAG_MS_MAX: u64 = 2_000;
/// How long a request may be on its way, in ms.
const WAY_MS_MAX: u64 = 3_000;

/// A fault that breaks a promise on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// None.
    None,
    /// Rows forget at each restart that starts may be under way.
    ForgetsStarts,
    /// The scheduler is told of a lost reply that nothing was done.
    LostMeansNotDone,
    /// Stops are never sent.
    DropsStops,
}

/// What a run reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BloxTally {
    /// Tasks that were started.
    pub started: u64,
    /// Replies that were lost.
    pub lost: u64,
    /// Crashes of the scheduler.
    pub crashes: u64,
    /// Deployments that were made.
    pub deployments: u64,
    /// Events that never arrived.
    pub missed: u64,
    /// Calls that were refused.
    pub refused: u64,
}

/// Something that happens later.
#[derive(Clone, Debug)]
pub(super) enum Happens {
    /// A request arrives at ECS; in which life of the scheduler it was sent.
    Arrives(u64, Box<Output>),
    /// Something reaches the scheduler, if it lives still.
    Reaches(u64, Box<Input>),
    /// An event reaches whoever lives.
    Event(Box<News>),
    /// A task runs, or has stopped.
    Runs(Str),
    Stops(Str),
    /// The scheduler is there again.
    Begins,
}

/// Everything.
pub(super) struct World {
    pub(super) chance: Chance,
    pub(super) planted: Planted,
    pub(super) now: Timestamp,
    pub(super) ecs: Ecs,
    pub(super) daemon: Option<Daemon>,
    pub(super) life: u64,
    pub(super) rows: BTreeMap<(&'static str, String), String>,
    agenda: BTreeMap<(Timestamp, u64), Happens>,
    scheduled: u64,
    pub(super) storm: bool,
    pub(super) waiting: BTreeSet<Ticket>,
    pub(super) replies: BTreeMap<Ticket, Reply>,
    pub(super) tickets: u64,
    pub(super) tally: BloxTally,
    /// The environment of each deployment, by id: its name, and which of that name.
    pub(super) owners: BTreeMap<Str, (String, u64)>,
    pub(super) incarnations: BTreeMap<String, u64>,
    pub(super) version: u64,
    pub(super) broken: Option<String>,
}

impl World {
    pub(super) fn new(seed: u64, planted: Planted) -> Self {
        let mut world = Self {
            chance: Chance::new(seed),
            planted,
            now: Timestamp::from_millis(1_000_000_000),
            ecs: Ecs::default(),
            daemon: None,
            life: 0,
            rows: BTreeMap::new(),
            agenda: BTreeMap::new(),
            scheduled: 0,
            storm: true,
            waiting: BTreeSet::new(),
            replies: BTreeMap::new(),
            tickets: 0,
            tally: BloxTally::default(),
            owners: BTreeMap::new(),
            incarnations: BTreeMap::new(),
            version: 0,
            broken: None,
        };
        for _ in 0..world.chance.below(6) {
            world.ecs.add_instance(world.now, "prod");
        }
        world.begin();
        world
    }

    pub(super) fn run(mut self, turns: u64) -> Result<BloxTally, String> {
        for _ in 0..turns {
            match self.chance.below(10) {
                0..4 => self.client_acts(),
                4..8 => self.cluster_acts(),
                _ => {}
            }
            let ms = self.chance.below(3_000);
            self.pass(ms);
            if let Some(why) = self.broken.take() {
                return Err(format!("{why} (at {} ms)", self.now.millis()));
            }
        }
        self.quiet()?;
        Ok(self.tally)
    }

    pub(super) fn breaks(&mut self, why: String) {
        self.broken.get_or_insert(why);
    }

    pub(super) fn later(&mut self, ms: u64, happens: Happens) {
        self.scheduled += 1;
        self.agenda.insert((self.now + ms, self.scheduled), happens);
    }

    /// The scheduler begins, with the rows that it has stored.
    fn begin(&mut self) {
        self.life += 1;
        let row = |((kind, id), body): (&(&'static str, String), &String)| {
            let body = match self.planted {
                Planted::ForgetsStarts => body.replace("\"isOpen\":true", "\"isOpen\":false"),
                _ => body.clone(),
            };
            Row { kind: (*kind).to_owned(), id: id.clone(), body }
        };
        let rows: Vec<Row> = self.rows.iter().map(row).collect();
        let config = Config { clusters: Vec::new(), watches_all: true };
        let seed = u128::from(self.life) << 64 | u128::from(self.chance.below(u64::MAX));
        match Daemon::new(config, &rows, seed) {
            Ok(daemon) => self.daemon = Some(daemon),
            Err(why) => self.breaks(format!("its own rows cannot be read: {why}")),
        }
        self.tick();
        self.input(Input::FeedUp);
    }

    /// The scheduler dies. What is on its way to ECS stays on its way.
    fn die(&mut self) {
        self.tally.crashes += 1;
        self.daemon = None;
        self.waiting.clear();
        let ms = self.chance.below(5_000);
        self.later(ms, Happens::Begins);
    }

    /// Time passes, and what is due happens.
    pub(super) fn pass(&mut self, ms: u64) {
        let end = self.now + ms;
        loop {
            let wake = self.daemon.as_ref().and_then(Machine::wake_at);
            let next = self.agenda.keys().next().map(|(at, _)| *at);
            let due = [wake, next].into_iter().flatten().min().filter(|at| *at <= end);
            let Some(due) = due else {
                self.now = end;
                return;
            };
            self.now = self.now.max(due);
            if next.is_some_and(|at| at <= self.now) {
                if let Some((_, happens)) = self.agenda.pop_first() {
                    self.happen(happens);
                }
            } else {
                self.tick();
            }
        }
    }

    fn happen(&mut self, happens: Happens) {
        match happens {
            Happens::Arrives(life, request) => self.arrive(life, *request),
            Happens::Reaches(life, input) if life == self.life => self.input(*input),
            Happens::Reaches(..) => {}
            Happens::Event(news) => self.input(Input::Told(vec![*news])),
            Happens::Runs(task) => {
                let ran = self.ecs.change_task(self.now, &task, |task| {
                    task.last_status = longshore_replica::LastStatus::Running;
                });
                self.tell_task(ran);
            }
            Happens::Stops(task) => {
                let stopped = self.ecs.stop(self.now, &task, StopCode::EssentialContainerExited);
                self.tell_task(stopped);
            }
            Happens::Begins => self.begin(),
        }
    }

    fn tick(&mut self) {
        let mut out = Vec::new();
        if let Some(daemon) = &mut self.daemon {
            daemon.tick(self.now, &mut out);
            daemon.audit();
        }
        self.perform(out);
    }

    pub(super) fn input(&mut self, input: Input) {
        let mut out = Vec::new();
        if let Some(daemon) = &mut self.daemon {
            daemon.step(self.now, input, &mut out);
            daemon.audit();
        }
        self.perform(out);
    }

    /// Performs what the scheduler asks for, unless it dies before, between or after.
    fn perform(&mut self, out: Vec<Output>) {
        let dies = self.storm && !out.is_empty() && self.chance.one_in(150);
        let until = if dies {
            usize::try_from(self.chance.below(out.len() as u64 + 1)).unwrap_or(0)
        } else {
            out.len()
        };
        for output in out.into_iter().take(until) {
            match output {
                Output::Store(changes) => self.store(changes),
                Output::Reply { ticket, reply } => self.replied(ticket, reply),
                Output::Happened(happened) => self.happened(&happened),
                Output::Note(_) => {}
                request => {
                    let ms = if self.storm { self.chance.delay_ms() } else { 5 };
                    let happens = Happens::Arrives(self.life, Box::new(request));
                    self.later(ms.min(WAY_MS_MAX), happens);
                }
            }
        }
        if dies {
            self.die();
        }
    }

    fn store(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Put { kind, id, body } => {
                    if kind == "deployment" && !self.owners.contains_key(id.as_str()) {
                        let body: serde_json::Value =
                            serde_json::from_str(&body).unwrap_or_default();
                        let name = body["environment"].as_str().unwrap_or_default().to_owned();
                        let which = self.incarnations.get(&name).copied().unwrap_or(0);
                        self.owners.insert(id.as_str().into(), (name, which));
                        self.tally.deployments += 1;
                    }
                    self.rows.insert((kind, id), body);
                }
                Change::Delete { kind, id } => {
                    if kind == "environment" {
                        *self.incarnations.entry(id.clone()).or_default() += 1;
                    }
                    self.rows.remove(&(kind, id));
                }
            }
        }
    }

    fn replied(&mut self, ticket: Ticket, reply: Reply) {
        if !self.waiting.remove(&ticket) {
            self.breaks(format!("{ticket:?} was replied to twice"));
        }
        self.tally.refused += u64::from(matches!(reply, Reply::Refused(_)));
        self.replies.insert(ticket, reply);
    }

    fn happened(&mut self, happened: &Happened) {
        let version = happened.version();
        if version <= self.version {
            self.breaks(format!("version {version} came after {}", self.version));
        }
        self.version = version;
    }

    /// An event: it may be missed, come late, or twice.
    fn event(&mut self, news: News) {
        if self.storm && self.chance.one_in(6) {
            self.tally.missed += 1;
            return;
        }
        let times = if self.storm && self.chance.one_in(8) { 2 } else { 1 };
        for _ in 0..times {
            let ms = if self.storm { self.chance.delay_ms() } else { 20 };
            self.later(ms, Happens::Event(Box::new(news.clone())));
        }
    }

    pub(super) fn tell_task(&mut self, task: Option<Task>) {
        if let Some(task) = task {
            self.event(News::Task(Task { healthy: None, ..task }));
        }
        self.check_tasks();
    }

    pub(super) fn tell_instance(&mut self, instance: Option<longshore_replica::Instance>) {
        if let Some(instance) = instance {
            self.event(News::Instance(instance, self.now.millis()));
        }
    }

    fn answer(&mut self, life: u64, input: Input) {
        let ms = if self.storm { self.chance.delay_ms() } else { 5 };
        self.later(ms, Happens::Reaches(life, Box::new(input)));
    }

    /// Why a request is not served, if it is not; and whether it is done all the same.
    fn failure(&mut self) -> Option<(Failure, bool)> {
        if !self.storm || !self.chance.one_in(8) {
            return None;
        }
        match self.chance.below(4) {
            0 => Some((Failure::Throttled, false)),
            1 => Some((Failure::NotDone("no connection".to_owned()), false)),
            2 => Some((Failure::Unsure("no response".to_owned()), false)),
            _ => Some((Failure::Unsure("no response".to_owned()), true)),
        }
    }

    fn told(&mut self, failure: Failure) -> Failure {
        match (failure, self.planted) {
            (Failure::Unsure(why), Planted::LostMeansNotDone) => Failure::NotDone(why),
            (failure, _) => failure,
        }
    }

    fn arrive(&mut self, life: u64, request: Output) {
        match request {
            Output::Ask { question, .. } => self.asked(life, question),
            Output::AskFleet(question) => self.fleet_asked(life, question),
            _ => {}
        }
    }

    fn asked(&mut self, life: u64, question: Question) {
        if let Some((failure, is_done)) = self.failure() {
            if let (Question::Stop(_, stop), true) = (&question, is_done) {
                self.stop(&stop.task.clone());
            }
            return self.answer(life, Input::Answered(question.fails(failure)));
        }
        let lag = if self.storm { self.chance.below(LAG_MS_MAX) } else { 0 };
        let at = self.now - lag;
        let answered = match question {
            Question::Instances(asked, ask) => {
                Answered::Instances(asked, Ok(self.ecs.read_instances(at, &ask)))
            }
            Question::Tasks(asked, ask) => {
                Answered::Tasks(asked, Ok(self.ecs.read_tasks(at, &ask)))
            }
            Question::Definition(asked, DefinitionAsk::Describe(name)) => {
                let found = Definition { arn: name, active: true, ..Definition::default() };
                Answered::Definition(asked, Ok(Some(found)))
            }
            Question::Stop(asked, stop) => {
                if self.planted == Planted::DropsStops {
                    return;
                }
                let stopped = self.stop(&stop.task).map(Box::new);
                let absent = Failure::Refused {
                    code: "InvalidParameterException".to_owned(),
                    message: "The referenced task was not found.".to_owned(),
                };
                Answered::Stop(asked, stopped.ok_or(absent))
            }
            other => return self.breaks(format!("not to be asked: {other:?}")),
        };
        self.answer(life, Input::Answered(answered));
    }

    /// ECS takes a stop: the task is gone some time later.
    fn stop(&mut self, arn: &Str) -> Option<Task> {
        let now = self.now;
        let stopping = self.ecs.change_task(now, arn, |task| {
            task.desired_running = false;
            task.stop_code.get_or_insert(StopCode::UserInitiated);
        });
        if stopping.is_some() {
            let ms = self.chance.delay_ms();
            self.later(ms, Happens::Stops(arn.clone()));
        }
        self.tell_task(stopping.clone());
        stopping.or_else(|| self.ecs.task(arn).cloned())
    }

    fn fleet_asked(&mut self, life: u64, question: FleetQuestion) {
        let failed = self.failure();
        if let FleetQuestion::Start(asked, start) = &question {
            let is_done = failed.as_ref().is_none_or(|(_, is_done)| *is_done);
            let starts = is_done.then(|| self.ecs.start(self.now, start));
            for task in starts.iter().flat_map(|starts| &starts.started) {
                self.tally.started += 1;
                let (arn, ms) = (task.arn.clone(), self.chance.delay_ms());
                self.later(ms, Happens::Runs(arn.clone()));
                if self.storm && self.chance.one_in(15) {
                    let ms = ms + self.chance.below(20_000);
                    self.later(ms, Happens::Stops(arn));
                }
                self.tell_task(Some(task.clone()));
            }
            self.tally.lost += u64::from(matches!(failed, Some((Failure::Unsure(_), _))));
            let result = match failed {
                Some((failure, _)) => Err(self.told(failure)),
                None => Ok(starts.unwrap_or_default()),
            };
            return self.answer(life, Input::FleetAnswered(FleetAnswered::Start(*asked, result)));
        }
        if let Some((failure, _)) = failed {
            return self.answer(life, Input::FleetAnswered(question.fails(failure)));
        }
        let web = Cluster { arn: CLUSTER.into(), active: true };
        let answered = match question {
            FleetQuestion::Clusters(asked) => FleetAnswered::Clusters(asked, Ok(vec![web])),
            FleetQuestion::Cluster(asked, _) => FleetAnswered::Cluster(asked, Ok(Some(web))),
            FleetQuestion::Start(..) => return,
        };
        self.answer(life, Input::FleetAnswered(answered));
    }
}
