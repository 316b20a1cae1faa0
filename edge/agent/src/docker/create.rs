//! Translates a container of a task into Docker's terms.
//!
//! Nothing here talks to the daemon: a specification goes in and a request comes out, so all of it
//! can be tested without a daemon. The translation follows the real container agent as far as it is
//! documented; where ECS and Docker use a name differently, ECS's documentation decides the
//! meaning.

mod host;

use std::collections::{BTreeMap, HashMap};

use bollard::models::{
    ContainerCreateBody, HealthConfig, PortBinding as DockerBinding, PortMap, VolumeCreateRequest,
};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{Arn, ResourceId};
use longshore_wire_ecs::host::{ContainerSpec, NetworkMode, PortBinding, TaskSpec};
use longshore_wire_ecs::shape::container_definition::Volume;

use super::Key;
use crate::sight::{self, CONTAINER_NAME, TASK_ARN};

/// Label of a container: the container instance that it belongs to.
pub(super) const INSTANCE: &str = "longshore.instance";

/// Label of a volume: the task that it was created for and is removed with.
pub(super) const TASK: &str = "longshore.task";

/// Label of a container in the host's network: its ports, which Docker does not track there.
pub(super) const HOST_PORTS: &str = "longshore.host-ports";

/// Address that stands for all addresses of the host.
const ANY: &str = "0.0.0.0";

/// A named volume that must exist before a container is created.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Needed {
    /// Created if it does not exist.
    Made(Box<VolumeCreateRequest>),
    /// Created by somebody else.
    Present(String),
}

/// Builds the request that creates the container at `index`.
///
/// # Errors
/// The reason, as `ErrorName: text`.
pub(super) fn body(
    instance: ResourceId,
    spec: &TaskSpec,
    index: usize,
) -> Result<ContainerCreateBody, String> {
    let container = &spec.containers[index];
    let definition = &container.definition;
    Ok(ContainerCreateBody {
        image: text(definition.image.as_ref()),
        hostname: text(definition.hostname.as_ref()),
        user: text(definition.user.as_ref()),
        working_dir: text(definition.working_directory.as_ref()),
        tty: definition.pseudo_terminal,
        open_stdin: definition.interactive,
        network_disabled: definition.disable_networking,
        env: Some(environment(container)),
        entrypoint: strings(definition.entry_point.as_deref()),
        cmd: strings(container.command.as_ref().map(|command| command.as_slice())),
        exposed_ports: Some(ports(container).iter().map(Port::name).collect()),
        labels: Some(labels(instance, spec, container)),
        // ECS considers only the task definition's check, and Longshore runs that itself.
        healthcheck: Some(HealthConfig {
            test: Some(vec!["NONE".to_owned()]),
            ..Default::default()
        }),
        host_config: Some(host::config(spec, index)?),
        ..Default::default()
    })
}

/// The Docker name of the container at `index`. Deterministic, so that a container is not created
/// twice after an interrupted attempt.
pub(super) fn docker_name(spec: &TaskSpec, index: usize) -> String {
    unique(spec, "container", spec.containers[index].name())
}

/// The Docker name of a volume that belongs to one task.
fn volume_name(spec: &TaskSpec, volume: &str) -> String {
    unique(spec, "volume", volume)
}

/// `ecs-<family>-<revision>-<name>-<digits>`; the digits are derived from the task, `kind` and the
/// full name.
pub(super) fn unique(spec: &TaskSpec, kind: &str, name: &str) -> String {
    let plain: String =
        name.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect();
    let mut digits = format!("{:032x}", hash(&format!("{kind} {name} {}", spec.id)));
    digits.truncate(20);
    format!("ecs-{}-{}-{plain}-{digits}", spec.family, spec.revision)
}

/// FNV-1a of 128 bits: short, and the same on every machine and in every version.
fn hash(text: &str) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    text.bytes().fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

/// The user's labels, overridden by the agent's and our own.
pub(super) fn labels(
    instance: ResourceId,
    spec: &TaskSpec,
    container: &ContainerSpec,
) -> HashMap<String, String> {
    let mut labels = map(Some(&sight::labels(spec, container)));
    labels.insert(INSTANCE.to_owned(), instance.to_string());
    labels.remove(HOST_PORTS);
    if spec.network_mode == NetworkMode::Host {
        let names: Vec<String> = ports(container).iter().map(Port::name).collect();
        labels.insert(HOST_PORTS.to_owned(), names.join(" "));
    }
    labels
}

