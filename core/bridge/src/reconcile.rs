//! Reconciliation. Source: \[R1\] to \[R8\].
//!
//! Answers are made one by one as the framework reads them, in the order in which it asked: each tells what is known then.

use std::ops::Bound;

use longshore_machine::Timestamp;
use longshore_wire_mesos::v1::scheduler::{Event, call, event};
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{
    AgentId, OperationState, OperationStatus, TaskId, TaskState, TaskStatus,
};

use crate::launch::Launch;
use crate::machine::Output;
use crate::outbox::{self, Answers};
use crate::state::Bridge;
use crate::status;
use crate::subscribe::event;

/// Answers for each task that is asked about, or for all live ones if none is named. `bytes` is the size of the question.
pub(crate) fn reconcile(
    bridge: &mut Bridge,
    now: Timestamp,
    framework: &str,
    tasks: Vec<call::reconcile::Task>,
    bytes: usize,
    out: &mut Vec<Output>,
) {
    bridge.count("messages_reconcile_tasks");
    let answers = if tasks.is_empty() {
        let known = bridge.frameworks.get(framework);
        let last = known.and_then(|known| known.tasks.last_key_value());
        let Some((last, _)) = last else { return };
        Answers::All(Bound::Unbounded, last.clone())
    } else {
        Answers::Named(tasks.into_iter(), bytes)
    };
    outbox::answer(bridge, now, framework, answers, out);
}

/// Answers for one task.
pub(crate) fn one(
    bridge: &mut Bridge,
    now: Timestamp,
    framework: &str,
    task: TaskId,
    agent: Option<AgentId>,
    out: &mut Vec<Output>,
) {
    let task = call::reconcile::Task { task_id: task, agent_id: agent };
    let status = answer(bridge, now, framework, task);
    status::send_once(bridge, now, framework, status, out);
}

/// What is known of one task.
pub(crate) fn answer(
    bridge: &Bridge,
    now: Timestamp,
    framework: &str,
    asked: call::reconcile::Task,
) -> TaskStatus {
    match bridge.launch_of(framework, &asked.task_id.value) {
        Some(launch) => known_status(now, launch),
        None => unknown_status(bridge, now, framework, asked),
    }
}

/// Source: \[R1\], \[R2\]: the last state that was sent, without its message and data.
pub(crate) fn known_status(now: Timestamp, launch: &Launch) -> TaskStatus {
    let forwarded = launch.updates.forwarded.as_ref();
    let state = forwarded.map_or(TaskState::TaskStaging, TaskStatus::state);
    TaskStatus {
        healthy: forwarded.and_then(|status| status.healthy),
        container_status: forwarded.and_then(|status| status.container_status.clone()),
        source: Some(Source::Master.into()),
        reason: Some(Reason::Reconciliation.into()),
        message: Some("Reconciliation: Latest task state".to_owned()),
        ..status::make(now, launch, state)
    }
}

/// Source: \[R3\], rows 3 and 6; ECS has no agents that are unreachable or marked gone.
fn unknown_status(
    bridge: &Bridge,
    now: Timestamp,
    framework: &str,
    asked: call::reconcile::Task,
) -> TaskStatus {
    let aware = bridge.frameworks.get(framework).is_some_and(crate::framework::Framework::is_aware);
    let agent = asked.agent_id.as_ref();
    let registered = agent.is_some_and(|agent| bridge.instance_of(&agent.value).is_some());
    let (state, message) = match (aware, registered) {
        (true, true) => (TaskState::TaskGone, "Reconciliation: Task is gone"),
        (true, false) => (TaskState::TaskUnknown, "Reconciliation: Task is unknown"),
        (false, _) => (TaskState::TaskLost, "Reconciliation: Task is unknown"),
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

/// Source: \[C36\]: there are no operations, so none is known. `bytes` is the size of the question.
pub(crate) fn operations(
    bridge: &mut Bridge,
    now: Timestamp,
    framework: &str,
    asked: Vec<call::reconcile_operations::Operation>,
    bytes: usize,
    out: &mut Vec<Output>,
) {
    let answers = Answers::Operations(asked.into_iter(), bytes);
    outbox::answer(bridge, now, framework, answers, out);
}

/// What is known of one operation.
pub(crate) fn unknown_operation(asked: call::reconcile_operations::Operation) -> Event {
    operation_event(OperationStatus {
        operation_id: Some(asked.operation_id),
        state: OperationState::OperationUnknown.into(),
        agent_id: asked.agent_id,
        resource_provider_id: asked.resource_provider_id,
        ..Default::default()
    })
}

pub(crate) fn operation_event(status: OperationStatus) -> Event {
    let update = event::UpdateOperationStatus { status };
    Event { update_operation_status: Some(update), ..event(event::Type::UpdateOperationStatus) }
}
