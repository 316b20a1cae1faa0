//! What a container of a task is to Docker.
//!
//! Nothing here talks to the daemon: a specification goes in, a request comes out, so that all of it can be tested
//! without one. The translation is the real container agent's, as far as its documents tell; where ECS and Docker name
//! a thing differently, ECS's documents decide what is meant.

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

/// Label of a volume: the task that it was made for, and goes with.
pub(super) const TASK: &str = "longshore.task";

/// Label of a container in the host's network: its ports, which Docker does not know there.
pub(super) const HOST_PORTS: &str = "longshore.host-ports";

/// Address that stands for all of a host's.
const ANY: &str = "0.0.0.0";

/// A named volume that must be there before a container is created.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Needed {
    /// It is made if it is not there.
    Made(Box<VolumeCreateRequest>),
    /// Somebody else has made it.
    Present(String),
}

/// The request that creates the container at `index`.
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
        // ECS looks at the task definition's check only, and Longshore runs that itself.
        healthcheck: Some(HealthConfig {
            test: Some(vec!["NONE".to_owned()]),
            ..Default::default()
        }),
        host_config: Some(host::config(spec, index)?),
        ..Default::default()
    })
}

/// What Docker calls the container at `index`. The same every time, so that a container whose creation was broken off
/// is not created twice.
pub(super) fn docker_name(spec: &TaskSpec, index: usize) -> String {
    unique(spec, "container", spec.containers[index].name())
}

/// What Docker calls a volume that is one task's own.
fn volume_name(spec: &TaskSpec, volume: &str) -> String {
    unique(spec, "volume", volume)
}

/// `ecs-<family>-<revision>-<name>-<digits>`; the digits follow from the task, `kind` and the whole name.
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

/// The user's labels, and above them the agent's and our own.
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

/// Which container the labels are of; `None` if they are not of the agent's making.
pub(super) fn key(labels: &HashMap<String, String>) -> Option<Key> {
    let task = ResourceId::parse(Arn::parse(labels.get(TASK_ARN)?)?.id())?;
    Some((task, labels.get(CONTAINER_NAME)?.as_str().into()))
}

/// `NAME=value`; of entries with the same name the last one wins.
fn environment(container: &ContainerSpec) -> Vec<String> {
    let entries = container.environment.iter();
    let named = entries.filter_map(|entry| {
        Some((entry.name.as_deref()?, entry.value.as_deref().unwrap_or_default()))
    });
    let last: BTreeMap<&str, &str> = named.collect();
    last.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

/// A port that a container wants.
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

/// The ports to bind on the host, where 0 leaves the choice to Docker. In other networks than Docker's own there is
/// nothing to bind.
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

/// Reads `80/tcp`.
fn port(name: &str) -> Option<(u16, Str)> {
    let (port, protocol) = name.split_once('/')?;
    Some((port.parse().ok()?, protocol.into()))
}

/// The bindings that Docker made, by container port. Docker binds each port for IPv6 too, under the same number:
/// that is told only where there is nothing else to tell.
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

/// The bindings of a container in the host's network, as its label tells of them.
pub(super) fn host_bindings(label: &str) -> Vec<PortBinding> {
    let bound = label.split(' ').filter_map(port).map(|(port, protocol)| PortBinding {
        bind_ip: ANY.into(),
        container_port: port,
        host_port: port,
        protocol,
    });
    bound.collect()
}

/// Where Docker finds a volume: a path of the host, or the name of a volume of Docker's.
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

/// The volumes that the container at `index` mounts, as it mounts them.
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

/// `source:path`, with `:ro` where nothing may be written.
fn binds(spec: &TaskSpec, container: &ContainerSpec) -> Result<Vec<String>, String> {
    let one = |mount: Result<(&Volume, &str, bool), String>| -> Result<String, String> {
        let (volume, path, read_only) = mount?;
        let end = if read_only { ":ro" } else { "" };
        Ok(format!("{}:{path}{end}", source(spec, volume)?))
    };
    mounted(spec, container).map(one).collect()
}

/// The named volumes that must be there before the container at `index` is created. Those of the task alone are
/// labelled with it, and go with it.
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

/// An empty list is as none: the image's own stands.
fn strings(list: Option<&[Str]>) -> Option<Vec<String>> {
    let list = list.filter(|list| !list.is_empty())?;
    Some(list.iter().map(ToString::to_string).collect())
}

fn map(map: Option<&BTreeMap<Str, Str>>) -> HashMap<String, String> {
    map.into_iter().flatten().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

#[cfg(test)]
mod tests;
