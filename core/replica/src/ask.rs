//! What may be asked of a cluster, and what may come of it.

use std::collections::{BTreeMap, BTreeSet};

use longshore_wire_ecs::Str;
use longshore_wire_ecs::host::NetworkMode;
use longshore_wire_ecs::shape::container_definition::HealthCheck;

use crate::record::{Instance, Task};

/// Something to ask of the cluster.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// All instances, found anew.
    ListInstances,
    /// These instances, by ARN.
    DescribeInstances(Vec<Str>),
    /// All tasks that should run, or all that should not.
    ListTasks {
        /// Which.
        desired_running: bool,
        /// ARNs of tasks that need not be told again.
        except: BTreeSet<Str>,
    },
    /// These tasks, by ARN.
    DescribeTasks(Vec<Str>),
    /// The tasks that were started by someone, running or not.
    FindTasks {
        /// The `startedBy`.
        started_by: Str,
    },
    /// A task definition, by `family`, `family:revision` or ARN.
    DescribeDefinition(Str),
    /// A new revision.
    RegisterDefinition(Box<DefinitionContent>),
    /// One task on one instance.
    StartTask(Box<StartTask>),
    /// The end of a task.
    StopTask {
        /// ARN.
        task: Str,
        /// For people.
        reason: Str,
    },
}

/// One task on one instance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StartTask {
    /// ARN of the instance.
    pub instance: Str,
    /// `family:revision` or ARN.
    pub definition: Str,
    /// At most 36 characters.
    pub started_by: Str,
    /// What spreading counts.
    pub group: Option<Str>,
    /// The container that the rest is about.
    pub container: Str,
    /// Arguments.
    pub command: Option<Vec<Str>>,
    /// Environment.
    pub environment: BTreeMap<Str, Str>,
    /// CPU units.
    pub cpu: Option<u32>,
    /// MiB.
    pub memory_mib: Option<u32>,
}

/// What a task definition is to hold: one container.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DefinitionContent {
    /// Named after the content, so that equal content is registered once.
    pub family: Str,
    /// Name of the container.
    pub container: Str,
    /// Image.
    pub image: Str,
    /// Entry point, if it is not the image's own.
    pub entry_point: Option<Vec<Str>>,
    /// How the container reaches the network; `None` for the default.
    pub network_mode: Option<NetworkMode>,
    /// Ports.
    pub ports: Vec<PortMapping>,
    /// Directories of the host.
    pub mounts: Vec<Mount>,
    /// Who runs it.
    pub user: Option<Str>,
    /// Where it runs.
    pub working_directory: Option<Str>,
    /// Its host name.
    pub hostname: Option<Str>,
    /// Whether it may do all that the host may.
    pub privileged: bool,
    /// Labels.
    pub labels: BTreeMap<Str, Str>,
    /// Health check.
    pub health_check: Option<HealthCheck>,
    /// Seconds from SIGTERM to SIGKILL.
    pub stop_timeout_s: Option<u32>,
}

/// A port of a container on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortMapping {
    /// Inside.
    pub container_port: u16,
    /// On the host.
    pub host_port: u16,
    /// Whether it is UDP and not TCP.
    pub udp: bool,
}

/// A directory of the host inside a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// On the host.
    pub host_path: Str,
    /// Inside.
    pub container_path: Str,
    /// Whether it cannot be written.
    pub read_only: bool,
}

/// A task definition, as far as a launch needs to know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definition {
    /// The whole ARN.
    pub arn: Str,
    /// Whether it may be launched.
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

/// What came of an [`Ask`].
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Instances. Complete if they were listed.
    Instances(Vec<Instance>),
    /// Tasks, and the ARNs of those that are not known any more.
    Tasks {
        /// Those that are known.
        found: Vec<Task>,
        /// Those that are not.
        missing: Vec<Str>,
    },
    /// A task definition, or that there is none.
    Definition(Option<Definition>),
    /// The task was accepted.
    Started(Box<Task>),
    /// The task was not accepted: reason and detail of the failure.
    NotStarted {
        /// For example `RESOURCE:CPU`.
        reason: Str,
        /// For people.
        detail: Option<Str>,
    },
    /// The task was told to stop.
    Stopped(Box<Task>),
}

/// Why an [`Ask`] has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The cluster may have heard the question, and did not say what it did: a change may or may not have been made.
    Unsure(String),
    /// The cluster was not reached, or does not know who asks: nothing was done, and the same may be asked again.
    NotDone(String),
    /// Too many requests: nothing was done, and the same may be asked again.
    Throttled,
    /// The cluster refused: name of the error and its text. Nothing was done, nor would it be if asked again.
    Refused {
        /// For example `ClientException`.
        code: String,
        /// For people.
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
