//! What an operator decides about the bridge.

use longshore_wire_ecs::Str;
use longshore_wire_ecs::fetch::FetchSettings;

use crate::limits;
use crate::ranges::{Ranges, parse_ranges};

/// What runs tasks that name no image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DefaultImage {
    /// Such tasks are refused.
    None,
    /// An image for all of them.
    Image(Str),
}

/// How checks of tasks over HTTP and TCP are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CheckMode {
    /// Dialled from here where that is possible, and else by a command in the container.
    #[default]
    Auto,
    /// Dialled from here, or refused.
    Dial,
    /// By a command in the container, or refused.
    Container,
}

/// How files are fetched into sandboxes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetching {
    /// The image that fetches; without one, tasks with URIs are refused.
    pub image: Option<Str>,
    /// What it may do.
    pub settings: FetchSettings,
}

/// How secrets come into the environment of tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secrets {
    /// The role by which Amazon ECS reads secrets that tasks refer to.
    pub execution_role: Option<Str>,
    /// Whether secrets that tasks bring along are passed as they are, so that whoever may describe a task can read them; otherwise such
    /// tasks are refused.
    pub in_plain: bool,
}

/// What an operator decides about the bridge.
#[derive(Clone, Debug)]
pub struct Config {
    /// Host name or address that frameworks reach this master at.
    pub hostname: Str,
    /// IPv4 address of the same.
    pub ip: [u8; 4],
    /// Port of the same.
    pub port: u16,
    /// Region of the cluster, for fault domains.
    pub region: Str,
    /// Name of the cluster, shown.
    pub cluster: Str,
    /// Ports that are offered on each agent where nobody uses them.
    pub ports: Ranges,
    /// Disk in MB that is offered on each agent.
    pub disk_mb: u64,
    /// Attribute of an instance that tells its host name, if it has one.
    pub hostname_attribute: Str,
    /// What runs tasks that name no image.
    pub default_image: DefaultImage,
    /// How files are fetched into sandboxes.
    pub fetching: Fetching,
    /// How secrets come into the environment of tasks.
    pub secrets: Secrets,
    /// How long a framework may hold an offer, in ms; `None` for ever, as Mesos has it by default.
    pub offer_timeout_ms: Option<u64>,
    /// How long an agent may be away before it is unreachable, in ms.
    pub agent_away_ms: u64,
    /// From SIGTERM to SIGKILL for tasks without a kill policy, in s, from 1 to 120.
    pub kill_grace_s: u32,
    /// How checks of tasks over HTTP and TCP are made.
    pub checks: CheckMode,
    /// Whether callers have to authenticate, which is shown.
    pub needs_credentials: bool,
    /// When the program started, in ms since the epoch.
    pub started_at_ms: u64,
}

/// Ports that are offered unless an operator names others: web servers on the usual ones, and what Linux does not give to clients.
pub const OFFER_PORTS: &str = "80, 443, 1024-32767";
/// Disk in MB that is offered unless an operator says otherwise.
pub const OFFER_DISK_MB: u64 = 10_000;
/// The attribute that tells an instance's host name unless an operator names another.
pub const HOSTNAME_ATTRIBUTE: &str = "longshore.hostname";
/// How long a framework may hold an offer unless an operator says otherwise, in s.
pub const OFFER_TIMEOUT_S: u64 = 600;

impl Config {
    /// A master at an address in front of a cluster, where an operator decides nothing else.
    pub fn usual(hostname: Str, ip: [u8; 4], port: u16, cluster: Str, region: Str) -> Self {
        Self {
            hostname,
            ip,
            port,
            region,
            cluster,
            ports: parse_ranges(OFFER_PORTS).unwrap_or_default(),
            disk_mb: OFFER_DISK_MB,
            hostname_attribute: HOSTNAME_ATTRIBUTE.into(),
            default_image: DefaultImage::None,
            fetching: Fetching::default(),
            secrets: Secrets::default(),
            offer_timeout_ms: Some(OFFER_TIMEOUT_S * 1_000),
            agent_away_ms: limits::AGENT_AWAY_MS,
            kill_grace_s: limits::KILL_GRACE_S,
            checks: CheckMode::Auto,
            needs_credentials: false,
            started_at_ms: 0,
        }
    }
}

#[cfg(test)]
impl Config {
    /// What tests begin with: nothing is offered beside what instances have, and a task needs an image of its own.
    pub(crate) fn example() -> Self {
        Self {
            hostname: "master.example".into(),
            ip: [10, 0, 0, 1],
            port: 5050,
            region: "us-east-1".into(),
            cluster: "default".into(),
            ports: Ranges::default(),
            disk_mb: 0,
            hostname_attribute: "hostname".into(),
            default_image: DefaultImage::None,
            secrets: Secrets::default(),
            fetching: Fetching { image: Some("longshore".into()), ..Fetching::default() },
            offer_timeout_ms: None,
            agent_away_ms: 75_000,
            kill_grace_s: 3,
            needs_credentials: false,
            checks: CheckMode::Auto,
            started_at_ms: 0,
        }
    }
}
