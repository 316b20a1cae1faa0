//! The records of the bus: what is stored, one row each.

use std::collections::BTreeMap;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::eventbridge::shape::Target;
use longshore_wire_ecs::sqs::shape::MessageAttributes;
use serde::{Deserialize, Serialize};

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
    /// Bytes that count against the bounds of a queue.
    pub(crate) fn bytes(&self) -> usize {
        self.body.len() + attribute_bytes(&self.attributes)
    }
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
