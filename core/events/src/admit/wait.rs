//! Receiving messages, immediately or by long polling.

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::sqs::{Error, ErrorCode, Response, shape};

use super::queue::{find, nonexistent};
use super::{Caller, message};
use crate::machine::{Bus, Output};
use crate::queue::{Poll, Wanted};
use crate::{limits, receive as hand_out, settings};

/// Message attributes that SQS sets itself.
const SYSTEM: [&str; 10] = [
    "All",
    "AWSTraceHeader",
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "DeadLetterQueueSourceArn",
    "MessageDeduplicationId",
    "MessageGroupId",
    "SenderId",
    "SentTimestamp",
    "SequenceNumber",
];

/// Receives what is available; returns `None` if the caller waits.
pub(crate) fn receive(
    bus: &mut Bus,
    now: Timestamp,
    caller: &Caller,
    ask: shape::ReceiveMessageRequest,
    out: &mut Vec<Output>,
) -> Result<Option<Response>, Error> {
    let id = find(bus, caller, ask.queue_url.as_ref())?;
    let wait_s = ask.wait_time_seconds;
    let wanted = wanted(ask)?;
    let wait_s = within("WaitTimeSeconds", wait_s, 0, limits::WAIT_S_MAX)?;
    hand_out::settle(bus, now, id, out);
    let Some(queue) = bus.state.queues.get(&id) else { return Err(nonexistent()) };
    if queue.fifo.is_none() && queue.in_flight.len() >= limits::IN_FLIGHT_MAX {
        return Err(Error::new(
            ErrorCode::OverLimit,
            format!("There are {} messages in flight already.", limits::IN_FLIGHT_MAX),
        ));
    }
    let wait_s = wait_s.unwrap_or(queue.record.settings.wait_s);
    let mut concerned = Vec::new();
    let messages = match hand_out::take_again(bus, now, id, &wanted) {
        Some(messages) => messages,
        None => hand_out::take(bus, now, id, &wanted, &mut concerned, out),
    };
    bus.state.set_alarm(id);
    for other in concerned {
        hand_out::settle(bus, now, other, out);
    }
    let waiting =
        bus.state.queues.get_mut(&id).filter(|queue| {
            messages.is_empty() && wait_s > 0 && queue.polls.len() < limits::POLLS_MAX
        });
    if let Some(queue) = waiting {
        let until = now + u64::try_from(wait_s).unwrap_or_default() * 1_000;
        queue.wait(Poll { call: caller.call, until, wanted });
        bus.state.polls.insert(caller.call, id);
        bus.state.set_alarm(id);
        return Ok(None);
    }
    let messages = Some(messages).filter(|messages| !messages.is_empty());
    Ok(Some(Response::ReceiveMessage(shape::ReceiveMessageResult { messages })))
}

fn wanted(ask: shape::ReceiveMessageRequest) -> Result<Wanted, Error> {
    let max = limits::RECEIVED_MESSAGES_MAX;
    let count = ask.max_number_of_messages.unwrap_or(1);
    if !(1..=max).contains(&count) {
        return Err(Error::invalid(format!(
            "Value {count} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and {max}, if provided."
        )));
    }
    let visibility =
        within("VisibilityTimeout", ask.visibility_timeout, 0, limits::VISIBILITY_S_MAX)?;
    let mut system: Vec<Str> = ask.attribute_names.unwrap_or_default();
    system.extend(ask.message_system_attribute_names.into_iter().flatten());
    if let Some(name) = system.iter().find(|name| !SYSTEM.contains(&&***name)) {
        return Err(settings::unknown(name));
    }
    Ok(Wanted {
        count: usize::try_from(count).unwrap_or(1),
        visibility_ms: visibility.map(|s| u64::try_from(s).unwrap_or_default() * 1_000),
        system,
        attributes: ask.message_attribute_names.unwrap_or_default(),
        attempt: message::fifo_id("ReceiveRequestAttemptId", ask.receive_request_attempt_id)?,
    })
}

/// Checks that a number, if given, is within bounds.
pub(crate) fn within(
    name: &str,
    value: Option<i32>,
    min: i32,
    max: i32,
) -> Result<Option<i32>, Error> {
    match value {
        Some(value) if !(min..=max).contains(&value) => Err(Error::invalid(format!(
            "Value {value} for parameter {name} is invalid. Reason: Must be >= {min} and <= {max}, if provided."
        ))),
        other => Ok(other),
    }
}
