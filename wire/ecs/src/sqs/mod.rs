//! Amazon SQS, all of its operations: AWS JSON 1.0 and, for older SDKs, the Query protocol.
//!
//! Source: Amazon SQS API Reference, version 2012-11-05.

mod error;
pub mod query;
pub mod shape;
pub mod xml;

pub use error::{Error, ErrorCode};

use crate::service::operations;
use shape as s;

/// What precedes the operation in `X-Amz-Target`.
pub const TARGET_PREFIX: &str = "AmazonSQS.";

operations! {
    "SQS", refuse, Error;
    CreateQueue(s::CreateQueueRequest) -> s::QueueUrl,
    GetQueueUrl(s::GetQueueUrlRequest) -> s::QueueUrl,
    ListQueues(s::ListQueuesRequest) -> s::ListQueuesResult,
    DeleteQueue(s::QueueUrl) -> s::Empty,
    PurgeQueue(s::QueueUrl) -> s::Empty,
    SendMessage(s::SendMessageRequest) -> s::SendMessageResult,
    SendMessageBatch(s::SendMessageBatchRequest) -> s::SendMessageBatchResult,
    ReceiveMessage(s::ReceiveMessageRequest) -> s::ReceiveMessageResult,
    DeleteMessage(s::DeleteMessageRequest) -> s::Empty,
    DeleteMessageBatch(s::ReceiptBatchRequest) -> s::BatchResult,
    ChangeMessageVisibility(s::ChangeMessageVisibilityRequest) -> s::Empty,
    ChangeMessageVisibilityBatch(s::ReceiptBatchRequest) -> s::BatchResult,
    GetQueueAttributes(s::GetQueueAttributesRequest) -> s::GetQueueAttributesResult,
    SetQueueAttributes(s::SetQueueAttributesRequest) -> s::Empty,
    ListDeadLetterSourceQueues(s::ListDeadLetterSourceQueuesRequest) -> s::ListDeadLetterSourceQueuesResult,
    TagQueue(s::TagQueueRequest) -> s::Empty,
    UntagQueue(s::UntagQueueRequest) -> s::Empty,
    ListQueueTags(s::QueueUrl) -> s::ListQueueTagsResult,
    AddPermission(s::AddPermissionRequest) -> s::Empty,
    RemovePermission(s::RemovePermissionRequest) -> s::Empty,
    StartMessageMoveTask(s::StartMessageMoveTaskRequest) -> s::TaskHandle,
    CancelMessageMoveTask(s::TaskHandle) -> s::CancelMessageMoveTaskResult,
    ListMessageMoveTasks(s::ListMessageMoveTasksRequest) -> s::ListMessageMoveTasksResult,
}

impl Request {
    /// Whether it changes nothing: no queue, no message, and not which messages are hidden.
    pub fn is_read(&self) -> bool {
        matches!(
            self,
            Self::GetQueueAttributes(_)
                | Self::GetQueueUrl(_)
                | Self::ListDeadLetterSourceQueues(_)
                | Self::ListMessageMoveTasks(_)
                | Self::ListQueueTags(_)
                | Self::ListQueues(_)
        )
    }
}

fn refuse(operation: &str) -> Error {
    Error::new(ErrorCode::UnknownOperation, format!("SQS has no operation {operation:?}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_in_the_case_of_sqs() {
        let body = br#"{"QueueUrl": "http://h/1/q", "MessageBody": "b", "MessageAttributes":
            {"a": {"DataType": "Binary", "BinaryValue": "AAEC"}}}"#;
        let Ok(Request::SendMessage(request)) = Request::parse("SendMessage", body) else {
            panic!("this parses")
        };
        let attributes = request.message_attributes.expect("it has one");
        let value = attributes["a"].binary_value.clone().expect("it is binary");
        assert_eq!(value.0, [0, 1, 2]);
        let body = br#"{"QueueName": "q", "tags": {"a": "b"}}"#;
        let Ok(Request::CreateQueue(request)) = Request::parse("CreateQueue", body) else {
            panic!("this parses")
        };
        assert_eq!(request.tags.map(|tags| tags.len()), Some(1));
    }

    #[test]
    fn receiving_is_no_read_since_it_hides_messages() {
        let read = |operation| Request::parse(operation, b"{}").expect("it parses").is_read();
        assert!(read("ListQueues") && read("GetQueueAttributes"));
        assert!(!read("ReceiveMessage") && !read("DeleteQueue") && !read("SendMessage"));
    }

    #[test]
    fn answers_have_the_names_of_sqs() {
        let answer = Response::SendMessage(s::SendMessageResult {
            md5_of_message_body: Some("x".into()),
            ..Default::default()
        });
        assert_eq!(answer.to_json(), br#"{"MD5OfMessageBody":"x"}"#);
        assert_eq!(Response::DeleteQueue(s::Empty::default()).to_json(), b"{}");
    }

    #[test]
    fn an_operation_that_does_not_exist_is_refused() {
        let code = |operation| Request::parse(operation, b"{}").expect_err("refused").code;
        assert_eq!(code("MakeCoffee"), ErrorCode::UnknownOperation);
    }
}
