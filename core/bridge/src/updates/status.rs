//! Statuses of tasks, as frameworks are told them.

use longshore_machine::Timestamp;
use longshore_wire_mesos::v1::scheduler::call;
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{self, TaskState, TaskStatus};

use crate::ids::{AgentId, ExecutorId, TaskId};

/// A status of a task that was launched, as its executor or its agent would tell it, without uuid.
pub(crate) fn make(
    now: Timestamp,
    task: &TaskId,
    executor: Option<&ExecutorId>,
    agent: &AgentId,
    state: TaskState,
) -> TaskStatus {
    // Source: [T20]: a command task's executor has the task's id.
    let executor = executor.map_or_else(|| task.to_string(), ToString::to_string);
    TaskStatus {
        task_id: v1::TaskId { value: task.to_string() },
        state: state.into(),
        agent_id: Some(v1::AgentId { value: agent.to_string() }),
        executor_id: Some(v1::ExecutorId { value: executor }),
        timestamp: Some(now.wall().seconds()),
        ..Default::default()
    }
}

/// The same as the master itself tells it. Source: a command task has no executor in what a master says of it.
pub(crate) fn of_master(
    now: Timestamp,
    task: &TaskId,
    executor: Option<&ExecutorId>,
    agent: &AgentId,
    state: TaskState,
) -> TaskStatus {
    TaskStatus {
        executor_id: executor.map(|id| v1::ExecutorId { value: id.to_string() }),
        source: Some(Source::Master.into()),
        ..make(now, task, executor, agent, state)
    }
}

/// A status of a task that never became a launch.
pub(crate) fn of_none(
    now: Timestamp,
    task: v1::TaskId,
    agent: v1::AgentId,
    state: TaskState,
    reason: Reason,
    message: String,
) -> TaskStatus {
    TaskStatus {
        task_id: task,
        state: state.into(),
        agent_id: Some(agent),
        source: Some(Source::Master.into()),
        reason: Some(reason.into()),
        message: Some(message),
        timestamp: Some(now.wall().seconds()),
        ..Default::default()
    }
}

/// The answer about a task that is known, from a status of it that says nothing. Source: \[R1\], \[R2\]: the last state that was sent,
/// without its message and data.
pub(crate) fn reconciled(blank: TaskStatus, forwarded: Option<&TaskStatus>) -> TaskStatus {
    let state = forwarded.map_or(TaskState::TaskStaging, TaskStatus::state);
    TaskStatus {
        state: state.into(),
        healthy: forwarded.and_then(|status| status.healthy),
        check_status: forwarded.and_then(|status| status.check_status),
        container_status: forwarded.and_then(|status| status.container_status.clone()),
        reason: Some(Reason::Reconciliation.into()),
        message: Some("Reconciliation: Latest task state".to_owned()),
        ..blank
    }
}

/// What there is of the agent that a task is said to be on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// Nobody knows of it.
    Unknown,
    /// It is there.
    Registered,
    /// It has been away for too long, since then.
    Unreachable(Timestamp),
    /// An operator has marked it gone.
    Gone,
}

/// The answer about a task that is not known. Source: \[R3\], rows 3 to 6.
pub(crate) fn unknown(
    now: Timestamp,
    asked: call::reconcile::Task,
    is_aware: bool,
    agent: Whereabouts,
) -> TaskStatus {
    let (state, message) = match agent {
        Whereabouts::Registered => {
            (TaskState::TaskGone, "Reconciliation: Task is unknown to the agent")
        }
        Whereabouts::Unreachable(_) => {
            (TaskState::TaskUnreachable, "Reconciliation: Task is unreachable")
        }
        Whereabouts::Gone => (TaskState::TaskGoneByOperator, "Reconciliation: Task is gone"),
        Whereabouts::Unknown => (TaskState::TaskUnknown, "Reconciliation: Task is unknown"),
    };
    let state = if is_aware { state } else { TaskState::TaskLost };
    let since = match agent {
        Whereabouts::Unreachable(since) => Some(unreachable_time(since)),
        _ => None,
    };
    TaskStatus {
        unreachable_time: since,
        task_id: asked.task_id,
        state: state.into(),
        agent_id: asked.agent_id,
        source: Some(Source::Master.into()),
        reason: Some(Reason::Reconciliation.into()),
        message: Some(message.to_owned()),
        timestamp: Some(now.wall().seconds()),
        ..Default::default()
    }
}

/// When an agent became unreachable, as statuses tell it.
pub(crate) fn unreachable_time(since: Timestamp) -> v1::TimeInfo {
    let ms = i64::try_from(since.wall().millis()).unwrap_or(i64::MAX);
    v1::TimeInfo { nanoseconds: ms.saturating_mul(1_000_000) }
}
