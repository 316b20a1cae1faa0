//! From an accepted task to one that ECS has, or to an update that says why not.

use longshore_replica::{Failure, Outcome, Task, Tasks};
use longshore_wire_mesos::v1::scheduler::call;
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{TaskState, TaskStatus};

use super::Parts;
use super::jobs::Job;
use super::telling::{of_master, status};
use crate::agenda::Timer;
use crate::context::Context;
use crate::happening::Happening;
use crate::ids::{FrameworkId, LaunchId};
use crate::launches::{DefinitionNews, Launch, Phase, Resolved, Why};
use crate::limits;

impl Parts {
    /// Looks up the definition, then starts.
    pub(super) fn prepare(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        let launch = self.launches.get(id).filter(|launch| launch.phase() == Phase::Preparing);
        let Some(launch) = launch else { return };
        if launch.is_killed() {
            return self.killed_before_start(cx, id);
        }
        if self.frameworks.get(launch.framework()).is_none() {
            // It was removed, and its launches are being ended one after another.
            return self.abandon(cx, id);
        }
        if let Some((reason, why)) = self.barred(launch) {
            return self.dropped(cx, id, reason, why);
        }
        let Some(Resolved::Found(found)) = self.launches.resolve(cx, id) else { return };
        let refused = self.launches.refused_with(id, &found.arn);
        let started = refused.map_or_else(|| self.launches.start(cx, id, &found), Err);
        if let Err(why) = started {
            self.refuse(cx, id, &why);
        }
    }

    /// What came of a look for a task definition.
    pub(super) fn definition_news(&mut self, cx: &mut Context<'_>, news: DefinitionNews) {
        match news {
            DefinitionNews::GoOn(launches) => {
                self.begin(cx, Job::Prepare(launches.into_iter()));
            }
            DefinitionNews::Refuse(launches, why) => {
                self.begin(cx, Job::Refuse(launches.into_iter(), why));
            }
            DefinitionNews::Unnamed(launches) => {
                self.begin(cx, Job::Unname(launches.into_iter()));
            }
            DefinitionNews::Nothing => {}
        }
    }

    /// Looks again for what the cluster did not say.
    pub(super) fn look_for_definitions(&mut self, cx: &mut Context<'_>) {
        let late = self.launches.take_late();
        self.begin(cx, Job::Prepare(late.into_iter()));
    }

    /// There is no definition of the name that a launch waited for.
    pub(super) fn unname(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        match self.launches.unname(id) {
            Ok(()) => self.prepare(cx, id),
            Err(why) => self.refuse(cx, id, &why),
        }
    }

    /// What came of `StartTask`.
    pub(super) fn started(
        &mut self,
        cx: &mut Context<'_>,
        id: &LaunchId,
        result: Result<Outcome, Failure>,
    ) {
        // An event or a reading may have told of the task before the reply came: then the reply is no news.
        let is_starting = |launch: &Launch| launch.phase() == Phase::Starting;
        if !self.launches.get(id).is_some_and(is_starting) {
            return;
        }
        match result {
            Ok(Outcome::Started(task)) => self.known(cx, id, *task),
            Ok(Outcome::NotStarted { reason, detail }) => {
                self.not_started(cx, id, &reason, detail.as_deref());
            }
            // Nothing was done: the same launch may be asked for again.
            Err(Failure::Throttled) => self.launches.starts_again(cx, id),
            Err(failure @ Failure::NotDone(_)) => {
                cx.note(format!("cannot start tasks yet, will retry: {failure}"));
                self.launches.starts_again(cx, id);
            }
            Err(Failure::Refused { code, message }) => {
                let why = format!("{code}: {message}");
                if self.launches.doubt_definition(id, &why) {
                    self.prepare(cx, id);
                } else {
                    self.refuse(cx, id, &why);
                }
            }
            Err(Failure::Unsure(why)) => {
                cx.note(format!("the reply to a launch was lost, looking for its task: {why}"));
                self.launches.is_unsure(cx, id, 0);
            }
        }
    }

    /// ECS has the task.
    pub(super) fn known(&mut self, cx: &mut Context<'_>, id: &LaunchId, task: Task) {
        let readings = self.cluster.readings();
        let Some(kill) = self.launches.known(cx.now, id, &task, readings) else { return };
        if self.launches.get(id).is_some_and(|launch| self.cluster.was_told(launch)) {
            self.are_seen(cx.now, std::slice::from_ref(id));
        }
        cx.after(limits::STARTING_AFTER_MS, Timer::Starting(id.clone()));
        for task in self.launches.tasks_of(id) {
            self.mind_time(cx, &task, 0);
        }
        if kill {
            self.launches.stop(cx, id);
        }
        self.observe(cx, task);
        self.leave(cx, id);
    }

