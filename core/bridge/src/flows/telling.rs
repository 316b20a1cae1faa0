//! What frameworks are told: updates, answers, and their order.

use std::ops::Bound;

use longshore_machine::Timestamp;
use longshore_wire_mesos::v1::scheduler::call;
use longshore_wire_mesos::v1::{self, TaskState, TaskStatus};

use super::Parts;
use crate::agents::Agents;
use crate::cluster::Cluster;
use crate::context::Context;
use crate::events;
use crate::frameworks::{Answers, Source};
use crate::happening::Happening;
use crate::ids::{ExecutorId, FrameworkId, LaunchId, TaskId};
use crate::launches::{Launch, Launches};
use crate::limits;
use crate::machine::StreamKey;
use crate::updates::{self, Acknowledged, Updates, Whereabouts};
use crate::work::{Slice, Units};
use longshore_wire_mesos::is_terminal;

/// Makes what is sent on a stream from what is known now.
struct Known<'a, 'b> {
    cx: &'a mut Context<'b>,
    stream: StreamKey,
    is_aware: bool,
    /// Whether tasks may show up that are not known yet. Source: \[R4\].
    is_early: bool,
    /// What was asked too early.
    early: Vec<call::reconcile::Task>,
    launches: &'a Launches,
    updates: &'a mut Updates,
    cluster: &'a Cluster,
    agents: &'a Agents,
}

impl Known<'_, '_> {
    fn reconciled(&self, launch: &LaunchId) -> Option<TaskStatus> {
        let known = self.launches.get(launch)?;
        let forwarded = self.updates.forwarded(launch);
        let status = of_master(self.cx.now, known, TaskState::TaskStaging);
        Some(updates::reconciled(status, forwarded))
    }
}

impl Source for Known<'_, '_> {
    fn update(&mut self, launch: &LaunchId) -> Option<TaskStatus> {
        self.updates.front(self.cx, launch, self.stream)
    }

    fn about(
        &mut self,
        framework: &FrameworkId,
        asked: call::reconcile::Task,
    ) -> Option<TaskStatus> {
        if let Some(launch) = self.launches.of_task(framework, &asked.task_id.value) {
            return self.reconciled(launch.id());
        }
        let named = asked.agent_id.as_ref();
        let agent = whereabouts(self.cluster, self.agents, named);
        // On an agent that this master never heard of there is no task.
        let is_known = agent != Whereabouts::Unknown;
        let may_run = named.is_none_or(|named| is_known || self.agents.is_down(&named.value));
        if self.is_early && may_run {
            // Whoever is told that there is none starts it again.
            self.early.push(asked);
            return None;
        }
        Some(updates::unknown(self.cx.now, asked, self.is_aware, agent))
    }

    fn first_of(
        &mut self,
        framework: &FrameworkId,
        from: Bound<&TaskId>,
        to: &TaskId,
    ) -> Option<(TaskId, TaskStatus)> {
        let (task, launch) = self.launches.first_of(framework, from)?;
        if task > to {
            return None;
        }
        Some((task.clone(), self.reconciled(launch)?))
    }
}

/// What there is of the agent that a task is said to be on.
fn whereabouts(cluster: &Cluster, agents: &Agents, agent: Option<&v1::AgentId>) -> Whereabouts {
    let Some(agent) = agent.map(|agent| &*agent.value) else { return Whereabouts::Unknown };
    match agents.unreachable_since(agent) {
        _ if agents.is_gone(agent) => Whereabouts::Gone,
        Some(since) => Whereabouts::Unreachable(since),
        None if agents.is_down(agent) => Whereabouts::Unknown,
        None if cluster.instance_of(agent).is_some() => Whereabouts::Registered,
        None => Whereabouts::Unknown,
    }
}

impl Parts {
    /// Sends what there is room for on a stream.
    fn pump(&mut self, cx: &mut Context<'_>, stream: StreamKey) {
        let is_early = self.frameworks.on(stream).is_some_and(|one| self.is_too_early(one));
        let Self { frameworks, launches, updates, cluster, agents, deferred, .. } = self;
        let is_aware = frameworks.on(stream).is_some_and(|one| frameworks.is_aware(one));
        loop {
            let early = Vec::new();
            let mut known =
                Known { cx, stream, is_aware, is_early, early, launches, updates, cluster, agents };
            let event = frameworks.next(stream, &mut known);
            let early = known.early;
            if !early.is_empty()
                && let Some(framework) = frameworks.on(stream)
            {
                deferred.keep(framework, early);
            }
            let Some(event) = event else { break };
            cx.send(stream, event);
            if frameworks.marks(stream) {
                cx.mark(stream);
            }
        }
        if !self.frameworks.is_full(stream) {
            self.jobs.resume(stream);
        }
    }

