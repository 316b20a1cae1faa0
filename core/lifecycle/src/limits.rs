//! Limits of hosts.

/// How long a container may take from SIGTERM to its exit, in ms, unless its definition says
/// otherwise. Source: amazon-ecs-agent, `ECS_CONTAINER_STOP_TIMEOUT`, default 30 s.
pub const STOP_TIMEOUT_MS: u64 = 30_000;
/// Interval of health checks, in ms. Source: ECS API reference, `HealthCheck.interval`.
pub const PROBE_INTERVAL_MS: u64 = 30_000;
/// Consecutive failures that make a container unhealthy. Source: ECS API reference,
/// `HealthCheck.retries`.
pub const PROBE_RETRIES: u32 = 3;
