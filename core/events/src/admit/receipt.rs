//! What a receiver can do with a message: delete it, or change its visibility timeout.
//!
//! In a standard queue any handle of a message is accepted, even one from an earlier receive and
//! even while the message is visible. SQS does the same, whatever its documentation says, so work
//! done before a restart can be acknowledged after it. In a FIFO queue only the handle of the last
//! receive counts, and only while the message is hidden. Source: SQS API reference,
//! `DeleteMessage`, `ChangeMessageVisibility`; *Exactly-once processing*.

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::sqs::{Error, ErrorCode, shape};

use super::Caller;
use super::queue::{find, missing};
use super::send::{check_ids, failure};
use super::wait::within;
use crate::machine::{Bus, Change, Key, Output};
use crate::queue::{Kept, Queue, Receipt, Whereabouts};
use crate::{limits, receive};

fn read(handle: Option<&Str>) -> Result<Receipt, Error> {
    let handle = handle.ok_or_else(|| missing("ReceiptHandle"))?;
    Receipt::parse(handle).ok_or_else(|| {
        Error::new(
            ErrorCode::ReceiptHandleIsInvalid,
            format!("The input receipt handle \"{handle}\" is not a valid receipt handle."),
        )
    })
}

/// Finds the message of a receipt. A standard queue accepts any receipt of a message, as SQS does.
fn find_kept<'a>(queue: &'a Queue, receipt: &Receipt) -> Option<&'a Kept> {
    queue.kept.get(&receipt.place).filter(|kept| kept.message.id == receipt.message)
}

/// Whether a receipt of a FIFO queue is still valid: until the message is visible or received
/// again.
fn is_current(kept: &Kept, receipt: &Receipt, now: Timestamp) -> bool {
    kept.receipt.is_some_and(|(nonce, _)| nonce == receipt.nonce)
        && matches!(kept.whereabouts, Whereabouts::InFlight(until) if until > now)
}

fn remove(
    bus: &mut Bus,
    now: Timestamp,
    id: ResourceId,
    handle: Option<&Str>,
    out: &mut Vec<Output>,
) -> Result<(), Error> {
    let receipt = read(handle)?;
    let Some(queue) = bus.state.queues.get_mut(&id) else { return Ok(()) };
    // A message that is already gone counts as deleted.
    let Some(kept) = find_kept(queue, &receipt) else { return Ok(()) };
    if queue.fifo.is_some() && !is_current(kept, &receipt, now) {
        return Err(Error::invalid(format!(
            "Value {} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.",
            receipt.show()
        )));
    }
    queue.remove(receipt.place);
    out.push(Output::Change(Change::Forget(Key::Message(id, receipt.place))));
    Ok(())
}

pub(crate) fn delete(
    bus: &mut Bus,
    now: Timestamp,
    caller: &Caller,
    ask: &shape::DeleteMessageRequest,
    out: &mut Vec<Output>,
) -> Result<(), Error> {
    let id = find(bus, caller, ask.queue_url.as_ref())?;
    remove(bus, now, id, ask.receipt_handle.as_ref(), out)?;
    receive::settle(bus, now, id, out);
    Ok(())
}

pub(crate) fn delete_batch(
    bus: &mut Bus,
    now: Timestamp,
    caller: &Caller,
    ask: shape::ReceiptBatchRequest,
    out: &mut Vec<Output>,
) -> Result<shape::BatchResult, Error> {
    let id = find(bus, caller, ask.queue_url.as_ref())?;
    let result = each("DeleteMessageBatchRequestEntry", ask.entries, |entry| {
        remove(bus, now, id, entry.receipt_handle.as_ref(), out)
    })?;
    receive::settle(bus, now, id, out);
    Ok(result)
}

fn hide(
    bus: &mut Bus,
    now: Timestamp,
    id: ResourceId,
    handle: Option<&Str>,
    timeout_s: Option<i32>,
) -> Result<(), Error> {
    let receipt = read(handle)?;
    let timeout_s = within("VisibilityTimeout", timeout_s, 0, limits::VISIBILITY_S_MAX)?
        .ok_or_else(|| missing("VisibilityTimeout"))?;
    let Some(queue) = bus.state.queues.get_mut(&id) else { return Ok(()) };
    let is_fifo = queue.fifo.is_some();
    let kept = find_kept(queue, &receipt)
        .filter(|kept| !is_fifo || is_current(kept, &receipt, now))
        .ok_or_else(|| {
            Error::invalid(format!(
                "Value {} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.",
                receipt.show()
            ))
        })?;
    // The receive time is lost on restart.
    let received_at = kept.receipt.map_or(now, |(_, at)| at);
    let timeout_ms = u64::try_from(timeout_s).unwrap_or_default() * 1_000;
    if (now + timeout_ms).since(received_at) > limits::HIDDEN_MS_MAX {
        return Err(Error::invalid(format!(
            "Value {timeout_s} for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [{} seconds].",
            limits::HIDDEN_MS_MAX / 1_000
        )));
    }
    let whereabouts = match timeout_ms {
        0 => Whereabouts::Ready,
        ms => Whereabouts::InFlight(now + ms),
    };
    queue.move_to(receipt.place, whereabouts);
    Ok(())
}

pub(crate) fn change(
    bus: &mut Bus,
    now: Timestamp,
    caller: &Caller,
    ask: &shape::ChangeMessageVisibilityRequest,
    out: &mut Vec<Output>,
) -> Result<(), Error> {
    let id = find(bus, caller, ask.queue_url.as_ref())?;
    hide(bus, now, id, ask.receipt_handle.as_ref(), ask.visibility_timeout)?;
    receive::settle(bus, now, id, out);
    Ok(())
}

pub(crate) fn change_batch(
    bus: &mut Bus,
    now: Timestamp,
    caller: &Caller,
    ask: shape::ReceiptBatchRequest,
    out: &mut Vec<Output>,
) -> Result<shape::BatchResult, Error> {
    let id = find(bus, caller, ask.queue_url.as_ref())?;
    let result = each("ChangeMessageVisibilityBatchRequestEntry", ask.entries, |entry| {
        hide(bus, now, id, entry.receipt_handle.as_ref(), entry.visibility_timeout)
    })?;
    receive::settle(bus, now, id, out);
    Ok(result)
}

fn each(
    kind: &str,
    entries: Option<Vec<shape::ReceiptBatchEntry>>,
    mut perform: impl FnMut(&shape::ReceiptBatchEntry) -> Result<(), Error>,
) -> Result<shape::BatchResult, Error> {
    let entries = entries.unwrap_or_default();
    check_ids(kind, entries.iter().map(|entry| entry.id.as_ref()))?;
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        match perform(&entry) {
            Ok(()) => successful.push(shape::BatchResultEntry { id: entry.id }),
            Err(error) => failed.push(failure(entry.id, &error)),
        }
    }
    Ok(shape::BatchResult { successful: Some(successful), failed: Some(failed) })
}
