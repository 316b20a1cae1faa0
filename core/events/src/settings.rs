//! The settable attributes of a queue.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use longshore_wire_ecs::Str;
use longshore_wire_ecs::sqs::{Error, ErrorCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::limits;

/// The settings of a queue. Source of limits and defaults: SQS API reference, `CreateQueue`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Delay of messages, in s.
    pub delay_s: i32,
    /// Maximum message size, in bytes.
    pub message_bytes_max: i32,
    /// Retention period, in s.
    pub retention_s: i32,
    /// Wait time of a receive, in s.
    pub wait_s: i32,
    /// Visibility timeout, in s.
    pub visibility_s: i32,
    /// Where messages go that are received too often.
    pub redrive: Option<Redrive>,
    /// Settings of a FIFO queue; `None` for a standard queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fifo: Option<FifoSettings>,
    /// Attributes that are stored and shown, such as a policy, but have no effect.
    pub kept: BTreeMap<Str, Str>,
}

/// Settings of a FIFO queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FifoSettings {
    /// A message without a deduplication id is deduplicated by its body.
    pub content_based: bool,
    /// Messages are deduplicated per message group.
    pub per_group: bool,
    /// The throughput limit applies per message group. Stored and shown, but not enforced.
    pub limit_per_group: bool,
}

/// Where messages go that are received too often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redrive {
    /// The ARN of the dead-letter queue.
    pub target: Str,
    /// How often a message may be received.
    pub receives_max: u32,
}

impl Redrive {
    fn show(&self) -> Str {
        // In the member order of SQS.
        let target = Value::from(&*self.target);
        format!("{{\"deadLetterTargetArn\":{target},\"maxReceiveCount\":{}}}", self.receives_max)
            .into()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            delay_s: 0,
            message_bytes_max: *limits::MESSAGE_SIZES.end(),
            retention_s: 345_600,
            wait_s: 0,
            visibility_s: 30,
            redrive: None,
            fifo: None,
            kept: BTreeMap::new(),
        }
    }
}

/// Read-only attributes.
pub(crate) const SHOWN: [&str; 6] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

/// Attributes that are stored and shown only.
const KEPT: [&str; 5] = [
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "Policy",
    "RedriveAllowPolicy",
    "SqsManagedSseEnabled",
];

/// Attributes of FIFO queues.
const FIFO: [&str; 4] =
    ["ContentBasedDeduplication", "DeduplicationScope", "FifoQueue", "FifoThroughputLimit"];

impl Settings {
    /// Sets attributes, all or none.
    ///
    /// # Errors
    /// `InvalidAttributeName`, `InvalidAttributeValue` and `InvalidParameterValue`.
    pub(crate) fn set_all(&mut self, attributes: &BTreeMap<Str, Str>) -> Result<(), Error> {
        let mut changed = self.clone();
        for (name, value) in attributes {
            changed.set(name, value)?;
        }
        changed.choose_encryption(attributes)?;
        changed.check_throughput()?;
        *self = changed;
        Ok(())
    }

    fn set(&mut self, name: &Str, value: &Str) -> Result<(), Error> {
        let within = |bounds: RangeInclusive<i32>| {
            value.trim().parse().ok().filter(|number| bounds.contains(number)).ok_or_else(|| {
                bad_value(
                    name,
                    &format!("it must be a number from {} to {}", bounds.start(), bounds.end()),
                )
            })
        };
        match &**name {
            "DelaySeconds" => self.delay_s = within(0..=limits::DELAY_S_MAX)?,
            "MaximumMessageSize" => self.message_bytes_max = within(limits::MESSAGE_SIZES)?,
            "MessageRetentionPeriod" => self.retention_s = within(limits::RETENTION_S)?,
            "ReceiveMessageWaitTimeSeconds" => self.wait_s = within(0..=limits::WAIT_S_MAX)?,
            "VisibilityTimeout" => self.visibility_s = within(0..=limits::VISIBILITY_S_MAX)?,
            "RedrivePolicy" => self.redrive = redrive(value)?,
            "KmsDataKeyReusePeriodSeconds" => {
                within(limits::KEY_REUSE_S)?;
                self.keep(name, value)?;
            }
            "SqsManagedSseEnabled" => {
                let enabled = if flag(name, value)? { "true" } else { "false" };
                self.kept.insert(name.clone(), enabled.into());
            }
            fifo if FIFO.contains(&fifo) => self.set_fifo(name, value)?,
            kept if KEPT.contains(&kept) => self.keep(name, value)?,
            other => return Err(unknown(other)),
        }
        Ok(())
    }

