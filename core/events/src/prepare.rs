//! Events that clients put on the bus.
//!
//! The cost of a `PutEvents` grows with its size and the number of rules, but depends on no state
//! of the bus except the rules. So whoever accepts the call computes its effects beforehand
//! ([`Prepared`]), and the bus applies them in one step. If a rule has changed in between, the bus
//! matches again, within a limit.

use longshore_machine::{Ids, Timestamp};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::eventbridge::{Error, Request, Response, shape};
use serde::{Deserialize, Serialize};

use crate::admit;
use crate::deliver::{self, Delivery, TooMuch};
use crate::event::Event;
use crate::limits;
use crate::machine::{Bus, Output};
use crate::pattern::Work;
use crate::record::uuid;
use crate::rules::Rules;

/// A `PutEvents` whose effects have been computed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Prepared {
    /// The version of the rules it was matched against.
    rules: u64,
    entries: Vec<Entry>,
}

/// One entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Entry {
    Good(Event, Vec<Delivery>),
    /// Error code and message.
    Bad(Str, Str),
}

impl Prepared {
    /// Validates a `PutEvents` and computes its effects under these rules. Event ids are derived
    /// from `seed`. May take a second.
    ///
    /// # Errors
    /// When EventBridge would reject the whole request, with its error.
    pub fn new(
        rules: &Rules,
        now: Timestamp,
        realm: &Realm,
        seed: u128,
        ask: shape::PutEventsRequest,
    ) -> Result<Self, Error> {
        let work = Work::new(limits::EVENTS_WORK_MAX);
        prepare(rules, now, realm, &mut Ids::new(seed), ask, work)
    }
}

/// Answers requests that need no state of the bus: `TestEventPattern`. `None` for anything else.
pub fn answer_alone(request: &Request) -> Option<Result<Response, Error>> {
    match request {
        Request::TestEventPattern(ask) => {
            Some(admit::test_pattern(ask).map(Response::TestEventPattern))
        }
        _ => None,
    }
}

fn prepare(
    rules: &Rules,
    now: Timestamp,
    realm: &Realm,
    ids: &mut Ids,
    ask: shape::PutEventsRequest,
    mut work: Work,
) -> Result<Prepared, Error> {
    let entries = ask.entries.unwrap_or_default();
    if !(1..=limits::EVENTS_PER_CALL_MAX).contains(&entries.len()) {
        return Err(Error::validation("Entries must have at least 1 and at most 10 members."));
    }
    for entry in &entries {
        admit::check_bus(realm, entry.event_bus_name.as_ref())?;
    }
    if entries.iter().map(size).sum::<usize>() > limits::EVENTS_BYTES_MAX {
        return Err(Error::validation(
            "Total size of the entries in the request is over the limit.",
        ));
    }
    let mut bytes = limits::DELIVERED_BYTES_MAX;
    let mut one = |entry| match event(ids, now, entry) {
        Err((code, why)) => Entry::Bad(code.into(), why.into()),
        Ok(event) => match deliver::deliveries(rules, now, realm, &event, &mut work, &mut bytes) {
            Ok(deliveries) => Entry::Good(event, deliveries),
            Err(why) => too_much(why),
        },
    };
    let entries = entries.into_iter().map(&mut one).collect();
    Ok(Prepared { rules: rules.version(), entries })
}

fn too_much(why: TooMuch) -> Entry {
    let why = match why {
        TooMuch::Work => "Matching the event against the rules takes too long. Use simpler patterns, or send fewer or smaller events.".to_owned(),
        TooMuch::Bytes => format!(
            "Targets would receive more than {} bytes for this request. Send fewer or smaller events.",
            limits::DELIVERED_BYTES_MAX
        ),
    };
    Entry::Bad("ThrottlingException".into(), why.into())
}

/// Size of an entry. Source: EventBridge user guide, *Calculating `PutEvents` event entry size*.
fn size(entry: &shape::PutEventsEntry) -> usize {
    let text = |text: &Option<Str>| text.as_ref().map_or(0, |text| text.len());
    let resources = entry.resources.iter().flatten().map(|arn| arn.len()).sum::<usize>();
    14 + text(&entry.source) + text(&entry.detail_type) + text(&entry.detail) + resources
}

