//! Tasks, and what those of one request have in common.

use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_placement::Needs;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::host::{ContainerSpec, Health, PortBinding};
use longshore_wire_ecs::shape::task::TaskOverride;
use serde::{Deserialize, Serialize};

use super::{LastStatus, StopCode, Tags, TaskDefinition};

/// What the groups of services begin with. Source: ECS API reference, `Task.group`.
pub(crate) const SERVICE_GROUP: &str = "service:";

/// What all tasks of one request share, and never changes. Tasks are many: they hold it once between them.
#[derive(Clone, Debug)]
pub struct TaskTemplate {
    /// Account and region.
    pub realm: Realm,
    /// Name of the cluster.
    pub cluster: Str,
    /// ARN of the cluster.
    pub cluster_arn: Str,
    /// What they are made of; as it was then, of which only status and tags change.
    pub definition: Arc<TaskDefinition>,
    /// The containers as they run, overrides included, in the order of the definition.
    pub containers: Arc<Vec<ContainerSpec>>,
    /// As given, with one entry for each container.
    pub overrides: Arc<TaskOverride>,
    /// Whether any were given.
    pub is_overridden: bool,
    /// What each reserves.
    pub needs: Arc<Needs>,
    /// What spreading counts.
    pub group: Str,
    /// As given.
    pub started_by: Option<Str>,
}

/// A task.
#[derive(Clone, Debug)]
pub struct Task {
    /// The id inside the ARN.
    pub id: ResourceId,
    /// The whole ARN.
    pub arn: Str,
    /// What it shares with the others of its request.
    pub template: Arc<TaskTemplate>,
    /// Where it runs.
    pub instance: ResourceId,
    /// ARN of where it runs.
    pub instance_arn: Str,
    /// Zone of the instance at template.
    pub availability_zone: Option<Str>,
    /// Rises with every change.
    pub version: i64,
    /// How far it has come.
    pub last_status: LastStatus,
    /// Whether it should run.
    pub desired_running: bool,
    /// The containers, in the order of the definition.
    pub containers: Vec<Container>,
    /// Accepted.
    pub created_at: Timestamp,
    /// First image pull began.
    pub pull_started_at: Option<Timestamp>,
    /// Last image pull ended.
    pub pull_stopped_at: Option<Timestamp>,
    /// Became RUNNING.
    pub started_at: Option<Timestamp>,
    /// Was told to stop.
    pub stopping_at: Option<Timestamp>,
    /// First essential container ended.
    pub execution_stopped_at: Option<Timestamp>,
    /// Became STOPPED.
    pub stopped_at: Option<Timestamp>,
    /// Why it stopped.
    pub stop_code: Option<StopCode>,
    /// Why it stopped, for people.
    pub stopped_reason: Option<Str>,
    /// Tags; they go when the task stops.
    pub tags: Arc<Tags>,
    /// Until when its service does not stop it to scale in or to deploy.
    pub protected_until: Option<Timestamp>,
}

impl Task {
    /// Whether it holds what it reserved: until it is STOPPED.
    pub fn holds_resources(&self) -> bool {
        self.last_status.holds_resources()
    }

    /// `lastStatus` as the API shows it: a task that runs and was told to stop is STOPPING until its last container has ended.
    /// Source: ECS developer guide, *Task lifecycle*.
    pub fn shown_status(&self) -> &'static str {
        match self.last_status {
            LastStatus::Running if !self.desired_running => "STOPPING",
            other => other.word(),
        }
    }

    /// The service that started it: its group names it, and nobody else may use such a group.
    pub fn service(&self) -> Option<&str> {
        self.template.group.strip_prefix(SERVICE_GROUP)
    }

    /// What the health checks of its essential containers say together; `None` if there are none.
    pub fn verdict(&self) -> Option<Health> {
        self.worst_health(|spec| spec.essential() && spec.definition.health_check.is_some())
    }

    /// The worst health of those containers that `counts` says; `None` if there are none.
    pub(crate) fn worst_health(&self, counts: impl Fn(&ContainerSpec) -> bool) -> Option<Health> {
        let counted = self.each_container().filter(|(spec, _)| counts(spec));
        counted.map(|(_, container)| container.health).max_by_key(|health| match health {
            Health::Healthy => 0,
            Health::Unknown => 1,
            Health::Unhealthy => 2,
        })
    }

    /// What each container is to run, and how far it has come.
    pub fn each_container(&self) -> impl Iterator<Item = (&ContainerSpec, &Container)> {
        self.template.containers.iter().zip(&self.containers)
    }
}

/// How far a container of a task has come. What it runs is in [`TaskTemplate::containers`], at the same place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Container {
    /// The whole ARN; its last part alone is stored.
    #[serde(serialize_with = "last_part")]
    pub arn: Str,
    /// How far it has come.
    pub last_status: LastStatus,
    /// What the runtime calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_id: Option<Str>,
    /// Digest of the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_digest: Option<Str>,
    /// Exit code, once known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Str>,
    /// Ports as bound.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bindings: Vec<PortBinding>,
    /// Verdict of its health check.
    #[serde(default = "unknown", skip_serializing_if = "is_unknown")]
    pub health: Health,
    /// Ids of the GPUs that it has.
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
