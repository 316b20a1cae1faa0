//! What follows from the states of the tasks of a pod's instance.

use std::sync::Arc;

use longshore_wire_mesos::is_terminal;
use longshore_wire_mesos::v1::{TaskState, TaskStatus};

use super::updates::{is_counted, is_out_of_reach, status_event};
use super::{Context, Marathon, Purpose};
use crate::apps::Termination;
use crate::events::Event;
use crate::instances::{Stage, Why};
use crate::limits;
use crate::members::{Member, MemberStage};
use crate::timers::Due;

impl Marathon {
    /// The instance of a pod that a task is of, and which of its members.
    pub(super) fn member(&self, task: &str) -> Option<(Arc<str>, usize)> {
        let (instance, name) = crate::task::member_of(task)?;
        let id = self.instances.key(instance)?;
        let members = &self.instances.get(&id)?.members;
        Some((id, members.iter().position(|one| one.name == name)?))
    }

    /// A container of an instance has another state.
    pub(super) fn member_updated(
        &mut self,
        cx: &mut Context,
        id: &Arc<str>,
        at: usize,
        status: &TaskStatus,
    ) {
        let Some(member) = self.instances.get(id).and_then(|one| one.members.get(at)) else {
            return;
        };
        let before = member.stage.clone();
        let Some(after) = stage_after(&before, status) else { return };
        if after != before {
            let has_ended = matches!(after, MemberStage::Ended(_));
            let message = status.message.as_deref().filter(|_| has_ended).map(shortened);
            let since_ms = cx.wall_ms;
            self.instances.edit(id, |one| {
                if let Some(member) = one.members.get_mut(at) {
                    *member = Member { name: member.name.clone(), stage: after, since_ms, message };
                }
            });
            let instance = self.instances.get(id);
            if let Some(instance) = instance {
                cx.tell(status_event(&Arc::from(&*status.task_id.value), instance, status));
            }
            if has_ended {
                self.member_ends(cx, id, at, status);
            }
            self.comes_together(cx, id, status);
        }
        let spec = self.instances.get(id).and_then(|one| one.spec.clone());
        let pod = spec.as_ref().and_then(|spec| spec.pod.as_ref());
        let check = pod.and_then(|pod| pod.containers.get(at)).and_then(|one| one.check.as_ref());
        if let (Some(check), Some(is_well)) = (check, status.healthy)
            && check.exec.is_some()
        {
            self.checked(cx, id, check.at, is_well);
        }
    }

    /// One has ended: nobody asks whether it is well any more, and unless it ended well the instance ends.
    fn member_ends(&mut self, cx: &mut Context, id: &Arc<str>, at: usize, status: &TaskStatus) {
        let Some(instance) = self.instances.get(id).cloned() else { return };
        let pod = instance.spec.as_ref().and_then(|spec| spec.pod.as_ref());
        let check = pod.and_then(|pod| pod.containers.get(at)).and_then(|one| one.check.as_ref());
        if let Some(check) = check {
            self.timers.cancel(&Due::Health(id.clone(), check.at));
            self.asked.remove(&(id.clone(), Purpose::Health(check.at)));
        }
        let state = status.state();
        if state == TaskState::TaskFinished || instance.killing.is_some() {
            return;
        }
        if state != TaskState::TaskKilled {
            self.fails(cx, &instance, &status.task_id.value, status);
            if is_counted(status) {
                self.backs_off(cx, &instance);
            }
        }
        self.kills(cx, id, Why::Broken);
    }

