//! An app as it is kept: valid, complete, and in the newer of Marathon's forms.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Pod;

/// The absolute path of an app or a group, for example `/shop/db/mysql`; the root group is `/`.
///
/// Each label consists of lower-case letters, digits, hyphens and dots. Source: frameworks.md 3.1, `id`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PathId(String);

impl PathId {
    /// The root group.
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// Takes what is known to be an absolute path of valid labels, as it is kept in rows.
    pub fn kept(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As it is written, with its slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its labels, outermost first.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|label| !label.is_empty())
    }

    /// The group that it is in; of the root group the root group.
    pub fn parent(&self) -> Self {
        match self.0.rfind('/') {
            None | Some(0) => Self::root(),
            Some(at) => Self(self.0[..at].to_owned()),
        }
    }

    /// Whether it is below a group, at any depth, or is that group.
    pub fn is_within(&self, group: &Self) -> bool {
        group.0 == "/"
            || self.0 == group.0
            || self.0.strip_prefix(&group.0).is_some_and(|rest| rest.starts_with('/'))
    }
}

impl fmt::Display for PathId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An app, or a pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct App {
    /// Its id.
    pub id: PathId,
    /// A shell command; the ancestor's contract: `family:revision` names a task definition.
    pub cmd: Option<String>,
    /// A program and its arguments, or the arguments of an image; never with `cmd`.
    pub args: Option<Vec<String>>,
    /// CPUs, in thousandths of one; at least 1.
    pub cpus_milli: u64,
    /// Memory, in thousandths of a MiB.
    pub mem_milli: u64,
    /// Disk, in thousandths of a MiB.
    pub disk_milli: u64,
    /// GPUs.
    pub gpus: u32,
    /// How many instances are wanted.
    pub instances: u32,
    /// Limits above what is reserved.
    pub resource_limits: Option<ResourceLimits>,
    /// Who runs it, if not the framework's user.
    pub user: Option<String>,
    /// The image and what is mounted; `None` for a plain command.
    pub container: Option<Container>,
    /// How it is connected.
    pub networks: Vec<Network>,
    /// The ports of a container network, or of a host network with an image; in order of their index.
    pub port_mappings: Vec<PortMapping>,
    /// The ports on a host network; in order of their index.
    pub port_definitions: Vec<PortDefinition>,
    /// Whether host ports are exactly those of `port_definitions`.
    pub require_ports: bool,
    /// Variables of the environment.
    pub env: BTreeMap<String, EnvValue>,
    /// Where secrets are that variables name, by their names here.
    pub secrets: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Files that are fetched before the start.
    pub fetch: Vec<Artifact>,
    /// Where instances may be.
    pub constraints: Vec<Constraint>,
    /// Health checks.
    pub health_checks: Vec<HealthCheck>,
    /// Readiness checks; at most one.
    pub readiness_checks: Vec<ReadinessCheck>,
    /// What may change at a time while it is upgraded.
    pub upgrade_strategy: UpgradeStrategy,
    /// What becomes of instances whose agents are out of reach.
    pub unreachable_strategy: Unreachable,
    /// Which of equal instances go first.
    pub kill_selection: KillSelection,
    /// From SIGTERM to SIGKILL, in s, if it is not the master's own.
    pub kill_grace_s: Option<u32>,
    /// How long to wait after failures.
    pub backoff: Backoff,
    /// Apps and groups that must run first.
    pub dependencies: Vec<PathId>,
    /// The roles whose resources may be used; `None` for the framework's own and `*`.
    pub accepted_resource_roles: Option<Vec<String>>,
    /// The role that it is launched in; `None` for the framework's.
    pub role: Option<String>,
    /// Whether standard input is a terminal.
    pub tty: bool,
    /// The containers of an instance of a pod; `None` for an app. Then what an app says of its one container is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<Pod>,
    /// When this version was made, in ms since the epoch. It names the version, as RFC 3339 with ms.
    pub version_ms: u64,
    /// When anything but the number of instances changed last, in ms since the epoch.
    pub config_version_ms: u64,
    /// When the number of instances changed last, in ms since the epoch.
    pub scaling_version_ms: u64,
}

/// Limits above what is reserved; `None` for no limit of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceLimits {
    /// CPUs.
    pub cpus: Option<Limit>,
    /// Memory.
    pub mem: Option<Limit>,
}

/// A limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Limit {
    /// In thousandths.
    Milli(u64),
    /// None at all: `unlimited`.
    Unlimited,
}

/// A container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// What runs it.
    pub kind: ContainerKind,
    /// The image; `None` for a container of type MESOS without one.
    pub image: Option<String>,
    /// Whether the image is pulled even if it is there.
    pub force_pull_image: bool,
    /// Whether it may do what the host may.
    pub privileged: bool,
    /// Docker's own flags, as key and value.
    pub parameters: Vec<(String, String)>,
    /// What is mounted.
    pub volumes: Vec<Volume>,
}

/// What runs a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContainerKind {
    /// `DOCKER`.
    Docker,
    /// `MESOS`.
    Mesos,
}

/// Something that is mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Inside.
    pub container_path: String,
    /// On the host; relative to the sandbox if it does not begin with a slash.
    pub host_path: String,
    /// Whether it may be written (`RW`).
    pub is_writable: bool,
}

