//! What frameworks are told: updates, answers, and their order.

use std::ops::Bound;

use longshore_machine::Timestamp;
use longshore_wire_mesos::v1::scheduler::call;
use longshore_wire_mesos::v1::{self, TaskStatus};

use super::Parts;
use crate::cluster::Cluster;
use crate::context::Context;
use crate::events;
use crate::frameworks::{Answers, Source};
use crate::happening::Happening;
use crate::ids::{FrameworkId, LaunchId, TaskId};
use crate::launches::Launches;
use crate::limits;
use crate::machine::StreamKey;
use crate::states::is_terminal;
use crate::updates::{self, Acknowledged, Updates};
use crate::work::{Slice, Units};

/// Makes what is sent on a stream from what is known now.
struct Known<'a, 'b> {
    cx: &'a mut Context<'b>,
    stream: StreamKey,
    is_aware: bool,
    /// Whether tasks may show up that are not known yet. Source: \[R4\].
    is_early: bool,
    launches: &'a Launches,
    updates: &'a mut Updates,
    cluster: &'a Cluster,
}

impl Known<'_, '_> {
    fn reconciled(&self, launch: &LaunchId) -> Option<TaskStatus> {
        let known = self.launches.get(launch)?;
        let forwarded = self.updates.forwarded(launch);
        Some(updates::reconciled(self.cx.now, known.task(), known.agent(), forwarded))
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
        match self.launches.of_task(framework, &asked.task_id.value) {
            Some(launch) => self.reconciled(launch.id()),
            // Whoever is told that there is none starts it again.
            None if self.is_early => None,
            None => Some(about_unknown(self.cx.now, self.cluster, self.is_aware, asked)),
        }
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

fn about_unknown(
    now: Timestamp,
    cluster: &Cluster,
    is_aware: bool,
    asked: call::reconcile::Task,
) -> TaskStatus {
    let agent = asked.agent_id.as_ref();
    let is_known = agent.is_some_and(|agent| cluster.instance_of(&agent.value).is_some());
    updates::unknown(now, asked, is_aware, is_known)
}

impl Parts {
    /// Sends what there is room for on a stream.
    fn pump(&mut self, cx: &mut Context<'_>, stream: StreamKey) {
        let is_early = self.frameworks.on(stream).is_some_and(|one| self.is_too_early(one));
        let Self { frameworks, launches, updates, cluster, .. } = self;
        let is_aware = frameworks.on(stream).is_some_and(|one| frameworks.is_aware(one));
        loop {
            let mut known = Known { cx, stream, is_aware, is_early, launches, updates, cluster };
            let Some(event) = frameworks.next(stream, &mut known) else { break };
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
        let asked = call::reconcile::Task { task_id, agent_id };
        let is_aware = self.frameworks.is_aware(framework);
        let status = about_unknown(cx.now, &self.cluster, is_aware, asked);
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
        let has_changed = self.launches.became(id, status.state());
        if self.frameworks.get(&framework).is_none() {
            // Nobody will ever acknowledge it.
            if is_terminal(status.state()) {
                self.finish(id, None);
            }
            return;
        }
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

    /// Sees to it that the first update of a launch is sent, and repeated after so long.
    fn send_front(&mut self, cx: &mut Context<'_>, id: &LaunchId, repeat_ms: u64) {
        let Some(launch) = self.launches.get(id) else { return };
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
        if let Some(last) = last {
            self.show_status(&framework, &task, last);
            self.launches.became(id, last.state());
        }
        self.operator.end_task(&framework, &task);
        let retired = self.launches.retire(id);
        self.updates.forget(id);
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
