//! What comes from the cluster, and who takes it.

use longshore_machine::Timestamp;
use longshore_replica::{Answered, InstanceNews, News, Tasks};
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::TaskState;

use super::Parts;
use super::jobs::Job;
use crate::cluster::{Heard, Read, STANDING_ATTRIBUTE};
use crate::context::Context;
use crate::ids::{AgentId, LaunchId};
use crate::machine::Response;

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
            Answered::Change(asked, result) => {
                if let Some(decreed) = self.agents.decisions.answered(cx, asked, result) {
                    self.decreed(cx, decreed);
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

    /// What these launches reserve shows in the figures of their instances. Until now it was taken off what is free twice if the
    /// figures showed it already, so that there may be more to offer.
    pub(super) fn are_seen(&mut self, now: Timestamp, launches: &[LaunchId]) {
        for id in launches {
            if self.launches.is_seen(id) {
                self.allocates_soon(now);
            }
        }
    }

    /// Takes in what was told of instances; whether tasks on those that changed are to be read.
    pub(super) fn instances(&mut self, cx: &mut Context<'_>, news: InstanceNews, tasks: bool) {
        let mut agents = Vec::new();
        for arn in news.added.iter().chain(&news.changed) {
            let Some(instance) = self.cluster.instance(arn) else { continue };
            let agent = AgentId::from(instance.id());
            let standing = instance.attribute(STANDING_ATTRIBUTE).cloned();
            if tasks || !(instance.active && instance.connected) {
                self.cluster.is_stale_on(&agent, &self.launches);
            }
            self.decision_seen(cx, &agent, standing.as_deref());
            agents.push(agent);
        }
        if !agents.is_empty() {
            self.begin(cx, Job::Agents(agents.into_iter()));
        }
        let mut gone = Vec::new();
        for removed in &news.removed {
            let agent = AgentId::from(removed.id());
            // The others on its machine have more of the ports now.
            self.tempo.look_at(self.cluster.on_machine_of(removed));
            self.cluster.is_stale_on(&agent, &self.launches);
            self.cluster.instance_gone(&removed.arn);
            if self.agents.is_there(&agent) {
                self.operator.count("slave_removals", 1);
                gone.push(agent.clone());
            }
            self.removed(cx, &agent);
        }
        self.tell_gone(cx, gone);
    }

    /// An instance is not there any more.
    fn removed(&mut self, cx: &mut Context<'_>, agent: &AgentId) {
        self.agent_gone(cx, agent);
        self.agents.forget(agent);
        self.maintenance.forget(agent);
        let waits = self.agents.decisions.drop_of(agent).and_then(|decision| decision.call);
        if let Some(call) = waits {
            let why = "Agent removed while processing the call".to_owned();
            cx.respond(call, Response::Refused(409, why));
        }
    }

    /// ECS does not know a task any more that it once accepted.
    fn vanished(&mut self, cx: &mut Context<'_>, arn: &Str) {
        if let Some(id) = self.launches.by_arn(arn).cloned() {
            self.is_gone(cx, &id);
        }
    }
}
