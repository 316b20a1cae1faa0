//! The limits of the server.

use std::time::Duration;

/// Inputs waiting for a machine. Source: chosen by us: a second's worth at full speed.
pub const MAILBOX_INPUTS_MAX: usize = 16_384;
/// Inputs that a machine takes at once. Source: chosen by us: larger groups have no measurable
/// benefit.
pub const GROUP_INPUTS_MAX: usize = 256;
/// Number of outputs after which a machine's host starts to perform them, even if more inputs are
/// waiting. Source: chosen by us: enough work to be worth a hand-over, few enough for deciding and
/// writing to overlap.
pub const GROUP_OUTPUTS_MAX: usize = 48;
/// Longest wait before a machine's clock is checked again. Source: chosen by us: how late a timer
/// may be after the computer was suspended.
pub const WAIT_MAX: Duration = Duration::from_secs(30);
/// Commits waiting for the disk. Source: chosen by us.
pub const COMMITS_WAITING_MAX: usize = 256;
/// How long a change that nobody waits for may be held back for one that somebody waits for.
/// Source: chosen by us: longer than a commit takes, and too short to notice.
pub const COMMIT_LINGER: Duration = Duration::from_millis(3);
/// Instances whose reports the control plane takes as one input. Source: chosen by us.
pub const REPORTING_TOGETHER_MAX: usize = 256;
/// How long a transaction may accept commits before its callers are served. Source: chosen by us:
/// several times what the disk takes.
pub const TRANSACTION_OPEN_MAX: Duration = Duration::from_millis(10);
/// How long to wait for a runtime's inventory before the program is ready without it. Source:
/// chosen by us: longer than Docker takes to start.
pub const INVENTORY_WAIT: Duration = Duration::from_secs(10);
/// Initial delay before the inventory is retried. Source: chosen by us.
pub const INVENTORY_PAUSE_MIN: Duration = Duration::from_millis(500);
/// Maximum delay before the inventory is retried. Source: chosen by us.
pub const INVENTORY_PAUSE_MAX: Duration = Duration::from_secs(15);
/// Orders waiting for one host. Source: chosen by us.
pub const ORDERS_WAITING_MAX: usize = 4_096;
/// Connections to one port. Source: chosen by us: 5,000 schedulers hold a stream each, and it is below the usual limit of open
/// files.
pub const CONNECTIONS_MAX: usize = 8_192;
/// Connections per port waiting to be accepted. Source: chosen by us: the Linux limit
/// (`net.core.somaxconn`), since exceeding it delays the client by a second.
pub const CONNECTIONS_WAITING_MAX: u32 = 4_096;
/// Connections to one port from one address other than loopback. Source: chosen by us: half of
/// them, so that no peer can take all.
pub const CONNECTIONS_OF_PEER_MAX: usize = 4_096;
/// Timeout of a call, in ms. Source: chosen by us; the AWS SDKs give up after 60 s.
pub const CALL_MS_MAX: u64 = 55_000;
/// Allowed clock skew of a signed request, in ms. Source: AWS General Reference, Signature
/// Version 4.
pub const CLOCK_SKEW_MS_MAX: u64 = 5 * 60 * 1000;
/// Bytes of events waiting for one scheduler. Source: chosen by us: several offers of every agent
/// of a large cluster.
pub const EVENTS_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of events waiting for all schedulers together. Source: chosen by us.
pub const EVENTS_BYTES_MAX_ALL: usize = 512 * 1024 * 1024;
/// How long a peer may read nothing of a response that is waiting for it. Source: chosen by us:
/// longer than a client pauses, for example to collect garbage.
pub const STALL_MAX: Duration = Duration::from_secs(30);
/// Maximum size of a body that is read without reserving space. Source: chosen by us: on the
/// maximum number of connections these add up to [`BODIES_BYTES_MAX`].
pub const BODY_BYTES_SMALL: usize = 64 * 1024;
/// Total bytes of larger request bodies being read or processed. Source: chosen by us: eight of the
/// largest.
pub const BODIES_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Bytes of an operator's call. Source: chosen by us: a maintenance schedule of ten thousand machines.
pub const OPERATOR_CALL_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Pages for operators that are written at a time, on threads of their own. Source: chosen by us.
pub const PAGES_WRITTEN_MAX: usize = 16;
/// Pages whose readers are slow, each with a thread that waits. Source: chosen by us: more readers than anybody has, and few threads.
pub const PAGES_WAITING_MAX: usize = 64;
/// Pages whose readers are slow and for which there is no place to wait yet, each with a thread. Source: chosen by us: with the two above, at
/// the master and at all agents together, less than two thirds of the 512 threads that tokio has for work that blocks.
pub const PAGES_SEEKING_MAX: usize = 64;
/// How long a slow reader may take nothing of a page while others wait for its place. Source: chosen by us.
pub const PAGE_STALL_MAX: Duration = Duration::from_secs(1);
/// Chunks of a page that wait for its reader, each of about 64 KiB. Source: chosen by us.
pub const PAGE_CHUNKS_MAX: usize = 4;
/// Operators that may watch at a time; beyond it the oldest gives way. Source: Mesos, `--max_operator_event_stream_subscribers`.
pub const WATCHERS_MAX: usize = 1_000;
/// Bytes of events that are kept for operators who have not read them yet, in each encoding. Source: chosen by us: the ends of as many
/// tasks as a framework may have.
pub const WATCHED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Changes that may wait to be encoded for operators. Source: chosen by us: about two seconds of work.
pub const CHANGES_WAITING_MAX: usize = 200_000;
/// Changes that are encoded before others have a turn. Source: chosen by us: a fraction of a millisecond of work.
pub const CHANGES_TOGETHER_MAX: usize = 64;
/// Larger bodies that are decoded at a time, on threads of their own. Source: chosen by us: what one becomes takes several times its
/// size.
pub const DECODING_MAX: usize = 2;
/// Bytes in a call. Source: chosen by us; the largest valid one reconciles 100,000 tasks.
pub const CALL_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Concurrent `StopTask` requests. Source: chosen by us: what the documented budget allows in half
/// a second.
pub const ASKS_STOP_MAX: usize = 16;
/// Concurrent `StartTask` requests. Source: chosen by us: what the documented budget allows in a
/// second.
pub const ASKS_START_MAX: usize = 40;
/// Concurrent requests about task definitions. Source: chosen by us.
pub const ASKS_DEFINE_MAX: usize = 8;
/// Concurrent searches for launches whose reply was lost. Source: chosen by us.
pub const ASKS_FIND_MAX: usize = 8;
/// Concurrent changes of instances. Source: chosen by us: operators decide, and wait for each.
pub const ASKS_CHANGE_MAX: usize = 4;
/// Concurrent readings. Source: chosen by us; there are fewer kinds of them, and at most one of
/// each is outstanding.
pub const ASKS_READ_MAX: usize = 8;
/// How long a repeated warning is suppressed. Source: chosen by us.
pub const NOTE_PAUSE: Duration = Duration::from_mins(1);
/// Number of different warnings in that time. Source: chosen by us.
pub const NOTES_MAX: usize = 256;
/// How long a connection may be idle, or take to send the head of a request. Source: chosen by us;
/// an AWS SDK keeps idle connections for 20 s.
pub const REQUEST_HEAD_WAIT: Duration = Duration::from_mins(1);
/// Size in bytes beyond which an incomplete request head is rejected. Up to twice that may be
/// buffered per connection. Source: chosen by us: several times the longest that an AWS SDK sends,
/// with a session token.
pub const REQUEST_HEAD_BYTES_MAX: usize = 64 * 1024;
/// How long the body of a request may take. Source: chosen by us.
pub const REQUEST_BODY_WAIT: Duration = Duration::from_secs(30);
/// How long pending responses may take when the program ends. Source: chosen by us.
pub const LAST_ANSWERS: Duration = Duration::from_millis(250);
/// Readers of the event feed. Source: chosen by us: people and dashboards, far fewer than
/// connections.
pub const FEED_READERS_MAX: usize = 64;
/// Bytes of events of one realm that the feed keeps for its slowest reader. Source: chosen by us:
/// some seconds of task events at full speed; one event may have 1 MiB.
pub const FEED_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The same for all realms together. Source: chosen by us.
pub const FEED_BYTES_MAX_ALL: usize = 64 * 1024 * 1024;
/// Bytes of events after which a batch for a reader of the feed is complete. Source: chosen by us.
pub const FEED_BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Maximum number of events in a batch for a reader of the feed. Source: chosen by us.
pub const FEED_BATCH_MAX: usize = 256;
/// Bytes of events that are filtered for a reader of the feed without a separate thread. Source:
/// chosen by us: about a millisecond.
pub const FEED_AT_ONCE_BYTES_MAX: usize = 256 * 1024;
/// Longest silence of the feed. Source: chosen by us; proxies drop a connection after a minute.
pub const FEED_ALIVE: Duration = Duration::from_secs(15);
/// Bytes in a call to EventBridge or SQS. Source: chosen by us; a batch of messages has 1 MiB,
/// which may treble in a form and grow sixfold with JSON escapes.
pub const EVENTS_CALL_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes in a call below `/longshore`. Source: chosen by us; the largest adds instances of a
/// thousand kinds.
pub const LOCAL_CALL_BYTES_MAX: usize = 1024 * 1024;
/// EventBridge calls matched against rules at once, on separate threads. Source: chosen by us:
/// leaves threads for other work.
pub const PREPARED_TOGETHER_MAX: usize = 2;
/// Bytes of events in a call that is matched without a separate thread. Source: chosen by us: a
/// fraction of a millisecond.
pub const PREPARED_AT_ONCE_BYTES_MAX: usize = 64 * 1024;
/// Approximate work of such a call, in the units of `longshore_events::Rules::work`. Source: chosen
/// by us: about as long.
pub const PREPARED_AT_ONCE_WORK_MAX: u64 = 20_000;
/// Bytes in an environment file or a file of secrets. Source: chosen by us; the kernel limits
/// environments anyway.
pub const PROVIDED_FILE_BYTES_MAX: usize = 1024 * 1024;
/// How often the disk space of the database is checked. Source: chosen by us: it has reserved more
/// than it writes in that time.
pub const STORAGE_LOOK: Duration = Duration::from_millis(250);
/// How often the existence of the data directory is checked while nothing is written to it. Source:
/// chosen by us: its loss is reported within a second.
pub const DATA_DIR_LOOK: Duration = Duration::from_millis(250);
/// Probes of tasks at once. Source: chosen by us: each is a connection, of which there may be some thousands.
pub const PROBES_MAX: usize = 512;
/// Probes of tasks of one framework at once. Source: chosen by us: a quarter, so that no framework can take all.
pub const PROBES_OF_FRAMEWORK_MAX: usize = 128;
/// How long a probe waits for a connection. Source: chosen by us: long enough for a packet to be lost twice. Without a connection nothing
/// is known of the task, so there is no need to wait as long as for an answer.
pub const PROBE_CONNECT_MAX: Duration = Duration::from_secs(5);
/// Addresses of a name that a probe tries. Source: chosen by us: an agent has one of each family.
pub const PROBE_ADDRESSES_MAX: usize = 4;
/// Redirects that a probe follows. Source: chosen by us; curl follows 50, and nobody checks more than one.
pub const PROBE_REDIRECTS_MAX: usize = 10;
/// Bytes of the head of an answer to a probe. Source: chosen by us: the same as for requests.
pub const PROBE_HEAD_BYTES_MAX: usize = 64 * 1024;
/// Lookups of the addresses of agents at once. Each holds a thread until the resolver answers, however long ago its probe gave up. Source:
/// chosen by us: a tenth of the 512 threads that tokio has for work that blocks.
pub const PROBE_LOOKUPS_MAX: usize = 48;
/// Highest level of the log that can be asked for. Source: Mesos, the help of `/logging/toggle`: 1, 2, 3.
pub const LOG_LEVEL_MAX: u32 = 3;
/// How long more may be logged. Source: chosen by us: long enough to see what happens once a day, and too short to fill a disk unnoticed.
pub const LOG_LEVEL_SET_MAX: Duration = Duration::from_hours(24);
/// Bytes in a call to CloudFormation, EC2 or API Gateway. Source: chosen by us; the largest that is served describes a thousand instances.
pub const AWS_CALL_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of what a call through API Gateway is answered with. Source: *Amazon API Gateway quotas*: payload size.
pub const INVOKED_BYTES_MAX: usize = 10 * 1024 * 1024;
/// How long a call through API Gateway waits. Source: *Amazon API Gateway quotas*: integration timeout.
pub const INVOKED_WAIT: Duration = Duration::from_secs(29);