    /// Sets an attribute of a FIFO queue. Source: SQS API reference, `SetQueueAttributes`, *FIFO
    /// queues*; error messages are those of SQS.
    fn set_fifo(&mut self, name: &Str, value: &Str) -> Result<(), Error> {
        let Some(fifo) = &mut self.fifo else {
            return Err(match &**name {
                "DeduplicationScope" | "FifoThroughputLimit" => Error::new(
                    ErrorCode::InvalidAttributeName,
                    format!("You can specify the {name} only when FifoQueue is set to true."),
                ),
                other => unknown(other),
            });
        };
        let one_of = |whole: &str, group: &str| match &**value {
            value if value == whole => Ok(false),
            value if value == group => Ok(true),
            _ => Err(bad_value(name, &format!("it must be {whole} or {group}"))),
        };
        match &**name {
            "ContentBasedDeduplication" => fifo.content_based = flag(name, value)?,
            "DeduplicationScope" => fifo.per_group = one_of("queue", "messageGroup")?,
            "FifoThroughputLimit" => {
                fifo.limit_per_group = one_of("perQueue", "perMessageGroupId")?;
            }
            _ if flag(name, value)? => {}
            _ => return Err(bad_value(name, "Modifying queue type is not supported")),
        }
        Ok(())
    }

    /// Source: SQS API reference, `FifoThroughputLimit`.
    fn check_throughput(&self) -> Result<(), Error> {
        match &self.fifo {
            Some(fifo) if fifo.limit_per_group && !fifo.per_group => Err(bad_value(
                "FifoThroughputLimit",
                "perMessageGroupId is allowed only when DeduplicationScope is messageGroup",
            )),
            _ => Ok(()),
        }
    }

