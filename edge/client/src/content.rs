//! What a task definition is to hold, in the SDK's types.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::error::BuildError;
use aws_sdk_ecs::types as sdk;
use aws_sdk_ecs::types::builders::{ContainerDefinitionBuilder, VolumeBuilder};
use longshore_replica::{DefinitionContent, Fetch, Mount, MountSource, PortMapping};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::fetch;
use longshore_wire_ecs::limits::CONTAINER_MEMORY_MIB_MIN;
use longshore_wire_ecs::shape::container_definition as wire;

use crate::write::{signed, words};

/// Memory of registered definitions in MiB; every launch overrides it.
const MEMORY_MIB: i32 = 32;

/// The containers of a content, the one that decides when the task ends first, what fetches for one after it, and the volumes that they mount.
///
/// # Errors
/// What the SDK misses.
pub(crate) fn containers(
    content: &DefinitionContent,
) -> Result<(Vec<sdk::ContainerDefinition>, Vec<sdk::Volume>), String> {
    let contents = || std::iter::once(content).chain(&content.others);
    let mut volumes = Volumes::of(contents().flat_map(|one| &one.mounts));
    let failed = |error: BuildError| error.to_string();
    let mut all = Vec::new();
    for (number, one) in contents().enumerate() {
        let name = fetcher_of(content, one);
        all.push(container(one, (number == 0, &name), &mut volumes).map_err(failed)?);
        let fetcher = one.fetch.as_ref().map(|fetch| fetcher(one, (fetch, &name), &mut volumes));
        all.extend(fetcher.transpose().map_err(failed)?);
    }
    Ok((all, volumes.all.into_values().collect()))
}

/// The name of what fetches for a part of a content.
fn fetcher_of(content: &DefinitionContent, part: &DefinitionContent) -> String {
    if content.others.is_empty() {
        return fetch::CONTAINER.to_owned();
    }
    fetch::container_for(&part.container)
}

/// What fetches files before the container of a content starts, and its name.
fn fetcher(
    content: &DefinitionContent,
    (fetch, name): (&Fetch, &str),
    volumes: &mut Volumes,
) -> Result<sdk::ContainerDefinition, BuildError> {
    let pair =
        |name: &str, value: &str| sdk::KeyValuePair::builder().name(name).value(value).build();
    let mut builder = sdk::ContainerDefinition::builder()
        .name(name)
        .image(&*fetch.image)
        .essential(false)
        // A bound would end it with a large file in the page cache.
        .memory_reservation(CONTAINER_MEMORY_MIB_MIN)
        .set_entry_point(Some(fetch::COMMAND.map(str::to_owned).to_vec()))
        .working_directory(fetch::SANDBOX)
        .docker_labels(fetch::LABEL, "1")
        .environment(pair(fetch::SETTINGS_VARIABLE, &fetch.settings));
    if let Some(order) = &fetch.order {
        builder = builder.environment(pair(fetch::ORDER_VARIABLE, order));
    }
    let sandbox = content.mounts.iter().find(|mount| &*mount.container_path == fetch::SANDBOX);
    let directories = fetch.directories.iter().map(|path| Mount {
        source: MountSource::Host(path.clone()),
        container_path: path.clone(),
        read_only: true,
    });
    for mount in sandbox.cloned().into_iter().chain(directories) {
        builder = builder.mount_points(volumes.mounted(&content.container, &mount));
    }
    if let Some(given) = &content.log {
        builder = builder.log_configuration(log(given)?);
    }
    Ok(builder.build())
}

