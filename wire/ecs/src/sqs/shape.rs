//! The structures of the SQS API, as far as they are served; [`crate::shape`] says how members are read.
#![expect(
    missing_docs,
    reason = "members are AWS's own and documented in the SQS API reference; repeating that here would only age"
)]

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Str;
use crate::shape::shapes;

/// Bytes that travel as base64.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binary(pub Vec<u8>);

impl serde::Serialize for Binary {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> serde::Deserialize<'de> for Binary {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text.as_bytes());
        bytes.map(Self).map_err(|_| serde::de::Error::custom("not base64"))
    }
}

/// Attributes of a message by name.
pub type MessageAttributes = BTreeMap<Str, MessageAttributeValue>;

shapes! {
    case "PascalCase";

    Empty {}

    QueueUrl {
        queue_url: Str,
    }

    CreateQueueRequest {
        queue_name: Str,
        attributes: BTreeMap<Str, Str>,
        #[serde(rename = "tags")]
        tags: BTreeMap<Str, Str>,
    }

    GetQueueUrlRequest {
        queue_name: Str,
        #[serde(rename = "QueueOwnerAWSAccountId")]
        queue_owner_account: Str,
    }

    ListQueuesRequest {
        queue_name_prefix: Str,
        next_token: Str,
        max_results: i32,
    }

    ListQueuesResult {
        queue_urls: Vec<Str>,
        next_token: Str,
    }

    MessageAttributeValue {
        string_value: Str,
        binary_value: Binary,
        data_type: Str,
    }

    SendMessageRequest {
        queue_url: Str,
        message_body: Str,
        delay_seconds: i32,
        message_attributes: MessageAttributes,
        message_system_attributes: MessageAttributes,
        message_deduplication_id: Str,
        message_group_id: Str,
    }

    SendMessageResult {
        #[serde(rename = "MD5OfMessageBody")]
        md5_of_message_body: Str,
        #[serde(rename = "MD5OfMessageAttributes")]
        md5_of_message_attributes: Str,
        #[serde(rename = "MD5OfMessageSystemAttributes")]
        md5_of_message_system_attributes: Str,
        message_id: Str,
        sequence_number: Str,
    }

    SendMessageBatchEntry {
        id: Str,
        message_body: Str,
        delay_seconds: i32,
        message_attributes: MessageAttributes,
        message_system_attributes: MessageAttributes,
        message_deduplication_id: Str,
        message_group_id: Str,
    }

    SendMessageBatchRequest {
        queue_url: Str,
        entries: Vec<SendMessageBatchEntry>,
    }

    SendMessageBatchResultEntry {
        id: Str,
        message_id: Str,
        #[serde(rename = "MD5OfMessageBody")]
        md5_of_message_body: Str,
        #[serde(rename = "MD5OfMessageAttributes")]
        md5_of_message_attributes: Str,
        #[serde(rename = "MD5OfMessageSystemAttributes")]
        md5_of_message_system_attributes: Str,
        sequence_number: Str,
    }

    SendMessageBatchResult {
        successful: Vec<SendMessageBatchResultEntry>,
        failed: Vec<BatchResultErrorEntry>,
    }

    BatchResultErrorEntry {
        id: Str,
        sender_fault: bool,
        code: Str,
        message: Str,
    }

    ReceiveMessageRequest {
        queue_url: Str,
        attribute_names: Vec<Str>,
        message_system_attribute_names: Vec<Str>,
        message_attribute_names: Vec<Str>,
        max_number_of_messages: i32,
        visibility_timeout: i32,
        wait_time_seconds: i32,
        receive_request_attempt_id: Str,
    }

    Message {
        message_id: Str,
        receipt_handle: Str,
        #[serde(rename = "MD5OfBody")]
        md5_of_body: Str,
        body: Str,
        attributes: BTreeMap<Str, Str>,
        #[serde(rename = "MD5OfMessageAttributes")]
        md5_of_message_attributes: Str,
        message_attributes: MessageAttributes,
    }

    ReceiveMessageResult {
        messages: Vec<Message>,
    }

    DeleteMessageRequest {
        queue_url: Str,
        receipt_handle: Str,
    }

    ChangeMessageVisibilityRequest {
        queue_url: Str,
        receipt_handle: Str,
        visibility_timeout: i32,
    }

    ReceiptBatchEntry {
        id: Str,
        receipt_handle: Str,
        visibility_timeout: i32,
    }

    ReceiptBatchRequest {
        queue_url: Str,
        entries: Vec<ReceiptBatchEntry>,
    }

    BatchResultEntry {
        id: Str,
    }

    BatchResult {
        successful: Vec<BatchResultEntry>,
        failed: Vec<BatchResultErrorEntry>,
    }

    GetQueueAttributesRequest {
        queue_url: Str,
        attribute_names: Vec<Str>,
    }

    GetQueueAttributesResult {
        attributes: BTreeMap<Str, Str>,
    }

    SetQueueAttributesRequest {
        queue_url: Str,
        attributes: BTreeMap<Str, Str>,
    }

    ListDeadLetterSourceQueuesRequest {
        queue_url: Str,
        next_token: Str,
        max_results: i32,
    }

    ListDeadLetterSourceQueuesResult {
        #[serde(rename = "queueUrls")]
        queue_urls: Vec<Str>,
        next_token: Str,
    }

    TagQueueRequest {
        queue_url: Str,
        tags: BTreeMap<Str, Str>,
    }

    UntagQueueRequest {
        queue_url: Str,
        tag_keys: Vec<Str>,
    }

    ListQueueTagsResult {
        tags: BTreeMap<Str, Str>,
    }

    AddPermissionRequest {
        queue_url: Str,
        label: Str,
        #[serde(rename = "AWSAccountIds")]
        aws_account_ids: Vec<Str>,
        actions: Vec<Str>,
    }

    RemovePermissionRequest {
        queue_url: Str,
        label: Str,
    }

    StartMessageMoveTaskRequest {
        source_arn: Str,
        destination_arn: Str,
        max_number_of_messages_per_second: i32,
    }

    TaskHandle {
        task_handle: Str,
    }

    CancelMessageMoveTaskResult {
        approximate_number_of_messages_moved: i64,
    }

    ListMessageMoveTasksRequest {
        source_arn: Str,
        max_results: i32,
    }

    MessageMoveTask {
        task_handle: Str,
        status: Str,
        source_arn: Str,
        destination_arn: Str,
        max_number_of_messages_per_second: i32,
        approximate_number_of_messages_moved: i64,
        approximate_number_of_messages_to_move: i64,
        failure_reason: Str,
        started_timestamp: i64,
    }

    ListMessageMoveTasksResult {
        results: Vec<MessageMoveTask>,
    }
}