    /// The reader of a stream has come to the last mark.
    pub(crate) fn reached(&mut self, cx: &mut Context<'_>, stream: StreamKey) {
        self.frameworks.reached(cx, stream);
        self.pump(cx, stream);
    }

    /// Sends answers to a framework; nobody hears them if it is not there.
    pub(super) fn answer(&mut self, cx: &mut Context<'_>, framework: &str, answers: Answers) {
        if let Some(stream) = self.frameworks.push(framework, answers) {
            self.pump(cx, stream);
        }
    }

    /// Sends an update that nobody acknowledges and nobody repeats. Source: \[T7\].
    pub(super) fn send_once(
        &mut self,
        cx: &mut Context<'_>,
        framework: &str,
        mut status: TaskStatus,
    ) {
        status.uuid = None;
        self.answer(cx, framework, Answers::once(events::update(status)));
    }

    /// Answers for each task that is asked about, or for all live ones if none is named. `bytes` is the size of the question.
    pub(super) fn reconcile(
        &mut self,
        cx: &mut Context<'_>,
        framework: &FrameworkId,
        tasks: Vec<call::reconcile::Task>,
        bytes: usize,
    ) {
        let answers = if tasks.is_empty() {
            let Some(last) = self.launches.last_of(framework) else { return };
            Answers::All(Bound::Unbounded, last.clone())
        } else {
            Answers::Named(tasks.into_iter(), bytes)
        };
        self.answer(cx, framework, answers);
    }

    /// Answers for one task that is not known.
    pub(super) fn answer_unknown(
        &mut self,
        cx: &mut Context<'_>,
        framework: &str,
        task_id: v1::TaskId,
        agent_id: Option<v1::AgentId>,
    ) {
        if self.is_too_early(framework) {
            return;
        }
        let agent = whereabouts(&self.cluster, &self.agents, agent_id.as_ref());
        let asked = call::reconcile::Task { task_id, agent_id };
        let is_aware = self.frameworks.is_aware(framework);
        let status = updates::unknown(cx.now, asked, is_aware, agent);
        self.send_once(cx, framework, status);
    }

    /// Whether a task of a framework that is not known may be one that the last master launched. A framework whose id this
    /// master made has none from there. Source: \[R4\].
    fn is_too_early(&self, framework: &str) -> bool {
        self.cluster.may_show_more() && !framework.starts_with(&self.master_id)
    }

    /// Queues an update that needs an acknowledgement, and sends it if none is out.
    pub(super) fn update(&mut self, cx: &mut Context<'_>, id: &LaunchId, mut status: TaskStatus) {
        let Some(launch) = self.launches.get(id) else { return };
        let (framework, task) = (launch.framework().clone(), launch.task().clone());
        let is_disowned = launch.is_disowned();
        let has_changed = self.launches.became(id, status.state());
        if is_disowned || self.frameworks.get(&framework).is_none() {
            // Nobody will ever acknowledge it.
            if is_terminal(status.state()) {
                self.finish(id, None);
            }
            return;
        }
        self.tell_checks(id, &mut status);
        if let Some(note) = self.launches.take_note(id) {
            let text = match status.message.take() {
                Some(text) => format!("{text}; {note}"),
                None => note,
            };
            status.message = Some(text);
        }
        if has_changed {
            cx.happened(Happening::Became {
                framework: framework.text().clone(),
                task: task.to_string(),
                state: status.state(),
                why: status.message.clone(),
            });
        }
        self.show_status(&framework, &task, &status);
        if self.updates.push(cx, id, status) {
            self.send_front(cx, id, limits::UPDATE_RETRY_MS_MIN);
        }
    }

    /// Sees to it that the first update of a launch is sent, and repeated after so long. While its agent is unreachable nothing is: as with
    /// an agent of Mesos that keeps it until it is back.
    pub(super) fn send_front(&mut self, cx: &mut Context<'_>, id: &LaunchId, repeat_ms: u64) {
        let launch = self.launches.get(id).filter(|launch| !launch.is_away());
        let Some(launch) = launch else { return };
        let Some(stream) = self.frameworks.stream_of(launch.framework()) else { return };
        if self.updates.wants(id, stream, repeat_ms) {
            self.frameworks.push_update(stream, id.clone());
            self.pump(cx, stream);
        }
    }

