//! The bounds that the bus keeps to.

/// Rules of an account in a region. Source: EventBridge quotas, *Rules* (on the default bus).
pub const RULES_MAX: usize = 300;
/// Targets of a rule. Source: EventBridge quotas, *Targets per rule*.
pub const TARGETS_MAX: usize = 5;
/// Targets or target ids of one call. Source: EventBridge API reference, `TargetList`.
pub const TARGETS_PER_CALL_MAX: usize = 100;
/// Characters of an event pattern. Source: EventBridge API reference, `EventPattern`.
pub const PATTERN_CHARS_MAX: usize = 4_096;
/// In how many ways the `$or` of a pattern may combine. Source: EventBridge user guide, `$or`: 1,000 combinations.
pub const PATTERN_WAYS_MAX: usize = 1_000;
/// Largest size of a number in a pattern. Source: EventBridge user guide, *Numeric matching*.
pub const PATTERN_NUMBER_MAX: i64 = 5_000_000_000;
/// Characters of the name of a rule or the id of a target. Source: EventBridge API reference, `RuleName`, `TargetId`.
pub const RULE_NAME_CHARS_MAX: usize = 64;
/// Characters of the description of a rule. Source: EventBridge API reference, `RuleDescription`.
pub const DESCRIPTION_CHARS_MAX: usize = 512;
/// Characters of an ARN. Source: EventBridge API reference, `Arn`.
pub const ARN_CHARS_MAX: usize = 1_600;
/// Characters of the input of a target, or of its template. Source: EventBridge API reference, `TargetInput`.
pub const INPUT_CHARS_MAX: usize = 8_192;
/// Characters of a JSON path. Source: EventBridge API reference, `TargetInputPath`.
pub const INPUT_PATH_CHARS_MAX: usize = 256;
/// Variables of an input transformer. Source: EventBridge user guide, *Input transformation*: 100.
pub const INPUT_VARIABLES_MAX: usize = 100;
/// Entries on a page of EventBridge, and its default. Source: EventBridge API reference, `LimitMax100`.
pub const RULE_PAGE_ENTRIES_MAX: i32 = 100;
/// Entries of one `PutEvents`. Source: EventBridge API reference.
pub const EVENTS_PER_CALL_MAX: usize = 10;
/// Bytes of the events of one `PutEvents`. Source: EventBridge API reference, `PutEvents`: 1 MB.
pub const EVENTS_BYTES_MAX: usize = 1_048_576;
/// Resources of one event. Source: chosen by us; EventBridge bounds the size only.
pub const EVENT_RESOURCES_MAX: usize = 1_000;
/// Characters of the name of a cluster. Source: ECS API reference, `CreateCluster`.
pub const CLUSTER_CHARS_MAX: usize = 255;
/// Bytes of a message after its input transformer. Source: the size of a message of SQS.
pub const TRANSFORMED_BYTES_MAX: usize = 1_048_576;

/// Queues of an account in a region. Source: chosen by us; SQS knows no bound.
pub const QUEUES_MAX: usize = 1_000;
/// Characters of the name of a queue. Source: SQS API reference, `CreateQueue`.
pub const QUEUE_NAME_CHARS_MAX: usize = 80;
/// Entries of a batch. Source: SQS API reference.
pub const BATCH_ENTRIES_MAX: usize = 10;
/// Characters of the id of an entry. Source: SQS API reference, `SendMessageBatchRequestEntry`.
pub const BATCH_ID_CHARS_MAX: usize = 80;
/// Bytes of a message or batch. Source: SQS API reference, `SendMessageBatch`: 1 MiB.
pub const MESSAGE_BYTES_MAX: usize = 1_048_576;
/// Attributes of a message. Source: SQS developer guide, *Message quotas*.
pub const MESSAGE_ATTRIBUTES_MAX: usize = 10;
/// Characters of the name or type of a message attribute. Source: SQS developer guide, *Message attributes*.
pub const MESSAGE_ATTRIBUTE_CHARS_MAX: usize = 256;
/// Messages of one `ReceiveMessage`. Source: SQS API reference.
pub const RECEIVED_MESSAGES_MAX: i32 = 10;
/// Longest wait of a `ReceiveMessage`, in s. Source: SQS API reference.
pub const WAIT_S_MAX: i32 = 20;
/// Longest visibility timeout, in s. Source: SQS API reference.
pub const VISIBILITY_S_MAX: i32 = 43_200;
/// Longest delay, in s. Source: SQS API reference.
pub const DELAY_S_MAX: i32 = 900;
/// Shortest and longest retention, in s. Source: SQS API reference, `MessageRetentionPeriod`.
pub const RETENTION_S: std::ops::RangeInclusive<i32> = 60..=1_209_600;
/// Smallest and largest maximum size, in bytes. Source: SQS API reference, `MaximumMessageSize`.
pub const MESSAGE_SIZES: std::ops::RangeInclusive<i32> = 1_024..=1_048_576;
/// Receives before a message is redriven. Source: SQS developer guide, *Dead-letter queues*.
pub const RECEIVES: std::ops::RangeInclusive<i64> = 1..=1_000;
/// Messages in flight in one queue. Source: SQS API reference, `ReceiveMessage`: 120,000.
pub const IN_FLIGHT_MAX: usize = 120_000;
/// Messages kept in one queue; beyond it the oldest is dropped and counted. Source: chosen by us; SQS knows no bound.
pub const MESSAGES_MAX: usize = 500_000;
/// Bytes of messages kept in one queue; beyond it the oldest is dropped and counted. Source: chosen by us.
pub const QUEUE_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Calls that may wait for one queue; one more is answered at once. Source: chosen by us.
pub const POLLS_MAX: usize = 1_000;
/// How long a queue cannot be purged again, in ms. Source: SQS API reference, `PurgeQueue`.
pub const PURGE_PAUSE_MS: u64 = 60_000;
/// Entries on a page of queues. Source: SQS API reference, `ListQueues`.
pub const QUEUE_PAGE_ENTRIES_MAX: i32 = 1_000;
/// Characters of a policy or another attribute that is only kept. Source: chosen by us; IAM's bound is below it.
pub const KEPT_ATTRIBUTE_CHARS_MAX: usize = 32_768;
