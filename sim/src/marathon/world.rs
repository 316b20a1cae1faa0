//! What happens in a run, and what must be true.

mod clients;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_driver_machine::{Callback, Command};
use longshore_machine::{Change, Machine as _, Timestamp};
use longshore_marathon::{
    Answer, Call, Config, Input, Instance, Marathon, Output, Probe, Purpose, Reply, Stage, Ticket,
    Wellness, Why, audit,
};
use longshore_wire_marathon::{App, PathId};
use longshore_wire_mesos::v1::offer::Operation;
use longshore_wire_mesos::v1::{FrameworkId, OfferId, TaskState};

use super::definitions::ASKED;
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

/// The task of the container of a pod's instance that is asked.
fn of_asked(instance: &str) -> String {
    format!("{instance}.{ASKED}.1")
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
                for operation in operations {
                    self.launches(&offers[0], operation)?;
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

    /// Tasks, or a group of them.
    fn launches(&mut self, offer: &OfferId, operation: Operation) -> Result<(), String> {
        let is_stored = |world: &Self, id: &str| {
            let key = ("instance", id.to_owned());
            let unstored = format!("{id} is launched and not stored");
            world.rows.contains_key(&key).then_some(()).ok_or(unstored)
        };
        for info in operation.launch.into_iter().flat_map(|launch| launch.task_infos) {
            is_stored(self, &info.task_id.value)?;
            self.counts("launch");
            self.master.launches(offer, info, None)?;
        }
        if let Some(group) = operation.launch_group {
            let first = group.task_group.tasks.first().map(|task| task.task_id.value.clone());
            let instance = first.as_deref().and_then(|id| id.strip_suffix(&of_asked("")));
            is_stored(self, instance.unwrap_or("a group without its first container"))?;
            self.counts("launch of a pod");
            self.master.launches_group(offer, group)?;
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
            let of_pod = || self.master.tasks.get(&of_asked(&probe.task));
            let task = self.master.tasks.get(&*probe.task).or_else(of_pod);
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
        let (mut wanted, mut tasks) = (0, 0);
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
            let open = |one: &Instance| one.members.iter().filter(|one| !one.has_ended()).count();
            let each = |one: &&&Instance| if app.pod.is_some() { open(one) } else { 1 };
            tasks += of.iter().map(|one| each(&one)).sum::<usize>();
            if app.pod.is_some() && right > 0 {
                self.counts("settled pod");
            }
        }
        let live = self.master.live().count();
        if live != tasks || all.len() != wanted {
            return wrong(format!(
                "{live} tasks run of {tasks}, {} instances are known, {wanted} wanted",
                all.len()
            ));
        }
        self.counts("settled");
        Ok(())
    }
}
