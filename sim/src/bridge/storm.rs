//! What goes wrong, and what frameworks and others on the cluster do meanwhile.

use std::collections::BTreeSet;

use longshore_replica::{LastStatus, StartTask};
use longshore_wire_ecs::Str;

use super::describe;
use super::forms::{self, Shape, Wish};
use super::scheduler::{Held, Launched};
use super::shares::{MODEST_MEM_MILLI, MODEST_MILLI};
use super::world::{Happens, Turn, World};

impl World {
    /// So many things happen.
    pub(super) fn storm(&mut self, steps: u64) {
        self.storm = true;
        for _ in 0..steps {
            if !self.is_sound() {
                return;
            }
            match self.chance.below(100) {
                0..40 => self.framework_acts(),
                40..55 => self.instance_changes(),
                55..70 => self.others_act(),
                70..80 => self.network_changes(),
                80..83 => self.bridge_dies(),
                83..90 => self.operator_acts(),
                _ => {}
            }
            let ms = self.chance.below(600);
            self.pass(ms);
            self.check_promises();
        }
    }

    /// A framework looks at offers that it was made.
    pub(super) fn decide(&mut self, scheduler: usize, offers: &[String]) {
        let one = &self.schedulers[scheduler];
        let held = offers.iter().filter_map(|id| Some((id.clone(), one.offers.get(id)?.clone())));
        let held: Vec<(String, Held)> = held.collect();
        for (id, offer) in held {
            let one = &mut self.schedulers[scheduler];
            // The memory of an agent may be out to a role that may have no CPUs any more.
            let has_room =
                offer.cpus_milli >= u64::from(MODEST_MILLI) && offer.mem_milli >= MODEST_MEM_MILLI;
            let is_enough = !self.is_modest || has_room;
            if one.tasks.len() < one.wants && is_enough {
                one.offers.remove(&id);
                self.launch(scheduler, vec![id], &offer);
            } else if !(self.storm && self.chance.one_in(4)) {
                self.schedulers[scheduler].offers.remove(&id);
                let refuse_s = if self.storm {
                    *self.chance.pick(&[0.0, 1.0, 5.0, 30.0, -3.0, 600.0])
                } else {
                    120.0
                };
                self.call(scheduler, forms::decline(&[id], refuse_s));
            }
        }
    }

    fn launch(&mut self, scheduler: usize, offers: Vec<String>, offer: &Held) {
        if self.storm && self.chance.one_in(3) {
            return self.launch_group(scheduler, &offers, offer);
        }
        let count = if self.storm { 1 + self.chance.below(3) } else { 1 };
        let mut tasks = Vec::new();
        for _ in 0..count {
            let wish = self.wish(scheduler, offer);
            let launched = Launched { agent: offer.agent.clone(), state: None, healthy: None };
            self.schedulers[scheduler].tasks.insert(wish.task.clone(), launched);
            tasks.push(wish.info());
        }
        if self.storm && self.chance.one_in(20) {
            // A task that is there is launched once more.
            let known: Vec<String> = self.schedulers[scheduler].tasks.keys().cloned().collect();
            let task = self.chance.pick(&known).clone();
            let id = self.schedulers[scheduler].id.clone().unwrap_or_default();
            self.ledger.repeated.insert((id, task.clone()));
            let wish = Wish { task, ..self.wish(scheduler, offer) };
            tasks.push(wish.info());
        }
        self.call(scheduler, forms::accept(&offers, forms::launch(tasks), 0.0));
    }

    /// Two tasks, of which one may not be as it should.
    fn launch_group(&mut self, scheduler: usize, offers: &[String], offer: &Held) {
        let mut tasks = Vec::new();
        for _ in 0..2 {
            let wish = self.wish(scheduler, offer);
            let shape = if wish.shape == Shape::Malformed { wish.shape } else { Shape::Shell };
            let launched = Launched { agent: offer.agent.clone(), state: None, healthy: None };
            self.schedulers[scheduler].tasks.insert(wish.task.clone(), launched);
            tasks.push(Wish { shape, ..wish }.info());
        }
        let executor = self.schedulers[scheduler].next_task();
        let operation = forms::launch_group(&executor, tasks);
        self.call(scheduler, forms::accept(offers, operation, 0.0));
    }

