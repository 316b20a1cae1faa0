//! An app, in the newest form. Source: frameworks.md 3.1.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{EnvValue, ResourceLimits, SecretSource};

/// An app: what runs, how often, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the members are Marathon's own; frameworks.md 3.1 has them all")]
pub struct App {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cmd: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<Vec<String>>,
    pub cpus: f64,
    /// In MiB.
    pub mem: f64,
    /// In MiB.
    pub disk: f64,
    pub gpus: u32,
    pub instances: u32,
    pub backoff_seconds: f64,
    pub backoff_factor: f64,
    pub max_launch_delay_seconds: f64,
    pub constraints: Vec<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    pub networks: Vec<Network>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port_definitions: Option<Vec<PortDefinition>>,
    pub require_ports: bool,
    pub env: BTreeMap<String, EnvValue>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretSource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_limits: Option<ResourceLimits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tty: Option<bool>,
    pub labels: BTreeMap<String, String>,
    pub fetch: Vec<Fetch>,
    pub health_checks: Vec<HealthCheck>,
    pub readiness_checks: Vec<ReadinessCheck>,
    pub upgrade_strategy: UpgradeStrategy,
    pub unreachable_strategy: UnreachableStrategy,
    pub kill_selection: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_kill_grace_period_seconds: Option<u32>,
    pub dependencies: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_resource_roles: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    pub executor: String,
}

impl Default for App {
    fn default() -> Self {
        Self {
            id: String::new(),
            cmd: None,
            args: None,
            cpus: 1.0,
            mem: 128.0,
            disk: 0.0,
            gpus: 0,
            instances: 1,
            backoff_seconds: 1.0,
            backoff_factor: 1.15,
            max_launch_delay_seconds: 300.0,
            constraints: Vec::new(),
            container: None,
            networks: Vec::new(),
            port_definitions: None,
            require_ports: false,
            env: BTreeMap::new(),
            secrets: BTreeMap::new(),
            resource_limits: None,
            tty: None,
            labels: BTreeMap::new(),
            fetch: Vec::new(),
            health_checks: Vec::new(),
            readiness_checks: Vec::new(),
            upgrade_strategy: UpgradeStrategy::default(),
            unreachable_strategy: UnreachableStrategy::default(),
            kill_selection: "YOUNGEST_FIRST".to_owned(),
            task_kill_grace_period_seconds: None,
            dependencies: Vec::new(),
            accepted_resource_roles: None,
            role: None,
            user: None,
            executor: String::new(),
        }
    }
}

impl App {
    /// Whether the ports are those of the machine.
    pub fn is_on_host(&self) -> bool {
        self.networks.iter().all(|network| network.mode == "host")
    }

    /// The mappings, where there is a network of containers.
    pub fn mappings(&self) -> &[PortMapping] {
        let mappings = self.container.as_ref().and_then(|one| one.port_mappings.as_deref());
        mappings.unwrap_or_default()
    }

    /// The service ports, in the order of the app's ports.
    pub fn service_ports(&self) -> Vec<u16> {
        if self.is_on_host() {
            self.port_definitions.iter().flatten().map(|port| port.port).collect()
        } else {
            self.mappings().iter().map(|mapping| mapping.service_port).collect()
        }
    }
}

/// What an instance runs in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct Container {
    #[serde(default = "docker_type")]
    pub r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker: Option<Docker>,
    #[serde(default)]
    pub volumes: Vec<Volume>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port_mappings: Option<Vec<PortMapping>>,
}

fn docker_type() -> String {
    "DOCKER".to_owned()
}

/// An image, and how it runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct Docker {
    pub image: String,
    pub force_pull_image: bool,
    pub privileged: bool,
    pub parameters: Vec<Parameter>,
}

/// A parameter of `docker run`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct Parameter {
    pub key: String,
    pub value: String,
}

/// A folder of the machine in the container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct Volume {
    pub container_path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_path: Option<String>,
    #[serde(default = "read_write")]
    pub mode: String,
}

fn read_write() -> String {
    "RW".to_owned()
}

/// A port of the container, and one of the machine that leads to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct PortMapping {
    pub container_port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_port: Option<u16>,
    pub service_port: u16,
    pub protocol: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub labels: BTreeMap<String, String>,
}

