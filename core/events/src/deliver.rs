//! Delivers an event to the queues that rules send it to, in two steps.
//!
//! [`deliveries`] computes from the event and the rules alone which rules match and what their
//! targets get. This can take long, so it may run elsewhere and ahead of time. [`deliver`] then
//! applies the result in one step. An event that no rule wants costs one index lookup. Whatever can
//! be decided by source and detail type alone is decided without parsing the event.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::eventbridge::shape::Target;
use serde::{Deserialize, Serialize};

use crate::admit::is_lawful_body;
use crate::event::Event;
use crate::fifo::{Sent, content_id};
use crate::json::Json;
use crate::machine::{Bus, Output};
use crate::pattern::Work;
use crate::record::{Message, Rule, queue_name};
use crate::rules::Rules;
use crate::{receive, transform};

/// What a target gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    /// The ARN of the queue.
    target: Str,
    /// The ARN of the dead-letter queue.
    dead_letters: Option<Str>,
    /// `None` when it would exceed the message size or contain characters that a message may not.
    body: Option<Str>,
    /// The message group, for a FIFO queue.
    group: Option<Str>,
    /// Deduplication id of the body, for a FIFO queue.
    content: Option<Str>,
    /// The whole event, for the dead-letter queue.
    event: Str,
}

/// Why the deliveries of an event could not be determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TooMuch {
    /// Matching exceeds the work limit.
    Work,
    /// Targets would get more bytes than the limit.
    Bytes,
}

/// Lazily built representations of an event: most events need none, and each is built at most once.
pub(crate) struct Forms<'a> {
    event: &'a Event,
    realm: &'a Realm,
    canonical: OnceCell<Json<'a>>,
    whole: OnceCell<Json<'a>>,
    envelope: OnceCell<Str>,
}

impl<'a> Forms<'a> {
    pub(crate) fn new(event: &'a Event, realm: &'a Realm) -> Self {
        let (canonical, whole, envelope) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self { event, realm, canonical, whole, envelope }
    }

    fn canonical(&self) -> &Json<'a> {
        self.canonical.get_or_init(|| self.event.json(self.realm).canonical())
    }

    fn whole(&self) -> &Json<'a> {
        self.whole.get_or_init(|| self.event.json(self.realm))
    }

    fn envelope(&self) -> &Str {
        self.envelope.get_or_init(|| self.event.envelope(self.realm).into())
    }
}

/// Determines what an event leads to.
///
/// # Errors
/// When it exceeds the remaining work or the remaining bytes.
pub(crate) fn deliveries(
    rules: &Rules,
    now: Timestamp,
    realm: &Realm,
    event: &Event,
    work: &mut Work,
    bytes: &mut usize,
) -> Result<Vec<Delivery>, TooMuch> {
    let forms = Forms::new(event, realm);
    let mut all = Vec::new();
    for rule in rules.candidates(&event.source, &event.detail_type) {
        let made = by_rule(rule, now, &forms, work, &mut all);
        *bytes = bytes.checked_sub(made).ok_or(TooMuch::Bytes)?;
        if work.is_spent() {
            return Err(TooMuch::Work);
        }
    }
    Ok(all)
}

/// Adds what an event leads to by one rule; returns its bytes. The result is meaningless once the
/// work is spent.
pub(crate) fn by_rule(
    rule: &crate::rules::Rule,
    now: Timestamp,
    forms: &Forms<'_>,
    work: &mut Work,
    all: &mut Vec<Delivery>,
) -> usize {
    if !(rule.pins.complete || rule.pattern.matches(forms.canonical(), work)) {
        return 0;
    }
    let mut bytes = 0;
    for target in &rule.record.targets {
        let template = target.input_transformer.as_ref();
        let template = template.and_then(|transformer| transformer.input_template.as_ref());
        work.spend(template.map_or(0, |template| template.len() as u64 / TEMPLATE_BYTES));
        let body = body(&rule.record, target, now, forms);
        let length = body.as_ref().map_or(forms.envelope().len(), |body| body.len());
        work.spend(1 + length as u64 / 64);
        bytes += length;
        all.push(delivery(target, body, forms));
    }
    bytes
}

