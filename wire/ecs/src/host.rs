//! The protocol between the control plane and its host agents.
//!
//! Ours, and level-triggered both ways. Down: [`Order`]s, the desired state of tasks on one container instance,
//! each with a generation; an agent ignores an order whose generation is not newer than the last, a full one too: it was sent
//! over an earlier connection, and the network held it back. A *full* order names every task that the instance should know, and
//! is what a newly connected agent gets first; the others name changes.
//! Up: [`TaskReport`]s, each the whole state of one task as the host sees it, so that a repeat does no harm.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Str;
use crate::arn::ResourceId;
use crate::shape::container_definition::{ContainerDefinition, Volume};
use crate::shape::shared::KeyValuePair;

/// The attribute by which a container instance names the machine that it shares with others: they have its ports together. Ours:
/// on ECS every container instance is a machine.
pub const MACHINE_ATTRIBUTE: &str = "longshore.machine";

/// The attribute by which a container instance says at which port it tells about its tasks as a Mesos agent does. Ours.
pub const AGENT_PORT_ATTRIBUTE: &str = "longshore.agent-port";

/// What should become of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Desired {
    /// Its containers should run.
    Running,
    /// Its containers should be stopped.
    Stopped,
}

/// When an order was made: later ones are greater, over restarts of the control plane too.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Generation {
    /// Rises with each connection of the agent that the control plane knows of. It is the version of the instance that the
    /// connection made, which is stored before anything is ordered, so that no later control plane takes it again.
    pub epoch: u64,
    /// Rises with each order to the instance in the life of a control plane.
    pub number: u64,
}

/// The desired state of tasks on one instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// The container instance.
    pub instance: ResourceId,
    /// Rises with every order to the instance.
    pub generation: Generation,
    /// Whether tasks that are not named should not exist.
    pub full: bool,
    /// The tasks.
    pub tasks: Vec<OrderedTask>,
    /// Tasks whose end is on record: only now may their host forget how they ended.
    pub forget: Vec<ResourceId>,
}

/// One task of an [`Order`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OrderedTask {
    /// What to run.
    pub spec: Arc<TaskSpec>,
    /// Whether to run it.
    pub desired: Desired,
    /// Whether the control plane has been told that it runs: such a task is found or lost, never started again.
    pub was_running: bool,
}

/// How containers reach the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkMode {
    /// A network of the host's own, with published ports.
    Bridge,
    /// The host's network.
    Host,
    /// No network.
    None,
    /// An interface of its own; Longshore refuses to run such tasks.
    Awsvpc,
}

impl NetworkMode {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Bridge => "bridge",
            Self::Host => "host",
            Self::None => "none",
            Self::Awsvpc => "awsvpc",
        }
    }
}

/// Whose processes, or whose shared memory, the containers of a task see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Namespace {
    /// The host's.
    Host,
    /// One that all containers of the task share.
    Task,
    /// Each its own, for shared memory without `/dev/shm`.
    None,
}

impl Namespace {
    /// Reads `pidMode` or `ipcMode`; what is neither is as if it was not given.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "host" => Some(Self::Host),
            "task" => Some(Self::Task),
            "none" => Some(Self::None),
            _ => None,
        }
    }
}

/// The namespaces of a task. Where nothing is said each container has its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Namespaces {
    /// Of processes: `pidMode`.
    pub pid: Option<Namespace>,
    /// Of shared memory: `ipcMode`.
    pub ipc: Option<Namespace>,
}

/// A task, as its host needs to know it: definition and overrides are already one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// The id inside the ARN.
    pub id: ResourceId,
    /// The whole ARN.
    pub arn: Str,
    /// The cluster's ARN.
    pub cluster: Str,
    /// Family of the task definition.
    pub family: Str,
    /// Revision of the task definition.
    pub revision: u32,
    /// How its containers reach the network.
    pub network_mode: NetworkMode,
    /// What its containers see of each other and of the host.
    #[serde(default)]
    pub namespaces: Namespaces,
    /// The containers, in the order of the definition; tasks of one request share them.
    pub containers: Arc<Vec<ContainerSpec>>,
    /// The volumes that mount points name.
    pub volumes: Arc<Vec<Volume>>,
    /// What its containers may be told of it.
    #[serde(default)]
    pub about: TaskAbout,
}

