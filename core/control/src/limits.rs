//! Limits of the control plane, in addition to the request limits of `longshore_wire_ecs::limits`.

/// Accounts and regions that may hold state. Source: chosen by us: far more than test suites with
/// one account per test need, and each holds little.
pub const REALMS_MAX: usize = 10_000;
/// How long an INACTIVE cluster can be described, in ms. Source: chosen by us; ECS says that it
/// "might" stay for a while.
pub const INACTIVE_CLUSTER_VISIBLE_MS: u64 = 60 * 60 * 1000;
/// Deregistered instances of a cluster, INACTIVE services of a cluster, and INACTIVE clusters of an
/// account in a region that can still be described; beyond this the oldest is forgotten early.
/// Source: chosen by us.
pub const GONE_KEPT_MAX: usize = 1_000;
/// Entries that one page of a list scans, whether listed or not. Source: chosen by us: about 10 ms.
/// A page that would scan more is short and has a next one.
pub const LIST_SCAN_MAX: usize = 100_000;
/// Tasks of a deregistered instance that end in one step. Source: chosen by us; few machines run as
/// many.
pub const ORPHANS_PER_STEP_MAX: usize = 250;
/// Records forgotten in one tick, since many may have ended together. Source: chosen by us.
pub const EXPIRIES_PER_TICK_MAX: usize = 2_000;
/// The pause after [`EXPIRIES_PER_TICK_MAX`], in ms. Source: chosen by us.
pub const EXPIRIES_PAUSE_MS: u64 = 5;
/// How long a stopped task stays visible, in ms. Source: ECS API reference, `DescribeTasks`: at
/// least one hour.
pub const STOPPED_TASK_VISIBLE_MS: u64 = 60 * 60 * 1000;
/// How long a deregistered container instance can be described, in ms. Source: chosen by us; ECS
/// says "for a while".
pub const INACTIVE_INSTANCE_VISIBLE_MS: u64 = 60 * 60 * 1000;
/// How long after its deletion a task definition is checked for use, and the interval between later
/// checks, in ms. Source: chosen by us; ECS says that it stays `DELETE_IN_PROGRESS` until no task
/// and no service uses it.
pub const DELETION_CHECK_MS: u64 = 60_000;
/// Account settings of one account in one region, across all principals. Source: chosen by us:
/// enough for a thousand principals with a few each.
pub const ACCOUNT_SETTINGS_MAX: usize = 4_096;
/// Characters of a principal's ARN. Source: IAM API reference, `arnType`.
pub const PRINCIPAL_ARN_CHARS_MAX: usize = 2_048;
/// CPU units of one core. Source: ECS API reference, `ContainerDefinition.cpu`.
pub const CPU_UNITS_PER_CORE: u32 = 1024;
/// CPU units that an instance may register. Source: chosen by us, to keep sums far from overflow.
pub const INSTANCE_CPU_MAX: i32 = 1024 * 1024;
/// How long an INACTIVE service can be described, in ms. Source: chosen by us; ECS says "may be
/// purged later".
pub const INACTIVE_SERVICE_VISIBLE_MS: u64 = 60 * 60 * 1000;
/// Delay between a change and scheduling its service, in ms, so that changes that arrive together
/// are handled together. Source: chosen by us.
pub const SERVICE_SETTLE_MS: u64 = 10;
/// Tasks that one scheduling pass starts or stops. Source: chosen by us; the ECS scheduler starts
/// some hundreds per minute for a service.
pub const SERVICE_BATCH_MAX: u32 = 200;
/// Estimated cost of the scheduling passes of one tick, in microseconds; then a pause lets calls be
/// answered. Source: chosen by us: callers hardly notice.
pub const SERVICE_WORK_PER_TICK_MAX: usize = 9_000;
/// The pause after [`SERVICE_WORK_PER_TICK_MAX`], in ms. Source: chosen by us.
pub const SERVICE_PAUSE_MS: u64 = 5;
/// How long a task without a health check must have been RUNNING to count as healthy, in ms.
/// Source: chosen by us; ECS waits 40 s, which a local deployment does not need.
pub const HEALTHY_AFTER_RUNNING_MS: u64 = 1_000;
/// Minimum time between two starts if a task of the first exited by itself, in ms; it doubles with
/// each batch of tasks that exits quickly. Source: chosen by us: ECS does not delay such starts,
/// but each takes tens of seconds.
pub const EXIT_DELAY_MS: u64 = 1_000;
/// Maximum of that delay, in ms. Source: chosen by us: the maximum for failed starts in the ECS
/// developer guide, *service throttle logic*, until 2023.
pub const EXIT_DELAY_MAX_MS: u64 = 15 * 60 * 1000;
/// How long a task must have been RUNNING for its exit not to slow its service down, in ms. Source:
/// chosen by us: about as long as ECS takes to replace one.
pub const QUICK_EXIT_MS: u64 = 60 * 1000;
/// How long a task must have been RUNNING for its exit not to count as one in a row, in ms. Source:
/// chosen by us; Kubernetes resets a container's restart backoff after the same time.
pub const EXITS_FORGIVEN_MS: u64 = 10 * 60 * 1000;
/// Consecutive exits after which a service reports them. Source: chosen by us.
pub const EXITS_TOLD: u32 = 3;
/// Replaces [`HEALTHY_AFTER_RUNNING_MS`] where exits count for the circuit breaker, in ms, so that
/// a deployment does not complete before its tasks have had time to exit. Source: chosen by us.
pub const HEALTHY_AFTER_RUNNING_IF_EXITS_COUNT_MS: u64 = 10 * 1000;
/// Delay after the first batch with a task that ended before it ran, in ms; it doubles with each
/// batch. Source: chosen by us.
pub const FAILED_START_DELAY_MS: u64 = 1_000;
/// Maximum of that delay, in ms. Source: ECS developer guide, *service throttle logic*: 27 minutes.
pub const FAILED_START_DELAY_MAX_MS: u64 = 27 * 60 * 1000;
/// Consecutive failed batches after which a service reports them. Source: chosen by us.
pub const FAILED_BATCHES_TOLD: u32 = 3;
/// Minimum time between two searches for room in one cluster, in ms. Source: chosen by us.
pub const WAITING_PAUSE_MS: u64 = 250;
/// Delay between a change of instances and checking the zones, in ms. Source: chosen by us; ECS
/// takes minutes.
pub const ZONES_PAUSE_MS: u64 = 30_000;
/// How long tasks may take to stop before their service reports that it is waiting for them, in ms.
/// Source: chosen by us: longer than a task that handles SIGTERM takes.
pub const STOPPING_TOLD_MS: u64 = 5_000;
/// How long to wait for agents after a restart before a service reports that they are disconnected,
/// in ms. Source: chosen by us: those on this machine are back within a second.
pub const AGENTS_RETURN_MS: u64 = 10_000;
/// How long before a service repeats an event, in ms. Source: field reports: about 6 hours.
pub const SERVICE_REPEAT_MS: u64 = 6 * 60 * 60 * 1000;
/// Events kept per service. Source: ECS API reference, `Service.events`.
pub const SERVICE_EVENTS_MAX: usize = 100;
/// Tasks that one event names. Source: chosen by us, to keep events to one line.
pub const EVENT_TASKS_MAX: usize = 10;
/// Service deployments, and likewise revisions, kept per service. Source: chosen by us; ECS keeps
/// them for 90 days.
pub const SERVICE_DEPLOYMENTS_KEPT_MAX: usize = 50;
/// GPUs of an instance. Source: chosen by us; the largest EC2 types have 16.
pub const INSTANCE_GPUS_MAX: usize = 64;
/// Versions of an instance that are reserved at a time, so that not every task start or stop writes
/// a row. Source: chosen by us: versions jump by at most this many when the program starts, which
/// counts as a change of its instances anyway.
pub const INSTANCE_VERSIONS_RESERVED: i64 = 1_024;
