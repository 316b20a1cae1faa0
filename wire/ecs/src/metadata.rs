//! What a container reads about itself and its task: version 4 of the task metadata endpoint, and task credentials.
//!
//! Names and forms are those of the container agent on EC2; what it leaves out when it has nothing to say is left out
//! here. Source: ECS developer guide, *Amazon ECS task metadata endpoint version 4*, and amazon-ecs-agent.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::Str;

/// `${ECS_CONTAINER_METADATA_URI_V4}/task`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TaskMetadata {
    /// Name of the cluster.
    pub cluster: Str,
    /// The task.
    #[serde(rename = "TaskARN")]
    pub task_arn: Str,
    /// Family of the task definition.
    pub family: Str,
    /// Revision of the task definition, in digits.
    pub revision: Str,
    /// `RUNNING` or `STOPPED`.
    pub desired_status: &'static str,
    /// How far it has come.
    pub known_status: &'static str,
    /// Task-level sizes, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// When the first image pull began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_started_at: Option<String>,
    /// When the last image pull ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_stopped_at: Option<String>,
    /// When the first essential container ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_stopped_at: Option<String>,
    /// Zone of the instance.
    pub availability_zone: Str,
    /// Always `EC2`.
    pub launch_type: &'static str,
    /// The containers that were started.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<ContainerMetadata>,
    /// The service that the task belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_name: Option<Str>,
    /// Always false.
    pub fault_injection_enabled: bool,
    /// Tags of the task, where they were asked for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub task_tags: BTreeMap<Str, Str>,
    /// Tags of the instance, where they were asked for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub container_instance_tags: BTreeMap<Str, Str>,
    /// What could not be found out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<MetadataError>,
}

/// A container: `${ECS_CONTAINER_METADATA_URI_V4}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerMetadata {
    /// What the runtime calls it.
    pub docker_id: Str,
    /// Its name in the task definition.
    pub name: Str,
    /// Its name in the runtime.
    pub docker_name: Str,
    /// The image, as the task definition names it.
    pub image: Str,
    /// Id of the image.
    #[serde(rename = "ImageID")]
    pub image_id: Str,
    /// Ports as they are bound.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port>,
    /// Labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<Str, Str>,
    /// `RUNNING` or `STOPPED`.
    pub desired_status: &'static str,
    /// How far it has come.
    pub known_status: &'static str,
    /// Exit code, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// CPU units and MiB.
    pub limits: Limits,
    /// When it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// When it was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// Always `NORMAL`.
    #[serde(rename = "Type")]
    pub kind: &'static str,
    /// Verdict of its health check, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthStatus>,
    /// Volumes that are mounted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Mounted>,
    /// Where its output goes.
    pub log_driver: Str,
    /// Options of the log driver.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub log_options: BTreeMap<Str, Str>,
    /// The container.
    #[serde(rename = "ContainerARN")]
    pub container_arn: Str,
    /// Networks that it is in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<Network>,
}

/// Sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Limits {
    /// Of a container in CPU units, of a task in vCPUs.
    #[serde(rename = "CPU", skip_serializing_if = "Option::is_none")]
    pub cpu: Option<f64>,
    /// MiB.
    #[serde(rename = "Memory", skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,
}

/// A port as it is bound.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Port {
    /// Port inside the container.
    pub container_port: u16,
    /// `tcp` or `udp`.
    pub protocol: Str,
    /// Port on the host.
    pub host_port: u16,
    /// Address on the host.
    pub host_ip: Str,
}

/// Verdict of a health check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct HealthStatus {
    /// `HEALTHY` or `UNHEALTHY`; absent while there is no verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'static str>,
}

/// A volume that is mounted.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Mounted {
    /// Name of the volume, if it has one.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub docker_name: Str,
    /// Path on the host.
    pub source: Str,
    /// Path in the container.
    pub destination: Str,
}

/// A network that a container is in.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Network {
    /// For example `bridge`.
    #[serde(rename = "NetworkMode")]
    pub mode: Str,
    /// Addresses there.
    #[serde(rename = "IPv4Addresses")]
    pub ipv4: Vec<Str>,
    /// Addresses there.
    #[serde(rename = "IPv6Addresses", skip_serializing_if = "Vec::is_empty")]
    pub ipv6: Vec<Str>,
}

/// Tags that could not be had.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetadataError {
    /// The member that is missing.
    pub error_field: Str,
    /// Code of the refusal.
    pub error_code: Str,
    /// What was said.
    pub error_message: Str,
    /// HTTP status of the refusal.
    pub status_code: u16,
    /// Whose tags they are.
    #[serde(rename = "ResourceARN")]
    pub resource_arn: Str,
}

/// Credentials of a task.
#[derive(Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TaskCredentials {
    /// The role that the task names.
    pub role_arn: Str,
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: String,
    /// Session token; empty if the keys are long-term ones.
    pub token: String,
    /// Until when they are good.
    pub expiration: String,
}

impl std::fmt::Debug for TaskCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // No log may hold the rest.
        f.debug_struct("TaskCredentials").field("role_arn", &self.role_arn).finish_non_exhaustive()
    }
}

/// Why there are no credentials.
#[derive(Clone, Debug, Serialize)]
pub struct CredentialsError {
    /// For example `InvalidIdInRequest`.
    pub code: &'static str,
    /// For people.
    pub message: String,
}