    /// The instance could not take it: someone else was faster, or it is leaving.
    fn not_started(
        &mut self,
        cx: &mut Context<'_>,
        id: &LaunchId,
        reason: &str,
        detail: Option<&str>,
    ) {
        let why = match reason {
            "AGENT" => Reason::AgentDisconnected,
            "INACTIVE" | "MISSING" => Reason::AgentRemoved,
            _ => Reason::InvalidOffers,
        };
        let text = format!(
            "The container instance rejected the task: {reason}. {}",
            detail.unwrap_or_default()
        );
        self.dropped(cx, id, why, text.trim());
    }

    /// The launch never was. Source: \[C8\], \[C10\]: DROPPED, or LOST for frameworks that do not know it.
    fn dropped(&mut self, cx: &mut Context<'_>, id: &LaunchId, reason: Reason, text: &str) {
        let Some(launch) = self.launches.get(id) else { return };
        let aware = self.frameworks.is_aware(launch.framework());
        let state = if aware { TaskState::TaskDropped } else { TaskState::TaskLost };
        self.end_unacknowledged(cx, id, state, reason, text);
    }

    /// The task cannot be run as it is described. Source: `TASK_ERROR` says: do not try again unchanged.
    pub(super) fn refuse(&mut self, cx: &mut Context<'_>, id: &LaunchId, why: &str) {
        let is_group = self.launches.get(id).is_some_and(Launch::is_executor);
        let reason = if is_group { Reason::TaskGroupInvalid } else { Reason::TaskInvalid };
        self.end_unacknowledged(cx, id, TaskState::TaskError, reason, why);
    }

    /// What was to be started is to end: a task, or all tasks of a group.
    pub(super) fn killed_before_start(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        for task in self.launches.tasks_of(id) {
            let Some(launch) = self.launches.get(&task) else { continue };
            let text = "Killed before the task was started".to_owned();
            let reason = Some(Reason::TaskKilledDuringLaunch);
            let killed = (TaskState::TaskKilled, Source::Agent, reason, text);
            let (state, source, reason, message) = self.drained(launch, killed);
            let status = TaskStatus {
                source: Some(source.into()),
                reason: reason.map(Into::into),
                message: Some(message),
                ..status(cx.now, launch, state)
            };
            self.over(cx, &task);
            self.update(cx, &task, status);
        }
        self.executor_never_was(cx, id);
    }

    /// Ends a launch with an update of each of its tasks that needs no acknowledgement. Source: \[T7\], \[C18\].
    fn end_unacknowledged(
        &mut self,
        cx: &mut Context<'_>,
        id: &LaunchId,
        state: TaskState,
        reason: Reason,
        why: &str,
    ) {
        let Some(launch) = self.launches.get(id) else { return };
        if launch.is_killed() {
            return self.killed_before_start(cx, id);
        }
        let framework = launch.framework().clone();
        for task in self.launches.tasks_of(id) {
            let Some(launch) = self.launches.get(&task) else { continue };
            let status = TaskStatus {
                reason: Some(reason.into()),
                message: Some(why.to_owned()),
                ..of_master(cx.now, launch, state)
            };
            cx.happened(Happening::Became {
                framework: framework.text().clone(),
                task: launch.task().to_string(),
                state,
                why: status.message.clone(),
            });
            self.over(cx, &task);
            self.send_once(cx, &framework, status.clone());
            self.finish(&task, Some(&status));
        }
        self.executor_never_was(cx, id);
        self.wants_allocation(cx.now);
    }

    /// It holds nothing any more. What it held shows in the next reading of instances, or in an event; that ECS did not
    /// take it shows that what is known is old.
    pub(super) fn over(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        self.stop_minding(cx, id);
        let was_known = self.launches.over(id);
        if !(was_known && self.cluster.hears()) {
            self.cluster.needs_reading();
        }
    }

    /// Tries again what was not settled.
    pub(super) fn settle_launch(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        let phase = self.launches.get(id).map(Launch::phase);
        match phase {
            Some(Phase::Preparing) => self.prepare(cx, id),
            Some(Phase::Unsure(_)) => self.launches.find(cx, id),
            _ if self.launches.given_up_since(id).is_some() => self.launches.find(cx, id),
            _ => {}
        }
    }

