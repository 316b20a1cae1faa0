//! Mesos's own mapping of messages to JSON.
//!
//! Source: Apache Mesos, `stout/protobuf.hpp`. It differs from protobuf's own mapping: names are `snake_case`, 64-bit integers
//! are numbers, enums are read by name only, unset optional fields that have a default and are not deprecated are written, a single
//! value may stand where a list is expected, and an unknown name in an optional enum is as good as unset.

#[cfg(test)]
mod peer;
mod read;
mod write;

use std::sync::LazyLock;

use base64::engine::general_purpose::STANDARD as BASE64;
use prost::Message;
use prost_reflect::{DescriptorPool, MessageDescriptor};

use crate::media::DecodeError;

pub use read::syntax_error;
pub use write::write;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let bytes: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
    DescriptorPool::decode(bytes).expect("the build script wrote the descriptors")
});

pub(crate) fn descriptor(name: &str) -> MessageDescriptor {
    POOL.get_message_by_name(name).expect("only messages of schema/mesos are asked for")
}

/// Writes a message whose full name is `name`.
pub fn encode<M: Message>(name: &str, message: &M) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(name, message, &mut bytes);
    bytes
}

/// The JSON value of a message whose full name is `name`, with members sorted by name.
pub fn to_value<M: Message>(name: &str, message: &M) -> serde_json::Value {
    serde_json::from_slice(&encode(name, message)).expect("what is written is JSON")
}

/// Reads a message whose full name is `name`.
///
/// # Errors
/// Says what cannot be read, and which required field is missing.
pub fn decode<M: Message + Default>(name: &str, body: &[u8]) -> Result<M, DecodeError> {
    let wire = read::to_wire(&descriptor(name), body)?;
    M::decode(&*wire).map_err(|error| DecodeError::Convert(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::scheduler::{Call, call};
    use crate::v1::{CommandInfo, TaskInfo};

    const CALL: &str = "mesos.v1.scheduler.Call";

    fn read(json: &str) -> Result<Call, DecodeError> {
        decode(CALL, json.as_bytes())
    }

    /// \[J1\]
    #[test]
    fn names_are_snake_case_and_what_is_unknown_is_ignored() {
        let call = read(
            r#"{"type":"KILL","frameworkId":{},"made":1,"kill":{"task_id":{"value":"a"}},"accept":null}"#,
        );
        let call = call.expect("it reads");
        assert_eq!(
            (call.r#type(), call.framework_id.is_none(), call.accept.is_none()),
            (call::Type::Kill, true, true)
        );
        assert_eq!(call.kill.expect("set").task_id.value, "a");
    }

    /// \[J1\]
    #[test]
    fn an_unknown_enum_name_is_unset_where_it_may_be_and_an_error_where_not() {
        assert_eq!(read(r#"{"type":"MAKE_COFFEE"}"#).expect("it reads").r#type, None);
        let status = r#"{"value":{"value":"x"},"state":"TASK_MADE_UP"}"#;
        let status: Result<crate::v1::TaskStatus, _> =
            decode("mesos.v1.TaskStatus", status.as_bytes());
        assert!(matches!(status, Err(DecodeError::Convert(_))));
        assert!(matches!(read(r#"{"type":5}"#), Err(DecodeError::Convert(_))));
    }

    #[test]
    fn a_missing_required_field_is_named_by_its_path() {
        let error =
            read(r#"{"type":"KILL","kill":{"task_id":{}}}"#).expect_err("value is required");
        assert!(
            error.to_string().ends_with("Missing required fields: kill.task_id.value"),
            "{error}"
        );
        let error = read(r#"{"type":"DECLINE","decline":{"offer_ids":[{"value":"o"},{}]}}"#)
            .expect_err("value is required");
        assert!(error.to_string().contains("decline.offer_ids[1].value"), "{error}");
    }

    /// \[J1\]
    #[test]
    fn numbers_may_be_strings_and_one_value_may_stand_for_a_list() {
        let call = read(
            r#"{"type":"DECLINE","decline":{"offer_ids":{"value":"o"},"filters":{"refuse_seconds":"2.5"}}}"#,
        );
        let decline = call.expect("it reads").decline.expect("set");
        assert_eq!(
            (decline.offer_ids.len(), decline.filters.expect("set").refuse_seconds),
            (1, Some(2.5))
        );
    }

    /// \[J2\]
    #[test]
    fn lists_and_maps_are_read_whole_and_null_in_one_is_an_error() {
        let call = read(r#"{"type":"REVIVE","revive":{"roles":["a","b",null]}}"#);
        assert!(matches!(call, Err(DecodeError::Convert(_))), "{call:?}");
        let call = read(
            r#"{"type":"UPDATE_FRAMEWORK","update_framework":{"framework_info":{"user":"u","name":"n",
                "offer_filters":{"a":{"min_allocatable_resources":{"quantities":[]}},"b":null}},
                "suppressed_roles":["x","y"]}}"#,
        );
        let update = call.expect("it reads").update_framework.expect("set");
        assert_eq!(update.suppressed_roles, ["x", "y"]);
        assert_eq!(update.framework_info.offer_filters.keys().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn an_error_says_where_and_never_repeats_what_was_sent() {
        let long = "x".repeat(100_000);
        for (body, part) in [
            (
                format!(r#"{{"kill":{{"task_id":{{"value":["{long}"]}}}}}}"#),
                "Not expecting a JSON array for field 'kill.task_id.value'",
            ),
            (
                format!(r#"{{"decline":{{"filters":{{"refuse_seconds":"{long}"}}}}}}"#),
                "value of field 'decline.filters.refuse_seconds': expected a number",
            ),
            (
                format!(r#"{{"type":"REVIVE","revive":"{long}"}}"#),
                "Not expecting a JSON string for field 'revive'",
            ),
        ] {
            let error = read(&body).expect_err("it is wrong").to_string();
            assert!(error.contains(part) && error.len() < 300, "{part}: {error}");
        }
    }

    #[test]
    fn what_is_no_json_is_said_before_what_is_wrong_in_it() {
        assert!(matches!(read(r#"{"type":5,"#), Err(DecodeError::Json(_))));
        assert!(matches!(read(r#"{"type":"KILL"} x"#), Err(DecodeError::Json(_))));
    }

    #[test]
    fn unset_fields_with_a_default_are_written_and_empty_lists_are_not() {
        let command = CommandInfo { value: Some("x".to_owned()), ..Default::default() };
        let json = to_value("mesos.v1.CommandInfo", &command);
        assert_eq!(json, serde_json::json!({"value": "x", "shell": true}));
    }

    #[test]
    fn what_is_written_reads_back() {
        let task = TaskInfo {
            name: "n".to_owned(),
            task_id: crate::v1::TaskId { value: "t".to_owned() },
            agent_id: crate::v1::AgentId { value: "a".to_owned() },
            data: Some(vec![0, 255, 10]),
            ..Default::default()
        };
        let json = encode("mesos.v1.TaskInfo", &task);
        assert_eq!(decode::<TaskInfo>("mesos.v1.TaskInfo", &json), Ok(task));
    }

    #[test]
    fn rubbish_is_an_error_and_not_a_panic() {
        for body in
            ["", "[]", "1", "{\"type\":", "{\"accept\": 5}", "{\"framework_id\": {\"value\": 5}}"]
        {
            assert!(read(body).is_err(), "{body}");
        }
    }
}
