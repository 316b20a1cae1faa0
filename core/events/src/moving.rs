//! Message move tasks: redrive the messages of a dead-letter queue to their source or to another
//! queue.
//!
//! A task moves messages in portions, or at the rate the caller asked for, and continues after a
//! restart. It ends when no message can be received, when it is cancelled, or when there is no
//! queue to move a message to. Source: SQS API reference, `StartMessageMoveTask`.

use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::arn::ResourceId;

use crate::machine::{Bus, Change, Key, Output};
use crate::record::{Message, MoveTask, queue_name};
use crate::{limits, receive};

/// Updates and stores the latest task of a queue.
pub(crate) fn store(bus: &mut Bus, id: ResourceId, task: MoveTask, out: &mut Vec<Output>) {
    let Some(queue) = bus.state.queues.get_mut(&id) else { return };
    let task = Arc::new(task);
    queue.moves.retain(|known| known.number != task.number);
    queue.moves.push_back(task.clone());
    out.push(Output::Change(Change::Move(task)));
    while queue.moves.len() > limits::MOVE_TASKS_MAX {
        if let Some(oldest) = queue.moves.pop_front() {
            out.push(Output::Change(Change::Forget(Key::Move(id, oldest.number))));
        }
    }
}

/// Continues the task of a queue, if there is one and it is due.
pub(crate) fn go_on(
    bus: &mut Bus,
    now: Timestamp,
    id: ResourceId,
    concerned: &mut Vec<ResourceId>,
    out: &mut Vec<Output>,
) {
    let Some(queue) = bus.state.queues.get(&id) else { return };
    let due = queue.move_at.is_some_and(|at| at <= now);
    let Some(task) = queue.moves.back().filter(|task| due && task.is_running()) else { return };
    let mut task = (**task).clone();
    let (portion, pause_ms) = match task.rate {
        // A few times a second: neither all at once nor one by one.
        Some(rate) if rate > 10 => (u64::from(rate) / 10, 100),
        Some(rate) => (1, 1_000 / u64::from(rate.max(1))),
        None => (limits::CHANGES_AT_A_TIME as u64, 0),
    };
    for _ in 0..portion {
        match move_one(bus, now, id, &task, out) {
            Ok(Some(to)) => {
                task.moved += 1;
                if !concerned.contains(&to) {
                    concerned.push(to);
                }
            }
            Ok(None) => break,
            Err(why) => {
                (task.status, task.failure) = ("FAILED".into(), Some(why.into()));
                break;
            }
        }
    }
    let is_done = bus.state.queues.get(&id).is_none_or(|queue| queue.offered().next().is_none());
    if is_done && task.is_running() {
        task.status = "COMPLETED".into();
    }
    if let Some(queue) = bus.state.queues.get_mut(&id) {
        // Always in the future: time passes between two portions.
        queue.move_at = task.is_running().then(|| now + pause_ms.max(1));
    }
    store(bus, id, task, out);
}

/// Moves the next message; returns its destination, or `None` if there is no message.
fn move_one(
    bus: &mut Bus,
    now: Timestamp,
    from: ResourceId,
    task: &MoveTask,
    out: &mut Vec<Output>,
) -> Result<Option<ResourceId>, &'static str> {
    let Some(queue) = bus.state.queues.get(&from) else { return Ok(None) };
    let next = queue.offered().next();
    let Some(kept) = next.and_then(|place| queue.kept.get(&place)) else { return Ok(None) };
    let (place, message) = (kept.message.place, kept.message.clone());
    let arn = task.destination.as_ref().or(message.moved_from.as_ref());
    let arn = arn.ok_or("CouldNotDetermineMessageSource")?;
    let realm = &queue.record.realm;
    let to = queue_name(realm, arn).and_then(|name| bus.state.queue_id(realm, name));
    let to = to.ok_or("AWS.SimpleQueueService.NonExistentQueue")?;
    let id = ResourceId(u128::from_be_bytes(bus.ids.uuid_bytes("message")));
    if let Some(queue) = bus.state.queues.get_mut(&from) {
        queue.remove(place);
        out.push(Output::Change(Change::Forget(Key::Message(from, place))));
    }
    // A moved message counts as a new one.
    let moved = Message {
        id,
        sent_at: now,
        visible_at: now,
        moved_from: None,
        sequence: None,
        ..(*message).clone()
    };
    if let Some(queue) = bus.state.queues.get_mut(&to) {
        receive::put(queue, now, moved, out);
    }
    Ok(Some(to))
}
