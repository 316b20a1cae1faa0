//! Events that clients put on the bus.

use longshore_machine::Timestamp;
use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::eventbridge::{Error, shape};
use serde_json::{Map, Value};

use super::rule::check_bus;
use crate::event::Event;
use crate::limits;
use crate::machine::{Bus, Output};
use crate::record::uuid;

pub(crate) fn put(
    bus: &mut Bus,
    now: Timestamp,
    realm: &Realm,
    ask: shape::PutEventsRequest,
    out: &mut Vec<Output>,
) -> Result<shape::PutEventsResponse, Error> {
    let entries = ask.entries.unwrap_or_default();
    if !(1..=limits::EVENTS_PER_CALL_MAX).contains(&entries.len()) {
        return Err(Error::validation("Entries must have at least 1 and at most 10 members."));
    }
    for entry in &entries {
        check_bus(realm, entry.event_bus_name.as_ref())?;
    }
    if entries.iter().map(size).sum::<usize>() > limits::EVENTS_BYTES_MAX {
        return Err(Error::validation(
            "Total size of the entries in the request is over the limit.",
        ));
    }
    let mut failed = 0;
    let mut results = Vec::with_capacity(entries.len());
    for entry in entries {
        results.push(match event(bus, now, entry) {
            Ok(event) => {
                bus.publish(now, realm, &event, out);
                shape::PutEventsResult { event_id: Some(event.id), ..Default::default() }
            }
            Err((code, message)) => {
                failed += 1;
                shape::PutEventsResult {
                    event_id: None,
                    error_code: Some(code.into()),
                    error_message: Some(message.into()),
                }
            }
        });
    }
    Ok(shape::PutEventsResponse { failed_entry_count: Some(failed), entries: Some(results) })
}

/// Source: EventBridge user guide, *Calculating `PutEvents` event entry size*.
fn size(entry: &shape::PutEventsEntry) -> usize {
    let text = |text: &Option<longshore_wire_ecs::Str>| text.as_ref().map_or(0, |text| text.len());
    let resources = entry.resources.iter().flatten().map(|arn| arn.len()).sum::<usize>();
    14 + text(&entry.source) + text(&entry.detail_type) + text(&entry.detail) + resources
}

/// Source of the codes: EventBridge API reference, `PutEventsResultEntry`.
fn event(
    bus: &mut Bus,
    now: Timestamp,
    entry: shape::PutEventsEntry,
) -> Result<Event, (&'static str, String)> {
    let wanted = |name: &str, value: Option<longshore_wire_ecs::Str>| {
        value.filter(|text| !text.is_empty()).ok_or_else(|| {
            let what =
                format!("Parameter {name} is not valid. Reason: {name} is a required argument.");
            ("InvalidArgument", what)
        })
    };
    let source = wanted("Source", entry.source)?;
    let detail_type = wanted("DetailType", entry.detail_type)?;
    let detail = wanted("Detail", entry.detail)?;
    if source.starts_with("aws.") {
        return Err((
            "NotAuthorizedForSourceException",
            "Not authorized for the source.".to_owned(),
        ));
    }
    if serde_json::from_str::<Map<String, Value>>(&detail).is_err() {
        return Err(("MalformedDetail", "Detail is malformed.".to_owned()));
    }
    let resources = entry.resources.unwrap_or_default();
    if resources.len() > limits::EVENT_RESOURCES_MAX {
        return Err(("InvalidArgument", "Parameter Resources is not valid.".to_owned()));
    }
    let id = ResourceId(u128::from_be_bytes(bus.ids.uuid_bytes("put event")));
    let time = entry.time.and_then(millis).map_or(now, Timestamp::from_millis);
    Ok(Event { id: uuid(id), source, detail_type, time, resources, detail })
}

/// Seconds since the epoch as milliseconds; `None` for what is no time after it.
fn millis(seconds: f64) -> Option<u64> {
    // Up to the year 9999, beyond which no time can be written in ISO 8601.
    let is_time = (0.0..253_402_300_800.0).contains(&seconds);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive and below 2^53"
    )]
    let ms = (seconds * 1000.0).round() as u64;
    is_time.then_some(ms)
}
