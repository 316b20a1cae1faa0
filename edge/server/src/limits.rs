//! The limits of the server.

use std::time::Duration;

/// Inputs that may wait for a machine. Source: chosen by us: a second's worth at full speed.
pub const MAILBOX_INPUTS_MAX: usize = 16_384;
/// Inputs that a machine takes at a time. Source: chosen by us: larger groups gain nothing measurable.
pub const GROUP_INPUTS_MAX: usize = 256;
/// Outputs after which a machine's host begins with them, though more inputs wait. Source: chosen by us: enough work to be
/// worth a hand-over, little enough for deciding and writing to go on side by side.
pub const GROUP_OUTPUTS_MAX: usize = 48;
/// How long a machine is left alone before its clock is looked at again. Source: chosen by us: how late a timer may be after the
/// computer has slept.
pub const WAIT_MAX: Duration = Duration::from_secs(30);
/// Commits that may wait for the disk. Source: chosen by us.
pub const COMMITS_WAITING_MAX: usize = 256;
/// How long a change that nothing waits for may wait for one that something waits for. Source: chosen by us: longer than a
/// commit takes, and shorter than anybody notices.
pub const COMMIT_LINGER: Duration = Duration::from_millis(3);
/// Instances whose reports the control plane takes in as one input. Source: chosen by us.
pub const REPORTING_TOGETHER_MAX: usize = 256;
/// How long a transaction may take in commits before those that wait for it are served. Source: chosen by us: several times what the
/// disk takes.
pub const TRANSACTION_OPEN_MAX: Duration = Duration::from_millis(10);
/// How long the runtime of an instance may take to say what there is from before, until the program is ready without it.
/// Source: chosen by us: longer than Docker takes to start.
pub const INVENTORY_WAIT: Duration = Duration::from_secs(10);
/// How long is waited until it is asked again, at first. Source: chosen by us.
pub const INVENTORY_PAUSE_MIN: Duration = Duration::from_millis(500);
/// How long is waited at most. Source: chosen by us.
pub const INVENTORY_PAUSE_MAX: Duration = Duration::from_secs(15);
/// Orders that may wait for one host. Source: chosen by us.
pub const ORDERS_WAITING_MAX: usize = 4_096;
/// Connections to one port. Source: chosen by us, below the usual limit of open files.
pub const CONNECTIONS_MAX: usize = 4_096;
/// Connections to one port that may wait to be accepted. Source: chosen by us: as many as Linux lets wait
/// (`net.core.somaxconn`), since one too many costs its client a second.
pub const CONNECTIONS_WAITING_MAX: u32 = 4_096;
/// Connections to one port from one address that is not loopback. Source: chosen by us: half of them, so that no neighbour can
/// have all.
pub const CONNECTIONS_OF_PEER_MAX: usize = 2_048;
/// How long a call may wait for its answer, in ms. Source: chosen by us; the AWS SDKs give up after 60 s.
pub const CALL_MS_MAX: u64 = 55_000;
/// How far the time of a signed request may be off, in ms. Source: AWS General Reference, Signature Version 4.
pub const CLOCK_SKEW_MS_MAX: u64 = 5 * 60 * 1000;
/// Bytes of events that may wait for a scheduler. Source: chosen by us: some offers of every agent of a large cluster.
pub const EVENTS_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of events that may wait for all schedulers together. Source: chosen by us.
pub const EVENTS_BYTES_MAX_ALL: usize = 512 * 1024 * 1024;
/// How long a peer may take nothing of an answer that waits for it. Source: chosen by us: longer than a client is busy with
/// something else, such as collecting garbage.
pub const STALL_MAX: Duration = Duration::from_secs(30);
/// Bytes of a body that is read without waiting for room. Source: chosen by us: as many as there may be connections take what
/// [`BODIES_BYTES_MAX`] is.
pub const BODY_BYTES_SMALL: usize = 64 * 1024;
/// Bytes of all larger bodies of calls that are being read or worked on. Source: chosen by us: eight of the largest.
pub const BODIES_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Larger bodies that are decoded at a time, on threads of their own. Source: chosen by us: what one becomes takes several times its
/// size.
pub const DECODING_MAX: usize = 2;
/// Bytes of a call. Source: chosen by us; the largest lawful one reconciles 100,000 tasks.
pub const CALL_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Ends of tasks that the cluster may be asked for at a time. Source: chosen by us: in half a second the documented budget
/// takes as many.
pub const ASKS_STOP_MAX: usize = 16;
/// Starts of tasks that the cluster may be asked for at a time. Source: chosen by us: in a second the documented budget takes
/// as many.
pub const ASKS_START_MAX: usize = 40;
/// Questions about task definitions that may be out at a time. Source: chosen by us.
pub const ASKS_DEFINE_MAX: usize = 8;
/// Looks for launches whose reply was lost that may be out at a time. Source: chosen by us.
pub const ASKS_FIND_MAX: usize = 8;
/// Readings that may be out at a time. Source: chosen by us; there are fewer kinds of them, and one of a kind is out.
pub const ASKS_READ_MAX: usize = 8;
/// How long the same warning is not repeated. Source: chosen by us.
pub const NOTE_PAUSE: Duration = Duration::from_mins(1);
/// Different warnings in that time. Source: chosen by us.
pub const NOTES_MAX: usize = 256;
/// How long a connection may be idle, or take to send the head of a request. Source: chosen by us; an AWS SDK keeps idle
/// connections for 20 s.
pub const REQUEST_HEAD_WAIT: Duration = Duration::from_mins(1);
/// Bytes of the head of a request after which its end is not waited for. What has arrived by then may be twice that, which is what a
/// connection that sends half of one can hold. Source: chosen by us: several times the longest that an AWS SDK sends, with a
/// session token.
pub const REQUEST_HEAD_BYTES_MAX: usize = 64 * 1024;
/// How long the body of a request may take. Source: chosen by us.
pub const REQUEST_BODY_WAIT: Duration = Duration::from_secs(30);
/// How long answers that are on the way may take when the program ends. Source: chosen by us.
pub const LAST_ANSWERS: Duration = Duration::from_millis(250);
/// Readers of the feed of events. Source: chosen by us: people and dashboards, far fewer than connections.
pub const FEED_READERS_MAX: usize = 64;
/// Bytes of the events of one realm that the feed keeps for the slowest of its readers. Source: chosen by us: of those of tasks
/// some seconds at full speed; one event may have 1 MiB.
pub const FEED_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The same of all realms together. Source: chosen by us.
pub const FEED_BYTES_MAX_ALL: usize = 64 * 1024 * 1024;
/// Bytes of the events that a reader of the feed takes at a time, beyond which it takes no more. Source: chosen by us.
pub const FEED_BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Events that a reader of the feed takes at a time at most. Source: chosen by us.
pub const FEED_BATCH_MAX: usize = 256;
/// Bytes of events that are looked into for a reader of the feed where its answer is sent. Source: chosen by us: about a millisecond.
pub const FEED_AT_ONCE_BYTES_MAX: usize = 256 * 1024;
/// How long the feed is silent at most. Source: chosen by us; proxies give a connection up after a minute.
pub const FEED_ALIVE: Duration = Duration::from_secs(15);
/// Bytes of a call to EventBridge or SQS. Source: chosen by us; a batch of messages has 1 MiB, which a form may treble and
/// JSON escapes may lengthen sixfold.
pub const EVENTS_CALL_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of a call below `/longshore`. Source: chosen by us; the largest adds instances of a thousand kinds.
pub const LOCAL_CALL_BYTES_MAX: usize = 1024 * 1024;
/// Calls of EventBridge that are matched with rules at a time, on threads of their own. Source: chosen by us: others want threads, too.
pub const PREPARED_TOGETHER_MAX: usize = 2;
/// Bytes of the events of a call that is matched where it was read. Source: chosen by us: a fraction of a millisecond.
pub const PREPARED_AT_ONCE_BYTES_MAX: usize = 64 * 1024;
/// About how much work it may be, in the units of `longshore_events::Rules::work`. Source: chosen by us: about as long.
pub const PREPARED_AT_ONCE_WORK_MAX: u64 = 20_000;
/// Bytes of an environment file or a file of secrets. Source: chosen by us; an environment is bounded by the kernel anyway.
pub const PROVIDED_FILE_BYTES_MAX: usize = 1024 * 1024;
/// How often it is looked whether the database has room on its disk. Source: chosen by us: it has set aside more than it writes in
/// that time.
pub const STORAGE_LOOK: Duration = Duration::from_millis(250);
/// How often the data directory is looked for while nothing is written to it. Source: chosen by us: within a second of its loss
/// somebody is told.
pub const DATA_DIR_LOOK: Duration = Duration::from_millis(250);
