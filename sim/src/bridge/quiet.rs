//! After the storm: whatever was broken is mended, and time passes. Then everyone knows what is there, nobody waits in vain, and
//! when all is taken away nothing is left.

use longshore_wire_mesos::v1::TaskState;
use longshore_wire_mesos::v1::scheduler::call::Type;

use super::cloud::CloudTask;
use super::world::{Happens, RACKS, World};
use super::{describe, forms};

const MINUTE_MS: u64 = 60_000;

impl World {
    /// A storm, the quiet after it, and with `clear` the end of everything.
    pub(super) fn season(&mut self, steps: u64, clear: bool) {
        self.storm(steps);
        self.mend();
        self.wait(3);
        for scheduler in 0..self.schedulers.len() {
            self.reconcile(scheduler);
        }
        self.wait(4);
        if self.is_sound() {
            self.check_known();
            self.check_over();
            self.check_ends();
            self.check_seen();
        }
        if self.is_sound() {
            self.check_served();
        }
        if self.is_sound() && self.masters.len() == 1 {
            self.check_quota();
        }
        if clear && self.is_sound() {
            self.clear();
        }
    }

    pub(super) fn wait(&mut self, minutes: u64) {
        for _ in 0..minutes * 6 {
            self.pass(MINUTE_MS / 6);
            self.check_promises();
        }
    }

    /// Whatever was broken works again, and there is room.
    fn mend(&mut self) {
        self.storm = false;
        self.doomed = None;
        self.end_outage();
        if self.local.is_some() {
            // Machines start again and agents connect by themselves, and so does a control plane that crashed.
            self.pass(2 * MINUTE_MS);
            self.mend_local();
        }
        let now = self.now;
        for arn in self.cloud.registered().into_iter().filter(|_| self.local.is_none()) {
            self.cloud.change(now, &arn, |instance| {
                instance.active = true;
                instance.connected = true;
            });
        }
        for rack in [RACKS[0], RACKS[1], RACKS[2], RACKS[0]] {
            self.add_instance_in(rack);
        }
        self.tell();
        self.end_policies();
        self.end_decisions();
        for scheduler in 0..self.schedulers.len() {
            self.resume(scheduler);
            let one = &mut self.schedulers[scheduler];
            one.acknowledges = true;
            one.away = false;
            one.wants = 0;
            self.connect(scheduler);
        }
        for master in 0..self.masters.len() {
            let epoch = self.masters[master].epoch;
            self.later(1_000, Happens::Feed { master, epoch, up: true });
        }
    }

    /// What frameworks believe and what is there is the same.
    fn check_known(&mut self) {
        let mut wrong = Vec::new();
        for one in self.schedulers.iter().filter(|one| !one.gone) {
            let Some(id) = &one.id else {
                wrong.push(format!("{} has no id", one.name));
                continue;
            };
            let tasks = self.cloud.tasks.iter();
            let owned = tasks
                .flat_map(|(arn, task)| task.owners.iter().map(move |owner| (owner, arn, task)));
            let live = owned.filter(|(owner, _, task)| owner.0 == *id && task.is_live_for(owner));
            let live: Vec<_> =
                live.map(|(owner, arn, task)| (owner.1.clone(), arn, task, owner)).collect();
            for (task, arn, held, owner) in &live {
                let known = one.tasks.get(task);
                let healthy = self.probing.healthy(arn, held, owner);
                if self.probing.is_doomed(arn, held, owner) {
                    wrong.push(format!("{arn} fails its health check and still runs"));
                }
                let state = known.and_then(|known| known.state);
                let runs = state == Some(TaskState::TaskRunning) && self.is_settled(arn);
                if !runs {
                    wrong.push(format!("{arn} is task {task} of {id}, who knows of {known:?}"));
                } else if known.is_some_and(|known| known.healthy != healthy) {
                    wrong.push(format!("{arn} is healthy: {healthy:?}, and {id} knows {known:?}"));
                }
            }
            for (task, known) in &one.tasks {
                if !live.iter().any(|(live, ..)| live == task) {
                    wrong.push(format!(
                        "{id} believes in task {task}, which is not there: {known:?}"
                    ));
                }
            }
        }
        self.ledger.violations.extend(wrong);
    }

