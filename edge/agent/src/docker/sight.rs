//! Container metadata from the daemon, and the address at which containers reach this machine.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::pin::pin;

use bollard::models::{ContainerInspectResponse, EndpointSettings, MountPoint};
use bollard::query_parameters::StatsOptionsBuilder;
use futures_util::StreamExt;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::metadata::{Mounted, Network};

use super::failure::{CALL, bounded};
use super::{CONNECT, Docker, reach};
use crate::Sight;

/// Prefix of a time that Docker has not set.
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

/// The address of this machine in the network of containers in mode `bridge`; `None` if there is no
/// such network.
///
/// # Errors
/// If the daemon does not provide it; why, for people.
pub async fn gateway() -> Result<Option<Ipv4Addr>, String> {
    let daemon = reach(CONNECT).await?;
    let network = match bounded(CONNECT, daemon.inspect_network(BRIDGE, None)).await {
        Err(failure) if failure.is_missing() => return Ok(None),
        network => network.map_err(|failure| failure.to_string())?,
    };
    let configs = network.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
    let given = configs.iter().find_map(|config| config.gateway.as_ref()?.parse().ok());
    // A daemon that has just been set up reports a subnet but no gateway.
    Ok(given.or_else(|| configs.iter().find_map(|config| in_subnet(config.subnet.as_ref()?, own))))
}

/// This machine's address in a subnet; otherwise its first address, which is Docker's default.
fn in_subnet(subnet: &str, own: impl Fn(Ipv4Addr) -> Option<Ipv4Addr>) -> Option<Ipv4Addr> {
    let (base, bits) = subnet.split_once('/')?;
    let (base, bits): (Ipv4Addr, u32) = (base.parse().ok()?, bits.parse().ok()?);
    let mask = u32::MAX.checked_shl(32_u32.checked_sub(bits)?).unwrap_or(0);
    let base = u32::from(base) & mask;
    let is_inside = |address: &Ipv4Addr| u32::from(*address) & mask == base;
    let other = Ipv4Addr::from(base.wrapping_add(2));
    own(other).filter(is_inside).or_else(|| Some(Ipv4Addr::from(base.wrapping_add(1))))
}

/// The address from which the kernel would send to `to`. Nothing is sent.
fn own(to: Ipv4Addr) -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((to, 9)).ok()?;
    match socket.local_addr().ok()?.ip() {
        IpAddr::V4(own) => Some(own),
        IpAddr::V6(_) => None,
    }
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
    fn the_address_in_a_subnet_is_the_kernels_and_else_the_first_one() {
        let address = Ipv4Addr::new;
        assert_eq!(own(address(127, 0, 0, 2)), Some(Ipv4Addr::LOCALHOST));
        let answers = |own: Ipv4Addr| {
            in_subnet("172.17.0.0/16", move |to| {
                assert_eq!(to, address(172, 17, 0, 2));
                Some(own)
            })
        };
        assert_eq!(answers(address(172, 17, 42, 1)), Some(address(172, 17, 42, 1)));
        // The route leads elsewhere: the daemon is on another machine.
        assert_eq!(answers(address(10, 0, 0, 5)), Some(address(172, 17, 0, 1)));
        for bad in ["", "192.0.2.0", "192.0.2.0/33", "fe80::/64", "x/8"] {
            assert_eq!(in_subnet(bad, |_| None), None, "{bad}");
        }
    }

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
