//! The records of the control plane: stored one per row, and the source of replies.
//!
//! Records are shared behind `Arc`, so a reply or a row costs a reference count instead of a copy.
//! They contain no policy.

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

/// Defines an enum of the upper-case words of the API.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// Returns the word used on the wire.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// Parses the word used on the wire.
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
        /// Active.
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
        /// Keeps its tasks but takes no new ones.
        Draining = "DRAINING",
        /// Deregistered; described for a while but never listed.
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
        /// Deleted; described until no task or service uses it.
        DeleteInProgress = "DELETE_IN_PROGRESS",
    }
}

words! {
    /// The progress of a task. Bridge and host tasks on EC2 only use these three.
    LastStatus {
        /// Accepted, but not all containers are running yet.
        Pending = "PENDING",
        /// All containers are running.
        Running = "RUNNING",
        /// Stopped.
        Stopped = "STOPPED",
    }
}

words! {
    /// Why a task stopped.
    StopCode {
        /// It never ran.
        FailedToStart = "TaskFailedToStart",
        /// An essential container exited.
        EssentialContainerExited = "EssentialContainerExited",
        /// Someone called `StopTask` or forcibly deregistered its instance.
        UserInitiated = "UserInitiated",
        /// Its service no longer needed it.
        ServiceScheduler = "ServiceSchedulerInitiated",
        /// Its host lost it.
        TerminationNotice = "TerminationNotice",
    }
}

impl LastStatus {
    /// Whether a task with this status holds its resources.
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
    /// The full ARN.
    pub arn: Str,
    /// ACTIVE or INACTIVE.
    pub status: ClusterStatus,
    /// When it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inactive_at: Option<Timestamp>,
    /// As given.
    pub settings: Vec<ClusterSetting>,
    /// As given.
    pub configuration: Option<ClusterConfiguration>,
    /// The namespace of services that use Service Connect, as given. Display only: there is no
    /// Service Connect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Str>,
    /// Names of its capacity providers. Display only: they run nothing.
    #[serde(default)]
    pub capacity_providers: Vec<Str>,
    /// As given.
    #[serde(default)]
    pub capacity_strategy: Vec<CapacityProviderStrategyItem>,
    /// Tags.
    pub tags: Tags,
}

/// What a container instance registered.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Registered {
    /// CPU units.
    pub cpu: u32,
    /// MiB.
    pub memory_mib: u32,
    /// Ports reserved from tasks.
    pub ports: BTreeSet<Port>,
    /// Ids of its GPUs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<Str>,
    /// Other resources, echoed.
    pub others: Vec<Resource>,
}

/// A container instance. Its remaining resources are in the cluster's placement view.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ContainerInstance {
    /// The id inside the ARN.
    pub id: ResourceId,
    /// The full ARN.
    pub arn: Str,
    /// Account and region.
    pub realm: Realm,
    /// Name of its cluster.
    pub cluster: Str,
    /// For example `i-0123456789abcdef0`, if the instance reported it.
    pub ec2_instance_id: Option<Str>,
    /// Whether it takes tasks.
    pub status: InstanceStatus,
    /// Increases with every change, including tasks starting and stopping. The stored value is the
    /// end of the reserved range.
    #[serde(serialize_with = "reserved")]
    pub version: i64,
    /// What it registered.
    pub registered: Arc<Registered>,
    /// Attributes; the value may be absent.
    pub attributes: Arc<BTreeMap<Str, Option<Str>>>,
    /// Version of the agent.
    pub version_info: VersionInfo,
    /// When it first registered.
    pub registered_at: Timestamp,
    /// When it was deregistered.
    pub deregistered_at: Option<Timestamp>,
    /// Tags.
    pub tags: Arc<Tags>,
}

impl ContainerInstance {
    /// The version stored for an instance: the last of the range that contains `version`. Launches
    /// increment the version without storing it while it stays in that range; after a restart,
    /// versions continue after the range.
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
    /// Counts from 1 and is never reused.
    pub revision: u32,
    /// The full ARN.
    pub arn: Str,
    /// Whether it may be launched.
    pub status: DefinitionStatus,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// When it was deregistered.
    pub deregistered_at: Option<Timestamp>,
    /// When its deletion was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_requested_at: Option<Timestamp>,
    /// The content, as the API shows it.
    pub content: shape::TaskDefinition,
    /// Network mode of its containers.
    pub network_mode: NetworkMode,
    /// Task-level CPU units, if given.
    pub cpu: Option<u32>,
    /// Task-level memory in MiB, if given.
    pub memory_mib: Option<u32>,
    /// The containers, ready to launch.
    pub containers: Arc<Vec<ContainerSpec>>,
    /// The resources that a task without overrides needs.
    pub needs: Arc<Needs>,
    /// Volumes.
    pub volumes: Arc<Vec<longshore_wire_ecs::shape::container_definition::Volume>>,
    /// Tags.
    pub tags: Tags,
}