/// What containers may be told of their task, beside what it takes to run it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskAbout {
    /// The service that it belongs to.
    pub service: Option<Str>,
    /// Task-level CPU units, if given.
    pub cpu: Option<u32>,
    /// Task-level memory in MiB, if given.
    pub memory_mib: Option<u32>,
    /// The role that its containers may act as, if it has one.
    pub role: Option<Str>,
    /// ARNs of the containers, in the order of the definition.
    pub container_arns: Vec<Str>,
    /// Ids of the GPUs of each container, in the same order; empty if none has one.
    pub gpu_ids: Vec<Vec<Str>>,
}

/// A container of a [`TaskSpec`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ContainerSpec {
    /// The definition. What an override may replace is to be read from the members below, not from here.
    pub definition: Arc<ContainerDefinition>,
    /// Arguments.
    pub command: Option<Arc<Vec<Str>>>,
    /// Environment, later entries win.
    pub environment: Arc<Vec<KeyValuePair>>,
    /// CPU units, 1024 to a core.
    pub cpu: u32,
    /// Hard limit in MiB, 0 for none.
    pub memory_mib: u32,
    /// Soft limit in MiB, 0 for none.
    pub memory_reservation_mib: u32,
}

impl ContainerSpec {
    /// The container's name.
    pub fn name(&self) -> &str {
        self.definition.name.as_deref().unwrap_or_default()
    }

    /// Whether the task ends with it. Source: `essential` defaults to true.
    pub fn essential(&self) -> bool {
        self.definition.essential.unwrap_or(true)
    }

    /// How many GPUs it wants.
    pub fn gpus(&self) -> u32 {
        let wanted = self.definition.resource_requirements.iter().flatten();
        let gpus = wanted.filter(|one| one.kind.as_deref() == Some("GPU"));
        gpus.filter_map(|one| one.value.as_deref()?.parse::<u32>().ok())
            .fold(0, u32::saturating_add)
    }

    /// The last value given for an environment variable.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let entry =
            self.environment.iter().rev().find(|entry| entry.name.as_deref() == Some(name))?;
        entry.value.as_deref()
    }
}

/// How far a task or container has come, as its host says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Reported {
    /// Not yet running.
    Pending,
    /// Running.
    Running,
    /// Over.
    Stopped,
}

/// The verdict of health checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Health {
    /// No verdict yet, or no check.
    Unknown,
    /// The last check passed.
    Healthy,
    /// As many checks failed as `retries` says.
    Unhealthy,
}

/// Why a task ended, as far as its host knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StopCause {
    /// An essential container ended by itself.
    EssentialContainerExited,
    /// It never ran; the text is the reason.
    FailedToStart(Str),
    /// It was told to.
    Ordered,
    /// The host found no trace of it after a restart.
    Lost,
}

/// The whole state of one task, as its host sees it.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct TaskReport {
    /// Which task.
    pub task: ResourceId,
    /// How far it has come.
    pub status: Reported,
    /// Whether it was RUNNING at any time. A task that was not is a failed start, however its containers ended.
    pub ran: bool,
    /// Its containers, in the order of the definition.
    pub containers: Vec<ContainerReport>,
    /// When the first image pull began, in ms since the epoch.
    pub pull_started_at: Option<u64>,
    /// When the last image pull ended, in ms since the epoch.
    pub pull_stopped_at: Option<u64>,
    /// When the first essential container ended, in ms since the epoch.
    pub execution_stopped_at: Option<u64>,
    /// Why it stopped, once it has.
    pub cause: Option<StopCause>,
}

/// One container of a [`TaskReport`].
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct ContainerReport {
    /// How far it has come.
    pub status: Reported,
    /// What the runtime calls it.
    pub runtime_id: Option<Str>,
    /// Digest of the image, where there is one.
    pub image_digest: Option<Str>,
    /// Exit code, where it is known: 128 and the signal number when a signal ended it.
    pub exit_code: Option<i32>,
    /// What went wrong, as `ErrorName: text`.
    pub reason: Option<Str>,
    /// Ports as they are bound on the host.
    pub bindings: Vec<PortBinding>,
    /// Verdict of the container's health check, if it has one.
    pub health: Health,
}

/// A port as it is bound on the host.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PortBinding {
    /// Address on the host.
    pub bind_ip: Str,
    /// Port inside the container.
    pub container_port: u16,
    /// Port on the host.
    pub host_port: u16,
    /// `tcp` or `udp`.
    pub protocol: Str,
}
