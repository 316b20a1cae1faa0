//! What events and readings tell, and what follows from it for slots.

use std::collections::BTreeSet;
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_replica::{Instance, LastStatus, News, Task};
use longshore_wire_ecs::Str;

use crate::agenda::Timer;
use crate::limits;
use crate::machine::{Daemon, Output};
use crate::view::{Entity, Happened, Via};

impl Daemon {
    /// Takes in events.
    pub(crate) fn hear(&mut self, news: Vec<News>) {
        for one in news {
            let cluster = match &one {
                News::Task(task) => task.detail.as_ref().map(|detail| &detail.cluster_arn),
                News::Instance(instance, _) => {
                    instance.detail.as_ref().map(|detail| &detail.cluster_arn)
                }
            };
            let Some(cluster) = cluster.cloned() else { continue };
            let is_new = self.config.watches_all && self.clusters.watch(&mut self.cx, &cluster);
            if !is_new && !self.clusters.is_watched(&cluster) {
                continue;
            }
            match one {
                News::Task(task) => self.see_task(task, Via::Event),
                News::Instance(instance, _) => self.see_instance(instance, Via::Event),
            };
        }
    }

    /// Events do not arrive any more.
    pub(crate) fn feed_down(&mut self, why: &str) {
        self.clusters.hears(&mut self.cx, false);
        self.cx.note(format!("cannot receive events, so clusters are polled: {why}"));
    }

    /// Takes in a task; whether it is news.
    pub(super) fn see_task(&mut self, task: Task, via: Via) -> bool {
        let Some(merged) = self.view.merge_task(self.cx.now, task, via) else { return false };
        let task = &merged.after.record;
        self.cx.push(Output::Happened(Happened::Task(merged.after.clone())));
        if task.last_status == LastStatus::Stopped {
            self.cx.after(limits::STOPPED_KEPT_MS, Timer::Forget(task.arn.clone()));
        }
        let owner = task.started_by.as_ref().and_then(|by| self.environments.owner(by)).cloned();
        let Some(name) = owner else { return true };
        let Some(environment) = self.environments.any_mut(&name) else { return true };
        environment.roster.saw(self.cx.now, task, merged.before.is_none());
        let is_steady = task.last_status == LastStatus::Running && task.desired_running;
        let is_hot = !is_steady && task.last_status != LastStatus::Stopped;
        let cluster = environment.settings.cluster.clone();
        self.clusters.is_hot(&mut self.cx, &cluster, &task.arn, is_hot);
        self.marked.insert(name);
        true
    }

    /// Takes in an instance; whether it is news.
    pub(super) fn see_instance(&mut self, instance: Instance, via: Via) -> bool {
        let Some(merged) = self.view.merge_instance(self.cx.now, instance, via) else {
            return false;
        };
        self.cx.push(Output::Happened(Happened::Instance(merged.after.clone())));
        let Some(detail) = merged.after.record.detail.clone() else { return true };
        for name in self.environments.of_cluster(&detail.cluster_arn) {
            self.place(&name, &merged.after.record);
        }
        true
    }

    /// An instance is like this, for an environment.
    fn place(&mut self, name: &Str, instance: &Instance) {
        let now = self.cx.now;
        let Some(environment) = self.environments.any_mut(name) else { return };
        let member = environment.settings.takes(instance);
        let roster = &mut environment.roster;
        let is_news = match roster.slot(&instance.arn) {
            Some(slot) => slot.would_change(member, instance.connected),
            None => member,
        };
        if is_news {
            roster.change(&instance.arn, |slot| slot.place(now, member, instance.connected));
            self.marked.insert(name.clone());
        }
    }

    /// The group of an environment may be another one: all instances of its cluster are placed.
    pub(super) fn place_all(&mut self, name: &Str) {
        let Some(environment) = self.environments.any(name) else { return };
        let cluster = environment.settings.cluster.clone();
        let known = environment.roster.instances().into_iter();
        let gone: Vec<Str> = known.filter(|arn| self.view.instance(arn).is_none()).collect();
        let there: Vec<Arc<Entity<Instance>>> = self.view.instances_of(&cluster).cloned().collect();
        for entity in &there {
            self.place(name, &entity.record);
        }
        for arn in &gone {
            self.change_slot(name, arn, |slot| slot.place(Timestamp::default(), false, false));
        }
        self.marked.insert(name.clone());
    }

    /// A reading did not show an instance: it is gone.
    pub(super) fn lose_instance(&mut self, cluster: &str, instance: &Instance) {
        for name in self.environments.of_cluster(cluster) {
            let environment = self.environments.any(&name);
            if environment.is_some_and(|one| one.roster.slot(&instance.arn).is_some()) {
                let now = self.cx.now;
                self.change_slot(&name, &instance.arn, |slot| slot.place(now, false, false));
            }
        }
    }

    /// ECS does not know a task any more.
    pub(super) fn lose_task(&mut self, task: &Task) {
        if let Some(detail) = &task.detail {
            self.clusters.is_hot(&mut self.cx, &detail.cluster_arn, &task.arn, false);
        }
        let owner = task.started_by.as_ref().and_then(|by| self.environments.owner(by)).cloned();
        if let (Some(name), Some(instance)) = (owner, &task.instance_arn) {
            self.change_slot(&name, instance, |slot| slot.vanished(&task.arn));
        }
    }

    /// Takes in all instances of a cluster; how many there are, and whether something was news.
    pub(super) fn read_instances(
        &mut self,
        cluster: &Str,
        asked_at: Timestamp,
        read: Vec<Instance>,
    ) -> (usize, bool) {
        let named: BTreeSet<Str> = read.iter().map(|one| one.arn.clone()).collect();
        let mut is_news = false;
        for instance in read {
            is_news |= self.see_instance(instance, Via::Reading);
        }
        for gone in self.view.retain_instances(cluster, &named, asked_at) {
            is_news = true;
            self.lose_instance(cluster, &gone.record);
        }
        (named.len(), is_news)
    }

    /// Takes in tasks; whether something was news.
    pub(super) fn read_tasks(&mut self, read: Vec<Task>) -> bool {
        let mut is_news = false;
        for task in read {
            is_news |= self.see_task(task, Via::Reading);
        }
        is_news
    }
}
