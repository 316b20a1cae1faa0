//! Every bound, with its unit and where it comes from.

/// The first pause before another SUBSCRIBE is below this, in ms, and below twice as much each time after it. Source: Mesos,
/// `MESOS_REGISTRATION_BACKOFF_FACTOR`.
pub const BACKOFF_MS: u64 = 2_000;

/// No pause before another SUBSCRIBE is longer, in ms. Source: chosen by us: Mesos has a minute, for masters of tens of thousands of
/// frameworks.
pub const BACKOFF_MS_MAX: u64 = 15_000;

/// No pause is longer than this part of the time that the master waits for the framework. Source: Mesos.
pub const BACKOFF_PARTS: u64 = 10;

/// How long a SUBSCRIBE waits for its answer, and the answer for its first event, in ms. Source: chosen by us: a master that has to
/// think for longer says 503.
pub const SUBSCRIBE_MS: u64 = 15_000;

/// How many intervals without a heartbeat or another event mean that the master is not there any more. Source: chosen by us: one may
/// be late, and the two after it are not late for the same reason.
pub const HEARTBEATS_MISSED: u64 = 3;

/// Nobody is given up after less silence, in ms. Source: chosen by us: libmesos never gives a master up that it can still reach, and
/// frameworks that exit when they are disconnected should not for a pause of the machine that it is on.
pub const SILENCE_MS_MIN: u64 = 45_000;

/// The interval of heartbeats if a master does not say it, in ms. Source: Mesos.
pub const HEARTBEAT_MS: u64 = 15_000;

/// How often in a row a master may send us to another one before we pause. Source: chosen by us.
pub const HOPS_MAX: u32 = 5;

/// Acknowledgements that are on their way at a time: one of a task never overtakes another of it. Source: chosen by us.
pub const ACKNOWLEDGEMENTS_OUT_MAX: usize = 16;

/// The first pause after a master says that it is busy, in ms; it doubles. Source: chosen by us.
pub const BUSY_MS: u64 = 50;

/// No pause after that is longer, in ms. Source: chosen by us.
pub const BUSY_MS_MAX: u64 = 5_000;

/// How long after a launch broke off its tasks are asked about, in ms: the call may still be under way. Source: chosen by us.
pub const ASK_AFTER_MS: u64 = 5_000;

/// How long a driver that was stopped tries to say what was left to say, in ms. Source: chosen by us: a shutdown hook of a JVM may
/// have as long.
pub const FAREWELL_MS: u64 = 5_000;

/// Callbacks that wait before no more events should be read. Source: chosen by us: what a slow scheduler has not seen yet is
/// the master's to hold, which knows what to leave out.
pub const CALLBACKS_MAX: usize = 1_024;

/// Bytes of offers, updates and messages that wait before no more events should be read. Source: chosen by us.
pub const CALLBACK_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Calls that wait to be sent before whoever makes another should wait. Source: chosen by us.
pub const CALLS_MAX: usize = 4_096;

/// Bytes of calls that wait before whoever makes another should wait. Source: chosen by us.
pub const CALL_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How often to say again why there is no subscription. Source: chosen by us.
pub const NOTE_AGAIN_MS: u64 = 300_000;

/// Ends that are remembered as acknowledged. Source: chosen by us: with their ids one or two MiB.
pub const ENDS_MAX: usize = 10_000;

/// Offers that a framework holds while their turn comes. Source: chosen by us; others are declined for a while.
pub const OFFERS_HELD_MAX: usize = 10_000;

/// How often a framework asks for the states of its tasks, in ms. Source: frameworks.md 2.1 and 2.2: each 600 s.
pub const RECONCILE_MS: u64 = 600_000;

/// How often a framework asks for offers again while something waits, in ms. Source: frameworks.md 2.1 and 2.2: at least 5 s apart.
pub const REVIVE_MS: u64 = 5_000;

/// How long after its subscription opened a framework claims its id back from another scheduler, in ms. Source: chosen by us: the last
/// call of a process that was killed arrives within seconds.
pub const CONTESTED_MS: u64 = 30_000;
