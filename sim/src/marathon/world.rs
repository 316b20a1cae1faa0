//! What happens in a run, and what must be true.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_driver_machine::{Callback, Command};
use longshore_machine::{Change, Machine as _, Timestamp};
use longshore_marathon::{
    Answer, Call, Config, Input, Instance, Marathon, Mode, Output, Probe, Purpose, Reply, Stage,
    Ticket, Wellness, Why, audit,
};
use longshore_wire_marathon::{App, PathId};
use longshore_wire_mesos::v1::{FrameworkId, TaskState};

use super::definitions::an_app;
use super::master::Master;
use super::places;
use crate::chance::Chance;

/// 2026-11-21T11:42:55Z.
const NOON: u64 = 1_795_261_375_000;
/// How long it may take until everything is as it is wanted: longer than anything waits, twice.
const QUIET_MS: u64 = 1_500_000;

/// Something that is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The host launches twice.
    LaunchesTwice,
    /// The host launches without storing.
    StoresNothing,
    /// The host loses every kill.
    LosesKills,
}

/// A run.
#[derive(Clone, Copy, Debug)]
pub struct MarathonRun {
    /// What decides everything.
    pub seed: u64,
    /// How many things happen in the storm.
    pub steps: u64,
    /// What is broken.
    pub fault: Option<Fault>,
}

/// How often something was reached.
type Tally = BTreeMap<&'static str, u64>;

impl MarathonRun {
    /// A run. Returns how often what was reached.
    ///
    /// # Errors
    /// What was promised and is not true.
    pub fn run(self) -> Result<BTreeMap<&'static str, u64>, String> {
        let mut world = World::new(self)?;
        for _ in 0..self.steps {
            world.storms()?;
            world.passes()?;
        }
        world.is_calm = true;
        let until = world.now + QUIET_MS;
        while world.now < until {
            world.passes()?;
        }
        world.is_settled()?;
        Ok(world.tally)
    }
}

struct World {
    run: MarathonRun,
    chance: Chance,
    now: u64,
    marathon: Marathon,
    rows: BTreeMap<(&'static str, String), String>,
    master: Master,
    probes: Vec<Probe>,
    callbacks: Vec<Callback>,
    is_calm: bool,
    /// Instances that were ended for an upgrade.
    upgraded: BTreeSet<Arc<str>>,
    starts: u64,
    /// A driver was asked for.
    is_to_register: bool,
    tally: Tally,
}

fn wrong<T>(text: String) -> Result<T, String> {
    Err(text)
}

impl World {
    fn new(run: MarathonRun) -> Result<Self, String> {
        let now = Timestamp::from_millis(NOON);
        let marathon =
            Marathon::restore(Config::default(), now, []).map_err(|why| why.to_string())?;
        Ok(Self {
            run,
            chance: Chance::new(run.seed),
            now: NOON,
            marathon,
            rows: BTreeMap::new(),
            master: Master::default(),
            probes: Vec::new(),
            callbacks: Vec::new(),
            is_calm: false,
            upgraded: BTreeSet::new(),
            starts: 0,
            is_to_register: false,
            tally: Tally::new(),
        })
    }

