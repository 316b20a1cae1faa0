//! Sending messages, single or in batches.

use std::collections::BTreeSet;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::sqs::{Error, ErrorCode, shape};

use super::queue::{find, missing, nonexistent};
use super::{Caller, message};
use crate::fifo::{Sent, content_id, sequence_number};
use crate::machine::{Bus, Output};
use crate::record::{Message, uuid};
use crate::settings::{FifoSettings, Settings};
use crate::{digest, limits, receive};

/// The common part of a message and a batch entry.
struct Draft {
    body: Option<Str>,
    delay_seconds: Option<i32>,
    attributes: Option<shape::MessageAttributes>,
    system_attributes: Option<shape::MessageAttributes>,
    deduplication: Option<Str>,
    group: Option<Str>,
}

fn settings(bus: &Bus, id: ResourceId) -> Result<&Settings, Error> {
    bus.state.queues.get(&id).map(|queue| &queue.record.settings).ok_or_else(nonexistent)
}

pub(crate) fn one(
    bus: &mut Bus,
    now: Timestamp,
    caller: &Caller,
    ask: shape::SendMessageRequest,
    out: &mut Vec<Output>,
) -> Result<shape::SendMessageResult, Error> {
    let id = find(bus, caller, ask.queue_url.as_ref())?;
    let draft = Draft {
        body: ask.message_body,
        delay_seconds: ask.delay_seconds,
        attributes: ask.message_attributes,
        system_attributes: ask.message_system_attributes,
        deduplication: ask.message_deduplication_id,
        group: ask.message_group_id,
    };
    check_kind(settings(bus, id)?, &draft)?;
    let sent = put(bus, now, caller, id, draft, out)?;
    receive::settle(bus, now, id, out);
    Ok(sent)
}

/// Checks a message and puts it into its queue. The caller must settle the queue afterwards.
fn put(
    bus: &mut Bus,
    now: Timestamp,
    caller: &Caller,
    id: ResourceId,
    draft: Draft,
    out: &mut Vec<Output>,
) -> Result<shape::SendMessageResult, Error> {
    let Some(queue) = bus.state.queues.get_mut(&id) else { return Err(nonexistent()) };
    let settings = &queue.record.settings;
    let delay_s = delay_s(settings, draft.delay_seconds)?;
    let group = message::fifo_id("MessageGroupId", draft.group)?;
    let deduplication = message::fifo_id("MessageDeduplicationId", draft.deduplication)?;
    let attributes = message::attributes(draft.attributes)?;
    let body = message::body(draft.body, &attributes, settings.message_bytes_max)?;
    let system = draft.system_attributes.unwrap_or_default();
    let trace_header = message::trace_header(&system)?;
    let content = |fifo: &FifoSettings| fifo.content_based.then(|| content_id(&body));
    let message = Message {
        deduplication: deduplication.or_else(|| settings.fifo.as_ref().and_then(content)),
        attributes,
        trace_header,
        group,
        visible_at: now + u64::try_from(delay_s).unwrap_or_default() * 1_000,
        body,
        ..Message::new(id, ResourceId(0), caller.realm.account.clone(), now)
    };
    let sent = shape::SendMessageResult {
        md5_of_message_body: Some(digest::body(&message.body)),
        md5_of_message_attributes: digest::attributes(&message.attributes),
        md5_of_message_system_attributes: digest::attributes(&system),
        ..Default::default()
    };
    if let Sent::Again(known) = queue.check_duplicate(&message) {
        return Ok(shape::SendMessageResult {
            message_id: Some(uuid(known.message)),
            sequence_number: Some(sequence_number(known.sequence)),
            ..sent
        });
    }
    let message_id = ResourceId(u128::from_be_bytes(bus.ids.uuid_bytes("message")));
    let sequence = queue.fifo.is_some().then(|| sequence_number(queue.next_place));
    receive::put_sent(queue, now, Message { id: message_id, ..message }, out);
    Ok(shape::SendMessageResult {
        message_id: Some(uuid(message_id)),
        sequence_number: sequence,
        ..sent
    })
}

/// Delay of a message. Messages of a FIFO queue have no delay of their own. Source: SQS API
/// reference, `SendMessage`.
fn delay_s(settings: &Settings, given: Option<i32>) -> Result<i32, Error> {
    let delay_s = given.unwrap_or(settings.delay_s);
    if settings.fifo.is_some() {
        return match given {
            Some(delay_s) if delay_s != 0 => Err(Error::invalid(format!(
                "Value {delay_s} for parameter DelaySeconds is invalid. Reason: {OTHER_KIND}"
            ))),
            _ => Ok(settings.delay_s),
        };
    }
    if !(0..=limits::DELAY_S_MAX).contains(&delay_s) {
        return Err(Error::invalid(format!(
            "Value {delay_s} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."
        )));
    }
    Ok(delay_s)
}

