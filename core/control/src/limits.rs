//! The bounds that the control plane keeps to, beside the request limits of `longshore_wire_ecs::limits`.

/// Accounts and regions that may have something. Source: chosen by us: far more than test suites that take an account for each
/// test, and each keeps little.
pub const REALMS_MAX: usize = 10_000;
/// How long an INACTIVE cluster stays describable, in ms. Source: chosen by us; ECS says that it "might" stay for a while.
pub const INACTIVE_CLUSTER_VISIBLE_MS: u64 = 60 * 60 * 1000;
/// Deregistered instances of a cluster, INACTIVE services of a cluster, and INACTIVE clusters of an account in a region that stay
/// describable; beyond it the oldest is forgotten early. Source: chosen by us.
pub const GONE_KEPT_MAX: usize = 1_000;
/// Entries that one page of a list looks at, whether they are listed or not. Source: chosen by us: some ten ms. A page that would
/// look at more is short, and has a next one.
pub const LIST_SCAN_MAX: usize = 100_000;
/// Tasks of a deregistered instance that are ended in one step. Source: chosen by us; few machines run as many.
pub const ORPHANS_PER_STEP_MAX: usize = 250;
/// Records that are forgotten in one tick, for they may have ended together. Source: chosen by us.
pub const EXPIRIES_PER_TICK_MAX: usize = 2_000;
/// The pause of [`EXPIRIES_PER_TICK_MAX`], in ms. Source: chosen by us.
pub const EXPIRIES_PAUSE_MS: u64 = 5;
/// How long a stopped task stays visible, in ms. Source: ECS API reference, `DescribeTasks`: at least one hour.
pub const STOPPED_TASK_VISIBLE_MS: u64 = 60 * 60 * 1000;
/// How long a deregistered container instance stays describable, in ms. Source: chosen by us; ECS says "for a while".
pub const INACTIVE_INSTANCE_VISIBLE_MS: u64 = 60 * 60 * 1000;
/// How long after its deletion, and how often from then on, it is looked whether a task definition is in use still, in ms. Source:
/// chosen by us; ECS says that it stays `DELETE_IN_PROGRESS` until no task and no service uses it.
pub const DELETION_CHECK_MS: u64 = 60_000;
/// Account settings of one account in one region that can be set, by all principals together. Source: chosen by us: a thousand
/// principals may have a few each.
pub const ACCOUNT_SETTINGS_MAX: usize = 4_096;
/// Characters of the ARN of a principal. Source: IAM API reference, `arnType`.
pub const PRINCIPAL_ARN_CHARS_MAX: usize = 2_048;
/// CPU units of one core. Source: ECS API reference, `ContainerDefinition.cpu`.
pub const CPU_UNITS_PER_CORE: u32 = 1024;
/// CPU units that an instance may register. Source: chosen by us, so that sums stay far from overflow.
pub const INSTANCE_CPU_MAX: i32 = 1024 * 1024;
/// How long an INACTIVE service stays describable, in ms. Source: chosen by us; ECS says "may be purged later".
pub const INACTIVE_SERVICE_VISIBLE_MS: u64 = 60 * 60 * 1000;
/// How long after a change a service is looked at, in ms, so that changes that come together are looked at together.
/// Source: chosen by us.
pub const SERVICE_SETTLE_MS: u64 = 10;
/// Tasks that one look starts or stops. Source: chosen by us; the scheduler of ECS starts some hundreds a minute for a service.
pub const SERVICE_BATCH_MAX: u32 = 200;
/// What the looks of one tick may cost, in microseconds as looks reckon it; a pause follows, in which calls are answered. Source:
/// chosen by us: callers hardly notice.
pub const SERVICE_WORK_PER_TICK_MAX: usize = 9_000;
/// The pause of [`SERVICE_WORK_PER_TICK_MAX`], in ms. Source: chosen by us.
pub const SERVICE_PAUSE_MS: u64 = 5;
/// How long a task without a health check must have been RUNNING before it counts as healthy, in ms. Source: chosen by us;
/// ECS waits 40 s, which a local deployment has no use for.
pub const HEALTHY_AFTER_RUNNING_MS: u64 = 1_000;
/// Least time between two starts of which the first was of a task that ended by itself, in ms; it doubles with each batch of
/// tasks that ends quickly. Source: chosen by us: ECS does not delay such starts, but takes tens of seconds for each.
pub const EXIT_DELAY_MS: u64 = 1_000;
/// Greatest such delay, in ms. Source: chosen by us: what the ECS developer guide, *service throttle logic*, gave for failed
/// starts until 2023.
pub const EXIT_DELAY_MAX_MS: u64 = 15 * 60 * 1000;
/// How long a task must have been RUNNING for its end not to slow its service down, in ms. Source: chosen by us: about as long
/// as ECS takes to replace one.
pub const QUICK_EXIT_MS: u64 = 60 * 1000;
/// How long a task must have been RUNNING for its end not to belong to a row of exits, in ms. Source: chosen by us; Kubernetes
/// forgives a container's restarts after as long.
pub const EXITS_FORGIVEN_MS: u64 = 10 * 60 * 1000;
/// Exits in a row after which a service says so. Source: chosen by us.
pub const EXITS_TOLD: u32 = 3;
/// What [`HEALTHY_AFTER_RUNNING_MS`] is where exits count for the circuit breaker, in ms, so that a deployment is not complete
/// before its tasks have had time to exit. Source: chosen by us.
pub const HEALTHY_AFTER_RUNNING_IF_EXITS_COUNT_MS: u64 = 10 * 1000;
/// First delay after a batch of which a task ended before it ran, in ms; it doubles with each batch. Source: chosen by us.
pub const FAILED_START_DELAY_MS: u64 = 1_000;
/// Greatest such delay, in ms. Source: ECS developer guide, *service throttle logic*: 27 minutes.
pub const FAILED_START_DELAY_MAX_MS: u64 = 27 * 60 * 1000;
/// Failed batches in a row after which a service says so. Source: chosen by us.
pub const FAILED_BATCHES_TOLD: u32 = 3;
/// Least time between two searches for room in one cluster, in ms. Source: chosen by us.
pub const WAITING_PAUSE_MS: u64 = 250;
/// How long after instances came, went or changed zones are looked at, in ms. Source: chosen by us; ECS takes minutes.
pub const ZONES_PAUSE_MS: u64 = 30_000;
/// How long tasks may take to stop before their service says that it waits for them, in ms. Source: chosen by us: longer than one
/// that heeds SIGTERM takes.
pub const STOPPING_TOLD_MS: u64 = 5_000;
/// How long agents are waited for after a restart before a service says that they are away, in ms. Source: chosen by us: those of
/// this machine are back within a second.
pub const AGENTS_RETURN_MS: u64 = 10_000;
/// How long a service does not repeat itself, in ms. Source: field reports: about 6 hours.
pub const SERVICE_REPEAT_MS: u64 = 6 * 60 * 60 * 1000;
/// Events of a service that are kept. Source: ECS API reference, `Service.events`.
pub const SERVICE_EVENTS_MAX: usize = 100;
/// Tasks that one event names. Source: chosen by us, so that events stay lines.
pub const EVENT_TASKS_MAX: usize = 10;
/// Service deployments of a service that are kept, and as many revisions. Source: chosen by us; ECS keeps them for 90 days.
pub const SERVICE_DEPLOYMENTS_KEPT_MAX: usize = 50;
/// GPUs of an instance. Source: chosen by us; the largest EC2 types have 16.
pub const INSTANCE_GPUS_MAX: usize = 64;
/// Versions of an instance that are reserved at a time, so that not every task that comes or goes costs a row. Source: chosen by
/// us: versions jump by so many at most when the program starts, which counts as a change of its instances anyway.
pub const INSTANCE_VERSIONS_RESERVED: i64 = 1_024;
