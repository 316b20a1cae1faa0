//! What an instance of a pod consists of, as it is kept: containers that start together on one agent, share its network, and end together.
//!
//! A pod is an [`App`](crate::App) in everything that is not about containers: ids, numbers of instances, versions, constraints and
//! strategies. There, amounts are those of a whole instance, and health checks are those of all containers, one after another.
//!
//! Invariants: names of containers, of endpoints and of volumes are unique; a mount names a volume of the pod; [`ContainerCheck::at`] is an
//! index of the app's health checks.
//!
//! Source: Marathon 1.11, `pod.raml` and `podContainer.raml` of its API.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Artifact, EnvValue, ResourceLimits};

/// The containers of an instance, and what they share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pod {
    /// The containers; at least one.
    pub containers: Vec<PodContainer>,
    /// What containers may mount.
    pub volumes: Vec<PodVolume>,
    /// What the executor takes, which starts the containers.
    pub executor: Amounts,
}

/// Amounts of resources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amounts {
    /// CPUs, in thousandths of one.
    pub cpus_milli: u64,
    /// Memory, in thousandths of a MiB.
    pub mem_milli: u64,
    /// Disk, in thousandths of a MiB.
    pub disk_milli: u64,
    /// GPUs.
    pub gpus: u32,
}

impl std::ops::Add for Amounts {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self {
            cpus_milli: self.cpus_milli.saturating_add(more.cpus_milli),
            mem_milli: self.mem_milli.saturating_add(more.mem_milli),
            disk_milli: self.disk_milli.saturating_add(more.disk_milli),
            gpus: self.gpus.saturating_add(more.gpus),
        }
    }
}

/// A container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PodContainer {
    /// Its name: a label of DNS.
    pub name: String,
    /// What runs in it; `None` for what its image runs.
    pub exec: Option<Exec>,
    /// Whether the words of `exec` are arguments of what its image runs.
    pub are_arguments: bool,
    /// What it claims.
    pub amounts: Amounts,
    /// Limits above what is claimed.
    pub limits: Option<ResourceLimits>,
    /// The ports at which it answers.
    pub endpoints: Vec<Endpoint>,
    /// Its file system; `None` for the agent's default.
    pub image: Option<PodImage>,
    /// Variables of its own, which go before those of the pod.
    pub env: BTreeMap<String, EnvValue>,
    /// Who runs it, if not the pod's user.
    pub user: Option<String>,
    /// How it is found out whether it is well.
    pub check: Option<ContainerCheck>,
    /// What is mounted.
    pub mounts: Vec<PodMount>,
    /// Files that are fetched before the start.
    pub fetch: Vec<Artifact>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// From SIGTERM to SIGKILL, in ms, if it is not the master's own.
    pub kill_grace_ms: Option<u64>,
    /// Whether standard input is a terminal.
    pub tty: bool,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exec {
    /// For a shell.
    Shell(String),
    /// A program and its arguments; at least the program.
    Argv(Vec<String>),
}

/// A port of the machine at which a container answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its name: a label of DNS.
    pub name: String,
    /// The port; 0 for any that is offered.
    pub host_port: u16,
    /// Each once; empty for none in particular.
    pub protocols: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// An image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodImage {
    /// Its name, as Docker takes it.
    pub id: String,
    /// Whether it is pulled even if it is there; `None` if that is not said.
    pub force_pull: Option<bool>,
}

/// How it is found out whether a container is well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerCheck {
    /// Which of the app's health checks it is.
    pub at: usize,
    /// What is run, for a check that Mesos makes.
    pub exec: Option<Exec>,
}

/// Something that containers may mount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodVolume {
    /// Its name: a label of DNS.
    pub name: String,
    /// A path of the machine; `None` for an empty directory of the instance, which is gone with it.
    pub host: Option<String>,
}

/// Something that is mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodMount {
    /// The name of the volume.
    pub volume: String,
    /// Where, inside.
    pub path: String,
    /// Whether it may only be read; `None` if that is not said, and then it may be written.
    pub is_read_only: Option<bool>,
}

impl Pod {
    /// What an instance takes: its containers, and its executor.
    pub fn amounts(&self) -> Amounts {
        self.containers.iter().fold(self.executor, |sum, one| sum + one.amounts)
    }

    /// The endpoints of all containers, one after another; an instance has a port for each.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.containers.iter().flat_map(|one| &one.endpoints)
    }

    /// Where the endpoints of a container begin among those of all.
    pub fn first_endpoint(&self, container: usize) -> usize {
        self.containers.iter().take(container).map(|one| one.endpoints.len()).sum()
    }

    /// The container that a health check of the app is of.
    pub fn checked(&self, check: usize) -> Option<usize> {
        let is_its = |one: &PodContainer| one.check.as_ref().is_some_and(|its| its.at == check);
        self.containers.iter().position(is_its)
    }
}
