//! What a container asks for, as far as ECS has it. Source: \[A4\] to \[A9\].

use longshore_replica::{DefinitionContent, Mount, PortMapping};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::host::NetworkMode;
use longshore_wire_mesos::v1::container_info::docker_info::Network;
use longshore_wire_mesos::v1::container_info::{DockerInfo, docker_info};
use longshore_wire_mesos::v1::volume::Mode;
use longshore_wire_mesos::v1::{ContainerInfo, TaskInfo, Volume};

/// Environment that Docker parameters give.
pub(super) fn variables(task: &TaskInfo) -> Vec<(Str, Str)> {
    let docker = task.container.as_ref().and_then(|container| container.docker.as_ref());
    let parameters = docker.map(|docker| &*docker.parameters).unwrap_or_default();
    let pairs = parameters
        .iter()
        .filter(|one| one.key == "env")
        .filter_map(|one| one.value.split_once('='));
    pairs.map(|(name, value)| (name.into(), value.into())).collect()
}

/// Adds what a container asks for.
///
/// # Errors
/// What cannot be mapped.
pub(super) fn apply(
    container: &ContainerInfo,
    content: &mut DefinitionContent,
) -> Result<(), String> {
    for volume in &container.volumes {
        content.mounts.push(mount(volume)?);
    }
    content.hostname = container.hostname.as_deref().map(Into::into);
    if container.linux_info.is_some()
        || container.rlimit_info.is_some()
        || container.tty_info.is_some()
    {
        return Err(
            "linux_info, rlimit_info and tty_info cannot be mapped to Amazon ECS yet".to_owned()
        );
    }
    if let Some(name) = container.network_infos.iter().find_map(|network| network.name.as_deref()) {
        return Err(format!("the container network '{name}' cannot be mapped to Amazon ECS"));
    }
    match &container.docker {
        Some(docker) => apply_docker(docker, content),
        None => Ok(()),
    }
}

fn apply_docker(docker: &DockerInfo, content: &mut DefinitionContent) -> Result<(), String> {
    content.privileged = docker.privileged();
    content.network_mode = Some(match docker.network() {
        Network::Host => NetworkMode::Host,
        Network::Bridge => NetworkMode::Bridge,
        Network::None => NetworkMode::None,
        Network::User => {
            return Err(
                "USER networks cannot be mapped to Amazon ECS: use BRIDGE or HOST".to_owned()
            );
        }
    });
    if !docker.port_mappings.is_empty() && docker.network() != Network::Bridge {
        return Err("port mappings need network BRIDGE".to_owned());
    }
    for mapping in &docker.port_mappings {
        content.ports.push(port(mapping)?);
    }
    for parameter in &docker.parameters {
        let value = Str::from(parameter.value.as_str());
        match parameter.key.as_str() {
            "env" if parameter.value.contains('=') => {}
            "label" => {
                let (key, value) =
                    parameter.value.split_once('=').unwrap_or((&parameter.value, ""));
                // Every task would have a definition of its own; the environment tells it anyway.
                if key != super::TASK_VARIABLE {
                    content.labels.insert(key.into(), value.into());
                }
            }
            "user" => content.user = Some(value),
            "workdir" => content.working_directory = Some(value),
            "hostname" => content.hostname = Some(value),
            key => {
                return Err(format!(
                    "the Docker parameter '{key}' cannot be mapped to Amazon ECS yet"
                ));
            }
        }
    }
    Ok(())
}

fn port(mapping: &docker_info::PortMapping) -> Result<PortMapping, String> {
    let number = |port: u32| u16::try_from(port).map_err(|_| format!("{port} is not a port"));
    let udp = match mapping.protocol.as_deref() {
        None | Some("tcp" | "TCP") => false,
        Some("udp" | "UDP") => true,
        Some(other) => return Err(format!("the protocol '{other}' cannot be mapped")),
    };
    Ok(PortMapping {
        container_port: number(mapping.container_port)?,
        host_port: number(mapping.host_port)?,
        udp,
    })
}

fn mount(volume: &Volume) -> Result<Mount, String> {
    let source = volume
        .source
        .as_ref()
        .and_then(|source| source.host_path.as_ref())
        .map(|host| host.path.clone());
    let Some(host_path) = volume.host_path.clone().or(source) else {
        return Err("only volumes with a host_path can be mapped to Amazon ECS yet".to_owned());
    };
    if !host_path.starts_with('/') {
        return Err(format!(
            "the volume '{host_path}' is relative to the sandbox, which Amazon ECS does not have"
        ));
    }
    Ok(Mount {
        host_path: host_path.into(),
        container_path: volume.container_path.as_str().into(),
        read_only: volume.mode() == Mode::Ro,
    })
}
