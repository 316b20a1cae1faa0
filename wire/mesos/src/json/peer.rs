//! The same JSON by reflection: a second writer, which the first is compared with.

use base64::Engine;
use prost::Message;
use prost_reflect::{
    Cardinality, DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage, Value,
};
use serde_json::{Map, Value as Json};

use super::{BASE64, descriptor};

/// The JSON value of a message whose full name is `name`.
pub(super) fn to_value<M: Message>(name: &str, message: &M) -> Json {
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
