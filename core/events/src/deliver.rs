//! From an event to the queues that rules send it to.
//!
//! An event that no rule wants costs a look into an index. What can be decided by source and detail type alone is decided
//! without looking into the event.

use std::collections::BTreeSet;
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::eventbridge::shape::Target;
use serde_json::{Map, Value};

use crate::event::Event;
use crate::machine::{Bus, Output};
use crate::record::{Message, Rule, queue_name};
use crate::{receive, transform};

/// What has been made of an event so far: most need neither form, and none needs one twice.
struct Forms<'a> {
    event: &'a Event,
    realm: &'a Realm,
    members: Option<Map<String, Value>>,
    envelope: Option<Str>,
}

impl Forms<'_> {
    fn members(&mut self) -> &Map<String, Value> {
        self.members.get_or_insert_with(|| self.event.members(self.realm))
    }

    fn envelope(&mut self) -> Str {
        self.envelope.get_or_insert_with(|| self.event.envelope(self.realm).into()).clone()
    }
}

/// Takes an event to where rules send it.
pub(crate) fn event(
    bus: &mut Bus,
    now: Timestamp,
    realm: &Realm,
    event: &Event,
    out: &mut Vec<Output>,
) {
    let Some(regional) = bus.state.realms.get(realm) else { return };
    let mut forms = Forms { event, realm, members: None, envelope: None };
    let matching: Vec<Arc<Rule>> = regional
        .candidates(&event.source, &event.detail_type)
        .filter(|rule| rule.pins.complete || rule.pattern.matches(forms.members()))
        .map(|rule| rule.record.clone())
        .collect();
    let mut concerned = BTreeSet::new();
    for rule in matching {
        for target in &rule.targets {
            let body = body(&rule, target, now, &mut forms);
            concerned.extend(send(bus, now, realm, target, body, out));
        }
    }
    for id in concerned {
        receive::settle(bus, now, id, out);
    }
}

fn body(rule: &Rule, target: &Target, now: Timestamp, forms: &mut Forms<'_>) -> Str {
    if let Some(input) = &target.input {
        return input.clone();
    }
    if let Some(path) = &target.input_path {
        let found = transform::find(forms.members(), path);
        return found.map_or_else(|| "null".to_owned(), |value| value.to_string()).into();
    }
    let Some(transformer) = &target.input_transformer else { return forms.envelope() };
    let whole = forms.envelope();
    let context = transform::Context { rule, now, event: forms.members(), envelope: &whole };
    transform::apply(transformer, &context).into()
}

/// Puts a message into the queue of a target, or into that for what cannot be delivered.
fn send(
    bus: &mut Bus,
    now: Timestamp,
    realm: &Realm,
    target: &Target,
    body: Str,
    out: &mut Vec<Output>,
) -> Option<ResourceId> {
    let dead_letters = target.dead_letter_config.as_ref().and_then(|config| config.arn.as_deref());
    let id = target
        .arn
        .as_deref()
        .into_iter()
        .chain(dead_letters)
        .find_map(|arn| bus.state.queue_id(realm, queue_name(realm, arn)?));
    let id_of_message = ResourceId(u128::from_be_bytes(bus.ids.uuid_bytes("message")));
    let Some(queue) = id.and_then(|id| bus.state.queues.get_mut(&id)) else {
        bus.state.undelivered += 1;
        return None;
    };
    let delay_ms = u64::try_from(queue.record.settings.delay_s).unwrap_or_default() * 1_000;
    let group = target.sqs_parameters.as_ref().and_then(|queue| queue.message_group_id.clone());
    let message = Message {
        queue: queue.record.id,
        place: 0,
        id: id_of_message,
        body,
        attributes: longshore_wire_ecs::sqs::shape::MessageAttributes::new(),
        trace_header: None,
        group,
        sender: "events.amazonaws.com".into(),
        sent_at: now,
        visible_at: now + delay_ms,
        moved_from: None,
    };
    receive::put(queue, now, message, out);
    id
}
