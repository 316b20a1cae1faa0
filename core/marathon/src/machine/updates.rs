//! What follows from a task's state. Source: frameworks.md 2.1, 3.4.

use std::sync::Arc;

use longshore_driver_machine::Command;
use longshore_wire_marathon::Unreachable;
use longshore_wire_mesos::is_terminal;
use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::{TaskState, TaskStatus};

use super::members::shortened;
use super::{Context, Marathon, Purpose};
use crate::apps::{Delay, Failure};
use crate::events::Event;
use crate::instances::{Instance, Stage, is_ours};
use crate::timers::Due;
use crate::{limits, task};

impl Marathon {
    pub(super) fn updated(&mut self, cx: &mut Context, status: &TaskStatus) {
        let state = status.state();
        let task = &status.task_id.value;
        // The id of a pod's instance is none of a task.
        let is_of_app = |id: &Arc<str>| {
            self.instances.get(id).is_some_and(|instance| instance.members.is_empty())
        };
        let Some(id) = self.instances.key(task).filter(is_of_app) else {
            return match self.member(task) {
                Some((id, at)) => self.member_updated(cx, &id, at, status),
                None => unknown(cx, status),
            };
        };
        let is_gone = is_terminal(state) || state == TaskState::TaskUnknown;
        if is_gone && !is_out_of_reach(status) {
            return self.ends(cx, &id, status);
        }
        let Some(before) = self.instances.get(&id).map(|one| one.stage) else { return };
        let stage = match state {
            TaskState::TaskStaging => return,
            TaskState::TaskStarting if before == Stage::Staging => Stage::Starting,
            TaskState::TaskStarting => return,
            TaskState::TaskRunning => Stage::Running,
            TaskState::TaskKilling => return,
            _ => {
                if !matches!(before, Stage::Unreachable { .. }) {
                    self.out_of_reach(cx, &id);
                    self.tells(cx, &id, status);
                }
                return;
            }
        };
        if before != stage {
            self.moves(cx, &id, stage, status);
            self.tells(cx, &id, status);
        }
        self.judged(cx, &id, status);
    }

    /// An instance is further, or is back.
    pub(super) fn moves(
        &mut self,
        cx: &mut Context,
        id: &Arc<str>,
        stage: Stage,
        status: &TaskStatus,
    ) {
        let wall_ms = cx.wall_ms;
        let addresses = addresses(status);
        self.instances.edit(id, |one| {
            one.stage = stage;
            if !addresses.is_empty() {
                one.addresses = addresses;
            }
            if stage == Stage::Running {
                one.started_ms = one.started_ms.or(Some(wall_ms));
            }
        });
        if stage == Stage::Running {
            self.timers.cancel(&Due::Launch(id.clone()));
            self.timers.cancel(&Due::Unreachable(id.clone()));
            self.watches(cx, id);
        }
    }

    fn tells(&self, cx: &mut Context, id: &Arc<str>, status: &TaskStatus) {
        let Some(instance) = self.instances.get(id) else { return };
        cx.tell(status_event(id, instance, status));
    }

    /// What Mesos says of a task's health.
    fn judged(&mut self, cx: &mut Context, id: &Arc<str>, status: &TaskStatus) {
        let Some(is_well) = status.healthy else { return };
        let Some(instance) = self.instances.get(id) else { return };
        let Some(spec) = instance.spec.clone() else { return };
        let Some(at) = spec.health_checks.iter().position(|one| !is_ours(one.protocol)) else {
            return;
        };
        self.checked(cx, id, at, is_well);
    }

    /// The agent of an instance is out of reach.
    pub(super) fn out_of_reach(&mut self, cx: &mut Context, id: &Arc<str>) {
        let Some(instance) = self.instances.get(id) else { return };
        let since_ms = cx.wall_ms;
        let checks = instance.checks.len();
        self.timers.forget(id, checks);
        self.instances.edit(id, |one| {
            one.stage = Stage::Unreachable { since_ms, is_inactive: false };
        });
        self.waits_out_of_reach(cx, id);
    }

    /// Replaces it, or gives it up, if its time has come. Source: frameworks.md 3.1, `unreachableStrategy`.
    pub(super) fn waits_out_of_reach(&mut self, cx: &mut Context, id: &Arc<str>) {
        let Some(instance) = self.instances.get(id) else { return };
        let Stage::Unreachable { since_ms, is_inactive } = instance.stage else { return };
        if instance.killing.is_some() {
            // It will not be missed. If it comes back, it is not known, and killed.
            return drop(self.forgets(id));
        }
        let strategy = instance.spec.as_ref().map(|spec| spec.unreachable_strategy);
        let strategy = strategy.unwrap_or(Unreachable::After { inactive_s: 0, expunge_s: 0 });
        let Unreachable::After { inactive_s, expunge_s } = strategy else { return };
        let after = |seconds: u64| since_ms.saturating_add(seconds.saturating_mul(1_000));
        if after(expunge_s) <= cx.wall_ms {
            return drop(self.forgets(id));
        }
        let due = Due::Unreachable(id.clone());
        if after(inactive_s) <= cx.wall_ms {
            if !is_inactive {
                self.instances.edit(id, |one| {
                    one.stage = Stage::Unreachable { since_ms, is_inactive: true };
                });
            }
            self.timers.set(due, Self::timer(cx, after(expunge_s)));
        } else {
            self.timers.set(due, Self::timer(cx, after(inactive_s)));
        }
    }

