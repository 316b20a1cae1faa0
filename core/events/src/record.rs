//! The records of the bus: what is stored, one row each.

use std::collections::BTreeMap;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::eventbridge::shape::Target;
use longshore_wire_ecs::sqs::shape::MessageAttributes;
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::settings::Settings;

/// Tags of a rule or queue.
pub type Tags = BTreeMap<Str, Str>;

/// A rule on the default event bus, with its targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Account and region.
    pub realm: Realm,
    /// Name, unique in the realm.
    pub name: Str,
    /// What it wants to see, as given.
    pub pattern: Str,
    /// ENABLED, DISABLED, or ENABLED with a longer word.
    pub state: Str,
    /// As given.
    pub description: Option<Str>,
    /// As given; nothing is done with it.
    pub role_arn: Option<Str>,
    /// As given.
    pub tags: Tags,
    /// Where matching events go, in the order of their ids.
    pub targets: Vec<Target>,
}

impl Rule {
    /// The whole ARN.
    pub fn arn(&self) -> Str {
        let realm = &self.realm;
        let (partition, region, account) = (realm.partition(), &realm.region, &realm.account);
        format!("arn:{partition}:events:{region}:{account}:rule/{}", self.name).into()
    }

    /// Whether it looks at events.
    pub fn is_enabled(&self) -> bool {
        &*self.state != "DISABLED"
    }
}

/// A queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// Tells it from later queues of the same name.
    pub id: ResourceId,
    /// Account and region.
    pub realm: Realm,
    /// Name, unique in the realm.
    pub name: Str,
    /// Its attributes.
    pub settings: Settings,
    /// As given.
    pub tags: Tags,
    /// Created.
    pub created_at: Timestamp,
    /// Attributes were last changed.
    pub modified_at: Timestamp,
    /// Places from here on have never been given to a message: they are reserved in ranges, so that no message costs a row of its
    /// queue.
    #[serde(default)]
    pub places: u64,
}

impl Queue {
    /// The name of its dead-letter queue, if that is one of the same realm.
    pub(crate) fn dead_letters(&self) -> Option<&str> {
        let redrive = self.settings.redrive.as_ref()?;
        queue_name(&self.realm, &redrive.target)
    }
}

/// The ARN of a queue.
pub(crate) fn queue_arn(realm: &Realm, name: &str) -> Str {
    format!("arn:{}:sqs:{}:{}:{name}", realm.partition(), realm.region, realm.account).into()
}

/// The name in the ARN of a queue of this realm; `None` for anything else.
pub(crate) fn queue_name<'a>(realm: &Realm, arn: &'a str) -> Option<&'a str> {
    let mut parts = arn.splitn(6, ':');
    let (prefix, _partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account, name) = (parts.next()?, parts.next()?, parts.next()?);
    let ours = prefix == "arn"
        && service == "sqs"
        && region == &*realm.region
        && account == &*realm.account;
    (ours && !name.is_empty()).then_some(name)
}

/// A message of a queue. How often and when it was received is not stored: after a restart it is delivered again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The queue that it is in.
    pub queue: ResourceId,
    /// Its place in the queue: rises with each message.
    pub place: u64,
    /// What its sender and receivers know it by.
    pub id: ResourceId,
    /// What it says.
    pub body: Str,
    /// As given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: MessageAttributes,
    /// As given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_header: Option<Str>,
    /// As given; standard queues do nothing with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Str>,
    /// What tells it from others in a FIFO queue, as given or made of its body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deduplication: Option<Str>,
    /// Where it came in the FIFO queue that it was sent to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// Who sent it.
    pub sender: Str,
    /// When it was sent, also if it has been moved since.
    pub sent_at: Timestamp,
    /// Not to be received before.
    pub visible_at: Timestamp,
    /// The queue that it was moved from, a dead letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<Str>,
}

impl Message {
    /// A message without anything in it, sent now.
    pub(crate) fn new(
        queue: ResourceId,
        id: ResourceId,
        sender: impl Into<Str>,
        now: Timestamp,
    ) -> Self {
        Self {
            queue,
            place: 0,
            id,
            body: "".into(),
            attributes: MessageAttributes::new(),
            trace_header: None,
            group: None,
            deduplication: None,
            sequence: None,
            sender: sender.into(),
            sent_at: now,
            visible_at: now,
            moved_from: None,
        }
    }

    /// Bytes that count against the bounds of a queue.
    pub(crate) fn bytes(&self) -> usize {
        self.body.len() + attribute_bytes(&self.attributes)
    }
}

/// Something that was sent to a FIFO queue: for a while the same is not taken again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deduplication {
    /// Where.
    pub queue: ResourceId,
    /// The message group in which it counts; empty for all of them.
    pub scope: Str,
    /// As given, or made of the body.
    pub id: Str,
    /// The message that was taken.
    pub message: ResourceId,
    /// Its sequence number, see [`Message::sequence`].
    pub sequence: u64,
    /// Then it is forgotten.
    pub until: Timestamp,
}

/// A queue that was deleted: for a minute there is no other of that name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedQueue {
    /// Account and region.
    pub realm: Realm,
    /// Its name.
    pub name: Str,
    /// When the name is free again.
    pub until: Timestamp,
}

/// A task that moves the messages of a dead-letter queue on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveTask {
    /// The dead-letter queue.
    pub queue: ResourceId,
    /// Rises with each task of a queue.
    pub number: u64,
    /// What callers know it by.
    pub id: ResourceId,
    /// The ARN of the dead-letter queue.
    pub source: Str,
    /// The ARN of the queue that messages go to; `None` for those that they came from.
    pub destination: Option<Str>,
    /// Messages a second; `None` for as fast as it goes.
    pub rate: Option<u32>,
    /// RUNNING, COMPLETED, CANCELLED or FAILED.
    pub status: Str,
    /// Why it failed.
    pub failure: Option<Str>,
    /// Messages when it started.
    pub to_move: u64,
    /// Messages that it has moved.
    pub moved: u64,
    /// When it started.
    pub started_at: Timestamp,
}

impl MoveTask {
    /// Whether it goes on.
    pub(crate) fn is_running(&self) -> bool {
        &*self.status == "RUNNING"
    }
}

/// An event of the cluster that has not reached all queues yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PendingEvent {
    /// Rises with each event.
    pub number: u64,
    /// Where it happened.
    pub realm: Realm,
    /// What happened.
    pub event: Event,
}

/// Bytes of message attributes: names, types and values. Source: SQS developer guide, *Message attributes*.
pub(crate) fn attribute_bytes(attributes: &MessageAttributes) -> usize {
    let one = |(name, value): (&Str, &longshore_wire_ecs::sqs::shape::MessageAttributeValue)| {
        name.len()
            + value.data_type.as_ref().map_or(0, |kind| kind.len())
            + value.string_value.as_ref().map_or(0, |text| text.len())
            + value.binary_value.as_ref().map_or(0, |bytes| bytes.0.len())
    };
    attributes.iter().map(one).sum()
}

/// 128 bits as a UUID in its 36 characters.
pub(crate) fn uuid(id: ResourceId) -> Str {
    let digits = id.to_string();
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-").into()
}