/// Bytes of a template processed per unit of work.
const TEMPLATE_BYTES: u64 = 4;

fn delivery(target: &Target, body: Option<Str>, forms: &Forms<'_>) -> Delivery {
    let arn = target.arn.clone().unwrap_or_else(|| "".into());
    let is_fifo = arn.ends_with(".fifo");
    let parameters = target.sqs_parameters.as_ref();
    Delivery {
        content: body.as_ref().filter(|_| is_fifo).map(|body| content_id(body)),
        target: arn,
        dead_letters: target.dead_letter_config.as_ref().and_then(|config| config.arn.clone()),
        body,
        group: parameters.and_then(|parameters| parameters.message_group_id.clone()),
        event: forms.envelope().clone(),
    }
}

fn body(rule: &Rule, target: &Target, now: Timestamp, forms: &Forms<'_>) -> Option<Str> {
    if let Some(input) = &target.input {
        return Some(input.clone());
    }
    if let Some(path) = &target.input_path {
        let found = transform::find(forms.whole(), path);
        return Some(found.map_or_else(|| "null".to_owned(), ToString::to_string).into());
    }
    let Some(transformer) = &target.input_transformer else {
        return Some(forms.envelope().clone());
    };
    let (event, envelope) = (forms.whole(), forms.envelope());
    let context = transform::Context { rule, now, event, envelope };
    // JSON yields only valid characters; a template may contain others.
    let body = transform::apply(transformer, &context).ok().filter(|body| is_lawful_body(body));
    body.map(Into::into)
}

/// Puts messages into the queues of targets.
pub(crate) fn deliver(
    bus: &mut Bus,
    now: Timestamp,
    realm: &Realm,
    all: &[Delivery],
    out: &mut Vec<Output>,
) {
    let mut concerned = BTreeSet::new();
    for delivery in all {
        match send(bus, now, realm, delivery, out) {
            Some(queue) => drop(concerned.insert(queue)),
            None => bus.state.undelivered += 1,
        }
    }
    for id in concerned {
        receive::settle(bus, now, id, out);
    }
}

/// Puts a message into the target's queue or, failing that, into its dead-letter queue.
fn send(
    bus: &mut Bus,
    now: Timestamp,
    realm: &Realm,
    delivery: &Delivery,
    out: &mut Vec<Output>,
) -> Option<ResourceId> {
    let queue = |arn: &str| bus.state.queue_id(realm, queue_name(realm, arn)?);
    let (target, dead_letters) =
        (queue(&delivery.target), delivery.dead_letters.as_deref().and_then(queue));
    let body = delivery.body.as_ref();
    let sent = target.zip(body).and_then(|(id, body)| put(bus, now, id, body, delivery, out));
    sent.or_else(|| {
        let whole = Delivery { content: Some(content_id(&delivery.event)), ..delivery.clone() };
        dead_letters.and_then(|id| put(bus, now, id, &delivery.event, &whole, out))
    })
}

/// Puts a message into a queue, if the queue accepts it.
fn put(
    bus: &mut Bus,
    now: Timestamp,
    id: ResourceId,
    body: &Str,
    delivery: &Delivery,
    out: &mut Vec<Output>,
) -> Option<ResourceId> {
    let message_id = ResourceId(u128::from_be_bytes(bus.ids.uuid_bytes("message")));
    let queue = bus.state.queues.get_mut(&id)?;
    let settings = &queue.record.settings;
    if body.len() > usize::try_from(settings.message_bytes_max).unwrap_or_default() {
        return None;
    }
    let mut message = Message {
        body: body.clone(),
        group: delivery.group.clone(),
        visible_at: now + u64::try_from(settings.delay_s).unwrap_or_default() * 1_000,
        ..Message::new(id, message_id, "events.amazonaws.com", now)
    };
    if let Some(fifo) = &settings.fifo {
        // A FIFO queue without content-based deduplication cannot be a target: nobody provides ids.
        if !fifo.content_based || message.group.is_none() {
            return None;
        }
        message.deduplication.clone_from(&delivery.content);
        if let Sent::Again(_) = queue.check_duplicate(&message) {
            return Some(id);
        }
    }
    receive::put_sent(queue, now, message, out);
    Some(id)
}
