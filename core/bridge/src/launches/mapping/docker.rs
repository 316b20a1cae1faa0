//! What a container asks for, as far as ECS has it. Source: \[A4\] to \[A9\].

use std::collections::BTreeSet;

use longshore_replica::{DefinitionContent, PortMapping};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::host::NetworkMode;
use longshore_wire_mesos::v1::container_info::docker_info::Network;
use longshore_wire_mesos::v1::container_info::{DockerInfo, docker_info};
use longshore_wire_mesos::v1::{ContainerInfo, TaskInfo};

use super::{linux, memory_mib, parameters, volumes};
use crate::amounts::Amounts;

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
    claim: &Amounts,
    content: &mut DefinitionContent,
) -> Result<(), String> {
    content.hostname = container.hostname.as_deref().map(Into::into);
    let docker = container.docker.as_ref();
    let driver = docker.map(volumes::driver).transpose()?.flatten();
    for volume in &container.volumes {
        volumes::add(volume, driver, &mut content.mounts)?;
    }
    if let Some(docker) = docker {
        return apply_docker(docker, claim, content);
    }
    // With Docker, agents read network_infos for USER networks only.
    if let Some(name) = container.network_infos.iter().find_map(|network| network.name.as_deref()) {
        return Err(format!("the container network '{name}' cannot be mapped to Amazon ECS"));
    }
    linux::apply(container, content)
}

fn apply_docker(
    docker: &DockerInfo,
    claim: &Amounts,
    content: &mut DefinitionContent,
) -> Result<(), String> {
    content.privileged = docker.privileged();
    content.network_mode = match docker.network() {
        Network::Host => Some(NetworkMode::Host),
        Network::Bridge => Some(NetworkMode::Bridge),
        Network::None => Some(NetworkMode::None),
        Network::User => None,
    };
    let had_hostname = content.hostname.is_some();
    parameters::apply(docker, memory_mib(claim), content)?;
    match content.network_mode {
        None => {
            return Err(
                "USER networks cannot be mapped to Amazon ECS: use BRIDGE or HOST".to_owned()
            );
        }
        Some(NetworkMode::Host) if had_hostname => {
            return Err("Unable to set hostname with host network mode".to_owned());
        }
        Some(mode) if !docker.port_mappings.is_empty() && mode != NetworkMode::Bridge => {
            return Err("port mappings need network BRIDGE".to_owned());
        }
        Some(_) => {}
    }
    content.ports = ports(&docker.port_mappings, claim)?;
    Ok(())
}

/// Ports of the host are among those that the task claims; zero stands for any of them.
fn ports(
    mappings: &[docker_info::PortMapping],
    claim: &Amounts,
) -> Result<Vec<PortMapping>, String> {
    let mut taken: BTreeSet<u64> =
        mappings.iter().map(|mapping| u64::from(mapping.host_port)).collect();
    let mut ports = Vec::with_capacity(mappings.len());
    for mapping in mappings {
        let given = u64::from(mapping.host_port);
        let host_port = if given == 0 {
            let mut claimed = claim.ports.as_slice().iter().flat_map(|(begin, end)| *begin..=*end);
            claimed.find(|port| !taken.contains(port)).ok_or_else(|| {
                let inside = mapping.container_port;
                format!(
                    "no port is left for container port {inside}: the task's resources have too few"
                )
            })?
        } else if claim.ports.contains(given) {
            given
        } else {
            return Err(format!("Port [{given}] not included in resources"));
        };
        taken.insert(host_port);
        ports.push(port(mapping, host_port)?);
    }
    Ok(ports)
}

fn port(mapping: &docker_info::PortMapping, host_port: u64) -> Result<PortMapping, String> {
    let number = |port: u64| u16::try_from(port).map_err(|_| format!("{port} is not a port"));
    let udp = match mapping.protocol.as_deref() {
        None | Some("tcp" | "TCP") => false,
        Some("udp" | "UDP") => true,
        Some(other) => return Err(format!("the protocol '{other}' cannot be mapped")),
    };
    Ok(PortMapping {
        container_port: number(u64::from(mapping.container_port))?,
        host_port: number(host_port)?,
        udp,
    })
}
