//! What a receiver does with a message that it has: delete it, or change how long it is hidden.
//!
//! Source: SQS API reference, `DeleteMessage`: only the handle of the last receive deletes; with an older one the request
//! succeeds and the message stays. After a restart nobody knows which handle was the last, so any handle of the message
//! will do until it is received again: chosen by us, so that work done before a restart can be acknowledged after it.

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::sqs::{Error, ErrorCode, shape};

use super::Caller;
use super::queue::{find, missing};
use super::send::{check_ids, failure};
use super::wait::within;
use crate::machine::{Bus, Change, Key, Output};
use crate::queue::{Kept, Receipt, Whereabouts};
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

/// The message of a receipt, if the receipt is its last.
fn find_kept<'a>(bus: &'a Bus, id: ResourceId, receipt: &Receipt) -> Option<&'a Kept> {
    let kept = bus.state.queues.get(&id)?.kept.get(&receipt.place)?;
    let is_last = kept.receipt.is_none_or(|nonce| nonce == receipt.nonce);
    Some(kept).filter(|kept| kept.message.id == receipt.message && is_last)
}

fn remove(
    bus: &mut Bus,
    id: ResourceId,
    handle: Option<&Str>,
    out: &mut Vec<Output>,
) -> Result<(), Error> {
    let receipt = read(handle)?;
    // What is gone is deleted.
    if find_kept(bus, id, &receipt).is_some()
        && let Some(queue) = bus.state.queues.get_mut(&id)
    {
        queue.remove(receipt.place);
        out.push(Output::Change(Change::Forget(Key::Message(id, receipt.place))));
    }
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
    remove(bus, id, ask.receipt_handle.as_ref(), out)?;
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
    let result = each(ask.entries.unwrap_or_default(), |entry| {
        remove(bus, id, entry.receipt_handle.as_ref(), out)
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
    let in_flight = find_kept(bus, id, &receipt)
        .filter(|kept| matches!(kept.whereabouts, Whereabouts::InFlight(until) if until > now));
    if in_flight.is_none() {
        return Err(Error::new(
            ErrorCode::MessageNotInflight,
            "The message referred to is not in flight.",
        ));
    }
    let whereabouts = match u64::try_from(timeout_s).unwrap_or_default() {
        0 => Whereabouts::Ready,
        seconds => Whereabouts::InFlight(now + seconds * 1_000),
    };
    if let Some(queue) = bus.state.queues.get_mut(&id) {
        queue.move_to(receipt.place, whereabouts);
    }
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
    let result = each(ask.entries.unwrap_or_default(), |entry| {
        hide(bus, now, id, entry.receipt_handle.as_ref(), entry.visibility_timeout)
    })?;
    receive::settle(bus, now, id, out);
    Ok(result)
}

fn each(
    entries: Vec<shape::ReceiptBatchEntry>,
    mut perform: impl FnMut(&shape::ReceiptBatchEntry) -> Result<(), Error>,
) -> Result<shape::BatchResult, Error> {
    check_ids(entries.iter().map(|entry| entry.id.as_ref()))?;
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        match perform(&entry) {
            Ok(()) => successful.push(shape::BatchResultEntry { id: entry.id }),
            Err(error) => failed.push(failure(entry.id, &error)),
        }
    }
    Ok(shape::BatchResult { successful: Some(successful), failed: Some(failed) })
}
