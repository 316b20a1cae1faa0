//! From a message to Mesos's JSON, straight into a buffer: members stand in the order in which the `.proto` declares them.
//!
//! Source: Apache Mesos, `stout/protobuf.hpp`: members follow the descriptor, not the numbers, and doubles keep their fraction (`4.0`).
//! Pages of operators have hundreds of thousands of small messages, so nothing is built in between but their bytes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine;
use prost::Message;
use prost_reflect::{Cardinality, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Value};

use super::{BASE64, POOL};

/// All messages, as far as writing them needs it.
static FORMS: LazyLock<Forms> = LazyLock::new(Forms::new);

struct Forms {
    by_name: BTreeMap<String, usize>,
    all: Vec<Vec<Member>>,
}

/// One field of a message.
struct Member {
    name: String,
    number: u32,
    is_list: bool,
    kind: Shape,
    /// What is written if it is unset.
    default: Option<String>,
}

enum Shape {
    Flag,
    Signed,
    ZigZag,
    Unsigned,
    Fixed(Fixed),
    Text,
    Bytes,
    Name(BTreeMap<i32, String>),
    Object(usize),
    /// From names to values of this shape.
    Map(Box<Shape>),
}

#[derive(Clone, Copy)]
enum Fixed {
    Double,
    Float,
    Signed,
    Unsigned,
}

/// The value of a field as it stands in protobuf.
#[derive(Clone, Copy)]
enum Raw<'a> {
    Varint(u64),
    Eight(u64),
    Four(u32),
    Bytes(&'a [u8]),
}

impl Forms {
    fn new() -> Self {
        let messages: Vec<MessageDescriptor> = POOL.all_messages().collect();
        let by_name: BTreeMap<String, usize> = messages
            .iter()
            .enumerate()
            .map(|(at, message)| (message.full_name().to_owned(), at))
            .collect();
        let form = |message: &MessageDescriptor| {
            let declared = message.descriptor_proto().field.iter();
            let fields = declared.filter_map(|one| message.get_field_by_name(one.name()));
            fields.map(|field| member(&field, &by_name)).collect()
        };
        let all = messages.iter().map(form).collect();
        Self { by_name, all }
    }
}

fn member(field: &FieldDescriptor, by_name: &BTreeMap<String, usize>) -> Member {
    let described = field.field_descriptor_proto();
    let deprecated = described
        .options
        .as_ref()
        .is_some_and(prost_reflect::prost_types::FieldOptions::deprecated);
    let explicit = described.default_value.is_some()
        && !deprecated
        && field.cardinality() == Cardinality::Optional;
    let default = explicit.then(|| default(&field.kind(), &field.default_value()));
    let kind = match field.kind() {
        Kind::Message(entry) if field.is_map() => {
            Shape::Map(Box::new(shape(&entry.map_entry_value_field().kind(), by_name)))
        }
        kind => shape(&kind, by_name),
    };
    Member {
        name: field.name().to_owned(),
        number: field.number(),
        is_list: field.is_list(),
        kind,
        default,
    }
}

/// What stands for an unset field that has a default.
fn default(kind: &Kind, value: &Value) -> String {
    let text = match value {
        Value::Bool(flag) => return flag.to_string(),
        Value::I32(number) => return number.to_string(),
        Value::I64(number) => return number.to_string(),
        Value::U32(number) => return number.to_string(),
        Value::U64(number) => return number.to_string(),
        Value::F32(number) => return serde_json::Value::from(f64::from(*number)).to_string(),
        Value::F64(number) => return serde_json::Value::from(*number).to_string(),
        Value::EnumNumber(number) => {
            let name = kind.as_enum().and_then(|all| all.get_value(*number));
            name.map_or_else(|| number.to_string(), |name| name.name().to_owned())
        }
        Value::String(text) => text.clone(),
        Value::Bytes(bytes) => BASE64.encode(bytes),
        // Neither has a default in the language.
        Value::Message(_) | Value::List(_) | Value::Map(_) => return "null".to_owned(),
    };
    serde_json::Value::from(text).to_string()
}

