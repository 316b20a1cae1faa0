//! Every error that SQS answers with, as one closed list, with the names of both protocols.
//!
//! Source: Amazon SQS API Reference; the older names are those of the Query protocol, which AWS sends beside the
//! newer ones in `x-amzn-query-error`, so that programs which look for them go on to work.

use crate::error;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $query:literal, $status:literal;)*) => {
        /// What kind of error it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
            /// What every AWS service may answer: access, throttling, a body that cannot be read.
            Shared(error::ErrorCode),
        }

        impl ErrorCode {
            /// The name as it stands in `__type`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Shared(code) => code.name(),
                }
            }

            /// The name in the Query protocol.
            pub fn query_name(self) -> &'static str {
                match self {
                    $(Self::$variant => $query,)*
                    Self::Shared(code) => code.name().trim_end_matches("Exception"),
                }
            }

            /// The HTTP status in the Query protocol.
            pub fn query_status(self) -> u16 {
                match self {
                    $(Self::$variant => $status,)*
                    Self::Shared(code) => code.http_status(),
                }
            }
        }
    };
}

error_codes! {
    /// Two entries of a batch have one id.
    BatchEntryIdsNotDistinct = "com.amazonaws.sqs#BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400;
    /// The entries of a batch are too long together.
    BatchRequestTooLong = "com.amazonaws.sqs#BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", 400;
    /// A batch without entries.
    EmptyBatchRequest = "com.amazonaws.sqs#EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", 400;
    /// Something went wrong on our side.
    Internal = "com.amazonaws.sqs#InternalFailure", "InternalFailure", 500;
    /// A queue URL that is none.
    InvalidAddress = "com.amazonaws.sqs#InvalidAddress", "InvalidAddress", 404;
    /// No such attribute of queues.
    InvalidAttributeName = "com.amazonaws.sqs#InvalidAttributeName", "InvalidAttributeName", 400;
    /// An attribute cannot have this value.
    InvalidAttributeValue = "com.amazonaws.sqs#InvalidAttributeValue", "InvalidAttributeValue", 400;
    /// The id of an entry is out of shape.
    InvalidBatchEntryId = "com.amazonaws.sqs#InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId", 400;
    /// The message holds characters that it may not.
    InvalidMessageContents = "com.amazonaws.sqs#InvalidMessageContents", "InvalidMessageContents", 400;
    /// A parameter out of bounds.
    InvalidParameterValue = "com.amazon.coral.service#InvalidParameterValueException", "InvalidParameterValue", 400;
    /// The message is not in flight.
    MessageNotInflight = "com.amazonaws.sqs#MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", 400;
    /// A GET that would change something. The name is that of S3; SQS itself serves GETs, and no local page should.
    MethodNotAllowed = "com.amazonaws.sqs#MethodNotAllowed", "MethodNotAllowed", 405;
    /// A parameter is missing.
    MissingParameter = "com.amazon.coral.service#MissingRequiredParameterException", "MissingParameter", 400;
    /// A quota.
    OverLimit = "com.amazonaws.sqs#OverLimit", "OverLimit", 403;
    /// The queue was purged less than a minute ago.
    PurgeQueueInProgress = "com.amazonaws.sqs#PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress", 403;
    /// No such queue.
    QueueDoesNotExist = "com.amazonaws.sqs#QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", 400;
    /// A queue of that name was deleted less than a minute ago.
    QueueDeletedRecently = "com.amazonaws.sqs#QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently", 400;
    /// A queue of that name has other attributes.
    QueueNameExists = "com.amazonaws.sqs#QueueNameExists", "QueueAlreadyExists", 400;
    /// The receipt handle is none.
    ReceiptHandleIsInvalid = "com.amazonaws.sqs#ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 404;
    /// No such queue or task, for tasks that move messages.
    ResourceNotFound = "com.amazonaws.sqs#ResourceNotFoundException", "ResourceNotFoundException", 404;
    /// Too many entries in a batch.
    TooManyEntriesInBatchRequest = "com.amazonaws.sqs#TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400;
    /// SQS has no such operation.
    UnknownOperation = "com.amazon.coral.service#UnknownOperationException", "InvalidAction", 400;
    /// Longshore does not have this feature.
    UnsupportedOperation = "com.amazonaws.sqs#UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", 400;
}

impl ErrorCode {
    /// The HTTP status in the JSON protocol.
    pub fn http_status(self) -> u16 {
        match self {
            Self::Internal => 500,
            Self::OverLimit | Self::PurgeQueueInProgress => self.query_status(),
            Self::ResourceNotFound => 404,
            Self::Shared(code) => code.http_status(),
            _ => 400,
        }
    }

    /// Whose fault it is, as the Query protocol says it.
    pub fn fault(self) -> &'static str {
        if self.http_status() >= 500 { "Receiver" } else { "Sender" }
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

    /// A parameter is out of bounds.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidParameterValue, message)
    }

    /// The body to send in the JSON protocol.
    pub fn to_json(&self) -> String {
        serde_json::json!({ "__type": self.code.name(), "message": self.message }).to_string()
    }

    /// What stands in `x-amzn-query-error`.
    pub fn query_header(&self) -> String {
        format!("{};{}", self.code.query_name(), self.code.fault())
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
        write!(f, "{}: {}", self.code.query_name(), self.message)
    }
}

impl std::error::Error for Error {}
