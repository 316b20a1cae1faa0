//! The bounds that the control plane keeps to, beside the request limits of `longshore_wire_ecs::limits`.

/// How long a stopped task stays visible, in ms. Source: ECS API reference, `DescribeTasks`: at least one hour.
pub const STOPPED_TASK_VISIBLE_MS: u64 = 60 * 60 * 1000;
/// How long a deregistered container instance stays describable, in ms. Source: chosen by us; ECS says "for a while".
pub const INACTIVE_INSTANCE_VISIBLE_MS: u64 = 60 * 60 * 1000;
/// CPU units of one core. Source: ECS API reference, `ContainerDefinition.cpu`.
pub const CPU_UNITS_PER_CORE: u32 = 1024;
/// CPU units that an instance may register. Source: chosen by us, so that sums stay far from overflow.
pub const INSTANCE_CPU_MAX: i32 = 1024 * 1024;
