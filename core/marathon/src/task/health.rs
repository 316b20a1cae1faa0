//! The health check that Mesos makes. Source: frameworks.md 3.5: at most one is.

use longshore_wire_marathon::{App, HealthCheck as Check, HealthProtocol, Network};
use longshore_wire_mesos::v1::health_check::{HttpCheckInfo, TcpCheckInfo, Type};
use longshore_wire_mesos::v1::{CommandInfo, HealthCheck};

use crate::instances::is_ours;
use crate::place::whole;

pub(super) fn passed_on(app: &App, ports: &[u16]) -> Option<HealthCheck> {
    let check = app.health_checks.iter().find(|one| !is_ours(one.protocol))?;
    let port = u32::from(inner_port(app, check, ports));
    let http = |scheme: &str| HttpCheckInfo {
        scheme: Some(scheme.to_owned()),
        port,
        path: Some(check.path.clone().unwrap_or_else(|| "/".to_owned())),
        ..HttpCheckInfo::default()
    };
    let of_type = |kind: Type| timed(check, kind);
    Some(match check.protocol {
        HealthProtocol::MesosHttp => {
            HealthCheck { http: Some(http("http")), ..of_type(Type::Http) }
        }
        HealthProtocol::MesosHttps => {
            HealthCheck { http: Some(http("https")), ..of_type(Type::Http) }
        }
        HealthProtocol::MesosTcp => {
            let tcp = Some(TcpCheckInfo { port, ..TcpCheckInfo::default() });
            HealthCheck { tcp, ..of_type(Type::Tcp) }
        }
        _ => {
            let value = check.command.clone();
            let command = Some(CommandInfo { shell: Some(true), value, ..CommandInfo::default() });
            HealthCheck { command, ..of_type(Type::Command) }
        }
    })
}

/// A check of this type that is made when it is to be, and says nothing of what is asked.
pub(super) fn timed(check: &Check, kind: Type) -> HealthCheck {
    HealthCheck {
        r#type: Some(kind.into()),
        delay_seconds: Some(whole(check.delay_ms)),
        interval_seconds: Some(whole(check.interval_ms)),
        timeout_seconds: Some(whole(check.timeout_ms)),
        consecutive_failures: Some(check.max_consecutive_failures),
        grace_period_seconds: Some(whole(check.grace_period_ms)),
        ..HealthCheck::default()
    }
}

/// Mesos checks from within the container's network: there its ports are its own.
fn inner_port(app: &App, check: &Check, ports: &[u16]) -> u16 {
    if let Some(port) = check.port {
        return port;
    }
    let at = check.port_index.and_then(|at| usize::try_from(at).ok()).unwrap_or(0);
    let host = ports.get(at).copied().unwrap_or(0);
    let is_on_host = app.networks.iter().all(|one| *one == Network::Host);
    match app.port_mappings.get(at) {
        Some(mapping) if !is_on_host && mapping.container_port > 0 => mapping.container_port,
        _ => host,
    }
}