/// The container that the labels identify; `None` if the agent did not create it.
pub(super) fn key(labels: &HashMap<String, String>) -> Option<Key> {
    let task = ResourceId::parse(Arn::parse(labels.get(TASK_ARN)?)?.id())?;
    Some((task, labels.get(CONTAINER_NAME)?.as_str().into()))
}

/// `NAME=value`; for duplicate names the last entry wins.
fn environment(container: &ContainerSpec) -> Vec<String> {
    let entries = container.environment.iter();
    let named = entries.filter_map(|entry| {
        Some((entry.name.as_deref()?, entry.value.as_deref().unwrap_or_default()))
    });
    let last: BTreeMap<&str, &str> = named.collect();
    last.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

/// A port requested by a container.
struct Port {
    container: u16,
    /// 0 for any.
    host: u16,
    protocol: Str,
}

impl Port {
    fn name(&self) -> String {
        format!("{}/{}", self.container, self.protocol)
    }
}

fn ports(container: &ContainerSpec) -> Vec<Port> {
    let mappings = container.definition.port_mappings.iter().flatten();
    let wanted = mappings.filter_map(|mapping| {
        Some(Port {
            container: u16::try_from(mapping.container_port?).ok()?,
            host: u16::try_from(mapping.host_port.unwrap_or(0)).ok()?,
            protocol: mapping.protocol.clone().unwrap_or_else(|| "tcp".into()),
        })
    });
    wanted.collect()
}

/// The ports to bind on the host, where 0 leaves the choice to Docker. Only Docker's own network
/// has bindings.
fn port_bindings(spec: &TaskSpec, container: &ContainerSpec) -> PortMap {
    let mut bindings = PortMap::new();
    if spec.network_mode != NetworkMode::Bridge {
        return bindings;
    }
    for port in ports(container) {
        let binding = DockerBinding { host_ip: None, host_port: Some(port.host.to_string()) };
        bindings.entry(port.name()).or_default().get_or_insert_default().push(binding);
    }
    bindings
}

/// Parses `80/tcp`.
fn port(name: &str) -> Option<(u16, Str)> {
    let (port, protocol) = name.split_once('/')?;
    Some((port.parse().ok()?, protocol.into()))
}

/// The bindings that Docker made, by container port. Docker binds each port for IPv6 too, under the
/// same number; that one is reported only if there is no other.
pub(super) fn bound(ports: &PortMap) -> Vec<PortBinding> {
    let mut all: Vec<PortBinding> = Vec::new();
    for (name, bindings) in ports {
        let Some((container_port, protocol)) = port(name) else {
            continue;
        };
        let bindings = bindings.as_deref().unwrap_or_default();
        let is_v6 =
            |binding: &DockerBinding| binding.host_ip.as_deref().is_some_and(|ip| ip.contains(':'));
        let only_v6 = bindings.iter().all(is_v6);
        for binding in bindings.iter().filter(|binding| only_v6 || !is_v6(binding)) {
            let ip = binding.host_ip.as_deref().filter(|ip| !ip.is_empty()).unwrap_or(ANY);
            let host_port = binding.host_port.as_deref().and_then(|port| port.parse().ok());
            let Some(host_port) = host_port else { continue };
            let protocol = protocol.clone();
            all.push(PortBinding { bind_ip: ip.into(), container_port, host_port, protocol });
        }
    }
    all.sort_by_key(|one| (one.container_port, one.protocol.clone(), one.host_port));
    all
}

/// The bindings of a container in the host's network, from its label.
pub(super) fn host_bindings(label: &str) -> Vec<PortBinding> {
    let bound = label.split(' ').filter_map(port).map(|(port, protocol)| PortBinding {
        bind_ip: ANY.into(),
        container_port: port,
        host_port: port,
        protocol,
    });
    bound.collect()
}

/// The source of a volume: a host path, or the name of a Docker volume.
fn source(spec: &TaskSpec, volume: &Volume) -> Result<String, String> {
    let name = volume.name.as_deref().unwrap_or_default();
    let elsewhere = volume.efs_volume_configuration.is_some()
        || volume.s3files_volume_configuration.is_some()
        || volume.fsx_windows_file_server_volume_configuration.is_some();
    if elsewhere {
        return Err(format!(
            "CannotCreateVolumeError: volume {name} is stored in AWS, which cannot be reached from here"
        ));
    }
    let path = volume.host.as_ref().and_then(|host| host.source_path.as_deref());
    Ok(match path.filter(|path| !path.is_empty()) {
        Some(path) => path.to_owned(),
        None if is_shared(volume) => name.to_owned(),
        None => volume_name(spec, name),
    })
}

/// Whether a volume outlives the task. Source: `DockerVolumeConfiguration.scope`, default `task`.
fn is_shared(volume: &Volume) -> bool {
    let config = volume.docker_volume_configuration.as_ref();
    config.is_some_and(|config| config.scope.as_deref() == Some("shared"))
}

/// The volumes of the container at `index`, with their mount points.
fn mounted<'a>(
    spec: &'a TaskSpec,
    container: &'a ContainerSpec,
) -> impl Iterator<Item = Result<(&'a Volume, &'a str, bool), String>> {
    let mounts = container.definition.mount_points.iter().flatten();
    mounts.filter_map(move |mount| {
        let name = mount.source_volume.as_deref()?;
        let path = mount.container_path.as_deref()?;
        let volume = spec.volumes.iter().find(|volume| volume.name.as_deref() == Some(name));
        Some(match volume {
            Some(volume) => Ok((volume, path, mount.read_only == Some(true))),
            None => {
                Err(format!("CannotCreateContainerError: the task definition has no volume {name}"))
            }
        })
    })
}

