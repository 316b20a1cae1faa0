//! Handing out messages and its consequences: hiding, redriving, waking waiting receives.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::sqs::{Error, ErrorCode, Response, shape};

use crate::machine::{Answer, Bus, Call, Change, Key, Output, Refusal};
use crate::queue::{Kept, Queue, Receipt, Wanted, Whereabouts};
use crate::record::{self, Message, queue_arn, uuid};
use crate::{digest, fifo, limits, moving};

/// Puts a message into a queue at the next place. The caller must settle the queue afterwards.
pub(crate) fn put(queue: &mut Queue, now: Timestamp, mut message: Message, out: &mut Vec<Output>) {
    message.queue = queue.record.id;
    message.place = queue.next_place;
    if queue.fifo.is_some() {
        message.sequence.get_or_insert(message.place);
        reserve_places(queue, out);
    }
    let message = Arc::new(message);
    out.push(Output::Change(Change::Message(message.clone())));
    queue.put(message, now);
    while let Some(oldest) = queue.surplus() {
        queue.remove(oldest);
        queue.losses.dropped += 1;
        out.push(Output::Change(Change::Forget(Key::Message(queue.record.id, oldest))));
    }
}

/// Puts a newly sent message into a queue; a FIFO queue remembers it for deduplication.
pub(crate) fn put_sent(
    queue: &mut Queue,
    now: Timestamp,
    mut message: Message,
    out: &mut Vec<Output>,
) {
    message.sequence = queue.fifo.is_some().then_some(queue.next_place);
    let (id, per_group) = (queue.record.id, queue.is_per_group());
    let sent = fifo::deduplication(&message, per_group, id, now);
    if let (Some(fifo), Some(sent)) = (&mut queue.fifo, sent) {
        let sent = Arc::new(sent);
        fifo.remember(sent.clone());
        out.push(Output::Change(Change::Deduplication(sent)));
    }
    put(queue, now, message, out);
}

/// Reserves the next place if needed, so that sequence numbers of a FIFO queue increase even after
/// a restart with an empty queue.
fn reserve_places(queue: &mut Queue, out: &mut Vec<Output>) {
    if queue.next_place >= queue.record.places {
        let places = queue.next_place + limits::PLACES_AT_A_TIME;
        queue.record = Arc::new(record::Queue { places, ..(*queue.record).clone() });
        out.push(Output::Change(Change::Queue(queue.record.clone())));
    }
}

/// Brings a queue up to date: shows, expires and moves messages, answers waiting receives, and sets
/// its alarm. If messages move to a dead-letter queue, settles that queue too.
pub(crate) fn settle(bus: &mut Bus, now: Timestamp, id: ResourceId, out: &mut Vec<Output>) {
    let mut concerned = vec![id];
    while let Some(id) = concerned.pop() {
        let Some(queue) = bus.state.queues.get_mut(&id) else { continue };
        let passed = queue.advance(now);
        let messages = passed.expired.into_iter().map(|place| Key::Message(id, place));
        let sent =
            passed.forgotten.into_iter().map(|(scope, sent)| Key::Deduplication(id, scope, sent));
        out.extend(messages.chain(sent).map(|key| Output::Change(Change::Forget(key))));
        moving::go_on(bus, now, id, &mut concerned, out);
        serve(bus, now, id, &mut concerned, out);
        bus.state.set_alarm(id);
    }
}

/// Answers waiting receives while there are messages.
fn serve(
    bus: &mut Bus,
    now: Timestamp,
    id: ResourceId,
    concerned: &mut Vec<ResourceId>,
    out: &mut Vec<Output>,
) {
    loop {
        let Some(queue) = bus.state.queues.get_mut(&id) else { return };
        let is_full = queue.in_flight.len() >= limits::IN_FLIGHT_MAX;
        if queue.polls.is_empty() || !queue.has_ready() || is_full {
            break;
        }
        let Some(poll) = queue.first_poll() else { break };
        let messages = take(bus, now, id, &poll.wanted, concerned, out);
        if messages.is_empty() {
            // The ready messages went to the dead-letter queue. If any are left, they follow.
            if let Some(queue) = bus.state.queues.get_mut(&id) {
                queue.wait_on(poll);
                queue.left_over = queue.has_ready().then_some(now).or(queue.left_over);
            }
            break;
        }
        answer(bus, poll.call, messages, out);
    }
    while let Some(poll) = bus.state.queues.get_mut(&id).and_then(|queue| queue.ended_poll(now)) {
        answer(bus, poll.call, Vec::new(), out);
    }
}

