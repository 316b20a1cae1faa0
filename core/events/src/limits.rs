//! Limits of the bus.

/// Rules per account and region. Source: EventBridge quotas, *Rules* (on the default bus).
pub const RULES_MAX: usize = 300;
/// Targets per rule. Source: EventBridge quotas, *Targets per rule*.
pub const TARGETS_MAX: usize = 5;
/// Targets or target ids per call. Source: EventBridge API reference, `TargetList`.
pub const TARGETS_PER_CALL_MAX: usize = 100;
/// Characters in an event pattern. Source: EventBridge API reference, `EventPattern`.
pub const PATTERN_CHARS_MAX: usize = 4_096;
/// Nesting levels of a field in a pattern, counting dots in its name. Source: chosen by us: the
/// nesting limit of JSON here.
pub const PATTERN_STEPS_MAX: usize = 128;
/// Wildcard prefixes that a value may match at the same time. Source: measured on AWS by others, as
/// AWS does not document it; the example that the EventBridge user guide calls too complex has 11.
pub const PATTERN_COMPLEXITY_MAX: usize = 10;
/// Sets of such prefixes that are explored before a pattern counts as too complex. Source: chosen
/// by us: a few milliseconds.
pub const PATTERN_STATES_MAX: usize = 4_096;
/// Combinations of the `$or` alternatives in a pattern. Source: EventBridge user guide, `$or`:
/// 1,000 combinations.
pub const PATTERN_WAYS_MAX: usize = 1_000;
/// Largest absolute value of a number in a pattern. Source: EventBridge user guide, *Numeric
/// matching*.
pub const PATTERN_NUMBER_MAX: i64 = 5_000_000_000;
/// Characters in a rule name or target id. Source: EventBridge API reference, `RuleName`,
/// `TargetId`.
pub const RULE_NAME_CHARS_MAX: usize = 64;
/// Characters in a rule description. Source: EventBridge API reference, `RuleDescription`.
pub const DESCRIPTION_CHARS_MAX: usize = 512;
/// Characters in an ARN. Source: EventBridge API reference, `Arn`.
pub const ARN_CHARS_MAX: usize = 1_600;
/// Characters in a target's input or template. Source: EventBridge API reference, `TargetInput`.
pub const INPUT_CHARS_MAX: usize = 8_192;
/// Characters in a JSON path. Source: EventBridge API reference, `TargetInputPath`.
pub const INPUT_PATH_CHARS_MAX: usize = 256;
/// Variables in an input transformer. Source: EventBridge user guide, *Input transformation*: 100.
pub const INPUT_VARIABLES_MAX: usize = 100;
/// Maximum and default page size of EventBridge. Source: EventBridge API reference, `LimitMax100`.
pub const RULE_PAGE_ENTRIES_MAX: i32 = 100;
/// Entries per `PutEvents`. Source: EventBridge API reference.
pub const EVENTS_PER_CALL_MAX: usize = 10;
/// Total bytes of the events of one `PutEvents`. Source: EventBridge API reference, `PutEvents`: 1
/// MB.
pub const EVENTS_BYTES_MAX: usize = 1_048_576;
/// Resources per event. Source: chosen by us; EventBridge limits only the size.
pub const EVENT_RESOURCES_MAX: usize = 1_000;
/// Characters in a cluster name. Source: ECS API reference, `CreateCluster`.
pub const CLUSTER_CHARS_MAX: usize = 255;
/// Bytes that one `PutEvents` may deliver to targets. Source: chosen by us: without it, an event
/// for the maximum number of targets would grow to gigabytes.
pub const DELIVERED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Work of matching the events of one `PutEvents` against all rules, outside the bus. Source:
/// chosen by us: about a second.
pub const EVENTS_WORK_MAX: u64 = 100_000_000;
/// The same when the bus has to repeat it because rules have changed. Source: chosen by us: some
/// milliseconds.
pub const EVENTS_WORK_AGAIN_MAX: u64 = 500_000;
/// Work of delivering cluster events per step, and per tick that continues with them. Source:
/// chosen by us: about 10 ms.
pub const CLUSTER_WORK_MAX: u64 = 1_000_000;
/// Work of one rule for one cluster event; beyond it the rule's delivery is dropped and counted.
/// Source: chosen by us: a hundred times the work of the worst rule that AWS accepts on the longest
/// event.
pub const CLUSTER_RULE_WORK_MAX: u64 = 1_000_000;
/// Bytes of cluster events waiting for delivery; beyond it an event is dropped and counted. Source:
/// chosen by us.
pub const BACKLOG_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes in a message after its input transformer. Source: the SQS message size.
pub const TRANSFORMED_BYTES_MAX: usize = 1_048_576;