    /// The two kinds of encryption exclude each other: setting a key turns the other off.
    fn choose_encryption(&mut self, given: &BTreeMap<Str, Str>) -> Result<(), Error> {
        let key = given.get("KmsMasterKeyId").is_some_and(|key| !key.is_empty());
        let managed = given.contains_key("SqsManagedSseEnabled").then(|| self.is_managed());
        match (key, managed) {
            (true, Some(true)) => Err(Error::new(
                ErrorCode::InvalidAttributeName,
                "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.",
            )),
            (true, _) => {
                self.kept.insert("SqsManagedSseEnabled".into(), "false".into());
                Ok(())
            }
            (false, Some(true)) => {
                self.kept.remove("KmsMasterKeyId");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether SQS encrypts with its own keys, which is the default.
    fn is_managed(&self) -> bool {
        self.kept.get("SqsManagedSseEnabled").is_none_or(|enabled| &**enabled == "true")
    }

    fn keep(&mut self, name: &Str, value: &Str) -> Result<(), Error> {
        if value.chars().count() > limits::KEPT_ATTRIBUTE_CHARS_MAX {
            return Err(bad_value(name, "it is too long"));
        }
        let is_policy = matches!(&**name, "Policy" | "RedriveAllowPolicy");
        if is_policy && !value.is_empty() && !is_object(value) {
            return Err(bad_value(name, "it must be a JSON object"));
        }
        if value.is_empty() {
            self.kept.remove(name);
        } else {
            self.kept.insert(name.clone(), value.clone());
        }
        Ok(())
    }

    /// All settable attributes, as shown.
    pub(crate) fn show(&self) -> BTreeMap<Str, Str> {
        let mut shown = self.kept.clone();
        for (name, value) in [
            ("DelaySeconds", self.delay_s),
            ("MaximumMessageSize", self.message_bytes_max),
            ("MessageRetentionPeriod", self.retention_s),
            ("ReceiveMessageWaitTimeSeconds", self.wait_s),
            ("VisibilityTimeout", self.visibility_s),
        ] {
            shown.insert(name.into(), value.to_string().into());
        }
        if let Some(redrive) = &self.redrive {
            shown.insert("RedrivePolicy".into(), redrive.show());
        }
        shown.entry("SqsManagedSseEnabled".into()).or_insert_with(|| "true".into());
        if !shown.contains_key("KmsMasterKeyId") {
            shown.remove("KmsDataKeyReusePeriodSeconds");
        }
        if let Some(fifo) = &self.fifo {
            let word = |flag, yes: &str, no: &str| Str::from(if flag { yes } else { no });
            let words = [
                ("ContentBasedDeduplication", word(fifo.content_based, "true", "false")),
                ("DeduplicationScope", word(fifo.per_group, "messageGroup", "queue")),
                ("FifoQueue", "true".into()),
                (
                    "FifoThroughputLimit",
                    word(fifo.limit_per_group, "perMessageGroupId", "perQueue"),
                ),
            ];
            shown.extend(words.map(|(name, word)| (name.into(), word)));
        }
        shown
    }

    /// The first of the given attributes that `other` sets differently.
    pub(crate) fn differing(&self, other: &Self, given: &BTreeMap<Str, Str>) -> Option<Str> {
        let (ours, theirs) = (self.show(), other.show());
        given.keys().find(|name| ours.get(*name) != theirs.get(*name)).cloned()
    }

    /// Retention period in ms.
    pub(crate) fn retention_ms(&self) -> u64 {
        u64::try_from(self.retention_s).unwrap_or_default() * 1_000
    }

    /// Whether this queue accepts messages from `source` as its dead-letter queue.
    pub(crate) fn allows_redrive_from(&self, source: &str) -> bool {
        let Some(policy) = self.kept.get("RedriveAllowPolicy") else { return true };
        let policy: Value = serde_json::from_str(policy).unwrap_or_default();
        match policy["redrivePermission"].as_str() {
            Some("denyAll") => false,
            Some("byQueue") => policy["sourceQueueArns"]
                .as_array()
                .is_some_and(|sources| sources.iter().any(|arn| arn.as_str() == Some(source))),
            _ => true,
        }
    }
}

/// Whether `GetQueueAttributes` accepts this name.
pub(crate) fn is_attribute(name: &str) -> bool {
    let settable = [
        "All",
        "DelaySeconds",
        "MaximumMessageSize",
        "MessageRetentionPeriod",
        "ReceiveMessageWaitTimeSeconds",
        "RedrivePolicy",
        "VisibilityTimeout",
    ];
    [&settable[..], &SHOWN, &KEPT, &FIFO].iter().any(|names| names.contains(&name))
}

pub(crate) fn unknown(name: &str) -> Error {
    Error::new(ErrorCode::InvalidAttributeName, format!("Unknown Attribute {name}."))
}

fn bad_value(name: &str, why: &str) -> Error {
    let message = format!("Invalid value for the parameter {name}. Reason: {why}.");
    Error::new(ErrorCode::InvalidAttributeValue, message)
}

fn is_object(text: &str) -> bool {
    serde_json::from_str::<serde_json::Map<String, Value>>(text).is_ok()
}

/// Parses a redrive policy. Error messages are those of SQS.
fn redrive(text: &str) -> Result<Option<Redrive>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let refuse = |why: String| {
        Err(Error::invalid(format!(
            "Value {text} for parameter RedrivePolicy is invalid. Reason: {why}."
        )))
    };
    let Ok(Value::Object(policy)) = serde_json::from_str(text) else {
        return refuse("Redrive policy is not a valid JSON map".to_owned());
    };
    let missing = |name: &str| !policy.contains_key(name);
    if let Some(name) = ["deadLetterTargetArn", "maxReceiveCount"].into_iter().find(|n| missing(n))
    {
        return refuse(format!("Redrive policy does not contain mandatory attribute: {name}"));
    }
    // Both numbers and quoted numbers are common.
    let receives = match &policy["maxReceiveCount"] {
        Value::String(digits) => digits.parse().ok(),
        other => other.as_i64(),
    };
    let receives = receives.filter(|receives| limits::RECEIVES.contains(receives));
    match (policy["deadLetterTargetArn"].as_str(), receives.and_then(|n| u32::try_from(n).ok())) {
        (Some(target), Some(receives_max)) => {
            Ok(Some(Redrive { target: target.into(), receives_max }))
        }
        (None, _) => refuse("deadLetterTargetArn must be a string".to_owned()),
        (_, None) => refuse(format!(
            "Invalid value for maxReceiveCount: {}, valid values are from 1 to 1000 both inclusive",
            policy["maxReceiveCount"]
        )),
    }
}

/// Parses a boolean; like SQS, ignores case.
fn flag(name: &str, value: &str) -> Result<bool, Error> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(bad_value(name, "it must be true or false")),
    }
}