    /// Repeats the update that is out, if its time has come and nobody acknowledged it.
    pub(super) fn repeat(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        if let Some(next) = self.updates.repeats(cx, id) {
            self.send_front(cx, id, next);
        }
    }

    pub(super) fn acknowledge(
        &mut self,
        cx: &mut Context<'_>,
        framework: &str,
        acknowledge: &call::Acknowledge,
    ) {
        let launch = self.launches.of_task(framework, &acknowledge.task_id.value);
        // Source: \[C35\]: it goes to the agent that it names, and no other has the update.
        let launch = launch.filter(|launch| **launch.agent() == *acknowledge.agent_id.value);
        let Some(id) = launch.map(|launch| launch.id().clone()) else { return };
        match self.updates.acknowledge(&id, &acknowledge.uuid) {
            Acknowledged::Ignored => {}
            Acknowledged::Goes => self.send_front(cx, &id, limits::UPDATE_RETRY_MS_MIN),
            Acknowledged::Ends => self.finish(&id, None),
        }
    }

    /// Moves a task from the live ones to the completed ones, and forgets its launch. `last` is a status that nobody has to
    /// acknowledge.
    pub(super) fn finish(&mut self, id: &LaunchId, last: Option<&TaskStatus>) {
        let Some(launch) = self.launches.get(id) else { return };
        let (framework, task) = (launch.framework().clone(), launch.task().clone());
        let is_shown = !launch.is_disowned();
        if launch.is_executor() {
            let (agent, executor) = (launch.agent().clone(), launch.executor_id().cloned());
            let executor = executor.unwrap_or_else(|| ExecutorId::from(&**launch.task()));
            // Another of its id may be there already.
            let last = self.launches.executor(&framework, &agent, &executor);
            if last.is_some_and(|last| last.id() == id) {
                self.operator.remove_executor(&framework, &agent, &executor);
            }
        } else if let Some(last) = last {
            self.show_status(&framework, &task, last);
            self.launches.became(id, last.state());
        }
        if is_shown && !self.launches.get(id).is_some_and(Launch::is_executor) {
            self.operator.end_task(&framework, &task);
        }
        let retired = self.launches.retire(id);
        self.updates.forget(id);
        self.checks.forget(id);
        if let Some(arn) = retired.as_ref().and_then(|launch| launch.arn()) {
            self.cluster.forget_task(arn);
        }
    }

    /// A framework came back: what it has not acknowledged is sent again.
    pub(super) fn resend(&mut self, cx: &mut Context<'_>, framework: FrameworkId) {
        let resending = Resending { framework, after: None };
        self.begin(cx, super::jobs::Job::Resend(Box::new(resending)));
    }
}

/// A status of a launch, without uuid. Source: \[T20\].
pub(super) fn status(now: Timestamp, launch: &Launch, state: TaskState) -> TaskStatus {
    updates::make(now, launch.task(), launch.executor_id(), launch.agent(), state)
}

/// The same as the master itself tells it.
pub(super) fn of_master(now: Timestamp, launch: &Launch, state: TaskState) -> TaskStatus {
    updates::of_master(now, launch.task(), launch.executor_id(), launch.agent(), state)
}

/// The updates of a framework, sent again task by task.
#[derive(Debug)]
pub(super) struct Resending {
    framework: FrameworkId,
    /// The last task that was looked at.
    after: Option<TaskId>,
}

impl Resending {
    /// The next slice.
    pub(super) fn go_on(
        &mut self,
        parts: &mut Parts,
        cx: &mut Context<'_>,
        units: &mut Units,
    ) -> Slice {
        while units.take(1) {
            let from = self.after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
            let next = parts.launches.first_of(&self.framework, from);
            let Some((task, id)) = next.map(|(task, id)| (task.clone(), id.clone())) else {
                return Slice::Done;
            };
            let stream = parts.frameworks.stream_of(&self.framework);
            if !parts.updates.was_sent(&id, stream) {
                parts.send_front(cx, &id, limits::UPDATE_RETRY_MS_MIN);
            }
            self.after = Some(task);
        }
        Slice::Open
    }
}
