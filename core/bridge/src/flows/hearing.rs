//! What comes from the cluster, and who takes it.

use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_replica::{Answered, Instance, InstanceNews, News, Tasks};
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::TaskState;

use super::Parts;
use super::jobs::Job;
use crate::cluster::{Heard, Read};
use crate::context::Context;
use crate::frameworks::Answers;
use crate::ids::{AgentId, FrameworkId, LaunchId};

impl Parts {
    /// The cluster answered a question.
    pub(crate) fn answered(&mut self, cx: &mut Context<'_>, answered: Answered) {
        match answered {
            Answered::Instances(asked, result) => {
                for read in self.cluster.instances_answered(cx, asked, result) {
                    self.read(cx, read);
                }
            }
            Answered::Tasks(asked, result) => {
                if let Some(id) = self.launches.looked_for(asked) {
                    return self.looked_for(cx, &id, result);
                }
                let read = self.cluster.tasks_answered(cx, asked, result, &self.launches);
                if let Some(read) = read {
                    self.read(cx, read);
                }
            }
            Answered::Definition(asked, result) => {
                let news = self.launches.definition_answered(cx, asked, result);
                self.definition_news(cx, news);
            }
            Answered::Start(asked, result) => {
                if let Some(id) = self.launches.started(asked) {
                    self.started(cx, &id, result);
                }
            }
            Answered::Stop(asked, result) => {
                if let Some(id) = self.launches.stopped(asked) {
                    self.stopped(cx, &id, result);
                }
            }
        }
    }

    fn read(&mut self, cx: &mut Context<'_>, read: Read) {
        match read {
            // While events arrive, what happens to tasks is told by events of their own.
            Read::Instances(news) => self.instances(cx, news, !self.cluster.hears()),
            Read::Look(look) => self.begin(cx, Job::Look(look)),
            Read::Tasks(Tasks { found, missing }) => {
                for task in found {
                    self.observe(cx, task);
                }
                for arn in missing {
                    self.vanished(cx, &arn);
                }
            }
            Read::Fresh => self.allocates_soon(cx.now),
            Read::Recovered(tasks) => self.recovered(cx, tasks),
            Read::Strays(tasks) => self.strays(cx, tasks),
        }
    }

    /// Events arrive from now on.
    pub(crate) fn feed_up(&mut self, cx: &mut Context<'_>) {
        if self.cluster.feed_up(&self.launches) {
            // What was allocated of what is known now would be allocated of old news.
            self.wants_allocation(cx.now);
        }
    }

    /// They do not any more.
    pub(crate) fn feed_down(&mut self, cx: &mut Context<'_>, why: &str) {
        if self.cluster.feed_down(cx, why, &self.launches) {
            self.wants_allocation(cx.now);
        }
    }

    /// Takes in events.
    pub(crate) fn told(&mut self, cx: &mut Context<'_>, news: Vec<News>) {
        if !self.is_recovered() {
            // Recovery reads everything, and what it reads is no older than this.
            return;
        }
        if self.cluster.hears_again(&self.launches) {
            self.wants_allocation(cx.now);
        }
        for one in news {
            match self.cluster.hear(one, &self.launches) {
                Some(Heard::Instance(news, shown)) => {
                    if let Some((news, gap)) = news {
                        self.instances(cx, news, gap);
                    }
                    self.are_seen(cx.now, &shown);
                }
                Some(Heard::Task(task)) => {
                    let (arn, runs_on) = (task.arn.clone(), task.desired_running);
                    let ran = self.is_running(&arn);
                    self.observe(cx, *task);
                    if ran && runs_on && self.is_running(&arn) {
                        // Something changed that events do not tell: health.
                        self.cluster.is_stale(arn);
                    }
                }
                None => {}
            }
        }
    }

    fn is_running(&self, arn: &str) -> bool {
        let launch = self.launches.by_arn(arn).and_then(|id| self.launches.get(id));
        launch.is_some_and(|launch| launch.state() == TaskState::TaskRunning)
    }

    /// What these launches reserve shows in the figures of their instances.
    pub(super) fn are_seen(&mut self, now: Timestamp, launches: &[LaunchId]) {
        for id in launches {
            if self.launches.is_seen(id) && self.cluster.hears() {
                self.allocates_soon(now);
            }
        }
    }

    /// Takes in what was told of instances; whether tasks on those that changed are to be read.
    fn instances(&mut self, cx: &mut Context<'_>, news: InstanceNews, tasks: bool) {
        let mut agents = Vec::new();
        for arn in news.added.iter().chain(&news.changed) {
            let Some(instance) = self.cluster.instance(arn) else { continue };
            let agent = AgentId::from(instance.id());
            if tasks || !(instance.active && instance.connected) {
                self.cluster.is_stale_on(&agent, &self.launches);
            }
            agents.push(agent);
        }
        if !agents.is_empty() {
            self.begin(cx, Job::Agents(agents.into_iter()));
        }
        for gone in &news.removed {
            let agent = AgentId::from(gone.id());
            self.cluster.is_stale_on(&agent, &self.launches);
            self.cluster.instance_gone(&gone.arn);
            self.agent_gone(cx, &agent);
        }
        self.tell_gone(cx, &news.removed);
    }

    /// Agents are gone: every framework hears it. Source: \[E1\].
    fn tell_gone(&mut self, cx: &mut Context<'_>, gone: &[Instance]) {
        if gone.is_empty() {
            return;
        }
        let agents: Arc<[AgentId]> = gone.iter().map(|one| AgentId::from(one.id())).collect();
        self.operator.count("slave_removals", u32::try_from(agents.len()).unwrap_or(u32::MAX));
        let connected: Vec<FrameworkId> = self.frameworks.connected().cloned().collect();
        for framework in connected {
            self.answer(cx, &framework, Answers::Gone(agents.clone(), 0));
        }
    }

    /// ECS does not know a task any more that it once accepted.
    fn vanished(&mut self, cx: &mut Context<'_>, arn: &Str) {
        if let Some(id) = self.launches.by_arn(arn).cloned() {
            self.is_gone(cx, &id);
        }
    }
}
