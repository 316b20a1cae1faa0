//! The scheduler, its store, the network, and time.

use std::collections::BTreeMap;

use longshore_chronos::{Call, Chronos, Config, Input, Output, Reply, Ticket, audit};
use longshore_driver_machine::{Callback, Command};
use longshore_machine::{Change, Machine as _, Timestamp};
use longshore_wire_chronos::TaskName;
use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::{TaskInfo, TaskState, TaskStatus};
use longshore_wire_mesos::{is_terminal, v1::OfferId};

use super::Fault;
use super::check::{Checker, Rows, apply};
use super::master::{Master, status};
use crate::chance::Chance;
use crate::tally::Tally;

/// 2026-11-21T11:42:55Z.
const NOON: u64 = 1_795_261_375_000;
/// How often an update that is not acknowledged is told again, in ms.
const AGAIN_MS: u64 = 10_000;
/// How often there are offers, in ms.
const OFFERS_MS: u64 = 2_000;

/// What is on its way, or due.
#[derive(Debug)]
pub(super) enum Event {
    /// To the master, by a subscription.
    Said(u64, Command),
    /// To the scheduler, by a subscription.
    Told(u64, Box<Callback>),
    /// The scheduler subscribes.
    Subscribes(u64),
    /// A task moves.
    Moves(String),
    /// Updates that wait are told again.
    Again,
    Offers,
}

/// All of it.
#[derive(Debug)]
pub(super) struct World {
    pub(super) chance: Chance,
    pub(super) tally: Tally,
    fault: Fault,
    pub(super) now: Timestamp,
    /// How far the wall clock is ahead, in ms.
    ahead_ms: i64,
    pub(super) rows: Rows,
    /// Those before the last commit.
    rows_before: Rows,
    chronos: Chronos,
    pub(super) master: Master,
    pub(super) checker: Checker,
    events: BTreeMap<(Timestamp, u64), Event>,
    number: u64,
    /// Which subscription is the latest, and whether it is open.
    pub(super) session: u64,
    /// The id that the driver subscribes with.
    pub(super) framework: Option<String>,
    pub(super) is_open: bool,
    /// When the last message of each direction arrives: they do not overtake each other.
    last_said: Timestamp,
    last_told: Timestamp,
    /// Whether everything goes well.
    pub(super) is_quiet: bool,
    tickets: u64,
    reply: Option<Reply>,
}

impl World {
    pub(super) fn new(seed: u64, fault: Fault) -> Self {
        let now = Timestamp::from_millis(NOON);
        let chronos = Chronos::restore(config(), 0, []).expect("nothing can be read");
        let mut world = Self {
            chance: Chance::new(seed),
            tally: Tally::default(),
            fault,
            now,
            ahead_ms: 0,
            rows: Rows::new(),
            rows_before: Rows::new(),
            chronos,
            master: Master::new(),
            checker: Checker::default(),
            events: BTreeMap::new(),
            number: 0,
            session: 0,
            framework: None,
            is_open: false,
            last_said: now,
            last_told: now,
            is_quiet: false,
            tickets: 0,
            reply: None,
        };
        world.at(now + AGAIN_MS, Event::Again);
        world.at(now + OFFERS_MS, Event::Offers);
        world
    }

    pub(super) fn into_tally(self) -> Tally {
        self.tally
    }

    pub(super) fn check(&self) -> Result<(), String> {
        self.checker.wrong.clone().map_or(Ok(()), Err)
    }

    fn wall_ms(&self) -> u64 {
        self.now.millis().saturating_add_signed(self.ahead_ms)
    }

    pub(super) fn at(&mut self, at: Timestamp, event: Event) {
        self.number += 1;
        self.events.insert((at, self.number), event);
    }

    pub(super) fn delay_ms(&mut self) -> u64 {
        if self.is_quiet { 5 } else { self.chance.delay_ms() }
    }

