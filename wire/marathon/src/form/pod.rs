//! A pod as it is written. Source: Marathon 1.11, `pod.raml`, `podContainer.raml`, `resources.raml`, `healthCheck.raml`, `volumes.raml`.
//!
//! Only what Amazon ECS can run is taken: a group of containers on the network of its machine. The rest is refused by its path.
//!
//! Invariant: a pod that was read and is valid is written and read again as the same pod.

mod read;
mod valid;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    EnvValue, Fetch, Network, ResourceLimits, SecretSource, UnreachableStrategy, UpgradeStrategy,
};

pub use read::read_pod;

/// A pod: containers that run together, how often, and where.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct Pod {
    pub id: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, EnvValue>,
    pub containers: Vec<PodContainer>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretSource>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<PodVolume>,
    pub networks: Vec<Network>,
    pub scaling: Scaling,
    pub scheduling: Scheduling,
    pub executor_resources: ExecutorResources,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// How many instances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct Scaling {
    pub kind: String,
    pub instances: u32,
}

impl Default for Scaling {
    fn default() -> Self {
        Self { kind: "fixed".to_owned(), instances: 1 }
    }
}

/// When and where instances run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct Scheduling {
    pub backoff: Waits,
    pub upgrade: UpgradeStrategy,
    pub placement: Placement,
    pub kill_selection: String,
    pub unreachable_strategy: UnreachableStrategy,
}

impl Default for Scheduling {
    fn default() -> Self {
        Self {
            backoff: Waits::default(),
            upgrade: UpgradeStrategy::default(),
            placement: Placement::default(),
            kill_selection: "YOUNGEST_FIRST".to_owned(),
            unreachable_strategy: UnreachableStrategy::default(),
        }
    }
}

/// How long to wait after failures, in s.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct Waits {
    pub backoff: f64,
    pub backoff_factor: f64,
    pub max_launch_delay: f64,
}

impl Default for Waits {
    fn default() -> Self {
        Self { backoff: 1.0, backoff_factor: 1.15, max_launch_delay: 300.0 }
    }
}

/// Where instances may be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct Placement {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<PodConstraint>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accepted_resource_roles: Vec<String>,
}

/// A constraint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct PodConstraint {
    pub field_name: String,
    pub operator: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<String>,
}

impl PodConstraint {
    /// As apps write it.
    pub fn words(&self) -> Vec<String> {
        let words = [self.field_name.clone(), self.operator.clone()];
        words.into_iter().chain(self.value.clone()).collect()
    }
}

/// What the executor takes of an instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct ExecutorResources {
    pub cpus: f64,
    /// In MiB.
    pub mem: f64,
    /// In MiB.
    pub disk: f64,
}

impl Default for ExecutorResources {
    fn default() -> Self {
        Self { cpus: 0.1, mem: 32.0, disk: 10.0 }
    }
}

/// A container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct PodContainer {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exec: Option<PodExec>,
    pub resources: Resources,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_limits: Option<ResourceLimits>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub endpoints: Vec<Endpoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<PodImage>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub environment: BTreeMap<String, EnvValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check: Option<PodHealthCheck>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub volume_mounts: Vec<VolumeMount>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub artifacts: Vec<Fetch>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<Lifecycle>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tty: Option<bool>,
}

/// What runs in a container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct PodExec {
    pub command: MesosCommand,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_entrypoint: Option<bool>,
}

/// A command: one of the two.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct MesosCommand {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shell: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub argv: Option<Vec<String>>,
}

/// What a container claims.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct Resources {
    pub cpus: f64,
    /// In MiB.
    pub mem: f64,
    /// In MiB.
    pub disk: f64,
    pub gpus: u32,
}

impl Default for Resources {
    fn default() -> Self {
        Self { cpus: 1.0, mem: 128.0, disk: 0.0, gpus: 0 }
    }
}

/// A port at which a container answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct Endpoint {
    pub name: String,
    /// Any, if it is 0.
    #[serde(default)]
    pub host_port: u16,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub protocol: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub labels: BTreeMap<String, String>,
}

/// An image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct PodImage {
    pub kind: String,
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force_pull: Option<bool>,
}

/// How to find out whether a container is well: one of the three.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct PodHealthCheck {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpCheck>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp: Option<TcpCheck>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exec: Option<ExecCheck>,
    pub grace_period_seconds: u32,
    pub interval_seconds: u32,
    pub max_consecutive_failures: u32,
    pub timeout_seconds: u32,
    pub delay_seconds: u32,
}

impl Default for PodHealthCheck {
    fn default() -> Self {
        Self {
            http: None,
            tcp: None,
            exec: None,
            grace_period_seconds: 300,
            interval_seconds: 60,
            max_consecutive_failures: 3,
            timeout_seconds: 20,
            delay_seconds: 15,
        }
    }
}

/// A request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct HttpCheck {
    pub endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path: Option<String>,
    #[serde(default = "plain")]
    pub scheme: String,
}

fn plain() -> String {
    "HTTP".to_owned()
}

/// A connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct TcpCheck {
    pub endpoint: String,
}

/// A command in the container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct ExecCheck {
    pub command: MesosCommand,
}

/// Something that containers may mount: a path of the machine, or an empty directory of the instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct PodVolume {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub host: Option<String>,
}

/// Something that is mounted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct VolumeMount {
    pub name: String,
    pub mount_path: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub read_only: Option<bool>,
}

/// How a container ends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct Lifecycle {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kill_grace_period_seconds: Option<f64>,
}
