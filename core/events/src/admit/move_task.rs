//! Message move tasks of dead-letter queues: start, cancel and list.
//!
//! Source: SQS API reference, `StartMessageMoveTask`, `CancelMessageMoveTask`,
//! `ListMessageMoveTasks`; error messages are those of SQS.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::sqs::{Error, ErrorCode, shape};
use serde_json::{Value, json};

use super::Caller;
use super::queue::missing;
use crate::machine::{Bus, Output};
use crate::queue::Queue;
use crate::record::{MoveTask, queue_name, uuid};
use crate::{limits, moving, receive};

fn nowhere(parameter: &str) -> Error {
    Error::new(
        ErrorCode::ResourceNotFound,
        format!("The resource that you specified for the {parameter} parameter doesn't exist."),
    )
}

/// Looks up a queue by its ARN.
fn find<'a>(bus: &'a Bus, caller: &Caller, arn: &Str, parameter: &str) -> Result<&'a Queue, Error> {
    let id =
        queue_name(&caller.realm, arn).and_then(|name| bus.state.queue_id(&caller.realm, name));
    id.and_then(|id| bus.state.queues.get(&id)).ok_or_else(|| nowhere(parameter))
}

/// The handle that identifies a task to callers.
fn handle(task: &MoveTask) -> Str {
    let task = json!({"taskId": &*uuid(task.id), "sourceArn": &*task.source});
    STANDARD.encode(task.to_string()).into()
}

/// The task id and the source ARN in a handle.
fn read_handle(handle: &str) -> Option<(ResourceId, Str)> {
    let task: Value = serde_json::from_slice(&STANDARD.decode(handle).ok()?).ok()?;
    let id = ResourceId::parse(&task["taskId"].as_str()?.replace('-', ""))?;
    Some((id, task["sourceArn"].as_str()?.into()))
}

/// Rejects a task with an invalid source, destination or rate, or when another task is running.
fn check_start(
    bus: &Bus,
    caller: &Caller,
    queue: &Queue,
    ask: &shape::StartMessageMoveTaskRequest,
) -> Result<(), Error> {
    let (id, name) = (queue.record.id, &queue.record.name);
    let sources = bus.state.realms.get(&caller.realm).and_then(|all| all.sources.get(name));
    if sources.is_none() {
        return Err(Error::invalid("Source queue must be configured as a Dead Letter Queue."));
    }
    if let Some(arn) = &ask.destination_arn {
        let destination = find(bus, caller, arn, "DestinationArn")?;
        if destination.record.id == id {
            return Err(Error::invalid(
                "Value for parameter DestinationArn is invalid. Reason: It must not be the source queue.",
            ));
        }
        if destination.fifo.is_some() != queue.fifo.is_some() {
            return Err(Error::invalid(
                "Value for parameter DestinationArn is invalid. Reason: It must be the same type of queue as the source.",
            ));
        }
    }
    let rate = ask.max_number_of_messages_per_second;
    if rate.is_some_and(|rate| !(1..=limits::MOVES_PER_S_MAX).contains(&rate)) {
        return Err(Error::invalid(format!(
            "Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: It must be from 1 to {}.",
            limits::MOVES_PER_S_MAX
        )));
    }
    if queue.moves.back().is_some_and(|task| task.is_running()) {
        return Err(Error::invalid(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
        ));
    }
    Ok(())
}

