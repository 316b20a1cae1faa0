//! Numbers that no enum has, in a message of protobuf.

use prost_reflect::{DynamicMessage, Value};

/// Forgets the numbers that no enum of the message has, all the way down, and says whether there were any.
///
/// Source: protobuf's guide to proto2: an unknown number of an enum is an unknown field, so that the field is not set.
pub(crate) fn forget_unknown(message: &mut DynamicMessage) -> bool {
    let mut forgotten = false;
    let mut unset = Vec::new();
    for (field, value) in message.fields_mut() {
        let known = |value: &Value| {
            let number = value.as_enum_number();
            number.is_none_or(|number| {
                field.kind().as_enum().is_none_or(|all| all.get_value(number).is_some())
            })
        };
        match value {
            Value::List(list) => {
                let before = list.len();
                list.retain(known);
                forgotten |= list.len() < before;
                forgotten |= forget_in(list.iter_mut());
            }
            Value::Map(map) => forgotten |= forget_in(map.values_mut()),
            one if !known(one) => unset.push(field),
            one => forgotten |= forget_in(std::iter::once(one)),
        }
    }
    forgotten |= !unset.is_empty();
    for field in unset {
        message.clear_field(&field);
    }
    forgotten
}

fn forget_in<'a>(values: impl Iterator<Item = &'a mut Value>) -> bool {
    let mut forgotten = false;
    for message in values.filter_map(Value::as_message_mut) {
        forgotten |= forget_unknown(message);
    }
    forgotten
}
