//! The container of a task. An image stays as it is named, even `ignore`: whoever runs the task knows what a command that is the
//! `family:revision` of a task definition means. Source: frameworks.md 5.

use longshore_wire_marathon::{App, ContainerKind, Network, Volume as Mount};
use longshore_wire_mesos::v1::container_info::docker_info::{self, Network as DockerNetwork};
use longshore_wire_mesos::v1::container_info::{self, DockerInfo, MesosInfo};
use longshore_wire_mesos::v1::{
    ContainerInfo, Image, NetworkInfo, Parameter, TtyInfo, Volume, image, network_info, volume,
};

pub(super) fn container(id: &str, app: &App, ports: &[u16]) -> Option<ContainerInfo> {
    let Some(of) = app.container.as_ref() else { return app.tty.then(terminal) };
    let base = ContainerInfo {
        volumes: of.volumes.iter().map(mounted).collect(),
        tty_info: app.tty.then(TtyInfo::default),
        ..ContainerInfo::default()
    };
    let image = of.image.clone();
    Some(match of.kind {
        ContainerKind::Docker => {
            let parameters = of.parameters.iter().cloned();
            let label = ("label".to_owned(), format!("MESOS_TASK_ID={id}"));
            // Agents do not read tty_info beside Docker.
            let has_own = of.parameters.iter().any(|(key, _)| key == "tty");
            let tty = (app.tty && !has_own).then(|| ("tty".to_owned(), "true".to_owned()));
            let parameter = |(key, value)| Parameter { key, value };
            let docker = DockerInfo {
                image: image.unwrap_or_default(),
                network: Some(docker_network(app).into()),
                port_mappings: mappings(app, ports).map(docker_mapping).collect(),
                privileged: Some(of.privileged),
                parameters: parameters.chain([label]).chain(tty).map(parameter).collect(),
                force_pull_image: Some(of.force_pull_image),
                ..DockerInfo::default()
            };
            let network_infos = named(app).map(network_info).collect();
            let kind = container_info::Type::Docker.into();
            ContainerInfo { r#type: kind, docker: Some(docker), network_infos, ..base }
        }
        ContainerKind::Mesos => {
            let image = image.map(|name| Image {
                r#type: image::Type::Docker.into(),
                docker: Some(image::Docker { name, ..image::Docker::default() }),
                cached: Some(!of.force_pull_image),
                ..Image::default()
            });
            let bridged = app.networks.contains(&Network::Bridge).then_some("mesos-bridge");
            let port_mappings: Vec<_> = mappings(app, ports).map(mesos_mapping).collect();
            let joined = |name: &str| NetworkInfo {
                port_mappings: port_mappings.clone(),
                ..network_info(name)
            };
            let network_infos = bridged.into_iter().chain(named(app)).map(joined).collect();
            let kind = container_info::Type::Mesos.into();
            let mesos = Some(MesosInfo { image });
            ContainerInfo { r#type: kind, mesos, network_infos, ..base }
        }
    })
}

/// A container that has a terminal and nothing else of its own.
fn terminal() -> ContainerInfo {
    ContainerInfo {
        r#type: container_info::Type::Mesos.into(),
        mesos: Some(MesosInfo::default()),
        tty_info: Some(TtyInfo::default()),
        ..ContainerInfo::default()
    }
}

fn named(app: &App) -> impl Iterator<Item = &str> {
    app.networks.iter().filter_map(|one| match one {
        Network::Container(name) => Some(name.as_str()),
        Network::Host | Network::Bridge => None,
    })
}

fn network_info(name: &str) -> NetworkInfo {
    NetworkInfo { name: Some(name.to_owned()), ..NetworkInfo::default() }
}

fn docker_network(app: &App) -> DockerNetwork {
    match app.networks.first() {
        None | Some(Network::Host) => DockerNetwork::Host,
        Some(Network::Bridge) => DockerNetwork::Bridge,
        Some(Network::Container(_)) => DockerNetwork::User,
    }
}

/// Host port, container port and protocol of each mapping that has a port of the host.
fn mappings<'a>(app: &'a App, ports: &'a [u16]) -> impl Iterator<Item = (u32, u32, &'a str)> {
    let with_host = app.port_mappings.iter().zip(ports).filter(|(_, host)| **host > 0);
    with_host.flat_map(|(one, host)| {
        let inside = if one.container_port == 0 { *host } else { one.container_port };
        let protocols = one.protocol.split(',');
        protocols.map(move |protocol| (u32::from(*host), u32::from(inside), protocol))
    })
}

fn docker_mapping(
    (host_port, container_port, protocol): (u32, u32, &str),
) -> docker_info::PortMapping {
    docker_info::PortMapping { host_port, container_port, protocol: Some(protocol.to_owned()) }
}

fn mesos_mapping(
    (host_port, container_port, protocol): (u32, u32, &str),
) -> network_info::PortMapping {
    network_info::PortMapping { host_port, container_port, protocol: Some(protocol.to_owned()) }
}

fn mounted(mount: &Mount) -> Volume {
    let mode = if mount.is_writable { volume::Mode::Rw } else { volume::Mode::Ro };
    Volume {
        mode: mode.into(),
        container_path: mount.container_path.clone(),
        host_path: Some(mount.host_path.clone()).filter(|path| !path.is_empty()),
        ..Volume::default()
    }
}
