//! From Mesos's JSON to protobuf bytes, in one pass: nothing of the size of a call is made in between, since a call may have
//! many small parts.

use std::fmt;

use base64::Engine;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_reflect::{Cardinality, FieldDescriptor, Kind, MessageDescriptor};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::de::IoRead;

use super::BASE64;
use crate::media::DecodeError;

/// Missing fields that are named. Source: chosen by us: a list of a million messages may miss one each.
const MISSING_MAX: usize = 32;

/// What was found wrong, and where. The reader below only says that something was.
#[derive(Debug, Default)]
struct Trouble {
    path: Vec<Step>,
    wrong: Option<String>,
    missing: Vec<String>,
}

/// A field on the way to where something is read.
#[derive(Debug)]
struct Step {
    name: String,
    /// Which element, if it is a list or a map.
    at: Option<usize>,
    is_map: bool,
}

impl Trouble {
    /// The path of a field below where something is read. Source: protobuf counts elements, of maps too.
    fn path(&self, last: Option<&str>) -> String {
        let step = |Step { name, at, is_map }: &Step| match (at, is_map) {
            (None, _) => name.clone(),
            (Some(at), false) => format!("{name}[{at}]"),
            (Some(at), true) => format!("{name}[{at}].value"),
        };
        let steps = self.path.iter().map(step).chain(last.map(str::to_owned));
        steps.collect::<Vec<String>>().join(".")
    }

    fn wrong<E: Error>(&mut self, fault: &Fault) -> E {
        let field = self.path(None);
        self.wrong.get_or_insert_with(|| match fault {
            Fault::Kind(got) => format!("Not expecting a JSON {got} for field '{field}'"),
            Fault::Value(wanted) => {
                format!("Failed to convert the value of field '{field}': expected {wanted}")
            }
        });
        E::custom("wrong")
    }

    /// Fields that a message lacks; those that its parts lack come after `after`, as protobuf lists them.
    fn lacks<'n>(&mut self, after: usize, names: impl Iterator<Item = &'n str>) {
        let room = MISSING_MAX.saturating_sub(self.missing.len());
        let paths: Vec<String> = names.take(room).map(|name| self.path(Some(name))).collect();
        self.missing.splice(after..after, paths);
    }

    fn step(&mut self, at: usize, is_map: bool) {
        if let Some(last) = self.path.last_mut() {
            (last.at, last.is_map) = (Some(at), is_map);
        }
    }
}

/// What is wrong with a value. Nothing repeats what was sent.
enum Fault {
    /// It is of another kind than the field; which.
    Kind(&'static str),
    /// What would be right.
    Value(String),
}

/// Where a body stops to be JSON, as Mesos words it; `None` if all of it is.
pub fn syntax_error(body: &[u8]) -> Option<String> {
    /// Characters of the body that are repeated: it may be one long line.
    const NEAR_MAX: usize = 256;
    let mut reader = serde_json::Deserializer::new(IoRead::new(body));
    let read = IgnoredAny::deserialize(&mut reader).and_then(|IgnoredAny| reader.end());
    let error = read.err()?;
    let line = body.split(|byte| *byte == b'\n').nth(error.line().saturating_sub(1));
    let rest = line.unwrap_or_default().get(error.column().saturating_sub(1)..);
    let near = String::from_utf8_lossy(rest.unwrap_or_default());
    let near: String = near.chars().take(NEAR_MAX).collect();
    Some(format!("syntax error at line {} near: {near}", error.line().max(1)))
}

/// The protobuf bytes of a message that is written in JSON.
///
/// # Errors
/// Says what cannot be read, and which required field is missing.
pub(super) fn to_wire(of: &MessageDescriptor, json: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut trouble = Trouble::default();
    let mut wire = Vec::with_capacity(json.len() / 2);
    let mut reader = serde_json::Deserializer::from_slice(json);
    let seed = MessageSeed { of, trouble: &mut trouble, wire: &mut wire };
    let read = seed.deserialize(&mut reader).and_then(|()| reader.end());
    if let Err(error) = read {
        // What is no JSON at all is said first, wherever it stops to be any.
        if let Some(why) = syntax_error(json) {
            return Err(DecodeError::Json(why));
        }
        return Err(DecodeError::Convert(trouble.wrong.unwrap_or_else(|| error.to_string())));
    }
    if trouble.missing.is_empty() {
        return Ok(wire);
    }
    let fields = trouble.missing.join(", ");
    Err(DecodeError::Convert(format!("Missing required fields: {fields}")))
}

/// Reads one message.
struct MessageSeed<'a> {
    of: &'a MessageDescriptor,
    trouble: &'a mut Trouble,
    wire: &'a mut Vec<u8>,
}