impl Default for PortMapping {
    fn default() -> Self {
        Self {
            container_port: 0,
            host_port: None,
            service_port: 0,
            protocol: "tcp".to_owned(),
            name: None,
            labels: BTreeMap::new(),
        }
    }
}

/// A port of the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct PortDefinition {
    pub port: u16,
    pub protocol: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub labels: BTreeMap<String, String>,
}

impl Default for PortDefinition {
    fn default() -> Self {
        Self { port: 0, protocol: "tcp".to_owned(), name: None, labels: BTreeMap::new() }
    }
}

/// A network: `host`, `container/bridge`, or `container` with a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct Network {
    #[serde(default = "container_mode")]
    pub mode: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub labels: BTreeMap<String, String>,
}

fn container_mode() -> String {
    "container".to_owned()
}

/// Something to fetch before the command runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct Fetch {
    pub uri: String,
    #[serde(default = "yes")]
    pub extract: bool,
    #[serde(default)]
    pub executable: bool,
    #[serde(default)]
    pub cache: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dest_path: Option<String>,
}

fn yes() -> bool {
    true
}

/// How to find out whether an instance is well. Source: frameworks.md 3.5.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct HealthCheck {
    pub protocol: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port_index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Value>,
    pub grace_period_seconds: u32,
    pub interval_seconds: u32,
    pub timeout_seconds: u32,
    pub max_consecutive_failures: u32,
    pub delay_seconds: u32,
    pub ignore_http1xx: bool,
    pub ip_protocol: String,
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            protocol: "HTTP".to_owned(),
            path: None,
            port_index: None,
            port: None,
            command: None,
            grace_period_seconds: 300,
            interval_seconds: 60,
            timeout_seconds: 20,
            max_consecutive_failures: 3,
            delay_seconds: 15,
            ignore_http1xx: false,
            ip_protocol: "IPv4".to_owned(),
        }
    }
}

impl HealthCheck {
    /// Whether Mesos makes it, and not the scheduler.
    pub fn is_of_mesos(&self) -> bool {
        self.protocol == "COMMAND" || self.protocol.starts_with("MESOS_")
    }

    /// The text of a command: `{"value": ...}`.
    pub fn command_value(&self) -> Option<&str> {
        self.command.as_ref()?.get("value")?.as_str()
    }
}

/// How to find out whether an instance may be counted in a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct ReadinessCheck {
    pub name: String,
    pub protocol: String,
    pub path: String,
    pub port_name: String,
    pub interval_seconds: u32,
    pub timeout_seconds: u32,
    pub http_status_codes_for_ready: Vec<u16>,
    pub preserve_last_response: bool,
}

impl Default for ReadinessCheck {
    fn default() -> Self {
        Self {
            name: "readinessCheck".to_owned(),
            protocol: "HTTP".to_owned(),
            path: "/".to_owned(),
            port_name: "http-api".to_owned(),
            interval_seconds: 30,
            timeout_seconds: 10,
            http_status_codes_for_ready: vec![200],
            preserve_last_response: false,
        }
    }
}

/// How much must stay healthy in a deployment, and how much may run more: parts of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the members are Marathon's own")]
pub struct UpgradeStrategy {
    pub minimum_health_capacity: f64,
    pub maximum_over_capacity: f64,
}

impl Default for UpgradeStrategy {
    fn default() -> Self {
        Self { minimum_health_capacity: 1.0, maximum_over_capacity: 1.0 }
    }
}

/// When an instance of which nothing is heard is replaced, and when it is forgotten.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum UnreachableStrategy {
    /// It never is.
    Disabled(Disabled),
    /// After these times.
    After(After),
}

/// The word `disabled`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Disabled {
    /// Never.
    Disabled,
}

/// Times in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[derive(Default)]
pub struct After {
    /// Until it is replaced.
    pub inactive_after_seconds: u32,
    /// Until it is forgotten, and killed if it comes back.
    pub expunge_after_seconds: u32,
}

impl Default for UnreachableStrategy {
    fn default() -> Self {
        Self::After(After::default())
    }
}

impl UnreachableStrategy {
    /// Milliseconds until it is replaced, and until it is forgotten; `None` for never.
    pub fn times(&self) -> Option<(u64, u64)> {
        match self {
            Self::Disabled(_) => None,
            Self::After(after) => Some((
                u64::from(after.inactive_after_seconds) * 1000,
                u64::from(after.expunge_after_seconds) * 1000,
            )),
        }
    }
}