/// Queues per account and region. Source: chosen by us; SQS has no limit. A machine holds that many
/// in a few hundred MB, and a runaway loop that creates queues gets an error.
pub const QUEUES_MAX: usize = 100_000;
/// Characters in a queue name. Source: SQS API reference, `CreateQueue`.
pub const QUEUE_NAME_CHARS_MAX: usize = 80;
/// Entries per batch. Source: SQS API reference.
pub const BATCH_ENTRIES_MAX: usize = 10;
/// Characters in an entry id. Source: SQS API reference, `SendMessageBatchRequestEntry`.
pub const BATCH_ID_CHARS_MAX: usize = 80;
/// Bytes in a message or batch. Source: SQS API reference, `SendMessageBatch`: 1 MiB.
pub const MESSAGE_BYTES_MAX: usize = 1_048_576;
/// Attributes per message. Source: SQS developer guide, *Message quotas*.
pub const MESSAGE_ATTRIBUTES_MAX: usize = 10;
/// Characters in the name or type of a message attribute. Source: SQS developer guide, *Message
/// attributes*.
pub const MESSAGE_ATTRIBUTE_CHARS_MAX: usize = 256;
/// Messages per `ReceiveMessage`. Source: SQS API reference.
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
/// Receives before a message moves to the dead-letter queue. Source: SQS developer guide,
/// *Dead-letter queues*.
pub const RECEIVES: std::ops::RangeInclusive<i64> = 1..=1_000;
/// Longest time that a message may stay hidden after a receive, in ms. Source: SQS developer guide,
/// *Visibility timeout*: 12 hours.
pub const HIDDEN_MS_MAX: u64 = 43_200_000;
/// How long the name of a deleted queue cannot be reused, in ms. Source: SQS API reference,
/// `CreateQueue`: 60 s.
pub const DELETED_NAME_MS: u64 = 60_000;
/// Remembered names of deleted queues per account and region; beyond it the oldest are freed early.
/// Source: chosen by us.
pub const DELETED_NAMES_MAX: usize = 10_000;
/// Deduplication interval of FIFO queues, and lifetime of a receive attempt, in ms. Source: SQS
/// developer guide, *Exactly-once processing*: 5 minutes.
pub const DEDUPLICATION_MS: u64 = 300_000;
/// Characters in a message group id or deduplication id. Source: SQS API reference, `SendMessage`.
pub const FIFO_ID_CHARS_MAX: usize = 128;
/// Receive attempts that a queue remembers. Source: chosen by us.
pub const ATTEMPTS_MAX: usize = 10_000;
/// Places that a FIFO queue reserves at a time. Source: chosen by us: rare enough to cost nothing.
pub const PLACES_AT_A_TIME: u64 = 1_000;
/// Messages of a queue that are shown, removed or moved before other queues get a turn. Source:
/// chosen by us: a millisecond or two.
pub const CHANGES_AT_A_TIME: usize = 1_000;
/// Message move tasks listed per queue. Source: SQS API reference, `ListMessageMoveTasks`.
pub const MOVE_TASKS_MAX: usize = 10;
/// Messages per second that a move task may move. Source: SQS API reference,
/// `StartMessageMoveTask`.
pub const MOVES_PER_S_MAX: i32 = 500;
/// Actions per permission. Source: SQS API reference, `AddPermission`.
pub const PERMISSION_ACTIONS_MAX: usize = 7;
/// Statements in a queue policy. Source: SQS API reference, `AddPermission`.
pub const POLICY_STATEMENTS_MAX: usize = 20;
/// In-flight messages per queue. Source: SQS developer guide, *Quotas*: 120,000, for both kinds.
pub const IN_FLIGHT_MAX: usize = 120_000;
/// Messages per queue; beyond it the oldest is dropped and counted. Source: chosen by us; SQS has
/// no limit.
pub const MESSAGES_MAX: usize = 500_000;
/// Bytes of messages per queue; beyond it the oldest is dropped and counted. Source: chosen by us.
pub const QUEUE_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Calls that may wait on one queue; further calls are answered at once. Source: chosen by us.
pub const POLLS_MAX: usize = 1_000;
/// Minimum interval between purges of a queue, in ms. Source: SQS API reference, `PurgeQueue`.
pub const PURGE_PAUSE_MS: u64 = 60_000;
/// Entries per page of queues. Source: SQS API reference, `ListQueues`.
pub const QUEUE_PAGE_ENTRIES_MAX: i32 = 1_000;
/// How long a data key of a queue is reused, in s. Source: SQS API reference,
/// `KmsDataKeyReusePeriodSeconds`.
pub const KEY_REUSE_S: std::ops::RangeInclusive<i32> = 60..=86_400;
/// Characters in a policy or another attribute that is only stored. Source: chosen by us; above
/// IAM's limit.
pub const KEPT_ATTRIBUTE_CHARS_MAX: usize = 32_768;
