//! Bounds of what a client can send.

/// Bytes of a request body. Source: chosen by us: an environment has a few short members.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Characters of an environment's name. Source: Blox v0.3.0, pattern of `CreateEnvironmentRequest.name`.
pub const ENVIRONMENT_NAME_CHARS_MAX: usize = 30;
/// Characters of a cluster's name. Source: ECS API reference, *`CreateCluster`*.
pub const CLUSTER_NAME_CHARS_MAX: usize = 255;
/// Characters of an ARN or of a name of a task definition. Source: chosen by us: no ARN of ECS is longer.
pub const ARN_CHARS_MAX: usize = 1_024;
/// Attributes of an instance group. Source: ECS service quotas, custom attributes per container instance.
pub const ATTRIBUTES_MAX: usize = 10;
/// Characters of the name or the value of an attribute. Source: ECS API reference, *Attribute*.
pub const ATTRIBUTE_CHARS_MAX: usize = 128;
/// Most that `minHealthyPercent` can be: with all instances healthy nothing could ever be replaced, since an instance never
/// has two tasks. Source: chosen by us.
pub const MIN_HEALTHY_PERCENT_MAX: u8 = 99;
/// Entries of a list of v1.0 that are answered at once. Source: chosen by us, as ECS does; v1.0 had no bound.
pub const PAGE_ENTRIES_MAX: usize = 100;
