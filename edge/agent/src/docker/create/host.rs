//! The host resources of a container: CPU, memory, devices, networks, files.

use std::collections::HashMap;

use bollard::models::{DeviceMapping, HostConfig, HostConfigLogConfig, ResourcesUlimits};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::host::{ContainerSpec, Namespace, NetworkMode, TaskSpec};
use longshore_wire_ecs::shape::container_definition::{ContainerDefinition, LinuxParameters};

use super::{binds, docker_name, map, port_bindings, strings};
use crate::docker::pause;

/// Minimum CPU shares. Source: ECS API reference, `ContainerDefinition.cpu`: the kernel's minimum.
const SHARES_MIN: u32 = 2;

/// Maximum CPU shares. Source: ECS API reference, `ContainerDefinition.cpu`: the kernel's maximum.
const SHARES_MAX: u32 = 262_144;

/// Minimum memory, in MiB. Source: ECS API reference, `ContainerDefinition.memory`, for Docker
/// 20.10 and later.
const MEMORY_MIN_MIB: u32 = 6;

const MIB: i64 = 1024 * 1024;

/// The host configuration of the request that creates the container at `index`.
///
/// # Errors
/// The reason, as `ErrorName: text`.
pub(super) fn config(spec: &TaskSpec, index: usize) -> Result<HostConfig, String> {
    let container = &spec.containers[index];
    let definition = &container.definition;
    let linux = definition.linux_parameters.clone().unwrap_or_default();
    let capabilities = linux.capabilities.as_ref();
    Ok(HostConfig {
        cpu_shares: Some(i64::from(container.cpu.clamp(SHARES_MIN, SHARES_MAX))),
        memory: bytes(container.memory_mib),
        memory_reservation: bytes(container.memory_reservation_mib),
        memory_swap: memory_swap(container, &linux),
        memory_swappiness: linux.max_swap.and(linux.swappiness).map(i64::from),
        network_mode: Some(network_mode(spec.network_mode)?.to_owned()),
        pid_mode: namespace(spec, spec.namespaces.pid.filter(|mode| *mode != Namespace::None)),
        ipc_mode: namespace(spec, spec.namespaces.ipc),
        port_bindings: Some(port_bindings(spec, container)),
        links: links(spec, definition)?,
        dns: strings(definition.dns_servers.as_deref()),
        dns_search: strings(definition.dns_search_domains.as_deref()),
        extra_hosts: extra_hosts(definition),
        binds: Some(binds(spec, container)?),
        volumes_from: volumes_from(spec, definition)?,
        tmpfs: tmpfs(&linux),
        shm_size: linux.shared_memory_size.map(|mib| i64::from(mib) * MIB),
        devices: devices(&linux),
        privileged: definition.privileged,
        readonly_rootfs: definition.readonly_root_filesystem,
        security_opt: strings(definition.docker_security_options.as_deref()),
        cap_add: strings(capabilities.and_then(|capabilities| capabilities.add.as_deref())),
        cap_drop: strings(capabilities.and_then(|capabilities| capabilities.drop.as_deref())),
        init: linux.init_process_enabled,
        sysctls: sysctls(definition),
        ulimits: ulimits(definition),
        log_config: Some(log_config(definition)),
        ..Default::default()
    })
}

/// MiB as bytes; `None` for 0, which means no limit.
fn bytes(mib: u32) -> Option<i64> {
    (mib > 0).then(|| i64::from(mib.max(MEMORY_MIN_MIB)) * MIB)
}

/// Memory plus swap, as Docker counts it. Source: ECS API reference, `LinuxParameters.maxSwap`.
fn memory_swap(container: &ContainerSpec, linux: &LinuxParameters) -> Option<i64> {
    Some(bytes(container.memory_mib)? + i64::from(linux.max_swap?) * MIB)
}

fn network_mode(mode: NetworkMode) -> Result<&'static str, String> {
    match mode {
        NetworkMode::Bridge => Ok("bridge"),
        NetworkMode::Host => Ok("host"),
        NetworkMode::None => Ok("none"),
        NetworkMode::Awsvpc => {
            Err("CannotCreateContainerError: network mode awsvpc is not supported here".to_owned())
        }
    }
}

/// A namespace in Docker's notation; `None` gives the container its own.
fn namespace(spec: &TaskSpec, mode: Option<Namespace>) -> Option<String> {
    Some(match mode? {
        Namespace::Host => "host".to_owned(),
        Namespace::Task => format!("container:{}", pause::docker_name(spec)),
        Namespace::None => "none".to_owned(),
    })
}