    fn counts(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    fn registers(&mut self) -> Result<(), String> {
        let known = self.marathon.framework().map(str::to_owned);
        let callback = match self.master.registers(known.as_deref()) {
            Some(id) => Callback::Registered(FrameworkId { value: id }, Box::default()),
            None => Callback::Error("Framework has been removed".to_owned()),
        };
        self.step(Input::Heard(callback))
    }

    /// An operator tears the framework down: all its tasks end, and nobody is told of them.
    fn tears_down(&mut self) -> Result<(), String> {
        self.counts("teardown");
        self.master.tears_down();
        self.callbacks.clear();
        self.step(Input::Heard(Callback::Error("Framework has been removed".to_owned())))
    }

    fn instances(&mut self) -> BTreeMap<Arc<str>, Instance> {
        match self.asks(Call::Tasks { within: PathId::root() }) {
            Some(Reply::Tasks(all)) => all.into_iter().map(|one| (one.id, one.instance)).collect(),
            _ => BTreeMap::new(),
        }
    }

    /// Reads, which does nothing else.
    fn asks(&mut self, call: Call) -> Option<Reply> {
        let mut out = Vec::new();
        let now = Timestamp::from_millis(self.now);
        self.marathon.step(now, Input::Called { ticket: Ticket(0), call }, &mut out);
        let mut reply = None;
        for output in out {
            match output {
                Output::Reply { reply: given, .. } => reply = Some(given),
                // What was due in the same step.
                other => drop(self.performs(other)),
            }
        }
        reply
    }

    fn step(&mut self, input: Input) -> Result<(), String> {
        let mut out = Vec::new();
        self.marathon.step(Timestamp::from_millis(self.now), input, &mut out);
        self.acts(out)
    }

    /// Performs outputs in their order; the scheduler may crash after any.
    fn acts(&mut self, out: Vec<Output>) -> Result<(), String> {
        if let Some(first) = audit(&self.marathon).first() {
            return wrong(format!("audit: {first}"));
        }
        for output in out {
            self.performs(output)?;
            if !self.is_calm && self.chance.one_in(150) {
                return self.crashes();
            }
        }
        self.keeps_capacity()
    }

    fn crashes(&mut self) -> Result<(), String> {
        self.counts("crash");
        self.starts += 1;
        self.callbacks.clear();
        self.probes.clear();
        self.is_to_register = false;
        self.master.disconnects();
        self.now += self.chance.below(60_000);
        let rows = self.rows.iter();
        let rows = rows.map(|((kind, id), body)| (*kind, id.as_str(), body.as_str()));
        let config = Config { seed: u128::from(self.starts), ..Config::default() };
        let now = Timestamp::from_millis(self.now);
        let restored = Marathon::restore(config, now, rows);
        self.marathon = restored.map_err(|why| why.to_string())?;
        let ended = self.instances().into_iter().filter(|(_, one)| one.killing.is_some());
        self.upgraded.extend(ended.map(|(id, _)| id));
        Ok(())
    }

    fn performs(&mut self, output: Output) -> Result<(), String> {
        match output {
            Output::Store(changes) => {
                for change in changes {
                    match change {
                        Change::Put { kind, id, body } => {
                            let is_lost =
                                self.run.fault == Some(Fault::StoresNothing) && kind == "instance";
                            if !is_lost {
                                self.rows.insert((kind, id), body);
                            }
                        }
                        Change::Delete { kind, id } => drop(self.rows.remove(&(kind, id))),
                    }
                }
            }
            Output::Say(command) => {
                if self.run.fault == Some(Fault::LaunchesTwice) {
                    self.says(command.clone())?;
                }
                self.says(command)?;
            }
            Output::Probe(probe) => self.probes.push(probe),
            Output::Connect { .. } => self.is_to_register = true,
            Output::Reply { .. } | Output::Event(_) => {}
            Output::Failed(text) => return wrong(text),
        }
        Ok(())
    }

    fn says(&mut self, command: Command) -> Result<(), String> {
        let milliseconds = |seconds: Option<f64>| match seconds {
            Some(seconds) if seconds > 100.0 => 120_000,
            Some(seconds) if seconds > 1.0 => 5_000,
            _ => 0,
        };
        match command {
            Command::Accept { offers, operations, .. } => {
                let launches = operations.into_iter().filter_map(|one| one.launch);
                for info in launches.flat_map(|launch| launch.task_infos) {
                    let id = info.task_id.value.clone();
                    if !self.rows.contains_key(&("instance", id.clone())) {
                        return wrong(format!("{id} is launched and not stored"));
                    }
                    self.counts("launch");
                    self.master.launches(&offers[0], info)?;
                }
                self.master.uses(&offers);
            }
            Command::Decline(offers, filters) => {
                let refuse_ms = milliseconds(filters.refuse_seconds);
                self.master.declines(&offers, self.now, refuse_ms);
            }
            Command::Revive(_) => self.master.revives(),
            Command::Suppress(_) => self.master.is_suppressed = true,
            Command::Kill(id) => {
                self.counts("kill");
                let is_lost = self.run.fault == Some(Fault::LosesKills);
                if !is_lost && (self.is_calm || !self.chance.one_in(5)) {
                    self.master.moves(&id.value, TaskState::TaskKilled);
                }
            }
            Command::Acknowledge(status) => self.master.acknowledges(&status),
            Command::Reconcile(asked) => {
                let known = self.master.reconciles(&asked);
                let known = known.into_iter().map(|one| Callback::StatusUpdate(Box::new(one)));
                self.callbacks.extend(known);
            }
            _ => {}
        }
        Ok(())
    }

    /// An upgrade ends none that is well unless enough others are.
    fn keeps_capacity(&mut self) -> Result<(), String> {
        let all = self.instances();
        self.keeps_places(&all)?;
        let is_ended = |one: &(&Arc<str>, &Instance)| one.1.killing == Some(Why::Upgrade);
        let ended: Vec<_> = all.iter().filter(is_ended).collect();
        let is_well = |one: &Instance| one.killing.is_none() && one.wellness() == Wellness::Well;
        for (id, instance) in ended {
            // Those that were not well when they were ended do not count, even if they are well by now.
            if !self.upgraded.insert(id.clone()) || instance.wellness() != Wellness::Well {
                continue;
            }
            let app = &instance.app;
            let Some(of) = self.effective(app) else { continue };
            let least = u64::from(of.upgrade_strategy.minimum_health_capacity_milli);
            let least = (u64::from(of.instances) * least).div_ceil(1_000);
            // Outside of a deployment nobody asks whether an instance is ready.
            let asks = !of.readiness_checks.is_empty() && self.is_locked(app);
            let counts = |one: &Instance| {
                let is_ready = one.is_ready || one.config_ms != of.config_version_ms;
                is_well(one) && (is_ready || !asks)
            };
            let well = all.values().filter(|one| one.app == *app && counts(one)).count() as u64;
            *self.tally.entry("upgraded").or_default() += 1;
            if well < least {
                return wrong(format!("{id} was ended though only {well} of {app} are well"));
            }
        }
        Ok(())
    }

    /// Constraints hold of instances of the configuration that is kept up.
    fn keeps_places(&mut self, all: &BTreeMap<Arc<str>, Instance>) -> Result<(), String> {
        let apps: BTreeSet<&PathId> = all.values().map(|one| &one.app).collect();
        for id in apps {
            let Some(app) = self.effective(id) else { continue };
            let of = all.values().filter(|one| one.app == *id);
            let of: Vec<_> = of.filter(|one| one.config_ms == app.config_version_ms).collect();
            if app.constraints.is_empty() || of.is_empty() {
                continue;
            }
            self.counts("constrained");
            places::holds(&app, &of)?;
        }
        Ok(())
    }

    fn is_locked(&mut self, id: &PathId) -> bool {
        let asked = self.asks(Call::App { id: id.clone() });
        matches!(asked, Some(Reply::App(view)) if view.deployment.is_some())
    }

    /// What is kept up of an app, as its row says.
    fn effective(&self, id: &PathId) -> Option<App> {
        #[derive(serde::Deserialize)]
        struct Row {
            effective: Option<App>,
        }
        let body = self.rows.get(&("app", id.to_string()))?;
        serde_json::from_str::<Row>(body).ok()?.effective
    }

    /// A while passes: offers, updates, answers.
    fn passes(&mut self) -> Result<(), String> {
        self.now += if self.is_calm { 1_000 } else { self.chance.below(8_000) };
        if std::mem::take(&mut self.is_to_register) {
            self.registers()?;
        }
        for probe in std::mem::take(&mut self.probes) {
            if !self.is_calm && self.chance.one_in(8) {
                continue;
            }
            let task = self.master.tasks.get(&*probe.task);
            let is_well =
                task.is_some_and(|one| one.state == TaskState::TaskRunning && one.is_well);
            let answer = match (is_well, probe.purpose) {
                (false, _) => Answer::Silent,
                (true, Purpose::Health(_)) => Answer::Connected,
                (true, Purpose::Readiness) if self.is_calm || self.chance.one_in(2) => {
                    self.counts("ready");
                    Answer::Status(200)
                }
                (true, Purpose::Readiness) => Answer::Status(503),
            };
            self.step(Input::Probed { task: probe.task, purpose: probe.purpose, answer })?;
        }
        for callback in std::mem::take(&mut self.callbacks) {
            self.step(Input::Heard(callback))?;
        }
        for status in self.master.unacknowledged() {
            if self.is_calm || self.chance.one_in(2) {
                self.step(Input::Heard(Callback::StatusUpdate(Box::new(status.clone()))))?;
            }
            if !self.is_calm && self.chance.one_in(6) {
                self.step(Input::Heard(Callback::StatusUpdate(Box::new(status))))?;
            }
        }
        self.tasks_go_on();
        let is_open = self.marathon.is_subscribed();
        let offers = if is_open { self.master.offers(self.now) } else { Vec::new() };
        if !offers.is_empty() {
            self.step(Input::Heard(Callback::ResourceOffers(offers)))?;
        }
        let now = Timestamp::from_millis(self.now);
        if self.marathon.wake_at().is_some_and(|at| at <= now) {
            let mut out = Vec::new();
            self.marathon.tick(now, &mut out);
            self.acts(out)?;
        }
        Ok(())
    }

    /// Tasks run, fail, and fall ill.
    fn tasks_go_on(&mut self) {
        let ids: Vec<String> = self.master.live().map(|(id, _)| id.clone()).collect();
        for id in ids {
            let state = self.master.tasks.get(&id).map(|one| one.state);
            if state == Some(TaskState::TaskStarting) && (self.is_calm || self.chance.one_in(2)) {
                self.master.moves(&id, TaskState::TaskRunning);
            } else if state == Some(TaskState::TaskUnreachable) {
                if self.is_calm || self.chance.one_in(4) {
                    self.counts("return");
                    self.master.moves(&id, TaskState::TaskRunning);
                }
            } else if !self.is_calm && self.chance.one_in(150) {
                let ends =
                    [TaskState::TaskFailed, TaskState::TaskFinished, TaskState::TaskUnreachable];
                let state = *self.chance.pick(&ends);
                self.master.moves(&id, state);
                self.counts("end");
            }
            let is_ill = !self.is_calm && self.chance.one_in(100);
            if let Some(task) = self.master.tasks.get_mut(&id) {
                task.is_well = self.is_calm || (task.is_well && !is_ill);
            }
        }
    }

    /// A client calls.
    fn storms(&mut self) -> Result<(), String> {
        let number = self.chance.below(4);
        let id = PathId::kept(format!("/app-{number}"));
        let force = self.chance.one_in(3);
        let call = match self.chance.below(12) {
            0..3 => {
                let app = an_app(&mut self.chance, id, number);
                Call::Put { apps: vec![app], mode: Mode::Any, force }
            }
            3 => Call::Restart { id, force },
            4 if self.chance.one_in(3) => Call::Delete { id, force },
            5 => {
                let tasks: Vec<String> = self.instances().keys().map(ToString::to_string).collect();
                let Some(at) = self.chance.index(tasks.len()) else { return Ok(()) };
                let (scale, wipe) = (self.chance.one_in(3), self.chance.one_in(3));
                Call::Kill { tasks: vec![tasks[at].clone()], scale, wipe, force }
            }
            6 => {
                let Some(Reply::Deployments(all)) = self.asks(Call::Deployments) else {
                    return Ok(());
                };
                let Some((deployment, _)) = all.first() else { return Ok(()) };
                Call::Cancel { deployment: deployment.to_string(), force }
            }
            7 if self.chance.one_in(6) && self.marathon.is_subscribed() => {
                return self.tears_down();
            }
            7 => self.puts_a_group(force),
            _ => return Ok(()),
        };
        self.counts("call");
        self.step(Input::Called { ticket: Ticket(1), call })
    }

    /// A group of apps of its own, of which some are new, and others gone.
    fn puts_a_group(&mut self, force: bool) -> Call {
        let group = PathId::kept("/team");
        let (some, is_dry_run) = (self.chance.below(4), self.chance.one_in(4));
        let numbers = (0..2).filter(|number| some & (1 << number) > 0);
        let apps = numbers.map(|number| {
            let id = PathId::kept(format!("/team/app-{number}"));
            an_app(&mut self.chance, id, number)
        });
        let apps = apps.collect();
        self.counts("group");
        Call::PutGroup { group, apps, force, is_dry_run }
    }

    /// Everything is as it is wanted.
    fn is_settled(&mut self) -> Result<(), String> {
        let Some(Reply::Apps(apps)) = self.asks(Call::Apps { within: PathId::root() }) else {
            return wrong("apps cannot be read".to_owned());
        };
        let Some(Reply::Deployments(left)) = self.asks(Call::Deployments) else {
            return wrong("deployments cannot be read".to_owned());
        };
        if let Some((id, one)) = left.first() {
            return wrong(format!("deployment {id} is not done: {one:?}"));
        }
        let all = self.instances();
        let mut wanted = 0;
        for app in apps.iter().map(|one| &one.app) {
            // A deployment that was cancelled by force leaves its apps as they were then.
            let Some(app) = self.effective(&app.id) else { continue };
            wanted += app.instances as usize;
            let of: Vec<_> = all.values().filter(|one| one.app == app.id).collect();
            let is_right = |one: &&&Instance| {
                one.config_ms == app.config_version_ms
                    && one.stage == Stage::Running
                    && one.killing.is_none()
                    && one.wellness() == Wellness::Well
            };
            let right = of.iter().filter(is_right).count();
            if right != app.instances as usize || of.len() != right {
                return wrong(format!("{} has {of:?}, and wants {}", app.id, app.instances));
            }
        }
        let live = self.master.live().count();
        if live != wanted || all.len() != wanted {
            return wrong(format!("{live} tasks run, {} are known, {wanted} wanted", all.len()));
        }
        self.counts("settled");
        Ok(())
    }
}
