//! Statuses of tasks, as frameworks are told them.

use longshore_machine::Timestamp;
use longshore_wire_mesos::v1::scheduler::call;
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{self, TaskState, TaskStatus};

use crate::ids::{AgentId, TaskId};

/// A status of a task that was launched, without uuid.
pub(crate) fn make(now: Timestamp, task: &TaskId, agent: &AgentId, state: TaskState) -> TaskStatus {
    TaskStatus {
        task_id: v1::TaskId { value: task.to_string() },
        state: state.into(),
        agent_id: Some(v1::AgentId { value: agent.to_string() }),
        // Source: [T20]: a command task's executor has the task's id.
        executor_id: Some(v1::ExecutorId { value: task.to_string() }),
        timestamp: Some(now.wall().seconds()),
        ..Default::default()
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

/// The answer about a task that is known. Source: \[R1\], \[R2\]: the last state that was sent, without its message and data.
pub(crate) fn reconciled(
    now: Timestamp,
    task: &TaskId,
    agent: &AgentId,
    forwarded: Option<&TaskStatus>,
) -> TaskStatus {
    let state = forwarded.map_or(TaskState::TaskStaging, TaskStatus::state);
    TaskStatus {
        healthy: forwarded.and_then(|status| status.healthy),
        container_status: forwarded.and_then(|status| status.container_status.clone()),
        source: Some(Source::Master.into()),
        reason: Some(Reason::Reconciliation.into()),
        message: Some("Reconciliation: Latest task state".to_owned()),
        ..make(now, task, agent, state)
    }
}

/// The answer about a task that is not known. Source: \[R3\], rows 3 and 6; ECS has no agents that are unreachable or marked
/// gone.
pub(crate) fn unknown(
    now: Timestamp,
    asked: call::reconcile::Task,
    is_aware: bool,
    is_agent_known: bool,
) -> TaskStatus {
    let state = match (is_aware, is_agent_known) {
        (true, true) => TaskState::TaskGone,
        (true, false) => TaskState::TaskUnknown,
        (false, _) => TaskState::TaskLost,
    };
    let message = if is_agent_known {
        "Reconciliation: Task is unknown to the agent"
    } else {
        "Reconciliation: Task is unknown"
    };
    TaskStatus {
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