    /// The scheduler ends as by a power cut, and starts again from what is committed.
    pub(super) fn crashes(&mut self) {
        self.tally.count("reached", "a crash");
        if self.fault == Fault::ForgetsCommit {
            self.rows = self.rows_before.clone();
        }
        let down_ms = if self.chance.one_in(4) { self.chance.below(400_000) } else { 1_000 };
        self.leaves();
        self.passes_without_us(down_ms);
        let rows: Vec<_> = self.rows.clone().into_iter().collect();
        let rows =
            rows.iter().map(|((kind, id), body)| (kind.as_str(), id.as_str(), body.as_str()));
        match Chronos::restore(config(), self.ahead_ms, rows) {
            Ok(chronos) => self.chronos = chronos,
            Err(why) => drop(self.checker.wrong.get_or_insert(why.to_string())),
        }
    }

    pub(super) fn sets_clock(&mut self, by_ms: i64) {
        self.tally.count("reached", "a clock was set");
        self.ahead_ms += by_ms;
        self.steps(Input::Clock { ahead_ms: self.ahead_ms });
    }

    pub(super) fn calls(&mut self, call: Call) -> Option<Reply> {
        self.tickets += 1;
        self.reply = None;
        self.steps(Input::Called { ticket: Ticket(self.tickets), call });
        self.reply.take()
    }

    pub(super) fn steps(&mut self, input: Input) {
        let mut out = Vec::new();
        self.chronos.step(self.now, input, &mut out);
        self.performs(out);
    }

    fn ticks(&mut self) {
        let mut out = Vec::new();
        self.chronos.tick(self.now, &mut out);
        self.performs(out);
    }

    /// Performs what a step asks for, or only a part of it.
    fn performs(&mut self, mut out: Vec<Output>) {
        if let Some(wrong) = audit(&self.chronos).first() {
            self.checker.wrong.get_or_insert(format!("audit: {wrong}"));
        }
        if self.fault == Fault::SaysFirst {
            out.sort_by_key(|output| matches!(output, Output::Store(_)));
        }
        let crash = !self.is_quiet && !out.is_empty() && self.chance.one_in(40);
        let until = if crash { self.chance.index(out.len() + 1) } else { None };
        let many = out.len();
        for output in out.drain(..until.unwrap_or(many)) {
            self.performs_one(output);
        }
        if until.is_some() {
            self.crashes();
        }
    }

    fn performs_one(&mut self, output: Output) {
        match output {
            Output::Store(changes) => self.commits(&changes),
            Output::Connect { framework } => self.wants_driver(framework),
            Output::Say(command) => self.says(command),
            Output::Reply { reply, .. } => self.reply = Some(reply),
            Output::Note(_) => self.tally.count("reached", "a note"),
            Output::Failed(why) => drop(self.checker.wrong.get_or_insert(why)),
        }
    }

    fn commits(&mut self, changes: &[Change]) {
        self.rows_before = self.rows.clone();
        apply(&mut self.rows, changes);
        let wall_ms = self.wall_ms();
        self.checker.commits((&self.rows_before, &self.rows), changes, wall_ms);
        self.tally.count("reached", "a commit");
    }

    /// The driver: what is said without a subscription is lost, and launches are told so.
    fn says(&mut self, command: Command) {
        let tasks = launched(&command);
        for task in &tasks {
            self.checker.launches(&self.rows, &task.task_id.value);
        }
        if let Command::Acknowledge(status) = &command {
            let is_final = is_terminal(status.state());
            self.checker.acknowledges(&self.rows, &status.task_id.value, is_final);
        }
        if self.is_open {
            if self.fault == Fault::LaunchesTwice && !tasks.is_empty() {
                self.sends(command.clone());
            }
            return self.sends(command);
        }
        for task in tasks {
            let lost = status(
                &task.task_id.value,
                TaskState::TaskLost,
                Some(Reason::MasterDisconnected),
                None,
            );
            self.tells_at(self.session, Callback::StatusUpdate(Box::new(lost)));
        }
    }

    fn sends(&mut self, command: Command) {
        let delay_ms = self.delay_ms().min(2_000);
        self.last_said = self.last_said.max(self.now + delay_ms);
        self.at(self.last_said, Event::Said(self.session, command));
    }

    /// Tells the scheduler something.
    pub(super) fn tells(&mut self, callback: Callback) {
        if self.is_open {
            self.tells_at(self.session, callback);
        }
    }

