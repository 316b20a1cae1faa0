//! What an error of the SDK means for the one who asked: whether something may have been done.
//!
//! Told apart by whether the request was sent and by the status of the answer. The name of an error counts only where the
//! status blames the request: a 5xx may come after the change was made, whatever it is called, and so may an answer that
//! cannot be read.
//!
//! | what came back | then |
//! |---|---|
//! | no connection, or no credentials to sign with | not done |
//! | nothing after the request was sent, or half an answer | unsure |
//! | 429, or a 4xx with one of the names of throttling | throttled |
//! | a 4xx that does not know the signature or its key | not done |
//! | any other 4xx with the name of an error | refused |
//! | a 4xx without a name, any 5xx, any other answer that cannot be read | unsure |
//!
//! Source: ECS API reference, *Common errors*; the retry behaviour of the AWS SDKs.

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ecs::config::http::HttpResponse;
use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use hyper_util::client::legacy::Error as HttpError;
use longshore_replica::Failure;

/// Names under which AWS throttles. Source: the lists that the AWS SDKs retry by.
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

/// Names under which AWS says that it does not know who asks: what is asked for was not even looked at. Source: ECS API
/// reference, *Common errors*.
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

/// What an SDK error means for the one who asked.
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

/// An answer came, and it is none that was asked for.
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

/// A member that every answer of its kind has, though it may be an empty list. Without it, something else answered.
pub(crate) fn said<T>(member: Option<T>, name: &str) -> Result<T, Failure> {
    member.ok_or_else(|| {
        Failure::Unsure(format!("HTTP 200, not a response from ECS: it has no {name}"))
    })
}

/// Whether a request that failed on its way was never sent.
fn is_unsent(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| {
        error.downcast_ref::<HttpError>().is_some_and(HttpError::is_connect)
            || error.is::<CredentialsError>()
    })
}

/// What caused an error, in one line.
fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    error.source().map_or_else(|| error.to_string(), causes)
}

/// An error and what caused it, in one line.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
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
