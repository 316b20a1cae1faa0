//! What the daemon knows of a container, for the container to read; and where containers reach this machine.

use std::net::IpAddr;
use std::pin::pin;

use bollard::models::{ContainerInspectResponse, EndpointSettings, MountPoint};
use bollard::query_parameters::StatsOptionsBuilder;
use futures_util::StreamExt;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::metadata::{Mounted, Network};

use super::failure::{CALL, bounded};
use super::{CONNECT, Docker, reach};
use crate::Sight;

/// How Docker writes a time that has not come.
const NEVER: &str = "0001-01-01";

/// The network of containers in mode `bridge`.
const BRIDGE: &str = "bridge";

impl Docker {
    pub(crate) async fn look(&self, id: &str) -> Option<Sight> {
        let seen = bounded(CALL, self.shared.daemon.inspect_container(id, None)).await.ok()?;
        Some(sight(seen))
    }

    pub(crate) async fn stats(&self, id: &str) -> Option<serde_json::Value> {
        let options = StatsOptionsBuilder::new().stream(false).build();
        let mut told = pin!(self.shared.daemon.stats(id, Some(options)));
        let told = tokio::time::timeout(CALL, told.next()).await.ok()??.ok()?;
        serde_json::to_value(told).ok()
    }
}

/// The address of this machine in the network of containers in mode `bridge`.
pub async fn gateway() -> Option<IpAddr> {
    let daemon = reach(CONNECT).await.ok()?;
    let network = bounded(CONNECT, daemon.inspect_network(BRIDGE, None)).await.ok()?;
    let configs = network.ipam?.config?;
    let gateways = configs.into_iter().filter_map(|config| config.gateway?.parse().ok());
    gateways.into_iter().find(IpAddr::is_ipv4)
}

fn sight(seen: ContainerInspectResponse) -> Sight {
    let labels = seen.config.and_then(|config| config.labels).unwrap_or_default();
    let networks = seen.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
    let mut networks: Vec<Network> = networks.into_iter().map(network).collect();
    networks.sort_by(|one, other| one.mode.cmp(&other.mode));
    let state = seen.state.unwrap_or_default();
    let time = |text: Option<String>| text.filter(|at| !at.is_empty() && !at.starts_with(NEVER));
    Sight {
        name: seen.name.as_deref().unwrap_or_default().trim_start_matches('/').into(),
        image_id: seen.image.unwrap_or_default().into(),
        labels: labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        networks,
        volumes: seen.mounts.into_iter().flatten().map(mounted).collect(),
        created_at: time(seen.created),
        started_at: time(state.started_at),
        finished_at: time(state.finished_at),
    }
}

fn network((name, settings): (String, EndpointSettings)) -> Network {
    let v4 = settings.ip_address.unwrap_or_default();
    let v6 = settings.global_ipv6_address.filter(|address| !address.is_empty());
    Network {
        mode: name.into(),
        ipv4: vec![v4.into()],
        ipv6: v6.into_iter().map(Str::from).collect(),
    }
}

fn mounted(mount: MountPoint) -> Mounted {
    Mounted {
        docker_name: mount.name.unwrap_or_default().into(),
        source: mount.source.unwrap_or_default().into(),
        destination: mount.destination.unwrap_or_default().into(),
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::{ContainerState, NetworkSettings};

    use super::*;

    #[test]
    fn what_has_not_happened_has_no_time() {
        let state = ContainerState {
            started_at: Some("2026-01-02T03:04:05.6Z".to_owned()),
            finished_at: Some("0001-01-01T00:00:00Z".to_owned()),
            ..Default::default()
        };
        let seen = sight(ContainerInspectResponse { state: Some(state), ..Default::default() });
        assert_eq!(seen.started_at.as_deref(), Some("2026-01-02T03:04:05.6Z"));
        assert_eq!((seen.created_at, seen.finished_at), (None, None));
    }

    #[test]
    fn a_container_has_its_address_in_each_network_and_a_name_without_slash() {
        let bridge = EndpointSettings {
            ip_address: Some("172.17.0.2".to_owned()),
            global_ipv6_address: Some(String::new()),
            ..Default::default()
        };
        let settings = NetworkSettings {
            networks: Some([("bridge".to_owned(), bridge)].into()),
            ..Default::default()
        };
        let seen = sight(ContainerInspectResponse {
            name: Some("/ecs-web-1".to_owned()),
            network_settings: Some(settings),
            ..Default::default()
        });
        let bridge =
            Network { mode: "bridge".into(), ipv4: vec!["172.17.0.2".into()], ipv6: Vec::new() };
        assert_eq!((&*seen.name, seen.networks), ("ecs-web-1", vec![bridge]));
    }
}