fn shape(kind: &Kind, by_name: &BTreeMap<String, usize>) -> Shape {
    match kind {
        Kind::Bool => Shape::Flag,
        Kind::Int32 | Kind::Int64 => Shape::Signed,
        Kind::Sint32 | Kind::Sint64 => Shape::ZigZag,
        Kind::Uint32 | Kind::Uint64 => Shape::Unsigned,
        Kind::Double => Shape::Fixed(Fixed::Double),
        Kind::Float => Shape::Fixed(Fixed::Float),
        Kind::Sfixed32 | Kind::Sfixed64 => Shape::Fixed(Fixed::Signed),
        Kind::Fixed32 | Kind::Fixed64 => Shape::Fixed(Fixed::Unsigned),
        Kind::String => Shape::Text,
        Kind::Bytes => Shape::Bytes,
        Kind::Enum(all) => Shape::Name(names(all)),
        Kind::Message(of) => {
            Shape::Object(by_name.get(of.full_name()).copied().unwrap_or(usize::MAX))
        }
    }
}

fn names(all: &EnumDescriptor) -> BTreeMap<i32, String> {
    all.values().map(|value| (value.number(), value.name().to_owned())).collect()
}

/// Writes a message whose full name is `name` behind what is in the buffer.
pub fn write<M: Message>(name: &str, message: &M, out: &mut Vec<u8>) {
    let at = *FORMS.by_name.get(name).expect("only messages of schema/mesos are asked for");
    object(at, &message.encode_to_vec(), out);
}

fn object(at: usize, bytes: &[u8], out: &mut Vec<u8>) {
    let form = &FORMS.all[at];
    let fields = fields(bytes);
    out.push(b'{');
    let mut between = false;
    for member in form {
        let mut values =
            fields.iter().filter(|(number, _)| *number == member.number).map(|(_, raw)| *raw);
        let Some(first) = values.next() else {
            if let Some(default) = &member.default {
                begin(&member.name, &mut between, out);
                out.extend_from_slice(default.as_bytes());
            }
            continue;
        };
        begin(&member.name, &mut between, out);
        let all = std::iter::once(first).chain(values);
        match &member.kind {
            Shape::Map(of) => map(of, all, out),
            kind if member.is_list => list(kind, all, out),
            // Of a field that is there twice the last one counts.
            kind => value(kind, all.last().unwrap_or(first), out),
        }
    }
    out.push(b'}');
}

fn begin(name: &str, between: &mut bool, out: &mut Vec<u8>) {
    if std::mem::replace(between, true) {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn list<'a>(kind: &Shape, all: impl Iterator<Item = Raw<'a>>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (at, raw) in all.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        value(kind, raw, out);
    }
    out.push(b']');
}

fn map<'a>(kind: &Shape, all: impl Iterator<Item = Raw<'a>>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (at, raw) in all.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let Raw::Bytes(entry) = raw else { continue };
        let entry = fields(entry);
        let of = |wanted| entry.iter().find(|(number, _)| *number == wanted).map(|(_, raw)| *raw);
        value(&Shape::Text, of(1).unwrap_or(Raw::Bytes(&[])), out);
        out.push(b':');
        // An entry without a value has the value that is no bytes at all.
        let absent = if matches!(kind, Shape::Fixed(_)) { Raw::Eight(0) } else { Raw::Bytes(&[]) };
        value(kind, of(2).unwrap_or(absent), out);
    }
    out.push(b'}');
}

fn value(kind: &Shape, raw: Raw<'_>, out: &mut Vec<u8>) {
    match (kind, raw) {
        (Shape::Flag, Raw::Varint(number)) => {
            out.extend_from_slice(if number == 0 { b"false" } else { b"true" });
        }
        (Shape::Signed, Raw::Varint(number)) => json(&number.cast_signed(), out),
        (Shape::ZigZag, Raw::Varint(number)) => {
            json(&((number >> 1).cast_signed() ^ -((number & 1).cast_signed())), out);
        }
        (Shape::Unsigned, Raw::Varint(number)) => json(&number, out),
        (Shape::Fixed(Fixed::Double), Raw::Eight(bits)) => json(&f64::from_bits(bits), out),
        (Shape::Fixed(Fixed::Float), Raw::Four(bits)) => {
            json(&f64::from(f32::from_bits(bits)), out);
        }
        (Shape::Fixed(Fixed::Signed), Raw::Eight(bits)) => json(&bits.cast_signed(), out),
        (Shape::Fixed(Fixed::Signed), Raw::Four(bits)) => json(&bits.cast_signed(), out),
        (Shape::Fixed(_), Raw::Eight(bits)) => json(&bits, out),
        (Shape::Fixed(_), Raw::Four(bits)) => json(&bits, out),
        (Shape::Text, Raw::Bytes(text)) => json(&String::from_utf8_lossy(text), out),
        (Shape::Bytes, Raw::Bytes(bytes)) => json(&BASE64.encode(bytes), out),
        (Shape::Name(names), Raw::Varint(number)) => {
            let known = i32::try_from(number.cast_signed()).ok().and_then(|one| names.get(&one));
            match known {
                Some(name) => json(name, out),
                None => json(&number.cast_signed(), out),
            }
        }
        (Shape::Object(at), Raw::Bytes(bytes)) => object(*at, bytes, out),
        _ => out.extend_from_slice(b"null"),
    }
}

