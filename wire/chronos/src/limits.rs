//! Every bound of what is posted, with its unit and where it comes from.

/// Bytes of a body. Source: chosen by us: a job with a full command and environment has a tenth of that.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// Bytes of a job's name. Source: a task id has 255 bytes at most, and contains the name, a time and an attempt.
pub const NAME_BYTES_MAX: usize = 200;

/// Bytes of a task id. Source: the limit of `core/bridge`, which is that of file names, as in Mesos.
pub const TASK_ID_BYTES_MAX: usize = 255;

/// Bytes of a command, and of all arguments together. Source: ECS API reference, `RunTask`: overrides have 8192 characters.
pub const COMMAND_BYTES_MAX: usize = 8_192;

/// Bytes of a description, an owner and the like. Source: chosen by us.
pub const TEXT_BYTES_MAX: usize = 4_096;

/// Arguments, URIs, variables, constraints, volumes and parameters of a job, of each. Source: chosen by us.
pub const LIST_MAX: usize = 256;

/// Parents of a job. Source: chosen by us: a job that waits for more can wait for one that does.
pub const PARENTS_MAX: usize = 100;

/// Attempts after the first. Source: chosen by us: at one a minute, this is a day.
pub const RETRIES_MAX: u32 = 1_440;

/// Runs that a schedule may have left. Source: chosen by us: one each second for three thousand years.
pub const REPEATS_MAX: u64 = 100_000_000_000;

/// Each number of a period. Source: chosen by us: no calendar is needed beyond the year 9999.
pub const PERIOD_NUMBER_MAX: u64 = 999_999_999;

/// The shortest period, in ms. Source: chosen by us: a task takes about as long to start.
pub const PERIOD_MS_MIN: u64 = 1_000;

/// The longest epsilon, in ms: ten years. Source: chosen by us.
pub const EPSILON_MS_MAX: u64 = 10 * 366 * 24 * 3_600_000;

/// CPUs of a job, in thousandths. Source: chosen by us: the largest instances of EC2 have fewer than 1000.
pub const CPUS_MAX: u64 = 1_000_000;

/// MiB of memory or disk of a job, in thousandths. Source: chosen by us: a PiB.
pub const MIB_MAX: u64 = 1024 * 1024 * 1024 * 1000;
