//! Requests to a cluster, and their results.

use std::collections::{BTreeMap, BTreeSet};

use longshore_wire_ecs::Str;
use longshore_wire_ecs::host::NetworkMode;
use longshore_wire_ecs::shape::container_definition::HealthCheck;

use crate::record::{Instance, Task};

/// A request to the cluster.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// List all instances.
    ListInstances,
    /// Describe these instances, by ARN.
    DescribeInstances(Vec<Str>),
    /// List all tasks that should run, or all that should not.
    ListTasks {
        /// Which of the two.
        desired_running: bool,
        /// ARNs of tasks to leave out of the answer.
        except: BTreeSet<Str>,
    },
    /// Describe these tasks, by ARN.
    DescribeTasks(Vec<Str>),
    /// Find the tasks with a given `startedBy`, running or not.
    FindTasks {
        /// The `startedBy`.
        started_by: Str,
    },
    /// Describe a task definition, by `family`, `family:revision` or ARN.
    DescribeDefinition(Str),
    /// Register a new revision.
    RegisterDefinition(Box<DefinitionContent>),
    /// Start one task on one instance.
    StartTask(Box<StartTask>),
    /// Stop a task.
    StopTask {
        /// Task ARN.
        task: Str,
        /// Reason, for people.
        reason: Str,
    },
}

/// Starts one task on one instance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StartTask {
    /// ARN of the instance.
    pub instance: Str,
    /// `family:revision` or ARN.
    pub definition: Str,
    /// At most 36 characters.
    pub started_by: Str,
    /// Task group, as counted by spread strategies.
    pub group: Option<Str>,
    /// The container that the overrides below apply to.
    pub container: Str,
    /// Command override.
    pub command: Option<Vec<Str>>,
    /// Environment override.
    pub environment: BTreeMap<Str, Str>,
    /// CPU units override.
    pub cpu: Option<u32>,
    /// Memory override, in MiB.
    pub memory_mib: Option<u32>,
}

/// The content of a task definition with one container.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DefinitionContent {
    /// Derived from the content, so that equal content is registered only once.
    pub family: Str,
    /// Name of the container.
    pub container: Str,
    /// Image.
    pub image: Str,
    /// Entry point, unless it is the image's own.
    pub entry_point: Option<Vec<Str>>,
    /// Network mode; `None` for the default.
    pub network_mode: Option<NetworkMode>,
    /// Port mappings.
    pub ports: Vec<PortMapping>,
    /// Host directories to mount.
    pub mounts: Vec<Mount>,
    /// User to run as.
    pub user: Option<Str>,
    /// Working directory.
    pub working_directory: Option<Str>,
    /// Host name.
    pub hostname: Option<Str>,
    /// Whether the container is privileged.
    pub privileged: bool,
    /// Labels.
    pub labels: BTreeMap<Str, Str>,
    /// Health check.
    pub health_check: Option<HealthCheck>,
    /// Seconds from SIGTERM to SIGKILL.
    pub stop_timeout_s: Option<u32>,
}

/// Maps a container port to a host port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortMapping {
    /// Port in the container.
    pub container_port: u16,
    /// Port on the host.
    pub host_port: u16,
    /// Whether it is UDP rather than TCP.
    pub udp: bool,
}

/// Mounts a host directory into a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Path on the host.
    pub host_path: Str,
    /// Path in the container.
    pub container_path: Str,
    /// Whether it is read-only.
    pub read_only: bool,
}

/// The part of a task definition that a launch needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definition {
    /// Full ARN.
    pub arn: Str,
    /// Whether it can be launched.
    pub active: bool,
    /// Names of its containers, in order.
    pub containers: Vec<Str>,
    /// Images of its containers, in order.
    pub images: Vec<Str>,
    /// CPU units that a task reserves.
    pub cpu: u32,
    /// MiB that a task reserves.
    pub memory_mib: u32,
    /// Host ports that a task reserves.
    pub ports: Vec<u16>,
}

/// The result of an [`Ask`].
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Instances; all of them if they were listed.
    Instances(Vec<Instance>),
    /// Tasks, and the ARNs of those that are unknown.
    Tasks {
        /// The tasks found.
        found: Vec<Task>,
        /// ARNs of unknown tasks.
        missing: Vec<Str>,
    },
    /// A task definition, or `None` if it does not exist.
    Definition(Option<Definition>),
    /// The task was accepted.
    Started(Box<Task>),
    /// The task was not accepted.
    NotStarted {
        /// Failure reason, for example `RESOURCE:CPU`.
        reason: Str,
        /// Failure detail, for people.
        detail: Option<Str>,
    },
    /// The task was told to stop.
    Stopped(Box<Task>),
}

/// Why an [`Ask`] failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The cluster may have received the request but did not answer: it is unknown whether a change
    /// was made.
    Unsure(String),
    /// The cluster was not reached, or did not accept the credentials: nothing was done, and the
    /// request may be retried.
    NotDone(String),
    /// Too many requests: nothing was done, and the request may be retried.
    Throttled,
    /// The cluster rejected the request: nothing was done, and a retry would not help.
    Refused {
        /// Error code, for example `ClientException`.
        code: String,
        /// Error message.
        message: String,
    },
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unsure(why) => write!(f, "no response from the cluster: {why}"),
            Self::NotDone(why) => write!(f, "cannot reach the cluster: {why}"),
            Self::Throttled => f.write_str("the cluster is throttling requests"),
            Self::Refused { code, message } => write!(f, "{code}: {message}"),
        }
    }
}
