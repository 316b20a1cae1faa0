//! What only readers of records want, and no decision: a cluster that is shown in full is asked with details, the others
//! are spared them.
//!
//! Texts are as ECS tells them: in events times have its own form, in readings they are written to the second.

use longshore_wire_ecs::Str;

/// The rest of a container instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceDetail {
    /// ARN of its cluster.
    pub cluster_arn: Str,
    /// As ECS says it, for example `DRAINING`.
    pub status: Str,
    /// How an update of its agent goes.
    pub agent_update_status: Option<Str>,
    /// Commit of its agent.
    pub agent_hash: Option<Str>,
    /// Version of its agent.
    pub agent_version: Option<Str>,
    /// Version of Docker.
    pub docker_version: Option<Str>,
    /// What it has.
    pub registered: Vec<Resource>,
    /// What no task has reserved of it.
    pub remaining: Vec<Resource>,
}

/// A resource of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// For example `CPU`.
    pub name: Str,
    /// `INTEGER`, `LONG`, `DOUBLE` or `STRINGSET`.
    pub kind: Str,
    /// As text: a number in digits, a DOUBLE with two decimals, a set joined by commas.
    pub value: Str,
}

/// The rest of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskDetail {
    /// ARN of its cluster.
    pub cluster_arn: Str,
    /// As ECS says it.
    pub last_status: Str,
    /// As ECS says it.
    pub desired_status: Str,
    /// As ISO 8601.
    pub created_at: Str,
    /// As ISO 8601.
    pub started_at: Option<Str>,
    /// As ISO 8601.
    pub stopped_at: Option<Str>,
    /// Its containers.
    pub containers: Vec<ContainerDetail>,
    /// What its start changed of its containers.
    pub overrides: Vec<OverrideDetail>,
    /// ARN of the role that its start gave it.
    pub task_role_arn: Option<Str>,
}

/// A container of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerDetail {
    /// Its ARN.
    pub arn: Str,
    /// Its name in the task definition.
    pub name: Str,
    /// As ECS says it.
    pub last_status: Str,
    /// Its exit code, once known.
    pub exit_code: Option<i32>,
    /// Why it stopped, for people.
    pub reason: Option<Str>,
    /// Its ports on the host.
    pub bindings: Vec<BindingDetail>,
}

/// A port of a container on its host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BindingDetail {
    /// The address on the host.
    pub ip: Str,
    /// Inside.
    pub container_port: u16,
    /// On the host.
    pub host_port: u16,
    /// `tcp` or `udp`.
    pub protocol: Str,
}

/// What the start of a task changed of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OverrideDetail {
    /// The container's name.
    pub name: Str,
    /// Its command.
    pub command: Option<Vec<Str>>,
    /// Variables, by name and value, in order.
    pub environment: Vec<(Str, Str)>,
}
