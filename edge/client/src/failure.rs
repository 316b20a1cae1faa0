//! Classifies errors of the SDK by what they mean for the caller: whether something may have been
//! done.
//!
//! They are distinguished by whether the request was sent and by the status of the answer. The
//! error name counts only if the status blames the request: a 5xx may follow a change that was
//! made, whatever its name, and so may an answer that cannot be parsed.
//!
//! | result | classification |
//! |---|---|
//! | no connection, or no credentials to sign with | not done |
//! | no answer after the request was sent, or an incomplete one | unsure |
//! | 429, or a 4xx with a throttling error | throttled |
//! | a 4xx that rejects the signature or its key | not done |
//! | any other 4xx with an error name | refused |
//! | a 4xx without a name, any 5xx, any other unreadable answer | unsure |
//!
//! Source: ECS API reference, *Common errors*; the retry behaviour of the AWS SDKs.

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ecs::config::http::HttpResponse;
use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use hyper_util::client::legacy::Error as HttpError;
use longshore_replica::Failure;

/// Throttling errors of AWS. Source: the lists that the AWS SDKs retry by.
const THROTTLING: [&str; 8] = [
    "BandwidthLimitExceeded",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

/// Errors of AWS that reject the caller's credentials: the request itself was not processed.
/// Source: ECS API reference, *Common errors*.
const UNKNOWN_CALLER: [&str; 9] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "UnrecognizedClientException",
];

/// Classifies an SDK error.
pub(crate) fn failure<E>(error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error {
        SdkError::ConstructionFailure(_) => Failure::Refused {
            code: "InvalidRequest".to_owned(),
            message: format!("cannot build the request: {}", cause(error)),
        },
        SdkError::DispatchFailure(_) if is_unsent(error) => {
            Failure::NotDone(format!("no connection: {}", cause(error)))
        }
        SdkError::DispatchFailure(_) => {
            Failure::Unsure(format!("the connection was lost: {}", cause(error)))
        }
        SdkError::TimeoutError(_) => Failure::Unsure("no response in time".to_owned()),
        _ => answered(error),
    }
}

/// Classifies an unexpected answer.
fn answered<E>(error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    let service = error.as_service_error();
    let code = service.and_then(ProvideErrorMetadata::code);
    let message = service.and_then(ProvideErrorMetadata::message).unwrap_or_default();
    match (status, code) {
        (429, _) => Failure::Throttled,
        (400..=499, Some(code)) if THROTTLING.contains(&code) => Failure::Throttled,
        (400..=499, Some(code)) if UNKNOWN_CALLER.contains(&code) => {
            Failure::NotDone(format!("{code}: {message}"))
        }
        (400..=499, Some(code)) => {
            Failure::Refused { code: code.to_owned(), message: message.to_owned() }
        }
        (_, Some(code)) => Failure::Unsure(format!("HTTP {status}, {code}: {message}")),
        (_, None) => {
            Failure::Unsure(format!("HTTP {status}, not a response from ECS: {}", cause(error)))
        }
    }
}

/// Unwraps a member that every valid answer has, if only as an empty list. Without it, something
/// else answered.
pub(crate) fn said<T>(member: Option<T>, name: &str) -> Result<T, Failure> {
    member.ok_or_else(|| {
        Failure::Unsure(format!("HTTP 200, not a response from ECS: it has no {name}"))
    })
}

/// Whether a request that failed was never sent.
fn is_unsent(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| {
        error.downcast_ref::<HttpError>().is_some_and(HttpError::is_connect)
            || error.is::<CredentialsError>()
    })
}

/// The causes of an error, in one line.
fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    error.source().map_or_else(|| error.to_string(), causes)
}

/// An error and its causes, in one line.
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_that_cannot_be_had_mean_that_nothing_was_sent() {
        assert!(is_unsent(&CredentialsError::not_loaded("the role went away")));
        assert!(!is_unsent(&std::io::Error::from(std::io::ErrorKind::ConnectionReset)));
    }
}