pub(crate) fn start(
    bus: &mut Bus,
    now: Timestamp,
    caller: &Caller,
    ask: &shape::StartMessageMoveTaskRequest,
    out: &mut Vec<Output>,
) -> Result<shape::TaskHandle, Error> {
    let source = ask.source_arn.as_ref().ok_or_else(|| missing("SourceArn"))?;
    let queue = find(bus, caller, source, "SourceArn")?;
    let id = queue.record.id;
    check_start(bus, caller, queue, ask)?;
    let rate = ask.max_number_of_messages_per_second;
    let task = MoveTask {
        queue: id,
        number: queue.moves.back().map_or(0, |task| task.number + 1),
        id: ResourceId(0),
        source: source.clone(),
        destination: ask.destination_arn.clone(),
        rate: rate.and_then(|rate| u32::try_from(rate).ok()),
        status: "RUNNING".into(),
        failure: None,
        to_move: queue.ready.len() as u64,
        moved: 0,
        started_at: now,
    };
    let task =
        MoveTask { id: ResourceId(u128::from_be_bytes(bus.ids.uuid_bytes("move task"))), ..task };
    let answer = shape::TaskHandle { task_handle: Some(handle(&task)) };
    moving::store(bus, id, task, out);
    if let Some(queue) = bus.state.queues.get_mut(&id) {
        queue.move_at = Some(now);
    }
    receive::settle(bus, now, id, out);
    Ok(answer)
}

pub(crate) fn cancel(
    bus: &mut Bus,
    caller: &Caller,
    ask: &shape::TaskHandle,
    out: &mut Vec<Output>,
) -> Result<shape::CancelMessageMoveTaskResult, Error> {
    let handle = ask.task_handle.as_ref().ok_or_else(|| missing("TaskHandle"))?;
    let (task_id, source) = read_handle(handle)
        .ok_or_else(|| Error::invalid("Value for parameter TaskHandle is invalid."))?;
    let queue = find(bus, caller, &source, "SourceArn")?;
    let id = queue.record.id;
    let task = queue.moves.iter().find(|task| task.id == task_id);
    let task =
        task.ok_or_else(|| Error::new(ErrorCode::ResourceNotFound, "Task does not exist."))?;
    if !task.is_running() {
        return Err(Error::invalid("Only active tasks can be cancelled."));
    }
    let cancelled = MoveTask { status: "CANCELLED".into(), ..(**task).clone() };
    let moved = i64::try_from(cancelled.moved).ok();
    moving::store(bus, id, cancelled, out);
    if let Some(queue) = bus.state.queues.get_mut(&id) {
        queue.move_at = None;
    }
    bus.state.set_alarm(id);
    Ok(shape::CancelMessageMoveTaskResult { approximate_number_of_messages_moved: moved })
}

pub(crate) fn list(
    bus: &Bus,
    caller: &Caller,
    ask: &shape::ListMessageMoveTasksRequest,
) -> Result<shape::ListMessageMoveTasksResult, Error> {
    let source = ask.source_arn.as_ref().ok_or_else(|| missing("SourceArn"))?;
    let queue = find(bus, caller, source, "SourceArn")?;
    let max = ask.max_results.unwrap_or(1);
    let max = usize::try_from(max).ok().filter(|max| (1..=limits::MOVE_TASKS_MAX).contains(max));
    let max = max.ok_or_else(|| {
        Error::invalid(format!(
            "Value for parameter MaxResults is invalid. Reason: It must be from 1 to {}.",
            limits::MOVE_TASKS_MAX
        ))
    })?;
    let results = queue.moves.iter().rev().take(max).map(|task| show(task)).collect();
    Ok(shape::ListMessageMoveTasksResult { results: Some(results) })
}

fn show(task: &MoveTask) -> shape::MessageMoveTask {
    shape::MessageMoveTask {
        // Only a task that can be cancelled has a handle.
        task_handle: task.is_running().then(|| handle(task)),
        status: Some(task.status.clone()),
        source_arn: Some(task.source.clone()),
        destination_arn: task.destination.clone(),
        max_number_of_messages_per_second: task.rate.and_then(|rate| i32::try_from(rate).ok()),
        approximate_number_of_messages_moved: i64::try_from(task.moved).ok(),
        approximate_number_of_messages_to_move: i64::try_from(task.to_move).ok(),
        failure_reason: task.failure.clone(),
        started_timestamp: i64::try_from(task.started_at.wall().millis()).ok(),
    }
}
