//! Checks the contents of messages.
//!
//! Source: SQS API reference, `SendMessage`; SQS developer guide, *Message attributes*.

use longshore_wire_ecs::Str;
use longshore_wire_ecs::sqs::shape::{MessageAttributeValue, MessageAttributes};
use longshore_wire_ecs::sqs::xml::is_lawful;
use longshore_wire_ecs::sqs::{Error, ErrorCode};

use super::queue::missing;
use crate::limits;
use crate::record::attribute_bytes;

/// Checks a body: it must fit the queue's size limit and contain only characters that XML can
/// carry.
pub(crate) fn body(
    text: Option<Str>,
    attributes: &MessageAttributes,
    bytes_max: i32,
) -> Result<Str, Error> {
    let text = text.filter(|text| !text.is_empty()).ok_or_else(|| missing("MessageBody"))?;
    let bytes = text.len() + attribute_bytes(attributes);
    if bytes > usize::try_from(bytes_max).unwrap_or_default() {
        return Err(Error::invalid(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {bytes_max} bytes."
        )));
    }
    if let Some(character) = text.chars().find(|character| !is_lawful(*character)) {
        return Err(Error::new(
            ErrorCode::InvalidMessageContents,
            format!(
                "Invalid binary character '#x{:X}' was found in the message body.",
                u32::from(character)
            ),
        ));
    }
    Ok(text)
}

/// Whether a message may have this body: only characters that XML can carry are allowed.
pub(crate) fn is_lawful_body(text: &str) -> bool {
    text.chars().all(is_lawful)
}

/// Whether a message group or deduplication id is valid: letters, digits and punctuation. Source:
/// SQS API reference, `SendMessage`.
pub(crate) fn is_fifo_id(id: &str) -> bool {
    (1..=limits::FIFO_ID_CHARS_MAX).contains(&id.len())
        && id.chars().all(|character| character.is_ascii_graphic())
}

/// Checks an id of a FIFO queue message, if given.
pub(crate) fn fifo_id(name: &str, id: Option<Str>) -> Result<Option<Str>, Error> {
    match id {
        Some(id) if !is_fifo_id(&id) => Err(Error::invalid(format!(
            "Value {id} for parameter {name} is invalid. Reason: {name} can only include alphanumeric and punctuation characters. 1 to {} in length.",
            limits::FIFO_ID_CHARS_MAX
        ))),
        other => Ok(other),
    }
}

/// Checks the names, types and values of attributes.
pub(crate) fn attributes(given: Option<MessageAttributes>) -> Result<MessageAttributes, Error> {
    let given = given.unwrap_or_default();
    if given.len() > limits::MESSAGE_ATTRIBUTES_MAX {
        return Err(Error::invalid(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{}].",
            given.len(),
            limits::MESSAGE_ATTRIBUTES_MAX
        )));
    }
    for (name, value) in &given {
        check_name(name)?;
        check_value(name, value)?;
    }
    Ok(given)
}

fn check_name(name: &str) -> Result<(), Error> {
    let valid = |character: char| character.is_alphanumeric() || "-_.".contains(character);
    let folded = name.to_ascii_lowercase();
    let reserved = folded.starts_with("aws.") || folded.starts_with("amazon.");
    let length = 1..=limits::MESSAGE_ATTRIBUTE_CHARS_MAX;
    let dots = name.starts_with('.') || name.ends_with('.') || name.contains("..");
    if reserved || dots || !length.contains(&name.chars().count()) || !name.chars().all(valid) {
        return Err(Error::invalid(format!("The message attribute name '{name}' is invalid.")));
    }
    Ok(())
}

fn check_value(name: &str, value: &MessageAttributeValue) -> Result<(), Error> {
    let kind = value.data_type.as_deref().unwrap_or_default();
    let root = kind.split('.').next().unwrap_or_default();
    if !matches!(root, "String" | "Number" | "Binary")
        || kind.chars().count() > limits::MESSAGE_ATTRIBUTE_CHARS_MAX
        || !kind.chars().all(is_lawful)
    {
        return Err(Error::invalid(format!(
            "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
        )));
    }
    let is_binary = root == "Binary";
    let text = value.string_value.as_deref().unwrap_or_default();
    let is_empty = match &value.binary_value {
        Some(bytes) => !is_binary || bytes.0.is_empty(),
        None => is_binary || text.is_empty(),
    };
    if is_empty || (is_binary && !text.is_empty()) {
        return Err(Error::invalid(format!(
            "Message (user) attribute '{name}' must contain a non-empty value of type '{kind}'."
        )));
    }
    if let Some(character) = text.chars().find(|character| !is_lawful(*character)) {
        return Err(Error::invalid(format!(
            "Message (user) attribute '{name}' contains the character '#x{:X}', which a message may not have.",
            u32::from(character)
        )));
    }
    if root == "Number" && text.parse::<f64>().is_err() {
        return Err(Error::invalid(format!(
            "Can't cast the value of message attribute '{name}' to a number."
        )));
    }
    Ok(())
}

/// The only SQS-owned attribute that can be sent: a trace header.
pub(crate) fn trace_header(given: &MessageAttributes) -> Result<Option<Str>, Error> {
    if let Some(name) = given.keys().find(|name| &***name != "AWSTraceHeader") {
        return Err(Error::invalid(format!(
            "The message system attribute name '{name}' is invalid."
        )));
    }
    if let Some(value) = given.get("AWSTraceHeader") {
        check_value("AWSTraceHeader", value)?;
    }
    Ok(given.get("AWSTraceHeader").and_then(|value| value.string_value.clone()))
}
