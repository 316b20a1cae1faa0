//! Errors of services with the Query protocol: a code, a status, and a text.

use crate::ApiError;

/// Why a call is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Fault {
    /// The code, by which programs tell errors apart.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Fault {
    /// An error of the caller.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, status: 400, message: message.into() }
    }
}

/// What every service of AWS may answer. The Query protocol leaves `Exception` out of the names.
impl From<ApiError> for Fault {
    fn from(error: ApiError) -> Self {
        let code = error.code.name().trim_end_matches("Exception");
        Self { code, status: error.code.http_status(), message: error.message }
    }
}
