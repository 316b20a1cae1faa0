//! Whether a message in protobuf has all its required fields, all the way down: the types in Rust do not say.

use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost_reflect::{Cardinality, Kind, MessageDescriptor};

/// Messages within messages that are looked at. Source: protobuf's own bound, which decoding has checked.
const DEPTH_MAX: usize = 100;

/// The path of the first required field that is missing. Bytes that are no message of that type have none.
pub(crate) fn missing(of: &MessageDescriptor, bytes: &[u8]) -> Option<String> {
    look(of, bytes, DEPTH_MAX)
}

fn look(of: &MessageDescriptor, mut bytes: &[u8], depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    let mut set = Vec::new();
    while bytes.has_remaining() {
        let (tag, wire_type) = decode_key(&mut bytes).ok()?;
        let field = of.get_field(tag);
        if field.as_ref().is_some_and(|field| field.cardinality() == Cardinality::Required) {
            set.push(tag);
        }
        let within = field.filter(|_| wire_type == WireType::LengthDelimited);
        let Some((field, Kind::Message(within))) =
            within.map(|field| (field.clone(), field.kind()))
        else {
            skip_field(wire_type, tag, &mut bytes, DecodeContext::default()).ok()?;
            continue;
        };
        let length = usize::try_from(decode_varint(&mut bytes).ok()?).ok()?;
        let (inner, rest) = bytes.split_at_checked(length)?;
        bytes = rest;
        if let Some(path) = look(&within, inner, depth) {
            return Some(format!("{}.{path}", field.name()));
        }
    }
    let required = of.fields().filter(|field| field.cardinality() == Cardinality::Required);
    required.filter(|field| !set.contains(&field.number())).map(|one| one.name().to_owned()).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::descriptor;

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
