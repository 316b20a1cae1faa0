//! Builds the bridge's configuration from flags.

use std::net::{IpAddr, SocketAddr};
use std::time::{SystemTime, UNIX_EPOCH};

use longshore_bridge::{Config, DefaultImage, Secrets};

use crate::args::MasterArgs;

/// The bridge's configuration. `address` is the listen address.
///
/// # Errors
/// What is wrong with the flags.
pub(crate) fn config(
    args: &MasterArgs,
    address: SocketAddr,
    region: &str,
    cluster: &str,
) -> anyhow::Result<Config> {
    let ip = match address.ip() {
        IpAddr::V4(ip) if !ip.is_unspecified() => ip.octets(),
        _ => [127, 0, 0, 1],
    };
    let hostname =
        args.mesos_hostname.clone().unwrap_or_else(|| std::net::Ipv4Addr::from(ip).to_string());
    let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    Ok(Config {
        hostname: hostname.into(),
        ip,
        port: address.port(),
        region: region.into(),
        cluster: cluster.into(),
        ports: args.offer_ports.clone(),
        disk_mb: args.offer_disk,
        hostname_attribute: args.hostname_attribute.as_str().into(),
        default_image: args
            .default_image
            .as_deref()
            .map_or(DefaultImage::None, |image| DefaultImage::Image(image.into())),
        fetching: args.fetch.fetching()?,
        secrets: Secrets {
            execution_role: args.execution_role.as_deref().map(Into::into),
            in_plain: args.plain_secrets,
        },
        agent_away_ms: args.agent_away_timeout.saturating_mul(1000),
        kill_grace_s: args.executor_shutdown_grace,
        // Known by whoever holds them.
        needs_credentials: false,
        checks: args.task_checks.into(),
        offer_timeout_ms: (args.offer_timeout > 0).then(|| args.offer_timeout.saturating_mul(1000)),
        started_at_ms: u64::try_from(started).unwrap_or(u64::MAX),
    })
}
