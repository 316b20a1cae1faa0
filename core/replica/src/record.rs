//! The part of instance and task records that decisions need.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_wire_ecs::Str;

use crate::content::PortMapping;
use crate::detail::{InstanceDetail, TaskDetail};

/// A container instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// Full ARN.
    pub arn: Str,
    /// For example `i-0123456789abcdef0`.
    pub ec2_instance_id: Option<Str>,
    /// Whether its status is ACTIVE.
    pub active: bool,
    /// Whether its agent is connected.
    pub connected: bool,
    /// CPU units that it registered.
    pub cpu: u32,
    /// MiB that it registered.
    pub memory_mib: u32,
    /// CPU units that no task has reserved.
    pub cpu_remaining: u32,
    /// MiB that no task has reserved.
    pub memory_mib_remaining: u32,
    /// GPUs that it registered.
    pub gpus: u32,
    /// GPUs that no task has.
    pub gpus_remaining: u32,
    /// Ports in use, TCP and UDP alike.
    pub ports_used: BTreeSet<u16>,
    /// Attributes; the value may be absent.
    pub attributes: BTreeMap<Str, Option<Str>>,
    /// Tasks that should run.
    pub running_tasks: u32,
    /// Tasks that are PENDING.
    pub pending_tasks: u32,
    /// Increases with every change.
    pub version: i64,
    /// The rest, if it was asked for.
    pub detail: Option<Arc<InstanceDetail>>,
}

impl Instance {
    /// The id inside the ARN.
    pub fn id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or_default()
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&Str> {
        self.attributes.get(name)?.as_ref()
    }
}

/// Task status. Source: ECS developer guide, *Task lifecycle*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names and order of ECS")]
pub enum LastStatus {
    #[default]
    Provisioning,
    Pending,
    Activating,
    Running,
    Deactivating,
    Stopping,
    Deprovisioning,
    Stopped,
}

impl LastStatus {
    /// Parses the status. An unknown one counts as not running yet.
    pub fn parse(word: &str) -> Self {
        match word {
            "PENDING" => Self::Pending,
            "ACTIVATING" => Self::Activating,
            "RUNNING" => Self::Running,
            "DEACTIVATING" => Self::Deactivating,
            "STOPPING" => Self::Stopping,
            "DEPROVISIONING" => Self::Deprovisioning,
            "STOPPED" | "DELETED" => Self::Stopped,
            _ => Self::Provisioning,
        }
    }
}

/// Why a task stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopCode {
    /// It never ran.
    FailedToStart,
    /// An essential container ended.
    EssentialContainerExited,
    /// Someone stopped it.
    UserInitiated,
    /// Its host went away.
    HostLost,
    /// Any other stop code of ECS.
    Other(Str),
}

impl StopCode {
    /// Parses a stop code.
    pub fn parse(word: &str) -> Self {
        match word {
            "TaskFailedToStart" => Self::FailedToStart,
            "EssentialContainerExited" => Self::EssentialContainerExited,
            "UserInitiated" => Self::UserInitiated,
            "SpotInterruption" | "TerminationNotice" | "InfrastructureHealth" => Self::HostLost,
            other => Self::Other(other.into()),
        }
    }
}

/// A task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Task {
    /// Full ARN.
    pub arn: Str,
    /// ARN of its task definition.
    pub definition_arn: Str,
    /// ARN of the instance that it runs on.
    pub instance_arn: Option<Str>,
    /// Last known status.
    pub last_status: LastStatus,
    /// Whether it should run.
    pub desired_running: bool,
    /// Who started it.
    pub started_by: Option<Str>,
    /// Environment overrides, if only one container has any.
    pub environment: BTreeMap<Str, Str>,
    /// Its containers.
    pub containers: Vec<Container>,
    /// Why it stopped.
    pub stop_code: Option<StopCode>,
    /// Reason why it stopped, for people.
    pub stopped_reason: Option<Str>,
    /// Health check result; `None` if unknown.
    pub healthy: Option<bool>,
    /// When it was accepted, in ms since the epoch.
    pub created_at_ms: u64,
    /// Whether it has ever run.
    pub ran: bool,
    /// Increases with every change.
    pub version: i64,
    /// The rest, if it was asked for.
    pub detail: Option<Arc<TaskDetail>>,
}

impl Task {
    /// Takes in the environment overrides of its containers, by their names. If only one has any, they are the task's own.
    pub fn overridden(&mut self, overrides: Vec<(Str, BTreeMap<Str, Str>)>) {
        let mut given: Vec<_> =
            overrides.into_iter().filter(|(_, variables)| !variables.is_empty()).collect();
        if given.len() < 2 {
            self.environment = given.pop().map(|(_, variables)| variables).unwrap_or_default();
            return;
        }
        for (name, variables) in given {
            if let Some(container) = self.containers.iter_mut().find(|one| one.name == name) {
                container.environment = variables;
            }
        }
    }

    /// A container by its name.
    pub fn container(&self, name: &str) -> Option<&Container> {
        self.containers.iter().find(|container| &*container.name == name)
    }
}

/// A container of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// Its name in the task definition.
    pub name: Str,
    /// Last known status: PENDING, RUNNING or STOPPED.
    pub last_status: LastStatus,
    /// Its environment overrides, if several containers have some.
    pub environment: BTreeMap<Str, Str>,
    /// Health check result; `None` if unknown.
    pub healthy: Option<bool>,
    /// Exit code, once known.
    pub exit_code: Option<i32>,
    /// Failure reason.
    pub reason: Option<Str>,
    /// Its ports on the host, once it runs.
    pub ports: Vec<PortMapping>,
}