fn answer(bus: &mut Bus, call: Call, messages: Vec<shape::Message>, out: &mut Vec<Output>) {
    bus.state.polls.remove(&call);
    let result = shape::ReceiveMessageResult {
        messages: Some(messages).filter(|messages| !messages.is_empty()),
    };
    out.push(Output::Reply(call, Ok(Answer::Sqs(Response::ReceiveMessage(result)))));
}

/// Answers the waiting receives of a deleted queue.
pub(crate) fn dismiss(bus: &mut Bus, queue: &mut Queue, out: &mut Vec<Output>) {
    while let Some(poll) = queue.first_poll() {
        bus.state.polls.remove(&poll.call);
        let error = Error::new(ErrorCode::QueueDoesNotExist, "The specified queue does not exist.");
        out.push(Output::Reply(poll.call, Err(Refusal::Sqs(error))));
    }
}

/// The visibility timeout of a receive, in ms.
fn hidden_ms(queue: &Queue, wanted: &Wanted) -> u64 {
    wanted.visibility_ms.unwrap_or_else(|| {
        u64::try_from(queue.record.settings.visibility_s).unwrap_or_default() * 1_000
    })
}

/// Hands out ready messages. Those received too often go to the dead-letter queue instead, which
/// then needs settling.
pub(crate) fn take(
    bus: &mut Bus,
    now: Timestamp,
    id: ResourceId,
    wanted: &Wanted,
    concerned: &mut Vec<ResourceId>,
    out: &mut Vec<Output>,
) -> Vec<shape::Message> {
    let Some(queue) = bus.state.queues.get(&id) else { return Vec::new() };
    let dead_letters = dead_letter_queue(bus, queue);
    let (mut taken, mut dead) = (Vec::new(), Vec::new());
    let room = limits::IN_FLIGHT_MAX.saturating_sub(queue.in_flight.len()).min(wanted.count);
    for place in queue.offered() {
        if taken.len() >= room || dead.len() >= limits::CHANGES_AT_A_TIME {
            break;
        }
        let kept = &queue.kept[&place];
        if dead_letters.is_some() && queue.is_spent(kept) {
            dead.push(place);
        } else {
            taken.push(place);
        }
    }
    let messages = hide(bus, now, id, wanted, &taken);
    if let Some(target) = dead_letters {
        bury(bus, now, id, target, dead, concerned, out);
    }
    messages
}

/// Hides messages from all but their receiver, and returns them.
fn hide(
    bus: &mut Bus,
    now: Timestamp,
    id: ResourceId,
    wanted: &Wanted,
    places: &[u64],
) -> Vec<shape::Message> {
    let Some(queue) = bus.state.queues.get_mut(&id) else { return Vec::new() };
    let hidden_ms = hidden_ms(queue, wanted);
    // A timeout of zero does not hide the message.
    let whereabouts = match hidden_ms {
        0 => Whereabouts::Ready,
        ms => Whereabouts::InFlight(now + ms),
    };
    let (mut messages, mut receipts) = (Vec::with_capacity(places.len()), Vec::new());
    for place in places {
        queue.move_to(*place, whereabouts);
        let Some(kept) = queue.kept.get_mut(place) else { continue };
        kept.receives += 1;
        kept.first_received.get_or_insert(now);
        let nonce = bus.ids.below("receipt", u64::MAX);
        kept.receipt = Some((nonce, now));
        receipts.push((*place, nonce));
        messages.push(show(kept, nonce, wanted));
    }
    queue.pass_turns(places);
    if let (Some(fifo), Some(attempt)) = (&mut queue.fifo, &wanted.attempt)
        && !receipts.is_empty()
    {
        fifo.remember_attempt(attempt.clone(), receipts, now + hidden_ms, now);
    }
    messages
}

/// Returns what the same receive attempt got before, hidden again; `None` if it is no longer valid
/// and must be treated as new. Source: SQS API reference, `ReceiveRequestAttemptId`.
pub(crate) fn take_again(
    bus: &mut Bus,
    now: Timestamp,
    id: ResourceId,
    wanted: &Wanted,
) -> Option<Vec<shape::Message>> {
    let attempt_id = wanted.attempt.as_ref()?;
    let queue = bus.state.queues.get_mut(&id)?;
    let hidden_until = now + hidden_ms(queue, wanted);
    let attempt = queue.fifo.as_mut()?.attempt(attempt_id, now)?;
    let untouched = |(place, nonce): &(u64, u64)| {
        queue.kept.get(place).is_some_and(|kept| {
            kept.whereabouts == Whereabouts::InFlight(attempt.hidden_until)
                && kept.receipt.is_some_and(|(known, _)| known == *nonce)
        })
    };
    if !attempt.receipts.iter().all(untouched) {
        queue.fifo.as_mut()?.forget_attempt(attempt_id);
        return None;
    }
    let mut messages = Vec::new();
    for (place, nonce) in &attempt.receipts {
        queue.move_to(*place, Whereabouts::InFlight(hidden_until));
        messages.push(show(queue.kept.get(place)?, *nonce, wanted));
    }
    let fifo = queue.fifo.as_mut()?;
    fifo.remember_attempt(attempt_id.clone(), attempt.receipts, hidden_until, now);
    Some(messages)
}