/// Verbatim from SQS.
const OTHER_KIND: &str = "The request include parameter that is not valid for this queue type.";

/// Checks which parameters this kind of queue requires and forbids. One such mistake in a batch
/// rejects the whole batch.
fn check_kind(settings: &Settings, draft: &Draft) -> Result<(), Error> {
    let Some(fifo) = &settings.fifo else {
        return match &draft.deduplication {
            Some(id) => Err(Error::invalid(format!(
                "Value {id} for parameter MessageDeduplicationId is invalid. Reason: {OTHER_KIND}"
            ))),
            None => Ok(()),
        };
    };
    if draft.group.is_none() {
        return Err(missing("MessageGroupId"));
    }
    if draft.deduplication.is_none() && !fifo.content_based {
        return Err(Error::invalid(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        ));
    }
    Ok(())
}

pub(crate) fn batch(
    bus: &mut Bus,
    now: Timestamp,
    caller: &Caller,
    ask: shape::SendMessageBatchRequest,
    out: &mut Vec<Output>,
) -> Result<shape::SendMessageBatchResult, Error> {
    let id = find(bus, caller, ask.queue_url.as_ref())?;
    let entries = ask.entries.unwrap_or_default();
    check_ids("SendMessageBatchRequestEntry", entries.iter().map(|entry| entry.id.as_ref()))?;
    let bytes = |entry: &shape::SendMessageBatchEntry| {
        entry.message_body.as_ref().map_or(0, |body| body.len())
            + entry.message_attributes.as_ref().map_or(0, crate::record::attribute_bytes)
    };
    let total: usize = entries.iter().map(bytes).sum();
    if total > limits::MESSAGE_BYTES_MAX {
        return Err(Error::new(
            ErrorCode::BatchRequestTooLong,
            format!(
                "Batch requests cannot be longer than {} bytes. You have sent {total} bytes.",
                limits::MESSAGE_BYTES_MAX
            ),
        ));
    }
    let draft = |entry: shape::SendMessageBatchEntry| {
        let draft = Draft {
            body: entry.message_body,
            delay_seconds: entry.delay_seconds,
            attributes: entry.message_attributes,
            system_attributes: entry.message_system_attributes,
            deduplication: entry.message_deduplication_id,
            group: entry.message_group_id,
        };
        (entry.id, draft)
    };
    let drafts: Vec<(Option<Str>, Draft)> = entries.into_iter().map(draft).collect();
    let settings = settings(bus, id)?;
    drafts.iter().try_for_each(|(_, draft)| check_kind(settings, draft))?;
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (entry_id, draft) in drafts {
        match put(bus, now, caller, id, draft, out) {
            Ok(sent) => successful.push(shape::SendMessageBatchResultEntry {
                id: entry_id,
                message_id: sent.message_id,
                md5_of_message_body: sent.md5_of_message_body,
                md5_of_message_attributes: sent.md5_of_message_attributes,
                md5_of_message_system_attributes: sent.md5_of_message_system_attributes,
                sequence_number: sent.sequence_number,
            }),
            Err(error) => failed.push(failure(entry_id, &error)),
        }
    }
    receive::settle(bus, now, id, out);
    Ok(shape::SendMessageBatchResult { successful: Some(successful), failed: Some(failed) })
}

/// The result for a failed entry.
pub(crate) fn failure(id: Option<Str>, error: &Error) -> shape::BatchResultErrorEntry {
    shape::BatchResultErrorEntry {
        id,
        sender_fault: Some(error.code.fault() == "Sender"),
        code: Some(error.code.query_name().into()),
        message: Some(error.message.as_str().into()),
    }
}

/// Rejects a batch that is empty or too large, or whose ids are malformed or not distinct.
pub(crate) fn check_ids<'a>(
    entry: &str,
    ids: impl ExactSizeIterator<Item = Option<&'a Str>>,
) -> Result<(), Error> {
    let count = ids.len();
    if count == 0 {
        return Err(Error::new(
            ErrorCode::EmptyBatchRequest,
            format!("There should be at least one {entry} in the request."),
        ));
    }
    if count > limits::BATCH_ENTRIES_MAX {
        return Err(Error::new(
            ErrorCode::TooManyEntriesInBatchRequest,
            format!("Maximum number of entries per request are 10. You have sent {count}."),
        ));
    }
    let mut seen = BTreeSet::new();
    for id in ids {
        let id = id.map(|id| &**id).unwrap_or_default();
        let valid = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
        let length = 1..=limits::BATCH_ID_CHARS_MAX;
        if !length.contains(&id.chars().count()) || !id.chars().all(valid) {
            return Err(Error::new(
                ErrorCode::InvalidBatchEntryId,
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
            ));
        }
        if !seen.insert(id.to_owned()) {
            return Err(Error::new(
                ErrorCode::BatchEntryIdsNotDistinct,
                format!("Id {id} repeated."),
            ));
        }
    }
    Ok(())
}
