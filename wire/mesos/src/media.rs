//! The two encodings of a body, and how a client asks for one.

use prost::Message;
use prost_reflect::DynamicMessage;

use crate::{enums, json, required};

/// How a body is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// `application/json`
    Json,
    /// `application/x-protobuf`
    Protobuf,
}

/// A body cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It is not protobuf of that message.
    #[error("Failed to parse body into Call protobuf: {0}")]
    Protobuf(String),
    /// It is not JSON.
    #[error("Failed to parse body into JSON: {0}")]
    Json(String),
    /// It is JSON, but not of that message.
    #[error("Failed to convert JSON into Call protobuf: {0}")]
    Convert(String),
}

impl DecodeError {
    /// What is wrong, without saying in what.
    pub fn why(&self) -> &str {
        match self {
            Self::Protobuf(why) | Self::Json(why) | Self::Convert(why) => why,
        }
    }
}

impl Media {
    /// The media type of a `Content-Type` header. Source: Mesos compares the whole header: parameters are refused.
    pub fn of(content_type: &str) -> Option<Self> {
        match content_type {
            "application/json" => Some(Self::Json),
            "application/x-protobuf" => Some(Self::Protobuf),
            _ => None,
        }
    }

    /// The media type as it stands in a header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/x-protobuf",
        }
    }

    /// Encodes a message whose full name is `name`.
    pub fn encode<M: Message>(self, name: &str, message: &M) -> Vec<u8> {
        match self {
            Self::Json => json::encode(name, message),
            Self::Protobuf => message.encode_to_vec(),
        }
    }

    /// Decodes a message whose full name is `name`.
    ///
    /// # Errors
    /// Says what cannot be read, and which required field is missing.
    pub fn decode<M: Message + Default>(self, name: &str, body: &[u8]) -> Result<M, DecodeError> {
        match self {
            Self::Json => json::decode(name, body),
            Self::Protobuf => {
                let broken = |error: prost::DecodeError| DecodeError::Protobuf(error.to_string());
                let of = json::descriptor(name);
                let message = M::decode(body).map_err(broken)?;
                let seen = required::look(&of, body);
                if let Some(path) = seen.missing {
                    let why = format!("Missing required fields: {path}");
                    return Err(DecodeError::Protobuf(why));
                }
                if !seen.has_unknown_enums {
                    return Ok(message);
                }
                let mut dynamic = DynamicMessage::decode(of, body).map_err(broken)?;
                enums::forget_unknown(&mut dynamic);
                dynamic.transcode_to().map_err(broken)
            }
        }
    }
}

/// How many bytes a message has in protobuf: its size, whatever it was read from.
pub fn encoded_bytes<M: Message>(message: &M) -> usize {
    message.encoded_len()
}

/// The encoding that an `Accept` header asks for; JSON wherever it is acceptable, `None` if neither is.
///
/// Source: Mesos prefers JSON irrespective of the order of preference; `q=0` excludes a type.
pub fn accepted(accept: Option<&str>) -> Option<Media> {
    let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else {
        return Some(Media::Json);
    };
    let admits = |media: Media| {
        let group = "application/*";
        let range = |name: &str| {
            accept.split(',').map(str::trim).find_map(|part| {
                let (kind, parameters) = part.split_once(';').unwrap_or((part, ""));
                let refused = parameters.split(';').any(|parameter| {
                    let quality = parameter.trim().strip_prefix("q=").map(str::parse::<f32>);
                    matches!(quality, Some(Ok(quality)) if quality == 0.0)
                });
                (kind.trim() == name).then_some(!refused)
            })
        };
        range(media.name()).or_else(|| range(group)).or_else(|| range("*/*")).unwrap_or(false)
    };
    [Media::Json, Media::Protobuf].into_iter().find(|media| admits(*media))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::Resource;
    use crate::v1::scheduler::Call;

    /// \[H8\]
    #[test]
    fn json_wins_wherever_it_is_acceptable() {
        for accept in
            [None, Some(""), Some("*/*"), Some("application/x-protobuf, application/json;q=0.1")]
        {
            assert_eq!(accepted(accept), Some(Media::Json), "{accept:?}");
        }
        assert_eq!(accepted(Some("application/x-protobuf")), Some(Media::Protobuf));
        assert_eq!(accepted(Some("application/json;q=0, */*")), Some(Media::Protobuf));
        assert_eq!(accepted(Some("text/html")), None);
    }

    /// `Call` with a type, and a framework id so that it is more than that.
    fn call(kind: u8) -> Result<Call, DecodeError> {
        Media::Protobuf.decode("mesos.v1.scheduler.Call", &[0x10, kind, 0x0a, 3, 0x0a, 1, b'f'])
    }

    #[test]
    fn a_number_that_no_enum_has_is_unset_as_in_json() {
        assert_eq!(call(2).expect("it is a call").r#type, Some(2));
        let unknown = call(99).expect("it is a call");
        assert_eq!((unknown.r#type, unknown.framework_id.is_some()), (None, true));
        // `Resource.type` must be there: a reservation of a resource that has only that, and it is unknown.
        let resource = [0x0a, 1, b'c', 0x10, 99];
        let error = Media::Protobuf.decode::<Resource>("mesos.v1.Resource", &resource);
        assert!(
            error
                .expect_err("it lacks a type")
                .to_string()
                .contains("Missing required fields: type")
        );
    }

    #[test]
    fn a_content_type_with_parameters_is_not_ours() {
        assert_eq!(Media::of("application/json; charset=utf-8"), None);
    }
}