    /// Every end was told: of several tasks of one id that of the last, since a bridge that starts looks at no other.
    fn check_ends(&mut self) {
        let mut last = std::collections::BTreeMap::new();
        for (arn, task) in &self.cloud.tasks {
            last.extend(task.owners.iter().map(|owner| (owner, (arn, task))));
        }
        let mut untold = Vec::new();
        for one in self.schedulers.iter().filter(|one| !one.gone) {
            for (owner, (arn, held)) in &last {
                let (framework, task) = owner;
                // Of two that were launched under one id on purpose, one is stopped without a word, and it may be the later one.
                let is_own =
                    one.id.as_ref() == Some(framework) && !self.ledger.repeated.contains(*owner);
                if is_own && !held.is_live_for(owner) && !self.ledger.is_over(held, owner) {
                    untold
                        .push(format!("{framework} was never told that task {task}, {arn}, ended"));
                }
            }
        }
        self.ledger.violations.extend(untold);
    }

    /// Nothing runs of which its framework was told that it does not.
    fn check_over(&mut self) {
        let abandoned = self.ledger.abandoned.keys();
        let live =
            abandoned.filter(|arn| self.cloud.tasks.get(*arn).is_some_and(CloudTask::is_live));
        let live: Vec<String> = live.map(ToString::to_string).collect();
        for arn in live {
            self.ledger.fail(format!("{arn} was abandoned and still runs"));
        }
    }

    /// Everyone who wants one more task gets it: there is room.
    fn check_served(&mut self) {
        let mut before = Vec::new();
        for scheduler in 0..self.schedulers.len() {
            let one = &mut self.schedulers[scheduler];
            before.push(one.tasks.len());
            one.wants = one.tasks.len() + 1;
            one.description.suppressed.clear();
            self.call(scheduler, describe::revive(None));
        }
        self.wait(5);
        for (scheduler, before) in before.into_iter().enumerate() {
            let one = &self.schedulers[scheduler];
            let running = one.tasks.values();
            let running = running.filter(|task| task.state == Some(TaskState::TaskRunning)).count();
            if !one.gone && running <= before {
                let (id, tasks) = (one.id.clone(), one.tasks.clone());
                self.ledger.fail(format!("{id:?} is starved: {tasks:?}, and {before} ran"));
            }
        }
        self.tally.count("reached", "quiet");
    }

    /// Frameworks end, and so does everything else. What bridges kept for them is gone some time later.
    fn clear(&mut self) {
        for scheduler in 0..self.schedulers.len() {
            self.schedulers[scheduler].wants = 0;
            let tasks: Vec<String> = self.schedulers[scheduler].tasks.keys().cloned().collect();
            for task in tasks {
                self.call(scheduler, forms::kill(&task));
            }
        }
        self.wait(5);
        self.end_decisions();
        for scheduler in 0..self.schedulers.len() {
            self.call(scheduler, forms::kind(Type::Teardown));
        }
        self.wait(15);
        self.tally.count("reached", "the end");
        let waiting: usize = self.masters.iter().map(|one| one.of_operators.len()).sum();
        if waiting > 0 {
            self.ledger.fail(format!("{waiting} operators are never answered"));
        }
        if self.masters.len() > 1 || self.has_orphans {
            // A bridge keeps what it knows of the other's frameworks, and after a crash of those that were torn down just before: it
            // cannot tell either from frameworks that come back.
            return;
        }
        let sizes = self.masters[0].bridge.sizes();
        for (what, size) in sizes {
            let most = match what {
                // Those that subscribed and never heard the answer are waited for, and instances are there.
                "frameworks" | "instances" => continue,
                // Readings, and heartbeats of nobody.
                "questions about the cluster" => 2,
                "agenda" => 20,
                // One for each name and content that was ever launched within the hour.
                "definitions" => 40,
                _ => 0,
            };
            if size > most {
                self.ledger.fail(format!("{size} {what} are left when all is over"));
            }
        }
    }
}
