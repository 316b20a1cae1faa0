//! What a task definition is to hold: one container, or several of which the first decides when the task ends, and for each another one if
//! files are fetched for it.

use std::collections::BTreeMap;

use longshore_wire_ecs::Str;
use longshore_wire_ecs::host::NetworkMode;
use longshore_wire_ecs::shape::container_definition::{
    HealthCheck, HostEntry, LinuxParameters, LogConfiguration, SystemControl, Ulimit,
};

/// The Docker label that holds the digest of a content. ECS tells labels again as they were registered, and adds
/// defaults of its own to nearly everything else.
pub const CONTENT_LABEL: &str = "longshore.content";

/// What a task definition is to hold: one container, what is fetched for it, and others beside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DefinitionContent {
    /// Named after the content, so that equal content is registered once.
    pub family: Str,
    /// Name of the container.
    pub container: Str,
    /// Image.
    pub image: Str,
    /// Entry point, if it is not the image's own.
    pub entry_point: Option<Vec<Str>>,
    /// Arguments, if launches do not give them.
    pub command: Option<Vec<Str>>,
    /// Environment, apart from what launches give.
    pub environment: BTreeMap<Str, Str>,
    /// Variables whose values are kept elsewhere, and where.
    pub secrets: BTreeMap<Str, Str>,
    /// The role by which they are read; of a task with several containers that of the first one which has one.
    pub execution_role: Option<Str>,
    /// How the container reaches the network; `None` for the default.
    pub network_mode: Option<NetworkMode>,
    /// Ports.
    pub ports: Vec<PortMapping>,
    /// Directories and volumes.
    pub mounts: Vec<Mount>,
    /// Who runs it.
    pub user: Option<Str>,
    /// Where it runs.
    pub working_directory: Option<Str>,
    /// Its host name.
    pub hostname: Option<Str>,
    /// Whether it may do all that the host may.
    pub privileged: bool,
    /// Labels.
    pub labels: BTreeMap<Str, Str>,
    /// Health check.
    pub health_check: Option<HealthCheck>,
    /// Whether the container may use all memory that is free, beyond what launches reserve.
    pub memory_unbounded: bool,
    /// Seconds from SIGTERM to SIGKILL.
    pub stop_timeout_s: Option<u32>,
    /// Capabilities, devices, shared memory, swap and the like.
    pub linux: LinuxParameters,
    /// Limits of its processes.
    pub ulimits: Vec<Ulimit>,
    /// Where its output goes.
    pub log: Option<LogConfiguration>,
    /// Addresses of name servers.
    pub dns_servers: Vec<Str>,
    /// Domains that names are looked for in.
    pub dns_search_domains: Vec<Str>,
    /// Entries of its `/etc/hosts`.
    pub extra_hosts: Vec<HostEntry>,
    /// Options of security modules.
    pub security_options: Vec<Str>,
    /// Kernel parameters.
    pub system_controls: Vec<SystemControl>,
    /// Whether its root cannot be written.
    pub read_only_root: bool,
    /// Whether its standard input stays open.
    pub interactive: bool,
    /// Whether it has a terminal.
    pub terminal: bool,
    /// What fetches files into its sandbox before it starts, if something does.
    pub fetch: Option<Fetch>,
    /// Containers beside it, whose end does not end the task. Of each only what concerns a container counts: the task has one family
    /// and one network.
    pub others: Vec<DefinitionContent>,
}

impl DefinitionContent {
    /// Images of its containers, in order: what fetches for one follows it.
    pub fn images(&self) -> impl Iterator<Item = &Str> {
        std::iter::once(self).chain(&self.others).flat_map(|one| {
            std::iter::once(&one.image).chain(one.fetch.iter().map(|fetch| &fetch.image))
        })
    }
}

/// A container that fetches files into the sandbox of another one before that starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetch {
    /// The image with the fetcher.
    pub image: Str,
    /// What it may do, as JSON.
    pub settings: Str,
    /// Directories of the host that it reads.
    pub directories: Vec<Str>,
    /// Its order, if launches do not give it.
    pub order: Option<Str>,
}

/// A port of a container on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortMapping {
    /// Inside.
    pub container_port: u16,
    /// On the host.
    pub host_port: u16,
    /// Whether it is UDP and not TCP.
    pub udp: bool,
}

/// Something that is mounted into a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// What is mounted.
    pub source: MountSource,
    /// Inside.
    pub container_path: Str,
    /// Whether it cannot be written.
    pub read_only: bool,
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MountSource {
    /// A directory of the host.
    Host(Str),
    /// A volume of Docker, which is made if it is not there and outlives the task.
    Volume {
        /// Its name.
        name: Str,
        /// What provides it.
        driver: Str,
        /// For the driver.
        options: BTreeMap<Str, Str>,
    },
    /// A volume of the container's own.
    Fresh,
    /// A volume that all containers of the task have which mount it by this name.
    Shared(Str),
    /// The sandbox of the container, or a volume of its own that is mounted at this path of it and elsewhere.
    Sandbox(Str),
}