    fn wish(&mut self, scheduler: usize, offer: &Held) -> Wish {
        let odd = self.storm && self.chance.one_in(10);
        let most = u32::try_from(offer.cpus_milli / 2).unwrap_or(0).max(50);
        let port = offer.ports.first().copied().filter(|_| !self.chance.one_in(4));
        let shape = match self.chance.below(8) {
            0 | 1 => Shape::Named("web"),
            2 if self.storm => Shape::Named("large"),
            3 if self.storm => Shape::Named("port"),
            4 if odd => Shape::Malformed,
            5 if odd => Shape::Named("nothing-of-that-name"),
            4..=6 => Shape::Docker(port),
            _ => Shape::Shell,
        };
        let mem_mib = u32::try_from(offer.mem_milli / 4_000).unwrap_or(0).clamp(8, 256);
        let cpus_milli = if odd && self.chance.one_in(2) { 64_000 } else { 50 + most / 4 };
        let (task, agent) = (self.task_id(scheduler), offer.agent.clone());
        if self.is_modest {
            let (cpus_milli, mem_mib, shape) = (MODEST_MILLI, 8, Shape::Shell);
            let (environment, is_checked) = (Vec::new(), false);
            return Wish { task, agent, cpus_milli, mem_mib, shape, environment, is_checked };
        }
        let has_fate = self.storm && self.local.is_some();
        let environment = if has_fate { self.local_fate() } else { Vec::new() };
        let is_checked = environment.iter().any(|(name, _)| *name == "HEALTH")
            || self.local.is_some() && self.chance.one_in(4);
        Wish { task, agent, cpus_milli, mem_mib, shape, environment, is_checked }
    }

    /// The id of a new task: now and then one that a task had that ended.
    fn task_id(&mut self, scheduler: usize) -> String {
        let one = &mut self.schedulers[scheduler];
        if self.storm && one.ended.len() > 1 && self.chance.one_in(4) {
            return one.ended.swap_remove(0);
        }
        one.next_task()
    }

    fn framework_acts(&mut self) {
        let Some(scheduler) = self.chance.index(self.schedulers.len()) else { return };
        if self.schedulers[scheduler].gone {
            return;
        }
        match self.chance.below(36) {
            0..8 => self.kill_one(scheduler),
            8 | 9 => self.reconcile(scheduler),
            10 => self.reconcile_much(scheduler),
            11 | 12 => self.lie(scheduler),
            13 | 14 => self.suppresses(scheduler, true),
            15..18 => self.suppresses(scheduler, false),
            34 => self.update(scheduler),
            18 | 19 => self.leave(scheduler),
            20 if !self.is_driven(scheduler) => self.subscribe(scheduler),
            21 | 22 => {
                let one = &mut self.schedulers[scheduler];
                one.reads = one.link.is_none();
            }
            23..26 => self.resume(scheduler),
            26 => self.schedulers[scheduler].acknowledges = false,
            27..30 => self.schedulers[scheduler].acknowledges = true,
            30..33 => {
                let offers = self.schedulers[scheduler].offers.keys().cloned().collect();
                self.later(0, Happens::Decides { scheduler, offers });
            }
            33 if self.chance.one_in(8) => {
                self.call(
                    scheduler,
                    forms::kind(longshore_wire_mesos::v1::scheduler::call::Type::Teardown),
                );
            }
            33 if self.schedulers.len() < 8 => {
                let number = self.schedulers.len() as u64;
                self.add_scheduler(number);
            }
            _ => {
                let wants = usize::try_from(self.chance.below(8)).unwrap_or(0);
                self.schedulers[scheduler].wants = wants;
            }
        }
    }

    /// A framework does not want offers for one role or for all of them any more, or wants them again.
    fn suppresses(&mut self, scheduler: usize, is_suppressed: bool) {
        let Self { chance, schedulers, .. } = self;
        let said = &mut schedulers[scheduler].description;
        let roles: Vec<&'static str> = said.roles.iter().copied().collect();
        let role = chance.index(roles.len()).map(|at| roles[at]).filter(|_| chance.one_in(2));
        let concerned = roles.into_iter().filter(|one| role.is_none_or(|role| role == *one));
        if is_suppressed {
            said.suppressed.extend(concerned);
            self.call(scheduler, describe::suppress(role));
        } else {
            let concerned: BTreeSet<&str> = concerned.collect();
            said.suppressed.retain(|role| !concerned.contains(role));
            self.call(scheduler, describe::revive(role));
        }
    }

