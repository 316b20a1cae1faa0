//! Mesos's own mapping of messages to JSON.
//!
//! Source: Apache Mesos, `stout/protobuf.hpp`. It differs from protobuf's own mapping: names are `snake_case`, 64-bit integers
//! are numbers, enums are read by name only, unset optional fields that have a default and are not deprecated are written, a single
//! value may stand where a list is expected, and an unknown name in an optional enum is as good as unset.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use prost::Message;
use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor,
    ReflectMessage, Value,
};
use serde_json::{Map, Value as Json};

use crate::media::DecodeError;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let bytes: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
    DescriptorPool::decode(bytes).expect("the build script wrote the descriptors")
});

pub(crate) fn descriptor(name: &str) -> MessageDescriptor {
    POOL.get_message_by_name(name).expect("only messages of schema/mesos are asked for")
}

/// Writes a message whose full name is `name`.
pub fn encode<M: Message>(name: &str, message: &M) -> Vec<u8> {
    serde_json::to_vec(&to_value(name, message)).expect("JSON values can be written")
}

/// The JSON value of a message whose full name is `name`.
pub fn to_value<M: Message>(name: &str, message: &M) -> Json {
    let bytes = message.encode_to_vec();
    let dynamic = DynamicMessage::decode(descriptor(name), &*bytes)
        .expect("it was encoded from that message");
    write_message(&dynamic)
}

fn write_message(message: &DynamicMessage) -> Json {
    let mut object = Map::new();
    for field in message.descriptor().fields() {
        let described = field.field_descriptor_proto();
        let deprecated = described
            .options
            .as_ref()
            .is_some_and(prost_reflect::prost_types::FieldOptions::deprecated);
        let explicit = described.default_value.is_some() && !deprecated;
        if message.has_field(&field) {
            object.insert(field.name().to_owned(), write_field(&field, &message.get_field(&field)));
        } else if explicit && field.cardinality() == Cardinality::Optional {
            object.insert(
                field.name().to_owned(),
                write_value(&field.kind(), &field.default_value()),
            );
        }
    }
    Json::Object(object)
}

fn write_field(field: &FieldDescriptor, value: &Value) -> Json {
    match value {
        Value::List(list) => {
            Json::Array(list.iter().map(|one| write_value(&field.kind(), one)).collect())
        }
        Value::Map(map) => {
            let Kind::Message(entry) = field.kind() else { return Json::Null };
            let kind = entry.map_entry_value_field().kind();
            let key = |key: &MapKey| key.as_str().unwrap_or_default().to_owned();
            Json::Object(
                map.iter().map(|(name, one)| (key(name), write_value(&kind, one))).collect(),
            )
        }
        one => write_value(&field.kind(), one),
    }
}

fn write_value(kind: &Kind, value: &Value) -> Json {
    match value {
        Value::Bool(flag) => Json::Bool(*flag),
        Value::I32(number) => (*number).into(),
        Value::I64(number) => (*number).into(),
        Value::U32(number) => (*number).into(),
        Value::U64(number) => (*number).into(),
        Value::F32(number) => f64::from(*number).into(),
        Value::F64(number) => (*number).into(),
        Value::String(text) => Json::String(text.clone()),
        Value::Bytes(bytes) => Json::String(BASE64.encode(bytes)),
        Value::EnumNumber(number) => {
            let name = kind.as_enum().and_then(|all| all.get_value(*number));
            name.map_or_else(|| (*number).into(), |name| Json::String(name.name().to_owned()))
        }
        Value::Message(message) => write_message(message),
        Value::List(_) | Value::Map(_) => Json::Null,
    }
}

/// Reads a message whose full name is `name`.
///
/// # Errors
/// Says what cannot be read, and which required field is missing.
pub fn decode<M: Message + Default>(name: &str, body: &[u8]) -> Result<M, DecodeError> {
    let json: Json =
        serde_json::from_slice(body).map_err(|error| DecodeError::Json(error.to_string()))?;
    let dynamic = read_message(descriptor(name), &json).map_err(DecodeError::Convert)?;
    require(&dynamic)
        .map_err(|path| DecodeError::Convert(format!("missing required field {path}")))?;
    dynamic.transcode_to().map_err(|error| DecodeError::Convert(error.to_string()))
}

fn read_message(descriptor: MessageDescriptor, json: &Json) -> Result<DynamicMessage, String> {
    let Json::Object(object) = json else {
        return Err(format!("expected an object for {}", descriptor.name()));
    };
    let mut message = DynamicMessage::new(descriptor.clone());
    for (name, value) in object {
        // `slave_id` is what v0 called it; one v1 client still does.
        let name = if name == "slave_id" { "agent_id" } else { name };
        let Some(field) = descriptor.get_field_by_name(name).filter(|_| !value.is_null()) else {
            continue;
        };
        let at = |error: String| format!("{name}: {error}");
        if field.is_map() {
            message.set_field(&field, read_map(&field, value).map_err(at)?);
        } else if field.is_list() {
            let one = std::slice::from_ref(value);
            let all = value.as_array().map_or(one, Vec::as_slice);
            let read =
                all.iter().filter_map(|one| read_value(&field, &field.kind(), one).transpose());
            message.set_field(&field, Value::List(read.collect::<Result<_, _>>().map_err(at)?));
        } else if let Some(value) = read_value(&field, &field.kind(), value).map_err(at)? {
            message.set_field(&field, value);
        }
    }
    Ok(message)
}

