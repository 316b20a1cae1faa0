//! The records of the control plane: what is stored, one row each, and what replies are made of.
//!
//! Records are shared behind `Arc`, so that a reply or a row costs a count and not a copy. They hold no policy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_placement::{Needs, Port};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::host::{ContainerSpec, NetworkMode};
use longshore_wire_ecs::shape::cluster::{ClusterConfiguration, ClusterSetting};
use longshore_wire_ecs::shape::container_instance::VersionInfo;
use longshore_wire_ecs::shape::shared::{CapacityProviderStrategyItem, Resource};
use longshore_wire_ecs::shape::task_definition as shape;
use serde::{Deserialize, Serialize};

use crate::limits::INSTANCE_VERSIONS_RESERVED;

mod task;
mod task_row;

pub(crate) use task::SERVICE_GROUP;
pub use task::{Container, Task, TaskTemplate};
pub use task_row::TaskRow;

/// Tags by key.
pub type Tags = BTreeMap<Str, Str>;

/// A word that the API knows in upper case.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// The word on the wire.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// Reads the word on the wire.
            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Status of a cluster.
    ClusterStatus {
        /// In use.
        Active = "ACTIVE",
        /// Deleted; still described, never listed.
        Inactive = "INACTIVE",
    }
}

words! {
    /// Status of a container instance.
    InstanceStatus {
        /// Takes tasks.
        Active = "ACTIVE",
        /// Keeps its tasks, takes no new ones.
        Draining = "DRAINING",
        /// Deregistered; described for a while, never listed.
        Inactive = "INACTIVE",
    }
}

words! {
    /// Status of a revision of a task definition.
    DefinitionStatus {
        /// May be launched.
        Active = "ACTIVE",
        /// Deregistered.
        Inactive = "INACTIVE",
        /// Deleted; described until no task and no service uses it.
        DeleteInProgress = "DELETE_IN_PROGRESS",
    }
}

words! {
    /// How far a task has come. Bridge and host tasks on EC2 know these three.
    LastStatus {
        /// Accepted, its containers do not all run yet.
        Pending = "PENDING",
        /// Its containers run.
        Running = "RUNNING",
        /// Over.
        Stopped = "STOPPED",
    }
}

words! {
    /// Why a task stopped.
    StopCode {
        /// It never ran.
        FailedToStart = "TaskFailedToStart",
        /// An essential container ended.
        EssentialContainerExited = "EssentialContainerExited",
        /// Someone called `StopTask`, or deregistered its instance by force.
        UserInitiated = "UserInitiated",
        /// Its service had no more use for it.
        ServiceScheduler = "ServiceSchedulerInitiated",
        /// Its host lost it.
        TerminationNotice = "TerminationNotice",
    }
}

impl LastStatus {
    /// Whether a task that has come so far holds what it reserved.
    pub(crate) fn holds_resources(self) -> bool {
        self != Self::Stopped
    }
}

/// A cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cluster {
    /// Account and region.
    pub realm: Realm,
    /// Unique in its realm.
    pub name: Str,
    /// The whole ARN.
    pub arn: Str,
    /// Whether it is in use.
    pub status: ClusterStatus,
    /// When it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inactive_at: Option<Timestamp>,
    /// As given.
    pub settings: Vec<ClusterSetting>,
    /// As given.
    pub configuration: Option<ClusterConfiguration>,
    /// The namespace of services that use Service Connect, as given. Shown only: there is no Service Connect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Str>,
    /// Names of its capacity providers. Shown only: nothing is run on them.
    #[serde(default)]
    pub capacity_providers: Vec<Str>,
    /// As given.
    #[serde(default)]
    pub capacity_strategy: Vec<CapacityProviderStrategyItem>,
    /// Tags.
    pub tags: Tags,
}

/// What a container instance brought when it registered.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Registered {
    /// CPU units.
    pub cpu: u32,
    /// MiB.
    pub memory_mib: u32,
    /// Ports that tasks cannot have.
    pub ports: BTreeSet<Port>,
    /// Ids of its GPUs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<Str>,
    /// Other resources, echoed.
    pub others: Vec<Resource>,
}

/// A container instance. What it has left is in the cluster's placement view.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ContainerInstance {
    /// The id inside the ARN.
    pub id: ResourceId,
    /// The whole ARN.
    pub arn: Str,
    /// Account and region.
    pub realm: Realm,
    /// Name of its cluster.
    pub cluster: Str,
    /// For example `i-0123456789abcdef0`, if the instance told.
    pub ec2_instance_id: Option<Str>,
    /// Whether it takes tasks.
    pub status: InstanceStatus,
    /// Rises with every change, tasks coming and going included. Stored is one that no later change reaches soon.
    #[serde(serialize_with = "reserved")]
    pub version: i64,
    /// What it registered.
    pub registered: Arc<Registered>,
    /// Attributes; the value may be absent.
    pub attributes: Arc<BTreeMap<Str, Option<Str>>>,
    /// Of the agent.
    pub version_info: VersionInfo,
    /// First registration.
    pub registered_at: Timestamp,
    /// Deregistration.
    pub deregistered_at: Option<Timestamp>,
    /// Tags.
    pub tags: Arc<Tags>,
}

impl ContainerInstance {
    /// The version that is stored for an instance: the last of the range that its own is in. A launch changes the version of
    /// its instance, and need not store it as long as it stays in that range; after a restart, versions go on behind it.
    pub fn reserved_version(version: i64) -> i64 {
        let ranges = version.saturating_sub(1).div_euclid(INSTANCE_VERSIONS_RESERVED) + 1;
        ranges.saturating_mul(INSTANCE_VERSIONS_RESERVED)
    }
}

fn reserved<S: serde::Serializer>(version: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(ContainerInstance::reserved_version(*version))
}

/// A revision of a task definition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskDefinition {
    /// Account and region.
    pub realm: Realm,
    /// Family.
    pub family: Str,
    /// From 1, never reused.
    pub revision: u32,
    /// The whole ARN.
    pub arn: Str,
    /// Whether it may be launched.
    pub status: DefinitionStatus,
    /// Registration.
    pub registered_at: Timestamp,
    /// Deregistration.
    pub deregistered_at: Option<Timestamp>,
    /// Deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_requested_at: Option<Timestamp>,
    /// The content, as the API shows it.
    pub content: shape::TaskDefinition,
    /// How its containers reach the network.
    pub network_mode: NetworkMode,
    /// Task-level CPU units, if given.
    pub cpu: Option<u32>,
    /// Task-level memory in MiB, if given.
    pub memory_mib: Option<u32>,
    /// The containers, ready to be launched.
    pub containers: Arc<Vec<ContainerSpec>>,
    /// What a task without overrides needs.
    pub needs: Arc<Needs>,
    /// Volumes.
    pub volumes: Arc<Vec<longshore_wire_ecs::shape::container_definition::Volume>>,
    /// Tags.
    pub tags: Tags,
}