    /// A framework says something else of itself.
    fn update(&mut self, scheduler: usize) {
        let Self { chance, schedulers, .. } = self;
        schedulers[scheduler].description.redraw(chance);
        self.describe_again(scheduler);
    }

    /// A framework says again what it is.
    pub(super) fn describe_again(&mut self, scheduler: usize) {
        let one = &self.schedulers[scheduler];
        let call = one.description.update(one.info());
        self.call(scheduler, call);
    }

    fn kill_one(&mut self, scheduler: usize) {
        let tasks: Vec<String> = self.schedulers[scheduler].tasks.keys().cloned().collect();
        if let Some(index) = self.chance.index(tasks.len()) {
            self.call(scheduler, forms::kill(&tasks[index]));
        }
    }

    /// So many questions that their answers do not fit between two marks.
    fn reconcile_much(&mut self, scheduler: usize) {
        let asked: Vec<_> =
            (0..1_500).map(|n| (format!("unknown-{n}"), "nowhere".to_owned())).collect();
        self.call(scheduler, forms::reconcile(&asked));
    }

    /// Offers that are not there or are another's, and tasks of others.
    fn lie(&mut self, scheduler: usize) {
        let Some(other) = self.chance.index(self.schedulers.len()) else { return };
        let offer = self.schedulers[other].offers.iter().next();
        let offer = offer.map(|(id, held)| (id.clone(), held.clone()));
        let task = self.schedulers[other].tasks.keys().next().cloned();
        if let Some(task) = task.filter(|_| other != scheduler) {
            self.call(scheduler, forms::kill(&task));
        }
        let Some((id, offer)) = offer.filter(|_| other != scheduler) else { return };
        let wish = self.wish(scheduler, &offer);
        let id = if self.chance.one_in(2) { format!("{id}0") } else { id };
        let operation = forms::launch(vec![wish.info()]);
        self.call(scheduler, forms::accept(&[id], operation, 1.0));
    }

    /// The connection of a framework breaks, and it comes back soon, late, or when the storm is over.
    fn leave(&mut self, scheduler: usize) {
        let one = &mut self.schedulers[scheduler];
        let Some(link) = one.link.clone() else { return };
        let master = one.master;
        one.away = true;
        self.stream_breaks(scheduler);
        let noticed = self.delay();
        let ended = Happens::StreamEnded { master, epoch: link.epoch, stream: link.stream };
        self.later(noticed, ended);
        let after = *self.chance.pick(&[100, 2_000, 20_000, 90_000]);
        self.later(after, Happens::Returns { scheduler });
    }

    /// A framework reads again.
    pub(super) fn resume(&mut self, scheduler: usize) {
        let one = &mut self.schedulers[scheduler];
        let (master, now) = (one.master, self.now);
        let was_reading = std::mem::replace(&mut one.reads, true);
        let Some(link) = one.link.clone().filter(|_| !was_reading) else { return };
        if !self.is_running(master, link.epoch) {
            return;
        }
        if let Some(stream) = self.masters[master].streams.get_mut(&link.stream) {
            stream.read_since = now;
        }
        self.read(master, link.epoch, link.stream);
    }

    fn instance_changes(&mut self) {
        let registered = self.cloud.registered();
        let Some(index) = self.chance.index(registered.len()) else {
            self.add_instance();
            return;
        };
        let (arn, now) = (registered[index].clone(), self.now);
        if self.local.is_some() {
            if registered.len() < 6 && self.chance.one_in(4) {
                self.add_instance();
            }
            return self.local_instance_changes(&arn);
        }
        match self.chance.below(10) {
            0..3 => self.cloud.change(now, &arn, |instance| instance.connected = false),
            3..7 => self.cloud.change(now, &arn, |instance| instance.connected = true),
            7 => self.cloud.change(now, &arn, |instance| instance.active = !instance.active),
            8 if registered.len() > 1 => self.cloud.deregister(now, &arn),
            _ if registered.len() < 6 => {
                self.add_instance();
            }
            _ => {}
        }
        self.tell();
    }