fn container(
    content: &DefinitionContent,
    (essential, fetcher): (bool, &str),
    volumes: &mut Volumes,
) -> Result<sdk::ContainerDefinition, BuildError> {
    let mut builder = sdk::ContainerDefinition::builder()
        .name(&*content.container)
        .image(&*content.image)
        .essential(essential)
        // Launches say how much they need; the definition needs only say something.
        .set_memory((!content.memory_unbounded).then_some(MEMORY_MIB))
        .set_memory_reservation(content.memory_unbounded.then_some(MEMORY_MIB))
        .set_entry_point(content.entry_point.as_deref().map(words))
        .set_command(content.command.as_deref().map(words))
        .set_user(text(content.user.as_ref()))
        .set_working_directory(text(content.working_directory.as_ref()))
        .set_hostname(text(content.hostname.as_ref()))
        .set_stop_timeout(content.stop_timeout_s.map(signed))
        .set_privileged(content.privileged.then_some(true))
        .set_readonly_root_filesystem(content.read_only_root.then_some(true))
        .set_interactive(content.interactive.then_some(true))
        .set_pseudo_terminal(content.terminal.then_some(true))
        .set_dns_servers(some(&content.dns_servers))
        .set_dns_search_domains(some(&content.dns_search_domains))
        .set_docker_security_options(some(&content.security_options));
    for (name, value) in &content.environment {
        let pair = sdk::KeyValuePair::builder().name(&**name).value(&**value);
        builder = builder.environment(pair.build());
    }
    for (name, from) in &content.secrets {
        builder =
            builder.secrets(sdk::Secret::builder().name(&**name).value_from(&**from).build()?);
    }
    for (key, value) in &content.labels {
        builder = builder.docker_labels(&**key, &**value);
    }
    for port in &content.ports {
        builder = builder.port_mappings(port_mapping(port));
    }
    for mount in &content.mounts {
        builder = builder.mount_points(volumes.mounted(&content.container, mount));
    }
    if content.fetch.is_some() {
        let first = sdk::ContainerDependency::builder()
            .container_name(fetcher)
            .condition(sdk::ContainerCondition::Success);
        builder = builder.depends_on(first.build()?);
    }
    Ok(rules(builder, content)?.build())
}

fn text(given: Option<&Str>) -> Option<String> {
    given.map(ToString::to_string)
}

/// Words, if there are any.
fn some(given: &[Str]) -> Option<Vec<String>> {
    (!given.is_empty()).then(|| words(given))
}

/// What ECS has structures of its own for.
fn rules(
    mut builder: ContainerDefinitionBuilder,
    content: &DefinitionContent,
) -> Result<ContainerDefinitionBuilder, BuildError> {
    for host in &content.extra_hosts {
        let entry = sdk::HostEntry::builder()
            .set_hostname(text(host.hostname.as_ref()))
            .set_ip_address(text(host.ip_address.as_ref()));
        builder = builder.extra_hosts(entry.build()?);
    }
    for limit in &content.ulimits {
        let limit = sdk::Ulimit::builder()
            .set_name(limit.name.as_deref().map(sdk::UlimitName::from))
            .set_soft_limit(limit.soft_limit)
            .set_hard_limit(limit.hard_limit);
        builder = builder.ulimits(limit.build()?);
    }
    for control in &content.system_controls {
        let control = sdk::SystemControl::builder()
            .set_namespace(text(control.namespace.as_ref()))
            .set_value(text(control.value.as_ref()));
        builder = builder.system_controls(control.build());
    }
    if let Some(given) = &content.log {
        builder = builder.log_configuration(log(given)?);
    }
    if let Some(check) = &content.health_check {
        let check = sdk::HealthCheck::builder()
            .set_command(Some(words(check.command.as_deref().unwrap_or_default())))
            .set_interval(check.interval)
            .set_timeout(check.timeout)
            .set_retries(check.retries)
            .set_start_period(check.start_period);
        builder = builder.health_check(check.build()?);
    }
    if content.linux != wire::LinuxParameters::default() {
        builder = builder.linux_parameters(linux(&content.linux)?);
    }
    Ok(builder)
}

fn log(from: &wire::LogConfiguration) -> Result<sdk::LogConfiguration, BuildError> {
    let options = from.options.iter().flatten();
    let options = options.map(|(name, value)| (name.to_string(), value.to_string())).collect();
    sdk::LogConfiguration::builder()
        .set_log_driver(from.log_driver.as_deref().map(sdk::LogDriver::from))
        .set_options(Some(options))
        .build()
}