    fn tells_at(&mut self, session: u64, callback: Callback) {
        let delay_ms = self.delay_ms().min(2_000);
        self.last_told = self.last_told.max(self.now + delay_ms);
        self.at(self.last_told, Event::Told(session, Box::new(callback)));
    }

    /// An update, which may be lost or doubled.
    pub(super) fn updates(&mut self, status: TaskStatus) {
        if self.fault == Fault::DropsEnds && is_terminal(status.state()) {
            return;
        }
        let is_kept = self.is_quiet || status.uuid.is_none();
        if !is_kept && self.chance.one_in(8) {
            return self.tally.count("reached", "an update was lost");
        }
        let times = if !self.is_quiet && self.chance.one_in(8) { 2 } else { 1 };
        for _ in 0..times {
            self.tells(Callback::StatusUpdate(Box::new(status.clone())));
        }
    }

    /// Time passes.
    pub(super) fn passes(&mut self, ms: u64) {
        let until = self.now + ms;
        while self.checker.wrong.is_none() {
            let event = self.events.first_key_value().map(|((at, _), _)| *at);
            let wake = self.chronos.wake_at().map(|at| at.max(self.now));
            let next = [event, wake].into_iter().flatten().min().filter(|at| *at <= until);
            let Some(next) = next else { break };
            self.now = next.max(self.now);
            if wake.is_some_and(|at| at <= self.now) {
                self.ticks();
            } else {
                self.happens();
            }
        }
        self.now = self.now.max(until);
    }

    /// Time passes while the scheduler is down: nothing is told.
    fn passes_without_us(&mut self, ms: u64) {
        let until = self.now + ms;
        while self.events.first_key_value().is_some_and(|((at, _), _)| *at <= until) {
            self.happens_without_us();
        }
        self.now = self.now.max(until);
    }

    fn happens_without_us(&mut self) {
        let Some(((at, _), event)) = self.events.pop_first() else { return };
        self.now = self.now.max(at);
        match event {
            Event::Told(..) => {}
            other => self.does(other),
        }
    }

    fn happens(&mut self) {
        let Some((_, event)) = self.events.pop_first() else { return };
        self.does(event);
    }

    fn does(&mut self, event: Event) {
        match event {
            Event::Said(session, command) if session == self.session => self.hears(command),
            Event::Told(session, callback) if session == self.session => {
                self.steps(Input::Heard(*callback));
            }
            // What is on its way when a connection breaks is lost.
            Event::Said(..) | Event::Told(..) => self.tally.count("reached", "a message was lost"),
            Event::Subscribes(session) if session == self.session => self.subscribes(),
            Event::Subscribes(_) => {}
            Event::Moves(id) => self.moves(&id),
            Event::Again => {
                for status in self.master.all_told() {
                    self.updates(status);
                }
                self.at(self.now + AGAIN_MS, Event::Again);
            }
            Event::Offers => {
                let offers = if self.is_open { self.master.offers() } else { Vec::new() };
                if !offers.is_empty() {
                    self.tells(Callback::ResourceOffers(offers));
                }
                self.at(self.now + OFFERS_MS, Event::Offers);
            }
        }
    }

    /// What the master does with a call.
    fn hears(&mut self, command: Command) {
        let tasks = launched(&command);
        match command {
            Command::Accept { offers, .. } => self.accepts(&offers, tasks),
            Command::Decline(offers, _) => self.master.declined(&offers),
            Command::Revive(_) => self.master.wants = true,
            Command::Suppress(_) => self.master.wants = false,
            Command::Kill(task) => {
                self.master.kills(&task.value);
                self.tells_of(&task.value);
            }
            Command::Acknowledge(status) => {
                self.master.acknowledged(&status);
                self.tells_of(&status.task_id.value);
            }
            Command::Reconcile(statuses) => {
                let asked: Vec<String> = if statuses.is_empty() {
                    let running = self.master.tasks.iter().filter(|(_, task)| task.runs());
                    running.map(|(id, _)| id.clone()).collect()
                } else {
                    statuses.into_iter().map(|status| status.task_id.value).collect()
                };
                for id in asked {
                    let status = self.master.state_of(&id);
                    self.tells(Callback::StatusUpdate(Box::new(status)));
                }
            }
            _ => {}
        }
    }

