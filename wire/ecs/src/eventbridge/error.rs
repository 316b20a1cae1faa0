//! Every error that EventBridge answers with, as one closed list.

use crate::error;

/// What kind of error it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorCode {
    /// Two callers change the same rule.
    ConcurrentModification,
    /// Something went wrong on our side.
    Internal,
    /// The event pattern cannot be read.
    InvalidEventPattern,
    /// A quota.
    LimitExceeded,
    /// The rule belongs to an AWS service.
    ManagedRule,
    /// No such rule, event bus or resource.
    ResourceNotFound,
    /// Not an operation that is served.
    UnknownOperation,
    /// A parameter that is missing or out of bounds.
    Validation,
    /// What every AWS JSON service may answer: access, throttling, a body that cannot be read.
    Shared(error::ErrorCode),
}

impl ErrorCode {
    /// The name as it stands in `__type` and in `x-amzn-errortype`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConcurrentModification => "ConcurrentModificationException",
            Self::Internal => "InternalException",
            Self::InvalidEventPattern => "InvalidEventPatternException",
            Self::LimitExceeded => "LimitExceededException",
            Self::ManagedRule => "ManagedRuleException",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::UnknownOperation => "UnknownOperationException",
            Self::Validation => "ValidationException",
            Self::Shared(code) => code.name(),
        }
    }

    /// The HTTP status that goes with it.
    pub fn http_status(self) -> u16 {
        match self {
            Self::Internal => 500,
            Self::Shared(code) => code.http_status(),
            _ => 400,
        }
    }
}

/// An error as the client gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Which error.
    pub code: ErrorCode,
    /// What a person needs to know to put it right.
    pub message: String,
}

impl Error {
    /// An error of any kind.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A parameter is missing or out of bounds.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Validation, message)
    }

    /// The body to send.
    pub fn to_json(&self) -> String {
        serde_json::json!({ "__type": self.code.name(), "message": self.message }).to_string()
    }
}

impl From<error::ApiError> for Error {
    fn from(error: error::ApiError) -> Self {
        let code = match error.code {
            error::ErrorCode::Server => ErrorCode::Internal,
            error::ErrorCode::UnknownOperation => ErrorCode::UnknownOperation,
            other => ErrorCode::Shared(other),
        };
        Self::new(code, error.message)
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl std::error::Error for Error {}
