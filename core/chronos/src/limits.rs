//! Every bound, with its unit and where it comes from.

/// Jobs. Source: chosen by us: twice what is promised to start within a minute.
pub const JOBS_MAX: usize = 20_000;

/// Runs that have not ended, of all jobs. Source: `core/bridge` has as many tasks for a framework.
pub const LIVE_RUNS_MAX: usize = 100_000;

/// Runs of one concurrent job that have not ended. Source: chosen by us.
pub const LIVE_RUNS_PER_JOB_MAX: usize = 1_000;

/// Runs of one job that wait for the one before them. Source: chosen by us: whoever asks for more is told.
pub const HELD_RUNS_PER_JOB_MAX: usize = 1_000;

/// Ended runs that are kept, of each job. Source: chosen by us; Chronos shows five.
pub const HISTORY_RUNS_MAX: usize = 20;

/// Bytes of a message that is kept of a run's end. Source: chosen by us: a line.
pub const MESSAGE_BYTES_MAX: usize = 300;

/// Runs that a step makes of schedules. Source: chosen by us: no step takes more than 50 ms, and each is two rows.
pub const DUE_PER_STEP_MAX: usize = 500;

/// Tasks that a step launches. Source: as above.
pub const LAUNCHES_PER_STEP_MAX: usize = 500;

/// Runs that are tried on one offer, at most. Source: as above.
pub const TRIES_PER_OFFER_MAX: usize = 5_000;

/// Tasks that one call reconciles. Source: chosen by us: a megabyte of ids.
pub const RECONCILED_TASKS_MAX: usize = 10_000;

/// From a failure to the next attempt, in ms, unless configured. Source: frameworks.md 4.4: `--failure_retry`.
pub const RETRY_MS: u64 = 60_000;

/// From a launch that did nothing to the next, in ms; twice as long each time. Source: chosen by us.
pub const RELAUNCH_MS: u64 = 1_000;

/// No pause before such a launch is longer, in ms. Source: chosen by us.
pub const RELAUNCH_MS_MAX: u64 = 60_000;

/// How often a kill is repeated that was not answered, in ms. Source: frameworks.md 2.1: Marathon does so.
pub const KILL_AGAIN_MS: u64 = 30_000;

/// How long a task's agent may be out of reach until the task counts as lost, in ms. Source: chosen by us: a pause of the network is
/// shorter, and a run that ends unseen is not repeated for it.
pub const UNREACHABLE_MS: u64 = 300_000;

/// How long offers that are of no use are refused, in seconds. Source: frameworks.md 2.2: Chronos's default.
pub const REFUSE_SECONDS: f64 = 5.0;

/// How long the framework's tasks wait for a scheduler that is away, in seconds: a week. Source: frameworks.md 2.2.
pub const FAILOVER_SECONDS: f64 = 604_800.0;

/// How many jobs a search gives if it does not say. Source: frameworks.md 4.1.
pub const SEARCH_JOBS: usize = 10;

/// Bytes of a compiled pattern of a constraint. Source: `core/bridge` allows as many.
pub const PATTERN_COMPILED_BYTES_MAX: usize = 64 * 1024;
