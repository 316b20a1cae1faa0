//! The stored records of the bus, one row each.

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
    /// Event pattern, as given.
    pub pattern: Str,
    /// ENABLED, DISABLED, or ENABLED with a longer word.
    pub state: Str,
    /// As given.
    pub description: Option<Str>,
    /// As given; not used.
    pub role_arn: Option<Str>,
    /// As given.
    pub tags: Tags,
    /// Where matching events go, sorted by id.
    pub targets: Vec<Target>,
}

impl Rule {
    /// Full ARN.
    pub fn arn(&self) -> Str {
        let realm = &self.realm;
        let (partition, region, account) = (realm.partition(), &realm.region, &realm.account);
        format!("arn:{partition}:events:{region}:{account}:rule/{}", self.name).into()
    }

    /// Whether it matches events.
    pub fn is_enabled(&self) -> bool {
        &*self.state != "DISABLED"
    }
}

/// A queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// Distinguishes it from later queues of the same name.
    pub id: ResourceId,
    /// Account and region.
    pub realm: Realm,
    /// Name, unique in the realm.
    pub name: Str,
    /// Its attributes.
    pub settings: Settings,
    /// As given.
    pub tags: Tags,
    /// Creation time.
    pub created_at: Timestamp,
    /// When attributes were last changed.
    pub modified_at: Timestamp,
    /// The first place never given to a message. Places are reserved in ranges, so that sending a
    /// message does not rewrite this row.
    #[serde(default)]
    pub places: u64,
}

impl Queue {
    /// The name of its dead-letter queue, if that is in the same realm.
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

/// A message of a queue. Receives are not stored: after a restart it is delivered again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Its queue.
    pub queue: ResourceId,
    /// Its place in the queue; increases with each message.
    pub place: u64,
    /// Message id.
    pub id: ResourceId,
    /// Message body.
    pub body: Str,
    /// As given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: MessageAttributes,
    /// As given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_header: Option<Str>,
    /// As given; not used by standard queues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Str>,
    /// Deduplication id in a FIFO queue, given or derived from the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deduplication: Option<Str>,
    /// Its place in the FIFO queue it was originally sent to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// The sender.
    pub sender: Str,
    /// When it was sent; unchanged by moves.
    pub sent_at: Timestamp,
    /// When it becomes visible.
    pub visible_at: Timestamp,
    /// The queue it was moved from as a dead letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<Str>,
}

impl Message {
    /// An empty message, sent now.
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

    /// Bytes counted against the limits of a queue.
    pub(crate) fn bytes(&self) -> usize {
        self.body.len() + attribute_bytes(&self.attributes)
    }
}

/// A message sent to a FIFO queue, remembered to reject duplicates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deduplication {
    /// The queue.
    pub queue: ResourceId,
    /// The message group in which the id counts; empty for the whole queue.
    pub scope: Str,
    /// Deduplication id, given or derived from the body.
    pub id: Str,
    /// The message that was accepted.
    pub message: ResourceId,
    /// Its sequence number, see [`Message::sequence`].
    pub sequence: u64,
    /// When it is forgotten.
    pub until: Timestamp,
}

/// A deleted queue, whose name cannot be reused for a minute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedQueue {
    /// Account and region.
    pub realm: Realm,
    /// Its name.
    pub name: Str,
    /// When the name is free again.
    pub until: Timestamp,
}

/// A message move task of a dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveTask {
    /// The dead-letter queue.
    pub queue: ResourceId,
    /// Increases with each task of a queue.
    pub number: u64,
    /// Task id.
    pub id: ResourceId,
    /// The ARN of the dead-letter queue.
    pub source: Str,
    /// The ARN of the destination; `None` for the queues that messages came from.
    pub destination: Option<Str>,
    /// Messages per second; `None` for no limit.
    pub rate: Option<u32>,
    /// RUNNING, COMPLETED, CANCELLED or FAILED.
    pub status: Str,
    /// Failure reason.
    pub failure: Option<Str>,
    /// Number of messages when it started.
    pub to_move: u64,
    /// Number of messages moved.
    pub moved: u64,
    /// When it started.
    pub started_at: Timestamp,
}

impl MoveTask {
    /// Whether it is running.
    pub(crate) fn is_running(&self) -> bool {
        &*self.status == "RUNNING"
    }
}

/// A cluster event that has not reached all queues yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PendingEvent {
    /// Increases with each event.
    pub number: u64,
    /// Where it happened.
    pub realm: Realm,
    /// What happened.
    pub event: Event,
}

/// Bytes of message attributes: names, types and values. Source: SQS developer guide, *Message
/// attributes*.
pub(crate) fn attribute_bytes(attributes: &MessageAttributes) -> usize {
    let one = |(name, value): (&Str, &longshore_wire_ecs::sqs::shape::MessageAttributeValue)| {
        name.len()
            + value.data_type.as_ref().map_or(0, |kind| kind.len())
            + value.string_value.as_ref().map_or(0, |text| text.len())
            + value.binary_value.as_ref().map_or(0, |bytes| bytes.0.len())
    };
    attributes.iter().map(one).sum()
}

/// 128 bits as a UUID of 36 characters.
pub(crate) fn uuid(id: ResourceId) -> Str {
    id.uuid().into()
}