    /// It has no row any more.
    pub(super) fn forgets(&mut self, id: &Arc<str>) -> Option<Instance> {
        let gone = self.instances.remove(id)?;
        self.timers.forget(id, gone.checks.len());
        let of_task = (id.clone(), Purpose::Health(0))..=(id.clone(), Purpose::Readiness);
        let asked: Vec<_> = self.asked.range(of_task).cloned().collect();
        for one in &asked {
            self.asked.remove(one);
        }
        self.kills.leaves(id);
        Some(gone)
    }

    fn ends(&mut self, cx: &mut Context, id: &Arc<str>, status: &TaskStatus) {
        let Some(gone) = self.forgets(id) else { return };
        let state = status.state();
        cx.tell(status_event(id, &gone, status));
        if gone.killing.is_some() || state == TaskState::TaskKilled {
            return;
        }
        if state != TaskState::TaskFinished {
            self.fails(cx, &gone, id, status);
        }
        if is_counted(status) {
            self.backs_off(cx, &gone);
        }
    }

    /// A task of an instance has failed.
    pub(super) fn fails(&mut self, cx: &Context, of: &Instance, task: &str, status: &TaskStatus) {
        let failure = Failure {
            task: task.to_owned(),
            agent: of.agent.clone(),
            host: of.host.clone(),
            state: status.state().as_str_name().to_owned(),
            message: shortened(status.message.as_deref().unwrap_or_default()),
            at_ms: cx.wall_ms,
            version_ms: of.version_ms,
        };
        self.apps.fails(&of.app, failure);
    }

    /// Source: frameworks.md 3.4: the first delay, then times the factor, up to the longest; forgotten when it is older than that.
    pub(super) fn backs_off(&mut self, cx: &mut Context, gone: &Instance) {
        let Some(kept) = self.apps.get(&gone.app) else { return };
        let Some(app) = &kept.effective else { return };
        if app.config_version_ms != gone.config_ms {
            return;
        }
        let of = app.backoff;
        let now = cx.now;
        let known = kept
            .delay
            .filter(|delay| delay.config_ms == gone.config_ms && delay.until + of.most_ms >= now);
        let ms = match known {
            None => of.first_ms,
            Some(delay) => {
                let ms = u128::from(delay.ms) * u128::from(of.factor_milli) / 1_000;
                u64::try_from(ms).unwrap_or(u64::MAX)
            }
        };
        let ms = ms.min(of.most_ms);
        let delay = Delay { ms, until: now + ms, config_ms: gone.config_ms };
        self.timers.set(Due::Backoff(gone.app.clone()), delay.until);
        self.apps.delays(&gone.app, Some(delay));
    }
}

/// A task that no row has. Source: frameworks.md 2.1: one that has not ended is killed.
fn unknown(cx: &mut Context, status: &TaskStatus) {
    let state = status.state();
    let task = status.task_id.value.clone();
    if state == TaskState::TaskUnknown || !task::is_ours(&task) {
        return;
    }
    if is_terminal(state) {
        return cx.tell(Event::UnknownTerminated { task, state });
    }
    cx.say(Command::Kill(status.task_id.clone()));
}

/// Whether launches wait after such an end.
pub(super) fn is_counted(status: &TaskStatus) -> bool {
    let is_end = matches!(
        status.state(),
        TaskState::TaskFailed
            | TaskState::TaskError
            | TaskState::TaskGone
            | TaskState::TaskDropped
            | TaskState::TaskLost
            | TaskState::TaskFinished
    );
    is_end && status.reason != Some(Reason::AgentDraining.into())
}

pub(super) fn status_event(id: &Arc<str>, instance: &Instance, status: &TaskStatus) -> Event {
    Event::Status {
        task: id.clone(),
        instance: Box::new(instance.clone()),
        state: status.state(),
        message: status.message.clone().unwrap_or_default(),
    }
}

/// Source: frameworks.md 2.1: for these reasons a lost task may come back.
pub(super) fn is_out_of_reach(status: &TaskStatus) -> bool {
    let by_reason = matches!(
        status.reason(),
        Reason::Reconciliation | Reason::AgentDisconnected | Reason::AgentRemoved
    );
    status.state() == TaskState::TaskUnreachable
        || (status.state() == TaskState::TaskLost && status.reason.is_some() && by_reason)
}

fn addresses(status: &TaskStatus) -> Vec<String> {
    let networks = status.container_status.iter().flat_map(|one| &one.network_infos);
    let addresses = networks.flat_map(|one| &one.ip_addresses);
    let addresses = addresses.filter_map(|one| one.ip_address.clone());
    addresses.take(limits::ADDRESSES_MAX).collect()
}
