//! What ECS answers, and what follows from it.

use std::collections::BTreeSet;

use longshore_machine::Timestamp;
use longshore_replica::{
    Answered, Asked, Cluster, Failure, FleetAnswered, FleetQuestion, Instance, Starts, Task, Tasks,
};
use longshore_wire_ecs::Str;

use crate::agenda::Timer;
use crate::clusters::TasksFor;
use crate::limits;
use crate::machine::{Daemon, Starting};
use crate::view::Via;

impl Daemon {
    pub(crate) fn answered(&mut self, answered: Answered) {
        match answered {
            Answered::Instances(asked, result) => self.answered_instances(asked, result),
            Answered::Tasks(asked, result) => self.answered_tasks(asked, result),
            Answered::Definition(asked, result) => self.answered_definition(asked, result),
            Answered::Stop(asked, result) => self.answered_stop(asked, result.map(|task| *task)),
            // Nobody asks these.
            Answered::Start(..) | Answered::Change(..) => {}
        }
    }

    pub(crate) fn fleet_answered(&mut self, answered: FleetAnswered) {
        match answered {
            FleetAnswered::Clusters(_, result) => self.answered_clusters(result),
            FleetAnswered::Cluster(asked, result) => match self.pending.was_configured(asked) {
                Some(name) => self.answered_configured(&name, result),
                None => self.answered_cluster(asked, result),
            },
            FleetAnswered::Start(asked, result) => self.answered_start(asked, result),
        }
    }

    /// Reads which clusters there are: all of them, or those of the configuration.
    pub(crate) fn read_clusters(&mut self) {
        if self.config.watches_all {
            self.cx.ask_fleet(FleetQuestion::Clusters);
        }
        for name in self.config.clusters.clone() {
            let ask = name.clone();
            let asked = self.cx.ask_fleet(|asked| FleetQuestion::Cluster(asked, ask));
            self.pending.configured(asked, name);
        }
        if self.config.clusters.is_empty() && !self.config.watches_all {
            self.clusters.is_listed = true;
        }
        if !self.config.watches_all {
            self.cx.after(limits::CLUSTERS_MS, Timer::Clusters);
        }
    }

    fn answered_configured(&mut self, name: &Str, result: Result<Option<Cluster>, Failure>) {
        let why = match result {
            Ok(Some(cluster)) if cluster.active => {
                self.clusters.watch(&mut self.cx, &cluster.arn);
                self.noted.remove(name);
                None
            }
            Ok(_) => Some("there is no such cluster".to_owned()),
            Err(failure) => Some(failure.to_string()),
        };
        self.clusters.is_listed |= !self.config.watches_all;
        if let Some(why) = why {
            self.note_once(name, &format!("cannot watch the cluster {name}: {why}"));
        }
    }

    fn answered_clusters(&mut self, result: Result<Vec<Cluster>, Failure>) {
        let clusters = match result {
            Ok(clusters) => clusters,
            Err(failure) => {
                self.cx.after(limits::CLUSTERS_RETRY_MS, Timer::Clusters);
                let text = format!("cannot read which clusters there are: {failure}");
                return self.note_once(&"".into(), &text);
            }
        };
        self.noted.remove("");
        self.clusters.is_listed = true;
        let active = clusters.into_iter().filter(|one| one.active);
        let named: BTreeSet<Str> = active.map(|one| one.arn).collect();
        for arn in &named {
            self.clusters.watch(&mut self.cx, arn);
        }
        let theirs: BTreeSet<Str> = self.environments.clusters().cloned().collect();
        for arn in self.clusters.arns() {
            if !named.contains(&arn) && !theirs.contains(&arn) {
                self.clusters.forget(&arn);
                self.noted.remove(&arn);
                self.view.forget_cluster(&arn);
            }
        }
        self.cx.after(limits::CLUSTERS_MS, Timer::Clusters);
    }

    pub(super) fn note_once(&mut self, about: &Str, text: &str) {
        if self.noted.get(about).is_none_or(|noted| noted != text) {
            self.noted.insert(about.clone(), text.to_owned());
            self.cx.note(text.to_owned());
        }
    }