impl MessageSeed<'_> {
    fn no_object<E: Error>(self) -> Result<(), E> {
        self.trouble.wrong.get_or_insert_with(|| "Expecting a JSON object".to_owned());
        Err(E::custom("no object"))
    }
}

impl<'de> DeserializeSeed<'de> for MessageSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for MessageSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object for {}", self.of.name())
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<(), A::Error> {
        message(self.of, object, self.trouble, self.wire)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        self.no_object()
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.no_object()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.no_object()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.no_object()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.no_object()
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.no_object()
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.no_object()
    }
}

/// Writes the fields of a message.
fn message<'de, A: MapAccess<'de>>(
    of: &MessageDescriptor,
    mut object: A,
    trouble: &mut Trouble,
    wire: &mut Vec<u8>,
) -> Result<(), A::Error> {
    let mut set = Vec::new();
    let missing_before = trouble.missing.len();
    while let Some(name) = object.next_key::<std::borrow::Cow<'de, str>>()? {
        // `slave_id` is what v0 called it; one v1 client still does.
        let name = if name == "slave_id" { "agent_id" } else { &*name };
        let Some(field) = of.get_field_by_name(name) else {
            object.next_value::<IgnoredAny>()?;
            continue;
        };
        trouble.path.push(Step { name: name.to_owned(), at: None, is_map: false });
        let seed = ValueSeed {
            field: &field,
            kind: &field.kind(),
            is_element: false,
            trouble: &mut *trouble,
            wire: &mut *wire,
        };
        let is_set = object.next_value_seed(seed)?;
        trouble.path.pop();
        if is_set && field.cardinality() == Cardinality::Required {
            set.push(field.number());
        }
    }
    let is_missing = |field: &FieldDescriptor| {
        field.cardinality() == Cardinality::Required && !set.contains(&field.number())
    };
    let missing: Vec<FieldDescriptor> = of.fields().filter(is_missing).collect();
    trouble.lacks(missing_before, missing.iter().map(FieldDescriptor::name));
    Ok(())
}

/// Reads the value of a field, or an element of one that is a list; says whether there is one.
struct ValueSeed<'a> {
    field: &'a FieldDescriptor,
    kind: &'a Kind,
    is_element: bool,
    trouble: &'a mut Trouble,
    wire: &'a mut Vec<u8>,
}

/// A value that is neither a list nor an object.
enum Scalar<'a> {
    Flag(bool),
    Whole(i128),
    Decimal(f64),
    Text(&'a str),
}