fn linux(from: &wire::LinuxParameters) -> Result<sdk::LinuxParameters, BuildError> {
    let mut builder = sdk::LinuxParameters::builder()
        .set_init_process_enabled(from.init_process_enabled)
        .set_shared_memory_size(from.shared_memory_size)
        .set_max_swap(from.max_swap)
        .set_swappiness(from.swappiness);
    if let Some(capabilities) = &from.capabilities {
        let capabilities = sdk::KernelCapabilities::builder()
            .set_add(capabilities.add.as_deref().map(words))
            .set_drop(capabilities.drop.as_deref().map(words));
        builder = builder.capabilities(capabilities.build());
    }
    for device in from.devices.iter().flatten() {
        let permissions = device.permissions.iter().flatten();
        let permissions =
            permissions.map(|word| sdk::DeviceCgroupPermission::from(&**word)).collect();
        let device = sdk::Device::builder()
            .set_host_path(text(device.host_path.as_ref()))
            .set_container_path(text(device.container_path.as_ref()))
            .set_permissions(Some(permissions));
        builder = builder.devices(device.build()?);
    }
    for tmpfs in from.tmpfs.iter().flatten() {
        let tmpfs = sdk::Tmpfs::builder()
            .set_container_path(text(tmpfs.container_path.as_ref()))
            .size(tmpfs.size.unwrap_or(0))
            .set_mount_options(tmpfs.mount_options.as_deref().map(words));
        builder = builder.tmpfs(tmpfs.build()?);
    }
    Ok(builder.build())
}

fn port_mapping(port: &PortMapping) -> sdk::PortMapping {
    let protocol = if port.udp { sdk::TransportProtocol::Udp } else { sdk::TransportProtocol::Tcp };
    sdk::PortMapping::builder()
        .container_port(i32::from(port.container_port))
        .host_port(i32::from(port.host_port))
        .protocol(protocol)
        .build()
}

/// The volumes of a definition, by name.
struct Volumes {
    all: BTreeMap<String, sdk::Volume>,
    /// Names that volumes of Docker have.
    taken: BTreeSet<String>,
    /// Names of volumes that are mounted more than once: by the container whose sandbox they are part of, and their place in it; without a
    /// container, those that all containers share.
    repeated: BTreeMap<(Str, Str), String>,
}

impl Volumes {
    fn of<'a>(mounts: impl Iterator<Item = &'a Mount>) -> Self {
        let name = |mount: &Mount| match &mount.source {
            MountSource::Volume { name, .. } => Some(name.to_string()),
            MountSource::Host(_)
            | MountSource::Fresh
            | MountSource::Shared(_)
            | MountSource::Sandbox(_) => None,
        };
        Self {
            all: BTreeMap::new(),
            taken: mounts.filter_map(name).collect(),
            repeated: BTreeMap::new(),
        }
    }

    /// The name of a volume that is mounted more than once.
    fn repeated(&mut self, owner: &str, path: &Str) -> String {
        let key = (Str::from(owner), path.clone());
        let name = self.repeated.get(&key).cloned().unwrap_or_else(|| self.own_name());
        self.repeated.insert(key, name.clone());
        name
    }

    /// A name that no other volume has.
    fn own_name(&self) -> String {
        let is_free = |name: &String| !self.all.contains_key(name) && !self.taken.contains(name);
        let mut names = (0..=self.all.len() + self.taken.len()).map(|one| format!("volume-{one}"));
        names.find(is_free).unwrap_or_default()
    }

    /// The mount point of a volume that is there from now on.
    fn mounted(&mut self, owner: &str, mount: &Mount) -> sdk::MountPoint {
        let (name, volume) = match &mount.source {
            MountSource::Host(path) => {
                let host = sdk::HostVolumeProperties::builder().source_path(&**path).build();
                (self.own_name(), sdk::Volume::builder().host(host))
            }
            MountSource::Fresh => (self.own_name(), fresh()),
            MountSource::Shared(key) => (self.repeated("", key), fresh()),
            MountSource::Sandbox(path) => (self.repeated(owner, path), fresh()),
            // ECS calls a shared volume of Docker what the definition calls it.
            MountSource::Volume { name, driver, options } => {
                let options = options.iter();
                let options =
                    options.map(|(name, value)| (name.to_string(), value.to_string())).collect();
                let docker = sdk::DockerVolumeConfiguration::builder()
                    .scope(sdk::Scope::Shared)
                    .autoprovision(true)
                    .driver(&**driver)
                    .set_driver_opts(Some(options));
                let volume = sdk::Volume::builder().docker_volume_configuration(docker.build());
                (name.to_string(), volume)
            }
        };
        self.all.insert(name.clone(), volume.name(&name).build());
        sdk::MountPoint::builder()
            .source_volume(name)
            .container_path(&*mount.container_path)
            .read_only(mount.read_only)
            .build()
    }
}

/// A volume of the task's own.
fn fresh() -> VolumeBuilder {
    sdk::Volume::builder().host(sdk::HostVolumeProperties::builder().build())
}

#[cfg(test)]
mod tests;