/// `source:path`, with `:ro` if read-only.
fn binds(spec: &TaskSpec, container: &ContainerSpec) -> Result<Vec<String>, String> {
    let one = |mount: Result<(&Volume, &str, bool), String>| -> Result<String, String> {
        let (volume, path, read_only) = mount?;
        let end = if read_only { ":ro" } else { "" };
        Ok(format!("{}:{path}{end}", source(spec, volume)?))
    };
    mounted(spec, container).map(one).collect()
}

/// The named volumes that must exist before the container at `index` is created. Those that belong
/// to the task are labelled with it, and removed with it.
///
/// # Errors
/// The reason, as `ErrorName: text`.
pub(super) fn volumes(
    instance: ResourceId,
    spec: &TaskSpec,
    index: usize,
) -> Result<Vec<Needed>, String> {
    let mut needed = Vec::new();
    for mount in mounted(spec, &spec.containers[index]) {
        let (volume, ..) = mount?;
        let source = source(spec, volume)?;
        if source.starts_with('/') {
            continue;
        }
        let config = volume.docker_volume_configuration.clone().unwrap_or_default();
        if is_shared(volume) && config.autoprovision != Some(true) {
            needed.push(Needed::Present(source));
            continue;
        }
        let mut labels = map(config.labels.as_ref());
        labels.insert(INSTANCE.to_owned(), instance.to_string());
        if !is_shared(volume) {
            labels.insert(TASK.to_owned(), spec.id.to_string());
        }
        needed.push(Needed::Made(Box::new(VolumeCreateRequest {
            name: Some(source),
            driver: text(config.driver.as_ref()),
            driver_opts: config.driver_opts.as_ref().map(|opts| map(Some(opts))),
            labels: Some(labels),
            ..Default::default()
        })));
    }
    Ok(needed)
}

fn text(value: Option<&Str>) -> Option<String> {
    value.filter(|text| !text.is_empty()).map(ToString::to_string)
}

/// An empty list counts as absent: the image's own applies.
fn strings(list: Option<&[Str]>) -> Option<Vec<String>> {
    let list = list.filter(|list| !list.is_empty())?;
    Some(list.iter().map(ToString::to_string).collect())
}

fn map(map: Option<&BTreeMap<Str, Str>>) -> HashMap<String, String> {
    map.into_iter().flatten().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

#[cfg(test)]
mod tests;
