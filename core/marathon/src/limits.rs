//! Every bound, with its unit and where it comes from.

/// Apps. Source: chosen by us: ten times what is promised to converge within a minute.
pub const APPS_MAX: usize = 10_000;

/// Instances of all apps. Source: `core/bridge` has as many tasks for a framework.
pub const INSTANCES_MAX: usize = 200_000;

/// Versions of an app that are kept. Source: Marathon keeps 50; chosen by us, as each is a row.
pub const VERSIONS_MAX: usize = 25;

/// Deployments that run at a time. Source: frameworks.md 3.2, `--max_running_deployments`.
pub const DEPLOYMENTS_MAX: usize = 100;

/// Attributes of an agent that are kept with an instance. Source: chosen by us: constraints name a few.
pub const ATTRIBUTES_MAX: usize = 64;

/// Addresses of a container that are kept. Source: chosen by us: two for each of a few networks.
pub const ADDRESSES_MAX: usize = 8;

/// Ends of a pod's instances that are remembered. Source: chosen by us: Marathon shows one; they are a part of the pod's row.
pub const TERMINATIONS_MAX: usize = 10;

/// Bytes of a message that is kept of a task's end. Source: chosen by us: a line.
pub const MESSAGE_BYTES_MAX: usize = 300;

/// Tasks launched on one offer, unless configured. Source: frameworks.md 2.1, `--max_instances_per_offer`.
pub const LAUNCHES_PER_OFFER: usize = 5;

/// Tasks that a step launches. Source: chosen by us: no step takes more than 50 ms, and each is a row.
pub const LAUNCHES_PER_STEP_MAX: usize = 500;

/// Apps that are tried on one offer. Source: as above.
pub const TRIES_PER_OFFER_MAX: usize = 200;

/// Offers that a step looks at. Source: as above.
pub const OFFERS_PER_STEP_MAX: usize = 500;

/// Tasks that one call reconciles. Source: chosen by us: a megabyte of ids.
pub const RECONCILED_TASKS_MAX: usize = 10_000;

/// How long a task may take until it runs, in ms. Source: frameworks.md 2.1, `--task_launch_timeout`.
pub const LAUNCH_MS: u64 = 300_000;

/// How often a kill is repeated that was not answered, in ms. Source: frameworks.md 2.1.
pub const KILL_AGAIN_MS: u64 = 30_000;

/// Kills that are said and not answered. Source: frameworks.md 2.1: 100 in flight; Marathon's `--kill_chunk_size`.
pub const KILLS_MAX: usize = 100;

/// How long offers are refused that nothing waits for, in seconds. Source: frameworks.md 2.1, `--decline_offer_duration`.
pub const REFUSE_SECONDS: f64 = 120.0;

/// How long offers are refused that do not suit what waits, in seconds. Source: frameworks.md 2.1.
pub const REFUSE_WAITING_SECONDS: f64 = 5.0;

/// Service ports that are drawn: from this one. Source: frameworks.md 3.1, `--local_port_min`.
pub const SERVICE_PORT_MIN: u16 = 10_000;

/// Service ports that are drawn: to this one. Source: frameworks.md 3.1, `--local_port_max`.
pub const SERVICE_PORT_MAX: u16 = 20_000;

/// Reasons that are counted for each app that waits. Source: [`crate::Unfit`] has as many.
pub const REASONS: usize = 8;

/// Bytes of a compiled pattern of a constraint. Source: `core/bridge` allows as many.
pub const PATTERN_COMPILED_BYTES_MAX: usize = 64 * 1024;

/// How long a readiness check, or a health check, may be late before its answer is taken for a failure, in ms: the host may have lost it.
/// Source: chosen by us.
pub const PROBE_LATE_MS: u64 = 10_000;

/// Below it are ports that need privileges, or are known by their service. Source: RFC 6335, 6, System Ports.
pub const UNPRIVILEGED_PORT_MIN: u16 = 1_024;
