//! The MD5 digests that SQS returns and its SDKs verify.
//!
//! Source: SQS developer guide, *Calculating the MD5 message digest for message attributes*.

use longshore_wire_ecs::Str;
use longshore_wire_ecs::sqs::shape::MessageAttributes;
use md5::{Digest, Md5};

/// Digest of a body.
pub(crate) fn body(text: &str) -> Str {
    hexadecimal(Md5::new_with_prefix(text.as_bytes()))
}

/// Digest of attributes; `None` when there are none.
pub(crate) fn attributes(attributes: &MessageAttributes) -> Option<Str> {
    if attributes.is_empty() {
        return None;
    }
    let mut digest = Md5::new();
    for (name, value) in attributes {
        let kind = value.data_type.as_deref().unwrap_or_default();
        let (transport, bytes) = match &value.binary_value {
            Some(bytes) => (2_u8, bytes.0.as_slice()),
            None => (1, value.string_value.as_deref().unwrap_or_default().as_bytes()),
        };
        with_length(&mut digest, name.as_bytes());
        with_length(&mut digest, kind.as_bytes());
        digest.update([transport]);
        with_length(&mut digest, bytes);
    }
    Some(hexadecimal(digest))
}

fn with_length(digest: &mut Md5, bytes: &[u8]) {
    digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    digest.update(bytes);
}

fn hexadecimal(digest: Md5) -> Str {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(32);
    for byte in digest.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use longshore_wire_ecs::sqs::shape::{Binary, MessageAttributeValue};

    use super::*;

    #[test]
    fn digests_are_those_of_sqs() {
        assert_eq!(&*body("hello"), "5d41402abc4b2a76b9719d911017c592");
        assert_eq!(attributes(&MessageAttributes::new()), None);
        let text = MessageAttributeValue {
            data_type: Some("String".into()),
            string_value: Some("value".into()),
            ..Default::default()
        };
        let binary = MessageAttributeValue {
            data_type: Some("Binary".into()),
            binary_value: Some(Binary(vec![0, 1, 2])),
            ..Default::default()
        };
        let both: MessageAttributes = [("a".into(), text), ("b".into(), binary)].into();
        assert_eq!(attributes(&both).as_deref(), Some("dfc7663f5d73665e3f3e1e9824fb4725"));
    }
}
