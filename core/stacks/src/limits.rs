//! Bounds of what is kept and wanted.

/// Events of a stack that are kept. Source: chosen by us: 25 changes; `ecs-cli` looks at the latest one.
pub const EVENTS_MAX: usize = 100;
/// Stacks that have ended and are still told of. Source: chosen by us; CloudFormation keeps them for 90 days.
pub const ENDED_MAX: usize = 100;
/// Instances of a fleet. Source: *Amazon ECS service quotas*: container instances of a cluster.
pub const SIZE_MAX: u32 = 5_000;
/// Stacks that are there. Source: *AWS CloudFormation quotas*: stacks of an account and region.
pub const STACKS_MAX: usize = 2_000;
/// Characters of a cluster's name. Source: API reference, `CreateCluster`.
pub const CLUSTER_CHARS_MAX: usize = 255;
