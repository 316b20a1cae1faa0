//! Agents that leave: unreachable ones, which may come back with their tasks, and those that are marked gone. Source: \[T32\], \[E1\],
//! \[C41\].

use std::sync::Arc;

use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::{TaskState, TaskStatus};

use super::Parts;
use super::jobs::{Fate, Job};
use super::observing::ecs_health;
use super::telling::of_master;
use crate::context::Context;
use crate::frameworks::Answers;
use crate::ids::{AgentId, FrameworkId, LaunchId};
use crate::launches::{Launch, Phase, Why};
use crate::limits;
use crate::updates;

impl Parts {
    /// An agent that went away may be unreachable by now.
    pub(super) fn away_for_long(&mut self, cx: &mut Context<'_>, agent: &AgentId) {
        let instance = self.cluster.instance_of(agent);
        if instance.is_none_or(|instance| instance.connected) {
            return;
        }
        if !self.agents.is_overdue(cx.now, agent, self.config.agent_away_ms) {
            return;
        }
        if self.agents.is_down(agent) {
            // Frameworks heard that it is gone when its machine was taken down.
            return;
        }
        self.operator.count("slave_unreachable_scheduled", 1);
        self.operator.count("slave_unreachable_completed", 1);
        self.operator.count("slave_removals", 1);
        self.operator.count("slave_removals/reason_unhealthy", 1);
        self.agent_gone(cx, agent);
        let launches = self.heads_on(agent, |_| true);
        self.begin(cx, Job::Befall(Fate::Leaves, launches.into_iter(), Some(agent.clone())));
    }

    /// An agent is back: what it has is live again.
    pub(super) fn is_back(&mut self, cx: &mut Context<'_>, agent: &AgentId) {
        self.operator.count("slave_reregistrations", 1);
        self.cluster.is_stale_on(agent, &self.launches);
        let launches = self.heads_on(agent, Launch::is_away);
        self.begin(cx, Job::Befall(Fate::Returns, launches.into_iter(), None));
    }

    /// An operator has marked an agent gone, and ECS knows.
    pub(super) fn marked_gone(&mut self, cx: &mut Context<'_>, agent: &AgentId) {
        let was_there = self.agents.is_there(agent);
        self.agents.stands(agent, Some(crate::agents::Standing::Gone));
        self.agent_gone(cx, agent);
        self.maintenance.forget(agent);
        self.operator.mark_gone(agent);
        if was_there {
            self.operator.count("slave_removals", 1);
        }
        let lost = was_there.then(|| agent.clone());
        let launches = self.heads_on(agent, |_| true);
        self.begin(cx, Job::Befall(Fate::IsGone, launches.into_iter(), lost));
    }

    /// The launches on an agent that have an ECS task or are to have one. What becomes of one becomes of the whole group, if it is one.
    pub(super) fn heads_on(
        &self,
        agent: &AgentId,
        which: impl Fn(&Launch) -> bool,
    ) -> Vec<LaunchId> {
        let heads = self.launches.on(agent).filter(|launch| launch.container().is_none());
        let on = heads.filter(|launch| which(launch));
        on.map(|launch| launch.id().clone()).collect()
    }

    /// Agents are gone or out of reach: every framework hears it. Source: \[E1\].
    pub(super) fn tell_gone(&mut self, cx: &mut Context<'_>, gone: Vec<AgentId>) {
        if gone.is_empty() {
            return;
        }
        let agents: Arc<[AgentId]> = gone.into();
        let connected: Vec<FrameworkId> = self.frameworks.connected().cloned().collect();
        for framework in connected {
            self.answer(cx, &framework, Answers::Gone(agents.clone(), 0));
        }
    }

    /// The agent of a launch is unreachable, and of all tasks of its group.
    pub(super) fn leave(&mut self, cx: &mut Context<'_>, head: &LaunchId) {
        let Some(agent) = self.launches.get(head).map(|launch| launch.agent().clone()) else {
            return;
        };
        let Some(since) = self.agents.unreachable_since(&agent) else { return };
        let time = Some(updates::unreachable_time(since));
        let aware = (TaskState::TaskUnreachable, Reason::AgentRemoved);
        let text = "Agent became unreachable: health check timed out";
        for id in self.launches.tasks_of(head) {
            if !self.launches.leaves(&id) {
                continue;
            }
            let Some(launch) = self.launches.get(&id) else { continue };
            let status = self.removed_by_master(cx, launch, aware, text);
            self.tell_once(cx, &id, TaskStatus { unreachable_time: time, ..status });
        }
        // Its executor is where they are.
        self.launches.leaves(head);
    }