/// The dead-letter queue of a queue, if it exists.
fn dead_letter_queue(bus: &Bus, queue: &Queue) -> Option<ResourceId> {
    let redrive = queue.record.settings.redrive.as_ref()?;
    let name = record::queue_name(&queue.record.realm, &redrive.target)?;
    bus.state.queue_id(&queue.record.realm, name).filter(|target| *target != queue.record.id)
}

/// Moves messages to a dead-letter queue. Those of a standard queue keep their sent time and thus
/// their expiry. Source: SQS developer guide, *Dead-letter queues*.
fn bury(
    bus: &mut Bus,
    now: Timestamp,
    from: ResourceId,
    to: ResourceId,
    places: Vec<u64>,
    concerned: &mut Vec<ResourceId>,
    out: &mut Vec<Output>,
) {
    if places.is_empty() {
        return;
    }
    for place in places {
        let Some(queue) = bus.state.queues.get_mut(&from) else { return };
        let source = queue_arn(&queue.record.realm, &queue.record.name);
        let is_fifo = queue.fifo.is_some();
        let Some(kept) = queue.remove(place) else { continue };
        out.push(Output::Change(Change::Forget(Key::Message(from, place))));
        let mut message =
            Message { moved_from: Some(source), visible_at: now, ..(*kept.message).clone() };
        if is_fifo {
            message.sent_at = now;
        }
        if let Some(target) = bus.state.queues.get_mut(&to) {
            put(target, now, message, out);
        }
    }
    concerned.push(to);
}

fn show(kept: &Kept, nonce: u64, wanted: &Wanted) -> shape::Message {
    let message = &kept.message;
    let receipt = Receipt { message: message.id, place: message.place, nonce };
    let attributes: shape::MessageAttributes = message
        .attributes
        .iter()
        .filter(|(name, _)| is_wanted(name, &wanted.attributes))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let system = system_attributes(kept, &wanted.system);
    shape::Message {
        message_id: Some(uuid(message.id)),
        receipt_handle: Some(receipt.show()),
        md5_of_body: Some(digest::body(&message.body)),
        body: Some(message.body.clone()),
        attributes: Some(system).filter(|system| !system.is_empty()),
        md5_of_message_attributes: digest::attributes(&attributes),
        message_attributes: Some(attributes).filter(|attributes| !attributes.is_empty()),
    }
}

/// Whether an attribute was requested. Source: SQS API reference, `MessageAttributeNames`: names,
/// prefixes with `.*`, or `All`; SQS also accepts `*` for all.
fn is_wanted(name: &str, wanted: &[Str]) -> bool {
    wanted.iter().any(|pattern| match pattern.strip_suffix(".*") {
        Some(beginning) => name.starts_with(beginning),
        None => matches!(&**pattern, "All" | "*") || &**pattern == name,
    })
}

fn system_attributes(kept: &Kept, wanted: &[Str]) -> BTreeMap<Str, Str> {
    if wanted.is_empty() {
        return BTreeMap::new();
    }
    let message = &kept.message;
    let millis = |at: Timestamp| Some(at.wall().millis().to_string().into());
    let all: [(&str, Option<Str>); 9] = [
        ("AWSTraceHeader", message.trace_header.clone()),
        ("ApproximateFirstReceiveTimestamp", kept.first_received.and_then(millis)),
        ("ApproximateReceiveCount", Some(kept.receives.to_string().into())),
        ("DeadLetterQueueSourceArn", message.moved_from.clone()),
        ("MessageDeduplicationId", message.deduplication.clone()),
        ("MessageGroupId", message.group.clone()),
        ("SenderId", Some(message.sender.clone())),
        ("SentTimestamp", millis(message.sent_at)),
        ("SequenceNumber", message.sequence.map(fifo::sequence_number)),
    ];
    all.into_iter()
        .filter(|(name, _)| wanted.iter().any(|word| &**word == "All" || &**word == *name))
        .filter_map(|(name, value)| Some((name.into(), value?)))
        .collect()
}