    /// A reading of a cluster failed. Nothing is believed to be gone for that.
    fn reading_failed(&mut self, cluster: &Str, failure: &Failure) {
        self.clusters.is_not_read(&mut self.cx, cluster);
        self.tally.readings_failed += 1;
        let text = format!("cannot read the cluster {cluster}: {failure}");
        self.note_once(cluster, &text);
    }

    fn answered_instances(
        &mut self,
        asked: Asked<Vec<Instance>>,
        result: Result<Vec<Instance>, Failure>,
    ) {
        let Some((cluster, asked_at)) = self.clusters.answered_instances(asked) else { return };
        match result {
            Err(failure) => self.reading_failed(&cluster, &failure),
            Ok(read) => {
                let (count, found) = self.read_instances(&cluster, asked_at, read);
                self.clusters.then_running(&mut self.cx, &cluster, count, found);
            }
        }
    }

    fn answered_tasks(&mut self, asked: Asked<Tasks>, result: Result<Tasks, Failure>) {
        match self.clusters.answered_tasks(asked) {
            None => {}
            Some(TasksFor::Running(cluster)) => match result {
                Err(failure) => self.reading_failed(&cluster, &failure),
                Ok(tasks) => self.read_running(&cluster, tasks),
            },
            Some(TasksFor::Stopped(cluster)) => match result {
                Err(failure) => self.reading_failed(&cluster, &failure),
                Ok(tasks) => self.read_stopped(&cluster, tasks),
            },
            Some(TasksFor::Hot(cluster)) => {
                if let Ok(tasks) = result {
                    self.read_tasks(tasks.found);
                    self.lose_tasks(&tasks.missing);
                }
                self.clusters.hot_is_read(&mut self.cx, &cluster);
            }
            Some(TasksFor::Settle(deployment)) => self.looked_for(&deployment, result),
        }
    }

    fn read_running(&mut self, cluster: &Str, tasks: Tasks) {
        let running = tasks.found.iter().map(|task| task.arn.clone()).collect();
        let found = self.read_tasks(tasks.found);
        let except = self.view.stopped_of(cluster);
        self.clusters.then_stopped(&mut self.cx, cluster, running, except, found);
    }

    fn read_stopped(&mut self, cluster: &Str, tasks: Tasks) {
        let mut named: BTreeSet<Str> = tasks.found.iter().map(|task| task.arn.clone()).collect();
        let count = named.len();
        let found = self.read_tasks(tasks.found);
        let over = self.clusters.is_read(&mut self.cx, cluster, count, found);
        let Some((running, asked_at, is_first)) = over else { return };
        named.extend(running);
        for gone in self.view.retain_tasks(cluster, &named, asked_at) {
            self.lose_task(&gone.record);
        }
        self.noted.remove(cluster);
        if is_first {
            self.is_ready(cluster);
        }
    }

    fn lose_tasks(&mut self, missing: &[Str]) {
        for arn in missing {
            if self.view.is_fresh(self.cx.now, arn) {
                continue;
            }
            if let Some(gone) = self.view.forget_task(arn) {
                self.lose_task(&gone.record);
            }
        }
    }

    /// A cluster was read for the first time. Where starts may have been under way when the program ended, slots without a task
    /// are in doubt.
    fn is_ready(&mut self, cluster: &str) {
        let now = self.cx.now;
        for name in self.environments.of_cluster(cluster) {
            let Some(environment) = self.environments.any_mut(&name) else { continue };
            let open = environment.deployments().filter(|one| one.is_open);
            let open: Vec<Str> = open.map(|one| one.id.clone()).collect();
            for deployment in open {
                for instance in environment.roster.instances() {
                    let doubted = deployment.clone();
                    environment.roster.change(&instance, |slot| slot.doubt(now, doubted));
                }
                self.settling.begin(&mut self.cx, &deployment);
            }
            self.marked.insert(name);
        }
    }