    fn accepts(&mut self, offers: &[OfferId], tasks: Vec<TaskInfo>) {
        let agent = offers.iter().filter_map(|offer| self.master.takes(offer)).next_back();
        let is_done = self.is_quiet || !self.chance.one_in(15);
        let Some(agent) = agent.filter(|_| is_done) else {
            for task in tasks {
                self.tally.count("reached", "a launch did nothing");
                let (state, reason) = (TaskState::TaskDropped, Some(Reason::InvalidOffers));
                let dropped = status(&task.task_id.value, state, reason, None);
                self.tells(Callback::StatusUpdate(Box::new(dropped)));
            }
            return;
        };
        for task in tasks {
            self.starts(&task, agent);
        }
    }

    fn starts(&mut self, task: &TaskInfo, agent: usize) {
        let id = &task.task_id.value;
        let Some(name) = TaskName::parse(id) else { return };
        self.checker.started(id, &name.job);
        self.beside(&name.job, id);
        self.tally.count("reached", "a task started");
        let generation = self.checker.generation(&name.job);
        self.master.starts(task, format!("{}/{generation}", name.job), agent);
        let after_ms = self.delay_ms();
        self.at(self.now + after_ms, Event::Moves(id.clone()));
    }

    /// Promise 4.
    fn beside(&mut self, job: &str, id: &str) {
        let key = format!("{job}/{}", self.checker.generation(job));
        let other = self
            .master
            .tasks
            .iter()
            .find(|(_, task)| task.job == key && task.runs() && !task.was_away);
        if let Some((other, _)) = other.filter(|_| !self.checker.was_concurrent(job)) {
            let text = format!("promise 4: {id} runs beside {other}");
            self.checker.wrong.get_or_insert(text);
        }
    }

    fn moves(&mut self, id: &str) {
        let Some(task) = self.master.tasks.get(id) else { return };
        let is_new = task.state == TaskState::TaskStaging;
        let next = match self.chance.below(10) {
            _ if is_new => TaskState::TaskRunning,
            0..7 => TaskState::TaskFinished,
            7..9 => TaskState::TaskFailed,
            _ => TaskState::TaskLost,
        };
        self.master.moves(id, next);
        self.tally.count("tasks", format!("{next:?}"));
        if is_new {
            let runs_ms = self.chance.below(90_000);
            self.at(self.now + runs_ms, Event::Moves(id.to_owned()));
        }
        self.tells_of(id);
    }

    pub(super) fn rescinded(&mut self, offer: OfferId) {
        self.tells(Callback::OfferRescinded(offer));
    }

    /// Tells the update of a task that waits.
    fn tells_of(&mut self, id: &str) {
        if let Some(status) = self.master.told(id) {
            self.updates(status);
        }
    }

    /// An agent is away, and comes back or does not.
    pub(super) fn agent(&mut self, agent: usize) {
        if !self.master.away[agent] {
            self.tally.count("reached", "an agent was away");
            self.master.away[agent] = true;
            for id in self.master.on(agent) {
                self.master.was_away(&id);
                let status = status(&id, TaskState::TaskUnreachable, None, None);
                self.updates(status);
            }
            return;
        }
        self.master.away[agent] = false;
        if !self.is_quiet && self.chance.one_in(3) {
            self.tally.count("reached", "an agent was gone");
            self.master.loses(agent);
        }
        self.master.ends_killed();
        for id in self.master.on(agent) {
            let status = self.master.state_of(&id);
            self.tells(Callback::StatusUpdate(Box::new(status)));
        }
    }
}

fn config() -> Config {
    Config { retry_ms: 20_000, ..Config::default() }
}

fn launched(command: &Command) -> Vec<TaskInfo> {
    let Command::Accept { operations, .. } = command else { return Vec::new() };
    let launches = operations.iter().filter_map(|operation| operation.launch.as_ref());
    launches.flat_map(|launch| launch.task_infos.clone()).collect()
}
