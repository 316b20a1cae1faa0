//! The attributes of a queue that can be set.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use longshore_wire_ecs::Str;
use longshore_wire_ecs::sqs::{Error, ErrorCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::limits;

/// What a queue is set to. Source of bounds and defaults: SQS API reference, `CreateQueue`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// How long a message is delayed, in s.
    pub delay_s: i32,
    /// Bytes of a message.
    pub message_bytes_max: i32,
    /// How long a message is kept, in s.
    pub retention_s: i32,
    /// How long a receive waits, in s.
    pub wait_s: i32,
    /// How long a received message is hidden, in s.
    pub visibility_s: i32,
    /// Where messages go that are received too often.
    pub redrive: Option<Redrive>,
    /// Attributes that are kept and shown, such as a policy; nothing is done with them.
    pub kept: BTreeMap<Str, Str>,
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
        // In the order in which SQS shows it.
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
            kept: BTreeMap::new(),
        }
    }
}

/// Attributes that are only shown.
pub(crate) const SHOWN: [&str; 6] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

/// Attributes that are kept and shown.
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
    /// Sets one attribute.
    ///
    /// # Errors
    /// `InvalidAttributeName` and `InvalidAttributeValue`.
    pub(crate) fn set(&mut self, name: &Str, value: &Str) -> Result<(), Error> {
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
            "FifoQueue" if &**value == "false" => {}
            fifo if FIFO.contains(&fifo) => {
                return Err(bad_value(fifo, "Longshore has standard queues only, no FIFO queues"));
            }
            kept if KEPT.contains(&kept) => self.keep(name, value)?,
            other => return Err(unknown(other)),
        }
        Ok(())
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

    /// Everything that can be set, as it is shown.
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
        shown
    }

    /// How long a message is kept, in ms.
    pub(crate) fn retention_ms(&self) -> u64 {
        u64::try_from(self.retention_s).unwrap_or_default() * 1_000
    }

    /// Whether this queue, a dead-letter queue, takes messages from `source`.
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

/// Whether `GetQueueAttributes` may be asked for it.
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

fn redrive(text: &str) -> Result<Option<Redrive>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let policy: Value = serde_json::from_str(text).unwrap_or_default();
    let target = policy["deadLetterTargetArn"].as_str();
    // Both a number and a number in quotes are common.
    let receives = match &policy["maxReceiveCount"] {
        Value::String(digits) => digits.parse().ok(),
        Value::Null => Some(10),
        other => other.as_i64(),
    };
    let receives = receives.filter(|receives| limits::RECEIVES.contains(receives));
    match (target, receives.and_then(|receives| u32::try_from(receives).ok())) {
        (Some(target), Some(receives_max)) => {
            Ok(Some(Redrive { target: target.into(), receives_max }))
        }
        _ => Err(bad_value(
            "RedrivePolicy",
            "it must have a deadLetterTargetArn and a maxReceiveCount from 1 to 1000",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &str) -> Result<Settings, ErrorCode> {
        let mut settings = Settings::default();
        settings.set(&name.into(), &value.into()).map_err(|error| error.code)?;
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
            ("RedrivePolicy", r#"{"deadLetterTargetArn":"a","maxReceiveCount":"3"}"#, "{}"),
            ("FifoQueue", "false", "true"),
        ] {
            let settings = set(name, good).unwrap_or_else(|code| panic!("{name}: {code:?}"));
            let shown = settings.show();
            assert!(name == "FifoQueue" || shown.contains_key(name), "{name}");
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