    /// Others start and stop tasks of their own, and stop those of frameworks.
    fn others_act(&mut self) {
        if self.local.is_some() {
            return self.others_act_locally();
        }
        let now = self.now;
        if self.chance.one_in(3) {
            let live = self.cloud.tasks.iter().filter(|(_, task)| task.is_live());
            let live: Vec<Str> = live.map(|(arn, _)| arn.clone()).collect();
            let Some(index) = self.chance.index(live.len()) else { return };
            if self.cloud.ask_to_stop(now, &live[index], "stopped by an operator") {
                self.later(500, Happens::Task { arn: live[index].clone(), turn: Turn::Stop });
            }
        } else {
            let registered = self.cloud.registered();
            let Some(index) = self.chance.index(registered.len()) else { return };
            let start = StartTask {
                instance: registered[index].clone(),
                definition: (*self.chance.pick(&["web", "large", "port"])).into(),
                started_by: "others".into(),
                container: "app".into(),
                ..StartTask::default()
            };
            if let Ok(task) = self.cloud.accept(now, &start, Vec::new()) {
                self.begin(task.arn);
            }
        }
        self.tell();
    }

    fn network_changes(&mut self) {
        let Some(master) = self.chance.index(self.masters.len()) else { return };
        let epoch = self.masters[master].epoch;
        match self.chance.below(10) {
            0..2 => self.later(0, Happens::Feed { master, epoch, up: false }),
            2..6 => self.later(0, Happens::Feed { master, epoch, up: true }),
            6 => {
                self.tally.count("reached", "an outage of the cluster");
                self.outage_until = self.now + self.chance.below(20_000);
            }
            _ if self.local.is_some() => self.local_changes(),
            7 => self.definition_is_deregistered(),
            _ => self.cloud.expire(self.now),
        }
    }

    /// A definition is deregistered, and another revision is there.
    fn definition_is_deregistered(&mut self) {
        let families: Vec<Str> = self.cloud.definitions.keys().cloned().collect();
        let family = self.chance.pick(&families).clone();
        let Some(revisions) = self.cloud.definitions.get_mut(&family) else { return };
        let Some(last) = revisions.last_mut() else { return };
        last.active = false;
        let next = last.clone();
        if self.chance.one_in(2) || !family.starts_with("longshore") {
            self.cloud.define(&family, next);
        }
    }

    fn bridge_dies(&mut self) {
        let Some(master) = self.chance.index(self.masters.len()) else { return };
        if self.masters[master].up {
            let after = usize::try_from(self.chance.below(4)).unwrap_or(0);
            self.doomed = Some((master, after));
        }
    }

    /// A bridge is gone, and with it whatever it has not sent.
    pub(super) fn crash(&mut self, master: usize) {
        self.tally.count("reached", "a bridge crashed");
        self.trace(|| format!("bridge {master} crashes"));
        self.has_orphans |= self.schedulers.iter().any(|one| one.gone);
        let dead = self.masters[master].epoch;
        self.masters[master].crash();
        let mut chance = self.chance.below(3);
        self.retain(|happens| {
            // Some of its questions had not left.
            let is_its = matches!(happens, Happens::Asked { sent, .. }
                if sent.master == master && sent.epoch == dead);
            chance += 1;
            !is_its || !chance.is_multiple_of(3)
        });
        for scheduler in 0..self.schedulers.len() {
            if self.schedulers[scheduler].master == master {
                self.schedulers[scheduler].subscribing = false;
                self.lost_stream(scheduler);
            }
        }
        let down = *self.chance.pick(&[50, 1_000, 1_000, 15_000]);
        self.later(down, Happens::Starts { master });
    }

    /// What frameworks are to hear once a task runs: at the end of a storm everything that was accepted does.
    pub(super) fn is_settled(&self, arn: &str) -> bool {
        let record = self.cloud.tasks.get(arn).and_then(|task| task.record());
        record.is_some_and(|task| task.last_status == LastStatus::Running && task.desired_running)
    }
}
