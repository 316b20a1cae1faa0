//! Answers of the Query protocol, in XML.
//!
//! Made from the JSON form of an answer, so that there is one list of members: what is a list there is a repeated
//! element here, what is a map there is a repeated pair. Source: Amazon SQS API Reference, version 2012-11-05.

use serde_json::Value;

use super::{Error, Response};
use crate::query::xml::element;
pub use crate::query::xml::is_lawful;

const NAMESPACE: &str = "http://queue.amazonaws.com/doc/2012-11-05/";

/// The body of an answer.
pub fn response(response: &Response, request_id: &str) -> String {
    let operation = response.operation();
    let mut xml = String::with_capacity(512);
    xml.push_str("<?xml version=\"1.0\"?>");
    xml.push_str(&format!("<{operation}Response xmlns=\"{NAMESPACE}\">"));
    let value = serde_json::to_value(response)
        .expect("shapes are text, numbers, lists and maps with text for keys");
    if let Value::Object(members) = &value
        && has_result(response)
    {
        xml.push_str(&format!("<{operation}Result>"));
        for (name, member) in members {
            write_member(&mut xml, operation, name, member);
        }
        xml.push_str(&format!("</{operation}Result>"));
    }
    xml.push_str("<ResponseMetadata>");
    element(&mut xml, "RequestId", request_id);
    xml.push_str(&format!("</ResponseMetadata></{operation}Response>"));
    xml
}

/// The body of an error.
pub fn error(error: &Error, request_id: &str) -> String {
    let mut xml = format!("<?xml version=\"1.0\"?><ErrorResponse xmlns=\"{NAMESPACE}\"><Error>");
    element(&mut xml, "Type", error.code.fault());
    element(&mut xml, "Code", error.code.query_name());
    element(&mut xml, "Message", &error.message);
    xml.push_str("<Detail/></Error>");
    element(&mut xml, "RequestId", request_id);
    xml.push_str("</ErrorResponse>");
    xml
}

fn has_result(response: &Response) -> bool {
    !matches!(
        response,
        Response::DeleteQueue(_)
            | Response::PurgeQueue(_)
            | Response::DeleteMessage(_)
            | Response::ChangeMessageVisibility(_)
            | Response::SetQueueAttributes(_)
            | Response::TagQueue(_)
            | Response::UntagQueue(_)
            | Response::AddPermission(_)
            | Response::RemovePermission(_)
    )
}

/// What one entry of a list is called.
fn entry_name(operation: &str, list: &str) -> String {
    match list {
        "Messages" => "Message".to_owned(),
        "QueueUrls" | "queueUrls" => "QueueUrl".to_owned(),
        "Successful" => format!("{operation}ResultEntry"),
        "Failed" => "BatchResultErrorEntry".to_owned(),
        "Results" => format!("{operation}ResultEntry"),
        other => other.to_owned(),
    }
}

/// What one entry of a map is called, and its key; `None` for structures.
fn pair_names(map: &str) -> Option<(&'static str, &'static str)> {
    match map {
        "Attributes" => Some(("Attribute", "Name")),
        "MessageAttributes" => Some(("MessageAttribute", "Name")),
        "Tags" => Some(("Tag", "Key")),
        _ => None,
    }
}

fn write_member(xml: &mut String, operation: &str, name: &str, value: &Value) {
    match value {
        Value::Array(entries) => {
            let entry_name = entry_name(operation, name);
            for entry in entries {
                write_member(xml, operation, &entry_name, entry);
            }
        }
        Value::Object(members) => {
            if let Some((pair, key)) = pair_names(name) {
                for (entry_key, entry) in members {
                    xml.push_str(&format!("<{pair}>"));
                    element(xml, key, entry_key);
                    write_member(xml, operation, "Value", entry);
                    xml.push_str(&format!("</{pair}>"));
                }
                return;
            }
            xml.push_str(&format!("<{name}>"));
            for (member, value) in members {
                write_member(xml, operation, member, value);
            }
            xml.push_str(&format!("</{name}>"));
        }
        Value::String(text) => element(xml, name, text),
        Value::Number(number) => element(xml, name, &number.to_string()),
        Value::Bool(flag) => element(xml, name, if *flag { "true" } else { "false" }),
        Value::Null => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape;
    use super::*;

    #[test]
    fn messages_are_repeated_elements_with_pairs_for_attributes() {
        let message = shape::Message {
            body: Some("<a> & b".into()),
            attributes: Some([("SentTimestamp".into(), "1".into())].into()),
            ..Default::default()
        };
        let answer = Response::ReceiveMessage(shape::ReceiveMessageResult {
            messages: Some(vec![message.clone(), message]),
        });
        let xml = response(&answer, "id");
        assert_eq!(xml.matches("<Message>").count(), 2);
        assert!(xml.contains("<Body>&lt;a&gt; &amp; b</Body>"), "{xml}");
        assert!(
            xml.contains("<Attribute><Name>SentTimestamp</Name><Value>1</Value></Attribute>"),
            "{xml}"
        );
        assert!(xml.ends_with(
            "<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></ReceiveMessageResponse>"
        ));
    }

    #[test]
    fn characters_that_xml_cannot_carry_make_no_malformed_xml() {
        let why = "Unknown Attribute a\0b\u{1}\u{fffe}\u{1b}[2J\ttab.";
        let xml = error(&Error::new(super::super::ErrorCode::InvalidAttributeName, why), "id");
        assert!(xml.chars().all(is_lawful), "{xml:?}");
        assert!(xml.contains("a\u{fffd}b\u{fffd}\u{fffd}\u{fffd}[2J\ttab."), "{xml:?}");
    }

    #[test]
    fn what_has_nothing_to_say_has_no_result() {
        let xml = response(&Response::DeleteMessage(shape::Empty::default()), "id");
        assert!(!xml.contains("Result"), "{xml}");
        let empty =
            response(&Response::ReceiveMessage(shape::ReceiveMessageResult::default()), "i");
        assert!(empty.contains("<ReceiveMessageResult></ReceiveMessageResult>"), "{empty}");
    }

    #[test]
    fn an_error_has_the_older_name() {
        let xml =
            error(&Error::new(super::super::ErrorCode::QueueDoesNotExist, "no such queue"), "id");
        assert!(xml.contains("<Code>AWS.SimpleQueueService.NonExistentQueue</Code>"), "{xml}");
        assert!(xml.contains("<Type>Sender</Type>"), "{xml}");
    }
}