fn json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("text and numbers can be written into a buffer");
}

/// The fields of a message of ours, which is well-formed.
fn fields(mut bytes: &[u8]) -> Vec<(u32, Raw<'_>)> {
    let mut fields = Vec::new();
    while let Some(key) = varint(&mut bytes) {
        let number = u32::try_from(key >> 3).unwrap_or(0);
        let raw = match key & 7 {
            0 => varint(&mut bytes).map(Raw::Varint),
            1 => bytes.split_first_chunk().map(|(eight, rest)| {
                bytes = rest;
                Raw::Eight(u64::from_le_bytes(*eight))
            }),
            5 => bytes.split_first_chunk().map(|(four, rest)| {
                bytes = rest;
                Raw::Four(u32::from_le_bytes(*four))
            }),
            _ => varint(&mut bytes)
                .and_then(|length| bytes.split_at_checked(usize::try_from(length).ok()?))
                .map(|(within, rest)| {
                    bytes = rest;
                    Raw::Bytes(within)
                }),
        };
        let Some(raw) = raw else { break };
        fields.push((number, raw));
    }
    fields
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::peer;
    use crate::v1::{CommandInfo, FrameworkInfo, HealthCheck, Resource, TaskInfo, value};

    fn written<M: Message>(name: &str, message: &M) -> String {
        let mut out = Vec::new();
        write(name, message, &mut out);
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    /// \[J2\]
    #[test]
    fn members_stand_as_declared_and_doubles_keep_their_fraction() {
        let check = HealthCheck {
            command: Some(CommandInfo { value: Some("true".to_owned()), ..Default::default() }),
            r#type: Some(1),
            ..Default::default()
        };
        let json = written("mesos.v1.HealthCheck", &check);
        assert_eq!(
            json,
            "{\"delay_seconds\":15.0,\"interval_seconds\":10.0,\"timeout_seconds\":20.0,\"consecutive_failures\":3,\
             \"grace_period_seconds\":10.0,\"type\":\"COMMAND\",\"command\":{\"shell\":true,\"value\":\"true\"}}"
        );
    }

    /// \[J2\]
    #[test]
    fn what_is_written_is_what_the_other_writer_writes() {
        let resource = Resource {
            name: "ports".to_owned(),
            r#type: value::Type::Ranges.into(),
            ranges: Some(value::Ranges { range: vec![value::Range { begin: 1, end: u64::MAX }] }),
            ..Default::default()
        };
        let task = TaskInfo {
            name: "a \"name\" \u{1}".to_owned(),
            resources: vec![resource.clone(), resource],
            data: Some(vec![0, 255, 10]),
            limits: [("cpus".to_owned(), value::Scalar { value: f64::INFINITY })].into(),
            ..Default::default()
        };
        let json: serde_json::Value =
            serde_json::from_str(&written("mesos.v1.TaskInfo", &task)).expect("it is JSON");
        assert_eq!(json, peer::to_value("mesos.v1.TaskInfo", &task));
        let info =
            FrameworkInfo { roles: vec!["a".to_owned(), "b".to_owned()], ..Default::default() };
        let json: serde_json::Value =
            serde_json::from_str(&written("mesos.v1.FrameworkInfo", &info)).expect("it is JSON");
        assert_eq!(json, peer::to_value("mesos.v1.FrameworkInfo", &info));
    }
}