fn read_map(field: &FieldDescriptor, json: &Json) -> Result<Value, String> {
    let (Json::Object(object), Kind::Message(entry)) = (json, field.kind()) else {
        return Err("expected an object".to_owned());
    };
    let of = entry.map_entry_value_field();
    let mut map = std::collections::HashMap::new();
    for (name, one) in object {
        if let Some(value) = read_value(&of, &of.kind(), one)? {
            map.insert(MapKey::String(name.clone()), value);
        }
    }
    Ok(Value::Map(map))
}

/// Reads one value; `None` for an enum name that is not known where the field may be unset.
fn read_value(field: &FieldDescriptor, kind: &Kind, json: &Json) -> Result<Option<Value>, String> {
    let whole = |least: i128, most: i128| {
        integer(json)
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| format!("expected a whole number, got {json}"))
    };
    let value = match kind {
        Kind::Bool => match json {
            Json::Bool(flag) => Value::Bool(*flag),
            Json::String(text) if text == "true" || text == "false" => Value::Bool(text == "true"),
            _ => return Err(format!("expected true or false, got {json}")),
        },
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            Value::I32(i32::try_from(whole(i32::MIN.into(), i32::MAX.into())?).unwrap_or_default())
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            Value::I64(i64::try_from(whole(i64::MIN.into(), i64::MAX.into())?).unwrap_or_default())
        }
        Kind::Uint32 | Kind::Fixed32 => {
            Value::U32(u32::try_from(whole(0, u32::MAX.into())?).unwrap_or_default())
        }
        Kind::Uint64 | Kind::Fixed64 => {
            Value::U64(u64::try_from(whole(0, u64::MAX.into())?).unwrap_or_default())
        }
        Kind::Float | Kind::Double => {
            let number = decimal(json).ok_or_else(|| format!("expected a number, got {json}"))?;
            #[expect(clippy::cast_possible_truncation, reason = "the field has no more precision")]
            if *kind == Kind::Float { Value::F32(number as f32) } else { Value::F64(number) }
        }
        Kind::String => Value::String(text(json)?.to_owned()),
        Kind::Bytes => {
            let bytes =
                BASE64.decode(text(json)?).map_err(|error| format!("expected base64: {error}"))?;
            Value::Bytes(bytes.into())
        }
        Kind::Enum(all) => match all.get_value_by_name(text(json)?) {
            Some(value) => Value::EnumNumber(value.number()),
            None if field.cardinality() == Cardinality::Required => {
                return Err(format!("{json} is not a {}", all.name()));
            }
            None => return Ok(None),
        },
        Kind::Message(descriptor) => Value::Message(read_message(descriptor.clone(), json)?),
    };
    Ok(Some(value))
}

fn text(json: &Json) -> Result<&str, String> {
    json.as_str().ok_or_else(|| format!("expected a string, got {json}"))
}

fn integer(json: &Json) -> Option<i128> {
    match json {
        Json::String(text) => text.parse().ok(),
        Json::Number(number) => {
            let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
            // 5.0 is a whole number, too.
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and below 2^53")]
            whole.or_else(|| {
                number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 9e15).map(|n| n as i128)
            })
        }
        _ => None,
    }
}

fn decimal(json: &Json) -> Option<f64> {
    match json {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => match &**text {
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            text => text.parse().ok().filter(|number: &f64| number.is_finite()),
        },
        _ => None,
    }
}

/// Checks that each required field is set, all the way down.
///
/// # Errors
/// The path of the first that is not.
pub(crate) fn require(message: &DynamicMessage) -> Result<(), String> {
    for field in message.descriptor().fields() {
        let name = field.name();
        if field.cardinality() == Cardinality::Required && !message.has_field(&field) {
            return Err(name.to_owned());
        }
        let within = |error: String| format!("{name}.{error}");
        if !message.has_field(&field) || !matches!(field.kind(), Kind::Message(_)) {
            continue;
        }
        let value = message.get_field(&field);
        let below: Vec<&Value> = match &*value {
            Value::List(list) => list.iter().collect(),
            Value::Map(map) => map.values().collect(),
            one => vec![one],
        };
        for message in below.into_iter().filter_map(Value::as_message) {
            require(message).map_err(within)?;
        }
    }
    Ok(())
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
        assert!(error.to_string().contains("kill.task_id.value"), "{error}");
    }

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