/// Converts an entry to an event. Source of the error codes: EventBridge API reference,
/// `PutEventsResultEntry`.
fn event(
    ids: &mut Ids,
    now: Timestamp,
    entry: shape::PutEventsEntry,
) -> Result<Event, (&'static str, String)> {
    let wanted = |name: &str, value: Option<Str>| {
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
    let is_object = detail.trim_start().starts_with('{')
        && serde_json::from_str::<serde::de::IgnoredAny>(&detail).is_ok();
    if !is_object {
        return Err(("MalformedDetail", "Detail is malformed.".to_owned()));
    }
    let resources = entry.resources.unwrap_or_default();
    if resources.len() > limits::EVENT_RESOURCES_MAX {
        return Err(("InvalidArgument", "Parameter Resources is not valid.".to_owned()));
    }
    let id = ResourceId(u128::from_be_bytes(ids.uuid_bytes("put event")));
    let time = entry.time.and_then(millis).map_or(now, Timestamp::from_millis);
    Ok(Event { id: uuid(id), source, detail_type, time, resources, detail })
}

/// Converts seconds since the epoch to milliseconds; `None` if out of range.
fn millis(seconds: f64) -> Option<u64> {
    // Up to the year 9999, the last that ISO 8601 can express.
    let is_time = (0.0..253_402_300_800.0).contains(&seconds);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive and below 2^53"
    )]
    let ms = (seconds * 1000.0).round() as u64;
    is_time.then_some(ms)
}

/// Applies a `PutEvents` that was not prepared.
pub(crate) fn put(
    bus: &mut Bus,
    now: Timestamp,
    realm: &Realm,
    ask: shape::PutEventsRequest,
    out: &mut Vec<Output>,
) -> Result<shape::PutEventsResponse, Error> {
    let rules = bus.state.realms.get(realm).map(|regional| regional.rules.clone());
    let work = Work::new(limits::EVENTS_WORK_MAX);
    let prepared = prepare(&rules.unwrap_or_default(), now, realm, &mut bus.ids, ask, work)?;
    Ok(put_prepared(bus, now, realm, prepared, out))
}

/// Applies a prepared `PutEvents`.
pub(crate) fn put_prepared(
    bus: &mut Bus,
    now: Timestamp,
    realm: &Realm,
    prepared: Prepared,
    out: &mut Vec<Output>,
) -> shape::PutEventsResponse {
    let rules = bus.state.realms.get(realm).map(|regional| regional.rules.clone());
    let changed = rules.filter(|rules| rules.version() != prepared.rules);
    let (mut failed, mut results) = (0, Vec::with_capacity(prepared.entries.len()));
    let mut work = Work::new(limits::EVENTS_WORK_AGAIN_MAX);
    let mut bytes = limits::DELIVERED_BYTES_MAX;
    for entry in prepared.entries {
        let entry = match (entry, &changed) {
            (Entry::Good(event, _), Some(rules)) => {
                match deliver::deliveries(rules, now, realm, &event, &mut work, &mut bytes) {
                    Ok(deliveries) => Entry::Good(event, deliveries),
                    Err(_) => Entry::Bad(
                        "ThrottlingException".into(),
                        "A rule changed while the event was being matched. Send the event again."
                            .into(),
                    ),
                }
            }
            (entry, _) => entry,
        };
        results.push(match entry {
            Entry::Good(event, deliveries) => {
                bus.tell(realm, &event, out);
                deliver::deliver(bus, now, realm, &deliveries, out);
                shape::PutEventsResult { event_id: Some(event.id), ..Default::default() }
            }
            Entry::Bad(code, message) => {
                failed += 1;
                shape::PutEventsResult {
                    event_id: None,
                    error_code: Some(code),
                    error_message: Some(message),
                }
            }
        });
    }
    shape::PutEventsResponse { failed_entry_count: Some(failed), entries: Some(results) }
}
