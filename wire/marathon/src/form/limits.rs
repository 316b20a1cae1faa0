//! What a client may make large, and how large.

/// Characters of an app's or group's id. Source: chosen by us; a task's id has it inside, and Mesos's agents make folders of that.
pub const ID_CHARACTERS_MAX: usize = 200;
/// Instances of one app. Source: chosen by us: ten times the largest app of the speed tests.
pub const INSTANCES_MAX: u32 = 10_000;
/// Apps. Source: chosen by us: ten times the speed tests' number.
pub const APPS_MAX: usize = 10_000;
/// Bytes of one app as JSON. Source: chosen by us; ZooKeeper's node, where Marathon kept them, has one MiB.
pub const APP_BYTES_MAX: usize = 1 << 20;
/// Ports of one app. Source: chosen by us: an agent offers a few thousand.
pub const PORTS_MAX: usize = 100;
/// Health checks of one app. Source: chosen by us.
pub const HEALTH_CHECKS_MAX: usize = 20;
/// Containers of an instance of a pod on ECS, of which the executor has one and each that fetches files has another. Source: ECS: a task
/// definition has at most 10 containers.
pub const POD_CONTAINERS_MAX: usize = 10;
/// Characters of a name of a container, an endpoint or a volume. Source: Marathon 1.11, `stringTypes.raml`, `Name`.
pub const NAME_CHARACTERS_MAX: usize = 63;
/// Characters of a path that is mounted or asked for, or of a URI. Source: Marathon 1.11, its validations of pods.
pub const PATH_CHARACTERS_MAX: usize = 1_024;
