//! Reconciliation. Source: \[R1\] to \[R8\].

use longshore_machine::Timestamp;
use longshore_wire_mesos::v1::scheduler::{Event, call, event};
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{
    AgentId, OperationState, OperationStatus, TaskId, TaskState, TaskStatus,
};

use crate::launch::Launch;
use crate::machine::Output;
use crate::state::Bridge;
use crate::status;
use crate::subscribe::event;

/// Answers for each task that is asked about, or for all live ones if none is named.
pub(crate) fn reconcile(
    bridge: &mut Bridge,
    now: Timestamp,
    framework: &str,
    reconcile: &call::Reconcile,
    out: &mut Vec<Output>,
) {
    bridge.count("messages_reconcile_tasks");
    if reconcile.tasks.is_empty() {
        let Some(known) = bridge.frameworks.get(framework) else { return };
        let launches = known.tasks.values().filter_map(|id| bridge.launches.get(id));
        for status in launches.map(|launch| known_status(now, launch)).collect::<Vec<_>>() {
            status::send_once(bridge, framework, status, out);
        }
        return;
    }
    for task in &reconcile.tasks {
        one(bridge, now, framework, &task.task_id.value, task.agent_id.as_ref(), out);
    }
}

/// Answers for one task.
pub(crate) fn one(
    bridge: &Bridge,
    now: Timestamp,
    framework: &str,
    task: &str,
    agent: Option<&AgentId>,
    out: &mut Vec<Output>,
) {
    let status = match bridge.launch_of(framework, task) {
        Some(launch) => known_status(now, launch),
        None => unknown_status(bridge, now, framework, task, agent),
    };
    status::send_once(bridge, framework, status, out);
}

/// Source: \[R1\], \[R2\]: the last state that was sent, without its message and data.
fn known_status(now: Timestamp, launch: &Launch) -> TaskStatus {
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
    task: &str,
    agent: Option<&AgentId>,
) -> TaskStatus {
    let aware = bridge.frameworks.get(framework).is_some_and(crate::framework::Framework::is_aware);
    let registered = agent.is_some_and(|agent| bridge.instance_of(&agent.value).is_some());
    let (state, message) = match (aware, registered) {
        (true, true) => (TaskState::TaskGone, "Reconciliation: Task is gone"),
        (true, false) => (TaskState::TaskUnknown, "Reconciliation: Task is unknown"),
        (false, _) => (TaskState::TaskLost, "Reconciliation: Task is unknown"),
    };
    TaskStatus {
        task_id: TaskId { value: task.to_owned() },
        state: state.into(),
        agent_id: agent.cloned(),
        source: Some(Source::Master.into()),
        reason: Some(Reason::Reconciliation.into()),
        message: Some(message.to_owned()),
        timestamp: Some(now.seconds()),
        ..Default::default()
    }
}

/// Source: \[C36\]: there are no operations, so none is known.
pub(crate) fn operations(
    bridge: &Bridge,
    framework: &str,
    asked: &call::ReconcileOperations,
    out: &mut Vec<Output>,
) {
    let stream = bridge.frameworks.get(framework).and_then(|framework| framework.stream);
    let Some(stream) = stream else { return };
    for operation in &asked.operations {
        let status = OperationStatus {
            operation_id: Some(operation.operation_id.clone()),
            state: OperationState::OperationUnknown.into(),
            agent_id: operation.agent_id.clone(),
            resource_provider_id: operation.resource_provider_id.clone(),
            ..Default::default()
        };
        let update = event::UpdateOperationStatus { status };
        let event = Event {
            update_operation_status: Some(update),
            ..event(event::Type::UpdateOperationStatus)
        };
        out.push(Output::Send(stream, Box::new(event)));
    }
}