/// The Docker name of another container of the task.
fn other(spec: &TaskSpec, name: &str) -> Result<String, String> {
    let index = spec.containers.iter().position(|container| container.name() == name);
    let index = index.ok_or_else(|| {
        format!("CannotCreateContainerError: the task definition has no container {name}")
    })?;
    Ok(docker_name(spec, index))
}

/// `name:alias`; ECS makes the alias optional.
fn links(spec: &TaskSpec, definition: &ContainerDefinition) -> Result<Option<Vec<String>>, String> {
    let Some(all) = &definition.links else {
        return Ok(None);
    };
    let one = |link: &Str| -> Result<String, String> {
        let link: &str = link;
        let (name, alias) = link.split_once(':').unwrap_or((link, link));
        Ok(format!("{}:{alias}", other(spec, name)?))
    };
    all.iter().map(one).collect::<Result<_, _>>().map(Some)
}

fn volumes_from(
    spec: &TaskSpec,
    definition: &ContainerDefinition,
) -> Result<Option<Vec<String>>, String> {
    let Some(all) = &definition.volumes_from else {
        return Ok(None);
    };
    let named =
        all.iter().filter_map(|from| Some((from.source_container.as_deref()?, from.read_only)));
    let one = |(name, read_only): (&str, Option<bool>)| -> Result<String, String> {
        let end = if read_only == Some(true) { ":ro" } else { "" };
        Ok(format!("{}{end}", other(spec, name)?))
    };
    named.map(one).collect::<Result<_, _>>().map(Some)
}

fn extra_hosts(definition: &ContainerDefinition) -> Option<Vec<String>> {
    let hosts = definition.extra_hosts.as_ref()?.iter();
    let pairs = hosts.filter_map(|host| {
        Some(format!("{}:{}", host.hostname.as_deref()?, host.ip_address.as_deref()?))
    });
    Some(pairs.collect())
}

fn tmpfs(linux: &LinuxParameters) -> Option<HashMap<String, String>> {
    let all = linux.tmpfs.as_ref()?.iter();
    let pairs = all.filter_map(|one| {
        let mut options: Vec<String> = strings(one.mount_options.as_deref()).unwrap_or_default();
        options.extend(one.size.map(|mib| format!("size={mib}m")));
        Some((one.container_path.as_deref()?.to_owned(), options.join(",")))
    });
    Some(pairs.collect())
}

fn devices(linux: &LinuxParameters) -> Option<Vec<DeviceMapping>> {
    let all = linux.devices.as_ref()?.iter();
    let mapped = all.filter_map(|device| {
        let host = device.host_path.as_deref()?;
        let container = device.container_path.as_deref().filter(|path| !path.is_empty());
        Some(DeviceMapping {
            path_on_host: Some(host.to_owned()),
            path_in_container: Some(container.unwrap_or(host).to_owned()),
            cgroup_permissions: Some(permissions(device.permissions.as_deref())),
        })
    });
    Some(mapped.collect())
}

/// Converts `read`, `write` and `mknod` to Docker's letters. Source: ECS API reference,
/// `Device.permissions`, default all.
fn permissions(given: Option<&[Str]>) -> String {
    let letters: String =
        given.into_iter().flatten().filter_map(|word| word.chars().next()).collect();
    if letters.is_empty() { "rwm".to_owned() } else { letters }
}

fn sysctls(definition: &ContainerDefinition) -> Option<HashMap<String, String>> {
    let all = definition.system_controls.as_ref()?.iter();
    let pairs = all.filter_map(|one| {
        Some((one.namespace.as_ref()?.to_string(), one.value.as_ref()?.to_string()))
    });
    Some(pairs.collect())
}

fn ulimits(definition: &ContainerDefinition) -> Option<Vec<ResourcesUlimits>> {
    let all = definition.ulimits.as_ref()?.iter();
    let limits = all.map(|limit| ResourcesUlimits {
        name: limit.name.as_ref().map(ToString::to_string),
        soft: limit.soft_limit.map(i64::from),
        hard: limit.hard_limit.map(i64::from),
    });
    Some(limits.collect())
}

/// Defaults to `json-file` regardless of the daemon's own default, because its output can be read
/// back.
fn log_config(definition: &ContainerDefinition) -> HostConfigLogConfig {
    let given = definition.log_configuration.as_ref();
    let driver = given.and_then(|config| config.log_driver.as_deref()).unwrap_or("json-file");
    HostConfigLogConfig {
        typ: Some(driver.to_owned()),
        config: Some(map(given.and_then(|config| config.options.as_ref()))),
    }
}