    /// The agent of a launch is back: its tasks are as they were last known to be, until ECS says otherwise. Source: Mesos,
    /// `reregisterSlave`.
    pub(super) fn come_back(&mut self, cx: &mut Context<'_>, head: &LaunchId) {
        let agent = self.launches.get(head).map(|launch| launch.agent().clone());
        if agent.is_none_or(|agent| self.agents.is_unreachable(&agent)) {
            return;
        }
        for id in self.launches.tasks_of(head) {
            if !self.launches.returns(&id) {
                continue;
            }
            let Some(launch) = self.launches.get(&id) else { continue };
            let arn = self.launches.get(head).and_then(Launch::arn);
            let task = arn.and_then(|arn| self.cluster.task(arn));
            let mut status = TaskStatus {
                reason: Some(Reason::AgentReregistered.into()),
                message: Some("Unreachable agent re-reregistered".to_owned()),
                container_status: task.map(|task| self.container_status(launch, task)),
                healthy: task.and_then(|task| ecs_health(launch, task)),
                ..of_master(cx.now, launch, launch.state())
            };
            self.tell_checks(&id, &mut status);
            self.tell_once(cx, &id, status);
            self.send_front(cx, &id, limits::UPDATE_RETRY_MS_MIN);
        }
        self.launches.returns(head);
        // What ECS told of it meanwhile is known, and was not looked at.
        let arn = self.launches.get(head).and_then(Launch::arn);
        if let Some(task) = arn.and_then(|arn| self.cluster.task(arn)).cloned() {
            self.take_in(cx, head.clone(), task);
        }
        self.starting(cx, head);
    }

    /// ECS tells how a task ended, wherever its agent is. What was not acknowledged before that is sent again first.
    pub(super) fn is_heard_of(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        if self.launches.returns(id) {
            self.send_front(cx, id, limits::UPDATE_RETRY_MS_MIN);
        }
    }

    /// The agent of a launch is marked gone: its framework is told that the task is over, and ECS is to end it.
    pub(super) fn lose(&mut self, cx: &mut Context<'_>, head: &LaunchId) {
        let aware = (TaskState::TaskGoneByOperator, Reason::AgentRemovedByOperator);
        let text = "Agent has been marked gone";
        self.disown(cx, head, |parts, cx, launch| parts.removed_by_master(cx, launch, aware, text));
    }

    /// Frameworks are told that what an ECS task runs is over, whatever ECS has of it, and ECS is to end it. That its executor is over is
    /// not said: it went with its agent, of which they hear \[E1\].
    pub(super) fn disown(
        &mut self,
        cx: &mut Context<'_>,
        head: &LaunchId,
        status: impl Fn(&Self, &Context<'_>, &Launch) -> TaskStatus,
    ) {
        let launch = self.launches.get(head).filter(|one| one.holds() && !one.is_disowned());
        let Some(launch) = launch else { return };
        if let Some(executor) = launch.executor_id().filter(|_| launch.is_executor()) {
            self.operator.remove_executor(launch.framework(), launch.agent(), executor);
        }
        for id in self.launches.tasks_of(head) {
            let Some(launch) = self.launches.get(&id) else { continue };
            let (framework, task) = (launch.framework().clone(), launch.task().clone());
            let status = status(self, cx, launch);
            self.tell_once(cx, &id, status);
            self.operator.end_task(&framework, &task);
            self.updates.forget(&id);
            self.launches.disown(&id);
        }
        self.launches.disown(head);
        match self.launches.end(head, Why::Drained) {
            Some(Phase::Known) => self.launches.stop(cx, head),
            Some(Phase::Preparing) => self.over_unheard(cx, head),
            Some(Phase::Starting | Phase::Unsure(_) | Phase::Over) | None => {}
        }
    }

    /// What the master says of a task whose agent it removes: to those that know nothing but lost tasks, that it is lost. Source: \[C41\].
    fn removed_by_master(
        &self,
        cx: &Context<'_>,
        launch: &Launch,
        (state, reason): (TaskState, Reason),
        text: &str,
    ) -> TaskStatus {
        let (state, reason) = if self.frameworks.is_aware(launch.framework()) {
            (state, reason)
        } else {
            (TaskState::TaskLost, Reason::AgentRemoved)
        };
        TaskStatus {
            reason: Some(reason.into()),
            message: Some(text.to_owned()),
            ..of_master(cx.now, launch, state)
        }
    }

    /// Tells a framework something that it need not acknowledge, and operators the same.
    fn tell_once(&mut self, cx: &mut Context<'_>, id: &LaunchId, status: TaskStatus) {
        let Some(launch) = self.launches.get(id) else { return };
        let (framework, task) = (launch.framework().clone(), launch.task().clone());
        self.show_status(&framework, &task, &status);
        self.send_once(cx, &framework, status);
    }

    /// Why a launch must not be started on its agent any more.
    pub(super) fn barred(&self, launch: &Launch) -> Option<(Reason, &'static str)> {
        let agent = launch.agent();
        if !self.agents.is_there(agent) {
            return Some((Reason::AgentRemoved, "The agent has left meanwhile"));
        }
        let draining = self.agents.drain(agent).is_some();
        draining.then_some((Reason::AgentDraining, "The agent is being drained"))
    }

    /// Kills what an ECS task runs on an agent that is being drained.
    pub(super) fn drain_one(&mut self, cx: &mut Context<'_>, head: &LaunchId) {
        let phase = self.launches.end(head, Why::Drained);
        self.carry_out_end(cx, head, phase);
    }
}