    /// The instance is as far as its containers are together.
    fn comes_together(&mut self, cx: &mut Context, id: &Arc<str>, status: &TaskStatus) {
        // One that was out of reach when it was to end is forgotten by now.
        let Some(instance) = self.instances.get(id) else { return };
        if instance.is_joint() {
            return;
        }
        let before = instance.stage;
        match instance.joint() {
            None => return self.all_ended(cx, id, status),
            Some(MemberStage::Unreachable) => self.out_of_reach(cx, id),
            Some(MemberStage::Running) => self.moves(cx, id, Stage::Running, status),
            Some(least) => {
                let is_starting = least == MemberStage::Starting;
                let stage = if is_starting { Stage::Starting } else { Stage::Staging };
                self.moves(cx, id, stage, status);
                if matches!(before, Stage::Unreachable { .. }) {
                    // It is back, and not yet where it was to be.
                    self.timers.cancel(&Due::Unreachable(id.clone()));
                    let until = cx.now + self.config.launch_ms;
                    self.timers.set(Due::Launch(id.clone()), until);
                }
            }
        }
        let Some(instance) = self.instances.get(id) else { return };
        let state = match instance.stage {
            Stage::Staging => TaskState::TaskStaging,
            Stage::Starting => TaskState::TaskStarting,
            Stage::Running => TaskState::TaskRunning,
            Stage::Unreachable { .. } => TaskState::TaskUnreachable,
        };
        let instance = Box::new(instance.clone());
        cx.tell(Event::Instance { id: id.clone(), instance, state });
    }

    /// All containers of an instance have ended.
    fn all_ended(&mut self, cx: &mut Context, id: &Arc<str>, status: &TaskStatus) {
        let Some(gone) = self.forgets(id) else { return };
        let has_failed = |one: &&Member| {
            !one.has_finished() && one.stage != MemberStage::Ended("TASK_KILLED".to_owned())
        };
        let failed = gone.members.iter().find(has_failed);
        let state = match failed {
            Some(_) => TaskState::TaskFailed,
            None if gone.members.iter().all(Member::has_finished) => TaskState::TaskFinished,
            None => TaskState::TaskKilled,
        };
        if gone.killing.is_none() && is_counted(status) {
            self.backs_off(cx, &gone);
        }
        let is_asked = matches!(gone.killing, Some(Why::Surplus | Why::Upgrade | Why::Asked));
        if !is_asked {
            let why = match gone.killing {
                Some(Why::Unhealthy) => "it failed its health checks",
                Some(Why::Late) => "it did not run in time",
                // If none failed, one was killed before the others.
                _ => {
                    let killed = || gone.members.iter().filter(|one| !one.has_finished());
                    let first = failed.or_else(|| killed().min_by_key(|one| one.since_ms));
                    first.and_then(|one| one.message.as_deref()).unwrap_or_default()
                }
            };
            let end = Termination {
                instance: id.to_string(),
                started_ms: gone.started_ms.unwrap_or(gone.staged_ms),
                ended_ms: cx.wall_ms,
                message: why.to_owned(),
                members: gone.members.clone(),
            };
            self.apps.remembers(&gone.app, end);
        }
        cx.tell(Event::Instance { id: id.clone(), instance: Box::new(gone), state });
    }
}

/// As much of a message as is kept.
pub(super) fn shortened(message: &str) -> String {
    message.chars().take(limits::MESSAGE_BYTES_MAX / 4).collect()
}

/// How far a container is after an update; `None` if the update says nothing new of that.
fn stage_after(before: &MemberStage, status: &TaskStatus) -> Option<MemberStage> {
    let state = status.state();
    if matches!(before, MemberStage::Ended(_)) {
        return None;
    }
    if is_out_of_reach(status) {
        return Some(MemberStage::Unreachable);
    }
    if is_terminal(state) || state == TaskState::TaskUnknown {
        return Some(MemberStage::Ended(state.as_str_name().to_owned()));
    }
    match state {
        TaskState::TaskStarting if *before == MemberStage::Staging => Some(MemberStage::Starting),
        TaskState::TaskRunning => Some(MemberStage::Running),
        TaskState::TaskStaging | TaskState::TaskStarting | TaskState::TaskKilling => {
            Some(before.clone())
        }
        _ => Some(MemberStage::Unreachable),
    }
}