/// A network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Network {
    /// `host`.
    Host,
    /// `container/bridge`.
    Bridge,
    /// `container`, by its name.
    Container(String),
}

/// A port of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortMapping {
    /// Inside; 0 for the same as on the host.
    pub container_port: u16,
    /// On the host; `Some(0)` for any that is offered, `None` for none on a container network.
    pub host_port: Option<u16>,
    /// The number by which load balancers know it; unique over all apps once it is drawn.
    pub service_port: u16,
    /// `tcp`, `udp` or `udp,tcp`.
    pub protocol: String,
    /// Its name.
    pub name: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// A port on a host network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortDefinition {
    /// The service port, which with `requirePorts` is that of the host too.
    pub port: u16,
    /// `tcp`, `udp` or `udp,tcp`.
    pub protocol: String,
    /// Its name.
    pub name: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// The value of a variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EnvValue {
    /// As it is.
    Plain(String),
    /// The secret of this name in [`App::secrets`].
    Secret(String),
}

/// A file that is fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// From where.
    pub uri: String,
    /// Whether it is unpacked.
    pub extract: bool,
    /// Whether it is made executable.
    pub executable: bool,
    /// Whether it may be kept for others.
    pub cache: bool,
    /// Its name in the sandbox.
    pub dest_path: Option<String>,
}

/// Where instances may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Constraint {
    /// `hostname`, `@hostname`, `@region`, `@zone` or the name of an attribute.
    pub field: String,
    /// What about it.
    pub operator: Operator,
    /// The third word, if there is one.
    pub value: Option<String>,
}

/// What a constraint asks. Source: frameworks.md 3.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operator {
    /// No two instances have the same value.
    Unique,
    /// All have the same value, or the one that is named.
    Cluster,
    /// They are spread over the values evenly.
    GroupBy,
    /// At most so many have the same value.
    MaxPer,
    /// The value matches as a whole.
    Like,
    /// It does not, or there is none.
    Unlike,
    /// The value is exactly this.
    Is,
}

impl Operator {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unique => "UNIQUE",
            Self::Cluster => "CLUSTER",
            Self::GroupBy => "GROUP_BY",
            Self::MaxPer => "MAX_PER",
            Self::Like => "LIKE",
            Self::Unlike => "UNLIKE",
            Self::Is => "IS",
        }
    }
}

/// A health check. Source: frameworks.md 3.5.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// How.
    pub protocol: HealthProtocol,
    /// The path of HTTP; `/` if none is given.
    pub path: Option<String>,
    /// The command of COMMAND.
    pub command: Option<String>,
    /// Which port by its index; `None` with a port of its own.
    pub port_index: Option<u32>,
    /// Which port by its number.
    pub port: Option<u16>,
    /// Failures in this time after the start do not count until the first success, in ms.
    pub grace_period_ms: u64,
    /// From one to the next, in ms.
    pub interval_ms: u64,
    /// How long one may take, in ms.
    pub timeout_ms: u64,
    /// How many failures in a row end an instance; 0 for never.
    pub max_consecutive_failures: u32,
    /// Whether 100 to 199 is neither good nor bad.
    pub ignore_http_1xx: bool,
    /// How long after the start the first one is made by Mesos, in ms.
    pub delay_ms: u64,
}

/// How an instance is asked whether it is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HealthProtocol {
    /// By us.
    Http,
    /// By us, over TLS, whatever its certificate.
    Https,
    /// By us.
    Tcp,
    /// By Mesos.
    Command,
    /// By Mesos.
    MesosHttp,
    /// By Mesos.
    MesosHttps,
    /// By Mesos.
    MesosTcp,
}

/// A readiness check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadinessCheck {
    /// Its name.
    pub name: String,
    /// Whether over TLS.
    pub is_https: bool,
    /// The path.
    pub path: String,
    /// The name of the port.
    pub port_name: String,
    /// From one to the next, in ms.
    pub interval_ms: u64,
    /// How long one may take, in ms; less than the interval.
    pub timeout_ms: u64,
    /// Statuses that mean ready.
    pub http_status_codes_for_ready: Vec<u16>,
    /// Whether the last answer is shown.
    pub preserve_last_response: bool,
}

/// What may change at a time; both in thousandths of the number of instances, 0 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeStrategy {
    /// How many are healthy at least.
    pub minimum_health_capacity_milli: u32,
    /// How many more there are at most.
    pub maximum_over_capacity_milli: u32,
}

/// What becomes of instances whose agents are out of reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unreachable {
    /// They are waited for.
    Disabled,
    /// They are replaced, and later given up.
    After {
        /// When they are replaced, in s.
        inactive_s: u64,
        /// When they are given up, in s; not before they are replaced.
        expunge_s: u64,
    },
}

/// Which of equal instances go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KillSelection {
    /// `YOUNGEST_FIRST`.
    YoungestFirst,
    /// `OLDEST_FIRST`.
    OldestFirst,
}

/// How long to wait after failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    /// After the first, in ms.
    pub first_ms: u64,
    /// How much longer after each other, in thousandths; at least 1000.
    pub factor_milli: u64,
    /// At most, in ms.
    pub most_ms: u64,
}