/// Whether the attributes of a new queue make it a FIFO queue.
pub(crate) fn wants_fifo(attributes: &BTreeMap<Str, Str>) -> Result<bool, Error> {
    attributes.get("FifoQueue").map_or(Ok(false), |value| flag("FifoQueue", value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &str) -> Result<Settings, ErrorCode> {
        let mut settings = Settings::default();
        settings.set_all(&[(name.into(), value.into())].into()).map_err(|error| error.code)?;
        Ok(settings)
    }

    #[test]
    fn attributes_have_bounds() {
        for (name, good, bad) in [
            ("DelaySeconds", "900", "901"),
            ("MaximumMessageSize", "1024", "1023"),
            ("MessageRetentionPeriod", "60", "59"),
            ("ReceiveMessageWaitTimeSeconds", "20", "21"),
            ("VisibilityTimeout", "0", "-1"),
            ("VisibilityTimeout", "43200", "x"),
            ("Policy", "{}", "[]"),
            ("KmsDataKeyReusePeriodSeconds", "60", "59"),
            ("SqsManagedSseEnabled", "False", "no"),
        ] {
            let settings = set(name, good).unwrap_or_else(|code| panic!("{name}: {code:?}"));
            let shown = settings.show();
            let needs_key = name == "KmsDataKeyReusePeriodSeconds";
            assert_eq!(shown.contains_key(name), !needs_key, "{name}");
            assert_eq!(set(name, bad), Err(ErrorCode::InvalidAttributeValue), "{name}");
        }
    }

    #[test]
    fn an_attribute_that_does_not_exist_or_cannot_be_set_is_refused_by_name() {
        for name in ["Colour", "QueueArn", "ApproximateNumberOfMessages"] {
            assert_eq!(set(name, "1"), Err(ErrorCode::InvalidAttributeName), "{name}");
        }
    }

    #[test]
    fn a_redrive_policy_names_a_queue_and_a_count() {
        assert!(
            set("RedrivePolicy", r#"{"deadLetterTargetArn":"a","maxReceiveCount":"3"}"#).is_ok()
        );
        for policy in [
            "{}",
            "x",
            r#"{"deadLetterTargetArn":"a"}"#,
            r#"{"maxReceiveCount":1}"#,
            r#"{"deadLetterTargetArn":"a","maxReceiveCount":0}"#,
            r#"{"deadLetterTargetArn":"a","maxReceiveCount":"many"}"#,
        ] {
            assert_eq!(
                set("RedrivePolicy", policy),
                Err(ErrorCode::InvalidParameterValue),
                "{policy}"
            );
        }
    }

    #[test]
    fn attributes_of_fifo_queues_are_for_these_only() {
        for (name, value) in [
            ("FifoQueue", "false"),
            ("ContentBasedDeduplication", "true"),
            ("DeduplicationScope", "queue"),
            ("FifoThroughputLimit", "perQueue"),
        ] {
            assert_eq!(set(name, value), Err(ErrorCode::InvalidAttributeName), "{name}");
        }
        let fifo = Settings { fifo: Some(FifoSettings::default()), ..Settings::default() };
        let set = |attributes: &[(&str, &str)]| {
            let all = attributes.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            let mut settings = fifo.clone();
            settings.set_all(&all.collect()).map(|()| settings.show())
        };
        let high = [
            ("DeduplicationScope", "messageGroup"),
            ("FifoThroughputLimit", "perMessageGroupId"),
            ("FifoQueue", "True"),
        ];
        let shown = set(&high).expect("this is high throughput");
        assert_eq!(&*shown["FifoThroughputLimit"], "perMessageGroupId");
        assert_eq!(&*shown["ContentBasedDeduplication"], "false");
        for bad in [("FifoThroughputLimit", "perMessageGroupId"), ("FifoQueue", "false")] {
            let refused = set(&[bad]).map_err(|error| error.code);
            assert_eq!(refused, Err(ErrorCode::InvalidAttributeValue), "{bad:?}");
        }
    }

    #[test]
    fn there_is_one_kind_of_encryption_at_a_time() {
        let shown = set("KmsMasterKeyId", "key").expect("a key").show();
        assert_eq!(&*shown["SqsManagedSseEnabled"], "false");
        assert_eq!(&*Settings::default().show()["SqsManagedSseEnabled"], "true");
        let both = [("KmsMasterKeyId", "key"), ("SqsManagedSseEnabled", "true")];
        let both = both.map(|(name, value)| (name.into(), value.into())).into();
        let refused = Settings::default().set_all(&both).map_err(|error| error.code);
        assert_eq!(refused, Err(ErrorCode::InvalidAttributeName));
    }

    #[test]
    fn a_redrive_allow_policy_says_from_where() {
        let allows = |policy| {
            set("RedriveAllowPolicy", policy).expect("it is an object").allows_redrive_from("arn:a")
        };
        assert!(!allows(r#"{"redrivePermission":"denyAll"}"#));
        assert!(allows(r#"{"redrivePermission":"allowAll"}"#));
        assert!(allows(r#"{"redrivePermission":"byQueue","sourceQueueArns":["arn:a"]}"#));
        assert!(!allows(r#"{"redrivePermission":"byQueue","sourceQueueArns":["arn:b"]}"#));
    }
}