    /// What came of a look for a launch.
    pub(super) fn looked_for(
        &mut self,
        cx: &mut Context<'_>,
        id: &LaunchId,
        result: Result<Tasks, Failure>,
    ) {
        if self.launches.given_up_since(id).is_some() {
            return self.looked_for_given_up(cx, id, result);
        }
        let phase = self.launches.get(id).map(Launch::phase);
        let Some(Phase::Unsure(looks)) = phase else { return };
        match result {
            Ok(Tasks { found, .. }) if !found.is_empty() => {
                for task in found {
                    self.known(cx, id, task);
                }
            }
            Ok(_) if looks + 1 >= limits::SETTLE_LOOKS => {
                self.launches.give_up(cx.now, id);
                cx.after(limits::GIVEN_UP_LOOK_MS, Timer::Settle(id.clone()));
                let why = "The launch did not reach the cluster";
                self.dropped(cx, id, Reason::InvalidOffers, why);
            }
            // Only a look that was answered counts.
            Ok(_) => self.launches.is_unsure(cx, id, looks + 1),
            Err(_) => cx.after(limits::SETTLE_MS, Timer::Settle(id.clone())),
        }
    }

    /// A launch that was given up may show up all the same: it is looked for a while longer, and stopped if it does.
    fn looked_for_given_up(
        &mut self,
        cx: &mut Context<'_>,
        id: &LaunchId,
        result: Result<Tasks, Failure>,
    ) {
        for task in result.unwrap_or_default().found {
            self.observe(cx, task);
        }
        let since = self.launches.given_up_since(id);
        if since.is_some_and(|since| cx.now.since(since) < limits::GIVEN_UP_MS) {
            cx.after(limits::GIVEN_UP_LOOK_MS, Timer::Settle(id.clone()));
        } else {
            self.launches.forget_given_up(id);
        }
    }

    /// Source: \[C32\], \[C33\].
    pub(super) fn kill(&mut self, cx: &mut Context<'_>, framework: &FrameworkId, kill: call::Kill) {
        let Some(launch) = self.launches.of_task(framework, &kill.task_id.value) else {
            self.kill_away(cx, framework, &kill);
            return self.answer_unknown(cx, framework, kill.task_id, kill.agent_id);
        };
        if kill.agent_id.as_ref().is_some_and(|agent| agent.value != **launch.agent()) {
            return;
        }
        let (id, is_over) = (launch.id().clone(), launch.phase() == Phase::Over);
        let policy = kill.kill_policy.as_ref();
        if let Some(note) = policy.and_then(|policy| self.launches.kill_policy(&id, policy)) {
            cx.note(note);
        }
        if !is_over {
            self.put_to_end(cx, &id, Why::Asked);
        }
    }

    /// Ends a task before its time, and with it its group.
    pub(super) fn put_to_end(&mut self, cx: &mut Context<'_>, id: &LaunchId, why: Why) {
        let head = self.launches.head(id);
        let phase = self.launches.end(id, why);
        self.carry_out_end(cx, &head, phase);
    }

    /// What is to end has come so far.
    pub(super) fn carry_out_end(
        &mut self,
        cx: &mut Context<'_>,
        head: &LaunchId,
        phase: Option<Phase>,
    ) {
        match phase {
            Some(Phase::Preparing) => self.killed_before_start(cx, head),
            Some(Phase::Known) => {
                for task in self.launches.tasks_of(head) {
                    self.killing(cx, &task);
                }
                self.launches.stop(cx, head);
            }
            Some(Phase::Starting | Phase::Unsure(_) | Phase::Over) | None => {}
        }
    }

    /// A task on an unreachable agent is to end. A Mesos master forgets that; ECS does not, and ends the task once the agent is back.
    fn kill_away(&mut self, cx: &mut Context<'_>, framework: &FrameworkId, kill: &call::Kill) {
        let Some(launch) = self.launches.away_task(framework, &kill.task_id.value) else { return };
        let id = launch.id().clone();
        let head = self.launches.head(&id);
        self.launches.end(&id, Why::Asked);
        self.launches.stop(cx, &head);
    }

    /// Ends a launch whose framework is gone. Nobody is told.
    pub(super) fn abandon(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        self.updates.forget(id);
        if self.launches.get(id).is_none_or(|launch| launch.phase() == Phase::Over) {
            return self.finish(id, None);
        }
        let head = self.launches.head(id);
        match self.launches.end(&head, Why::Asked) {
            Some(Phase::Known) => self.launches.stop(cx, &head),
            Some(Phase::Preparing | Phase::Over) => self.over_unheard(cx, &head),
            Some(Phase::Starting | Phase::Unsure(_)) | None => {}
        }
    }

    /// What an ECS task ran or was to run is over, and nobody waits to hear so.
    pub(super) fn over_unheard(&mut self, cx: &mut Context<'_>, head: &LaunchId) {
        for task in self.launches.tasks_of(head) {
            self.over(cx, &task);
            self.finish(&task, None);
        }
        self.executor_never_was(cx, head);
    }
}
