//! The bounds that the bus keeps to.

/// Rules of an account in a region. Source: EventBridge quotas, *Rules* (on the default bus).
pub const RULES_MAX: usize = 300;
/// Targets of a rule. Source: EventBridge quotas, *Targets per rule*.
pub const TARGETS_MAX: usize = 5;
/// Targets or target ids of one call. Source: EventBridge API reference, `TargetList`.
pub const TARGETS_PER_CALL_MAX: usize = 100;
/// Characters of an event pattern. Source: EventBridge API reference, `EventPattern`.
pub const PATTERN_CHARS_MAX: usize = 4_096;
/// Levels of a field in a pattern, dots in its name included. Source: chosen by us: as many as JSON may nest here.
pub const PATTERN_STEPS_MAX: usize = 128;
/// Beginnings of wildcards that a value may fit at the same time. Source: measured by others at AWS, which does not tell it; the example
/// that the EventBridge user guide says is refused has 11.
pub const PATTERN_COMPLEXITY_MAX: usize = 10;
/// Sets of such beginnings that are looked at before a pattern counts as too complex. Source: chosen by us: a few milliseconds.
pub const PATTERN_STATES_MAX: usize = 4_096;
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
/// Bytes that targets may get of the events of one `PutEvents`. Source: chosen by us: an event for as many
/// targets as there may be would otherwise become gigabytes.
pub const DELIVERED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Work of matching the events of one `PutEvents` with all rules, where nobody waits for it. Source: chosen by us: about a second.
pub const EVENTS_WORK_MAX: u64 = 100_000_000;
/// The same where the bus has to do it, because rules changed meanwhile. Source: chosen by us: some milliseconds.
pub const EVENTS_WORK_AGAIN_MAX: u64 = 500_000;
/// Work of delivering what the cluster itself tells in one step, or of a tick that goes on with it. Source: chosen by us: about 10 ms.
pub const CLUSTER_WORK_MAX: u64 = 1_000_000;
/// Work of one rule for one event of the cluster; beyond it the event is not delivered by this rule, and counted. Source: chosen by us:
/// a hundred times what the worst rule that AWS takes makes of the longest event.
pub const CLUSTER_RULE_WORK_MAX: u64 = 1_000_000;
/// Bytes of events of the cluster that wait to be delivered; beyond it an event is not delivered, and counted. Source: chosen by us.
pub const BACKLOG_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of a message after its input transformer. Source: the size of a message of SQS.
pub const TRANSFORMED_BYTES_MAX: usize = 1_048_576;

/// Queues of an account in a region. Source: chosen by us; SQS has no bound. As many as a machine holds in a few hundred MB, so that
/// somebody who makes queues in a loop is told.
pub const QUEUES_MAX: usize = 100_000;
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
/// How long a message may be hidden since it was received, in ms. Source: SQS developer guide, *Visibility timeout*: 12 hours.
pub const HIDDEN_MS_MAX: u64 = 43_200_000;
/// How long a queue of a name that was deleted cannot be made again, in ms. Source: SQS API reference, `CreateQueue`: 60 s.
pub const DELETED_NAME_MS: u64 = 60_000;
/// Names of deleted queues that are remembered in an account in a region; of more the oldest are free at once. Source: chosen by us.
pub const DELETED_NAMES_MAX: usize = 10_000;
/// How long what was sent to a FIFO queue is not taken again, and an attempt to receive counts, in ms. Source: SQS developer guide,
/// *Exactly-once processing*: 5 minutes.
pub const DEDUPLICATION_MS: u64 = 300_000;
/// Characters of a message group id or a deduplication id. Source: SQS API reference, `SendMessage`.
pub const FIFO_ID_CHARS_MAX: usize = 128;
/// Attempts to receive that a queue remembers. Source: chosen by us.
pub const ATTEMPTS_MAX: usize = 10_000;
/// Places that a FIFO queue reserves at a time. Source: chosen by us: seldom enough to cost nothing.
pub const PLACES_AT_A_TIME: u64 = 1_000;
/// Messages of a queue that are shown, removed or moved before others are served. Source: chosen by us: a millisecond or two.
pub const CHANGES_AT_A_TIME: usize = 1_000;
/// Tasks that move messages which are listed for a queue. Source: SQS API reference, `ListMessageMoveTasks`.
pub const MOVE_TASKS_MAX: usize = 10;
/// Messages that such a task moves in a second. Source: SQS API reference, `StartMessageMoveTask`.
pub const MOVES_PER_S_MAX: i32 = 500;
/// Actions of a permission. Source: SQS API reference, `AddPermission`.
pub const PERMISSION_ACTIONS_MAX: usize = 7;
/// Statements of the policy of a queue. Source: SQS API reference, `AddPermission`.
pub const POLICY_STATEMENTS_MAX: usize = 20;
/// Messages in flight in one queue. Source: SQS developer guide, *Quotas*: 120,000, for both kinds.
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
/// How long a key of a queue is used again, in s. Source: SQS API reference, `KmsDataKeyReusePeriodSeconds`.
pub const KEY_REUSE_S: std::ops::RangeInclusive<i32> = 60..=86_400;
/// Characters of a policy or another attribute that is only kept. Source: chosen by us; IAM's bound is below it.
pub const KEPT_ATTRIBUTE_CHARS_MAX: usize = 32_768;
