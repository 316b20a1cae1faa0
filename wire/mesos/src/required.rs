//! Whether a message in protobuf has all its required fields, and numbers that its enums know, all the way down: the types in Rust
//! do not say.

use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost_reflect::{Cardinality, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};

/// Messages within messages that are looked at. Source: protobuf's own bound, which decoding has checked.
const DEPTH_MAX: usize = 100;

/// What a message is found to be.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The path of the first required field that is missing.
    pub(crate) missing: Option<String>,
    /// Whether it has a number that its enum does not, which counts as unset.
    pub(crate) has_unknown_enums: bool,
}

/// Looks at a message. Nothing is missing in bytes that are no message of that type.
pub(crate) fn look(of: &MessageDescriptor, bytes: &[u8]) -> Seen {
    let mut seen = Seen::default();
    within(of, bytes, DEPTH_MAX, &mut seen);
    seen
}

/// Looks until something is missing.
fn within(of: &MessageDescriptor, mut bytes: &[u8], depth: usize, seen: &mut Seen) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    let mut set = Vec::new();
    while bytes.has_remaining() {
        let (tag, wire_type) = decode_key(&mut bytes).ok()?;
        let field = of.get_field(tag);
        let kind = field.as_ref().map(FieldDescriptor::kind);
        let mut is_known = true;
        match (&field, kind, wire_type) {
            (Some(field), Some(Kind::Message(inner)), WireType::LengthDelimited) => {
                within(&inner, piece(&mut bytes)?, depth, seen);
                if let Some(path) = &seen.missing {
                    seen.missing = Some(format!("{}.{path}", field.name()));
                    return None;
                }
            }
            (Some(_), Some(Kind::Enum(all)), WireType::Varint) => {
                is_known = has(&all, decode_varint(&mut bytes).ok()?);
            }
            (Some(_), Some(Kind::Enum(all)), WireType::LengthDelimited) => {
                let mut packed = piece(&mut bytes)?;
                while packed.has_remaining() {
                    is_known &= has(&all, decode_varint(&mut packed).ok()?);
                }
            }
            _ => skip_field(wire_type, tag, &mut bytes, DecodeContext::default()).ok()?,
        }
        seen.has_unknown_enums |= !is_known;
        if is_known && field.is_some_and(|field| field.cardinality() == Cardinality::Required) {
            set.push(tag);
        }
    }
    let mut required = of.fields().filter(|field| field.cardinality() == Cardinality::Required);
    let missing = required.find(|field| !set.contains(&field.number()));
    seen.missing = missing.map(|field| field.name().to_owned());
    Some(())
}

/// The bytes of a field that says how long it is.
fn piece<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = usize::try_from(decode_varint(bytes).ok()?).ok()?;
    let (inner, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(inner)
}

/// Whether an enum has a number, which is the low half of what is on the wire.
fn has(all: &EnumDescriptor, number: u64) -> bool {
    #[expect(clippy::cast_possible_truncation, reason = "as every reader of protobuf does")]
    let number = (number as u32).cast_signed();
    all.get_value(number).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::descriptor;

    fn missing(of: &MessageDescriptor, bytes: &[u8]) -> Option<String> {
        look(of, bytes).missing
    }

    #[test]
    fn a_required_field_is_missed_all_the_way_down() {
        let of = descriptor("mesos.v1.scheduler.Call");
        // kill { task_id { } }
        assert_eq!(missing(&of, &[0x32, 2, 0x0a, 0]), Some("kill.task_id.value".to_owned()));
        assert_eq!(missing(&of, &[0x32, 0]), Some("kill.task_id".to_owned()));
        // The same with a value, and something that is not known.
        assert_eq!(missing(&of, &[0x32, 5, 0x0a, 3, 0x0a, 1, b'x', 0xf8, 0x07, 1]), None);
        assert_eq!(missing(&of, b""), None);
    }
}