    fn looked_for(&mut self, deployment: &Str, result: Result<Tasks, Failure>) {
        let Some(asked_at) = self.settling.looked(&mut self.cx, deployment) else { return };
        let Ok(tasks) = result else { return };
        self.read_tasks(tasks.found);
        self.count_look(deployment, asked_at);
    }

    fn count_look(&mut self, deployment: &Str, asked_at: Timestamp) {
        let Some(name) = self.environments.owner(deployment).cloned() else { return };
        let Some(environment) = self.environments.any(&name) else { return };
        for instance in environment.roster.unsure(deployment) {
            self.change_slot(&name, &instance, |slot| slot.looked(asked_at));
        }
    }

    fn answered_stop(&mut self, asked: Asked<Task>, result: Result<Task, Failure>) {
        let Some((name, instance, task)) = self.stops.remove(&asked) else { return };
        match result {
            Ok(stopped) => {
                self.see_task(stopped, Via::Reading);
            }
            Err(failure) => {
                if let Failure::Refused { .. } = &failure {
                    self.cx.note(format!("cannot stop the task {task}: {failure}"));
                }
                self.cx.after(limits::RETRY_MS, Timer::Stop(name, instance, task));
            }
        }
    }

    fn answered_start(&mut self, asked: Asked<Starts>, result: Result<Starts, Failure>) {
        let Some(starting) = self.starts.remove(&asked) else { return };
        let Starting { deployment, .. } = &starting;
        match result {
            Ok(starts) => self.started(&starting, starts),
            Err(Failure::NotDone(_) | Failure::Throttled) => {
                let now = self.cx.now;
                self.each(&starting, |slot| slot.postpone(now));
            }
            Err(Failure::Refused { code, message }) => {
                let now = self.cx.now;
                let why: Str = format!("{code}: {message}").into();
                if starting.instances.len() > 1 {
                    // One of them may be to blame.
                    self.each(&starting, crate::roster::Slot::isolate);
                } else {
                    self.each(&starting, |slot| slot.fail(now, why.clone()));
                }
            }
            Err(Failure::Unsure(_)) => {
                let now = self.cx.now;
                self.tally.lost += 1;
                self.each(&starting, |slot| slot.lose(now));
                self.settling.begin(&mut self.cx, deployment);
            }
        }
        self.close_later(deployment);
    }

    /// Changes each slot of a start whose attempt it still is.
    fn each(&mut self, starting: &Starting, change: impl Fn(&mut crate::roster::Slot)) {
        for instance in &starting.instances {
            if self.attempt(&starting.environment, instance, &starting.deployment).is_some() {
                self.change_slot(&starting.environment, instance, &change);
            }
        }
    }

    fn started(&mut self, starting: &Starting, starts: Starts) {
        let (name, now) = (&starting.environment, self.cx.now);
        let mut open: BTreeSet<Str> = starting.instances.iter().cloned().collect();
        self.tally.started += starts.started.len() as u64;
        self.tally.not_started += starts.refused.len() as u64;
        for task in starts.started {
            let Some(instance) = task.instance_arn.clone() else { continue };
            let arn = task.arn.clone();
            self.see_task(task, Via::Reading);
            // A task that cannot be shown is looked for: one that is not seen would be started again.
            if self.view.task(&arn).is_some()
                && open.remove(&instance)
                && self.attempt(name, &instance, &starting.deployment).is_some()
            {
                self.change_slot(name, &instance, crate::roster::Slot::arrive);
            }
        }
        for refused in starts.refused {
            // Some answers name the instance by its id only.
            let is_it = |arn: &&Str| {
                **arn == refused.instance || arn.rsplit('/').next() == Some(&*refused.instance)
            };
            let Some(instance) = open.iter().find(is_it).cloned() else { continue };
            open.remove(&instance);
            if self.attempt(name, &instance, &starting.deployment).is_some() {
                self.change_slot(name, &instance, |slot| slot.fail(now, refused.reason.clone()));
            }
        }
        for instance in open {
            // Of this one nothing was said.
            self.change_slot(name, &instance, |slot| slot.lose(now));
            self.settling.begin(&mut self.cx, &starting.deployment);
        }
    }
}