impl ValueSeed<'_> {
    fn scalar<E: Error>(self, value: &Scalar<'_>) -> Result<bool, E> {
        let is_required = self.field.cardinality() == Cardinality::Required;
        let tag = self.field.number();
        write(self.kind, tag, value, is_required, self.wire)
            .map_err(|fault| self.trouble.wrong(&fault))
    }

    fn unexpected<E: Error>(self, got: &'static str) -> E {
        self.trouble.wrong(&Fault::Kind(got))
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<bool, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(wanted(self.kind))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<bool, E> {
        self.scalar(&Scalar::Flag(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<bool, E> {
        self.scalar(&Scalar::Whole(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<bool, E> {
        self.scalar(&Scalar::Whole(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<bool, E> {
        self.scalar(&Scalar::Decimal(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<bool, E> {
        self.scalar(&Scalar::Text(value))
    }

    /// `null` is as good as unset.
    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        if self.is_element { Err(self.unexpected("null")) } else { Ok(false) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        if self.is_element || !self.field.is_list() {
            return Err(self.unexpected("array"));
        }
        for at in 0_usize.. {
            self.trouble.step(at, false);
            let seed = ValueSeed {
                field: self.field,
                kind: self.kind,
                is_element: true,
                trouble: &mut *self.trouble,
                wire: &mut *self.wire,
            };
            if list.next_element_seed(seed)?.is_none() {
                break;
            }
        }
        Ok(true)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<bool, A::Error> {
        let Kind::Message(of) = self.kind else { return Err(self.unexpected("object")) };
        if self.field.is_map() {
            return map(self.field, of, object, self.trouble, self.wire);
        }
        if self.field.is_list() && !self.is_element {
            self.trouble.step(0, false);
        }
        let mut within = Vec::new();
        message(of, object, self.trouble, &mut within)?;
        delimited(self.field.number(), &within, self.wire);
        Ok(true)
    }
}

/// Writes the entries of a map, whose keys are strings.
fn map<'de, A: MapAccess<'de>>(
    field: &FieldDescriptor,
    entry: &MessageDescriptor,
    mut object: A,
    trouble: &mut Trouble,
    wire: &mut Vec<u8>,
) -> Result<bool, A::Error> {
    let (key, of) = (entry.map_entry_key_field(), entry.map_entry_value_field());
    for at in 0_usize.. {
        let Some(name) = object.next_key::<String>()? else { break };
        trouble.step(at, true);
        let mut within = Vec::new();
        delimited(key.number(), name.as_bytes(), &mut within);
        let seed = ValueSeed {
            field: &of,
            kind: &of.kind(),
            is_element: false,
            trouble: &mut *trouble,
            wire: &mut within,
        };
        if object.next_value_seed(seed)? {
            delimited(field.number(), &within, wire);
        }
    }
    Ok(true)
}

fn delimited(tag: u32, bytes: &[u8], wire: &mut Vec<u8>) {
    encode_key(tag, WireType::LengthDelimited, wire);
    encode_varint(bytes.len() as u64, wire);
    wire.extend_from_slice(bytes);
}

/// What a value of a kind looks like in JSON.
fn wanted(kind: &Kind) -> &'static str {
    match kind {
        Kind::Bool => "true or false",
        Kind::Float | Kind::Double => "a number",
        Kind::String | Kind::Enum(_) => "a string",
        Kind::Bytes => "base64",
        Kind::Message(_) => "an object",
        _ => "a whole number",
    }
}

/// Writes one value; false for an enum name that is not known where the field may be unset.
fn write(
    kind: &Kind,
    tag: u32,
    value: &Scalar<'_>,
    is_required: bool,
    wire: &mut Vec<u8>,
) -> Result<bool, Fault> {
    use prost::encoding as to;
    let wrong = || fault(kind, value);
    match kind {
        Kind::Bool => to::bool::encode(tag, &flag(value).ok_or_else(wrong)?, wire),
        Kind::Int32 => to::int32::encode(tag, &whole(value).ok_or_else(wrong)?, wire),
        Kind::Sint32 => to::sint32::encode(tag, &whole(value).ok_or_else(wrong)?, wire),
        Kind::Sfixed32 => to::sfixed32::encode(tag, &whole(value).ok_or_else(wrong)?, wire),
        Kind::Int64 => to::int64::encode(tag, &whole(value).ok_or_else(wrong)?, wire),
        Kind::Sint64 => to::sint64::encode(tag, &whole(value).ok_or_else(wrong)?, wire),
        Kind::Sfixed64 => to::sfixed64::encode(tag, &whole(value).ok_or_else(wrong)?, wire),
        Kind::Uint32 => to::uint32::encode(tag, &whole(value).ok_or_else(wrong)?, wire),
        Kind::Fixed32 => to::fixed32::encode(tag, &whole(value).ok_or_else(wrong)?, wire),
        Kind::Uint64 => to::uint64::encode(tag, &whole(value).ok_or_else(wrong)?, wire),
        Kind::Fixed64 => to::fixed64::encode(tag, &whole(value).ok_or_else(wrong)?, wire),
        Kind::Double => to::double::encode(tag, &decimal(value).ok_or_else(wrong)?, wire),
        Kind::Float => {
            #[expect(clippy::cast_possible_truncation, reason = "the field has no more precision")]
            let number = decimal(value).ok_or_else(wrong)? as f32;
            to::float::encode(tag, &number, wire);
        }
        Kind::String => match value {
            Scalar::Text(text) => delimited(tag, text.as_bytes(), wire),
            _ => return Err(wrong()),
        },
        Kind::Bytes => match value {
            Scalar::Text(text) => {
                let bytes = BASE64
                    .decode(text)
                    .map_err(|error| Fault::Value(format!("base64: {error}")))?;
                delimited(tag, &bytes, wire);
            }
            _ => return Err(wrong()),
        },
        Kind::Enum(all) => {
            let Scalar::Text(name) = value else { return Err(wrong()) };
            match all.get_value_by_name(name) {
                Some(value) => to::int32::encode(tag, &value.number(), wire),
                None if is_required => {
                    return Err(Fault::Value(format!("the name of a {}", all.name())));
                }
                None => return Ok(false),
            }
        }
        Kind::Message(_) => return Err(wrong()),
    }
    Ok(true)
}

/// What is wrong with a value that cannot be that of a field of this kind.
fn fault(kind: &Kind, value: &Scalar<'_>) -> Fault {
    let is_number =
        !matches!(kind, Kind::Bool | Kind::String | Kind::Bytes | Kind::Enum(_) | Kind::Message(_));
    match value {
        // Text may stand for a number or a flag, and this does not.
        Scalar::Text(_) if is_number || matches!(kind, Kind::Bool) => {
            Fault::Value(wanted(kind).to_owned())
        }
        Scalar::Whole(_) | Scalar::Decimal(_) if is_number => {
            Fault::Value(format!("{} that fits", wanted(kind)))
        }
        Scalar::Text(_) => Fault::Kind("string"),
        Scalar::Whole(_) | Scalar::Decimal(_) => Fault::Kind("number"),
        Scalar::Flag(_) => Fault::Kind("boolean"),
    }
}

fn flag(value: &Scalar<'_>) -> Option<bool> {
    match value {
        Scalar::Flag(flag) => Some(*flag),
        Scalar::Text("true") => Some(true),
        Scalar::Text("false") => Some(false),
        _ => None,
    }
}

fn whole<N: TryFrom<i128>>(value: &Scalar<'_>) -> Option<N> {
    let whole: i128 = match value {
        Scalar::Whole(number) => *number,
        Scalar::Text(text) => text.parse().ok()?,
        // 5.0 is a whole number, too.
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and below 2^53")]
        Scalar::Decimal(number) if number.fract() == 0.0 && number.abs() < 9e15 => *number as i128,
        _ => return None,
    };
    N::try_from(whole).ok()
}

fn decimal(value: &Scalar<'_>) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "a decimal is what is wanted")]
        Scalar::Whole(number) => Some(*number as f64),
        Scalar::Decimal(number) => Some(*number),
        Scalar::Text("Infinity") => Some(f64::INFINITY),
        Scalar::Text("-Infinity") => Some(f64::NEG_INFINITY),
        Scalar::Text(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
        Scalar::Flag(_) => None,
    }
}
