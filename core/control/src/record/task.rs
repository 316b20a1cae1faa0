//! Tasks, and the template that tasks of one request share.

use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_placement::Needs;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{ArnFormat, Realm, ResourceId};
use longshore_wire_ecs::host::{ContainerSpec, Health, PortBinding};
use longshore_wire_ecs::shape::task::TaskOverride;
use serde::{Deserialize, Serialize};

use super::{LastStatus, StopCode, Tags, TaskDefinition};

/// Prefix of service groups. Source: ECS API reference, `Task.group`.
pub(crate) const SERVICE_GROUP: &str = "service:";

/// What all tasks of one request share and never changes. There are many tasks, so they share one
/// copy.
#[derive(Clone, Debug)]
pub struct TaskTemplate {
    /// Account and region.
    pub realm: Realm,
    /// Name of the cluster.
    pub cluster: Str,
    /// ARN of the cluster.
    pub cluster_arn: Str,
    /// The definition as it was at launch. Only its status and tags can have changed since.
    pub definition: Arc<TaskDefinition>,
    /// The containers as they run, with overrides applied, in the order of the definition.
    pub containers: Arc<Vec<ContainerSpec>>,
    /// As given, with one entry for each container.
    pub overrides: Arc<TaskOverride>,
    /// Whether any overrides were given.
    pub is_overridden: bool,
    /// What each task reserves.
    pub needs: Arc<Needs>,
    /// The group, which spreading counts by.
    pub group: Str,
    /// As given.
    pub started_by: Option<Str>,
    /// The form of the ARNs of its tasks and their containers.
    pub arns: ArnFormat,
}

/// A task.
#[derive(Clone, Debug)]
pub struct Task {
    /// The id inside the ARN.
    pub id: ResourceId,
    /// The full ARN.
    pub arn: Str,
    /// What it shares with the other tasks of its request.
    pub template: Arc<TaskTemplate>,
    /// The instance it runs on.
    pub instance: ResourceId,
    /// ARN of that instance.
    pub instance_arn: Str,
    /// Zone of the instance at launch.
    pub availability_zone: Option<Str>,
    /// Increases with every change.
    pub version: i64,
    /// Its progress.
    pub last_status: LastStatus,
    /// Whether it should run.
    pub desired_running: bool,
    /// The containers, in the order of the definition.
    pub containers: Vec<Container>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When the first image pull started.
    pub pull_started_at: Option<Timestamp>,
    /// When the last image pull ended.
    pub pull_stopped_at: Option<Timestamp>,
    /// When it became RUNNING.
    pub started_at: Option<Timestamp>,
    /// When it was told to stop.
    pub stopping_at: Option<Timestamp>,
    /// When the first essential container exited.
    pub execution_stopped_at: Option<Timestamp>,
    /// When it became STOPPED.
    pub stopped_at: Option<Timestamp>,
    /// Why it stopped.
    pub stop_code: Option<StopCode>,
    /// Why it stopped, as text.
    pub stopped_reason: Option<Str>,
    /// Tags; removed when the task stops.
    pub tags: Arc<Tags>,
    /// Until when its service does not stop it for scale-in or deployments.
    pub protected_until: Option<Timestamp>,
}

impl Task {
    /// Whether it holds its resources, that is, until it is STOPPED.
    pub fn holds_resources(&self) -> bool {
        self.last_status.holds_resources()
    }

    /// `lastStatus` as the API shows it: a running task that was told to stop is STOPPING until its
    /// last container has exited. Source: ECS developer guide, *Task lifecycle*.
    pub fn shown_status(&self) -> &'static str {
        match self.last_status {
            LastStatus::Running if !self.desired_running => "STOPPING",
            other => other.word(),
        }
    }

    /// Its id as its ARN has it.
    pub(crate) fn shown_id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or_default()
    }

    /// The service that started it, taken from its group. Only services may use such a group.
    pub fn service(&self) -> Option<&str> {
        self.template.group.strip_prefix(SERVICE_GROUP)
    }

    /// The combined health of its essential containers with a health check; `None` if there are
    /// none.
    pub fn verdict(&self) -> Option<Health> {
        self.worst_health(|spec| spec.essential() && spec.definition.health_check.is_some())
    }

    /// The worst health of the containers selected by `counts`; `None` if there are none.
    pub(crate) fn worst_health(&self, counts: impl Fn(&ContainerSpec) -> bool) -> Option<Health> {
        let counted = self.each_container().filter(|(spec, _)| counts(spec));
        counted.map(|(_, container)| container.health).max_by_key(|health| match health {
            Health::Healthy => 0,
            Health::Unknown => 1,
            Health::Unhealthy => 2,
        })
    }

    /// Each container's specification and state.
    pub fn each_container(&self) -> impl Iterator<Item = (&ContainerSpec, &Container)> {
        self.template.containers.iter().zip(&self.containers)
    }
}

/// The state of a container of a task. Its specification is at the same index in
/// [`TaskTemplate::containers`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Container {
    /// The full ARN; only its last part is stored.
    #[serde(serialize_with = "last_part")]
    pub arn: Str,
    /// Its progress.
    pub last_status: LastStatus,
    /// Its id in the runtime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_id: Option<Str>,
    /// Digest of the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_digest: Option<Str>,
    /// Exit code, once known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// What went wrong, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Str>,
    /// The bound ports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bindings: Vec<PortBinding>,
    /// The result of its health check.
    #[serde(default = "unknown", skip_serializing_if = "is_unknown")]
    pub health: Health,
    /// Ids of its GPUs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpu_ids: Vec<Str>,
}

fn last_part<S: serde::Serializer>(arn: &Str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(arn.rsplit('/').next().unwrap_or_default())
}

fn unknown() -> Health {
    Health::Unknown
}

fn is_unknown(health: &Health) -> bool {
    *health == Health::Unknown
}
