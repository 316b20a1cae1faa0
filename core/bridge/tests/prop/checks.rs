//! Checks of the tasks of random frameworks, and what comes of their probes.

use longshore_bridge::{Means, Probe, ProbeId, Probed};
use longshore_wire_mesos::v1::health_check::{TcpCheckInfo, Type as HealthType};
use longshore_wire_mesos::v1::{CheckInfo, HealthCheck, check_info};

/// The health check and the check of a task: some have either, some both, some none.
pub(crate) fn of(task: u8, has_port: bool) -> (Option<HealthCheck>, Option<CheckInfo>) {
    let health = HealthCheck {
        r#type: Some(HealthType::Tcp.into()),
        tcp: Some(TcpCheckInfo { port: 31_000, ..TcpCheckInfo::default() }),
        delay_seconds: Some(f64::from(task) / 4.0),
        interval_seconds: Some(0.0),
        grace_period_seconds: Some(1.0),
        ..HealthCheck::default()
    };
    let check = CheckInfo {
        r#type: Some(check_info::Type::Http.into()),
        http: Some(check_info::Http { port: 31_000, path: None }),
        delay_seconds: Some(0.0),
        ..CheckInfo::default()
    };
    (task.is_multiple_of(2).then_some(health), (has_port && task < 3).then_some(check))
}

/// A probe of what a task may have dialled.
pub(crate) fn sound(probe: &Probe) -> ProbeId {
    let wanted = ("10.0.1.17", 31_000, 31_000);
    assert_eq!((&*probe.host, probe.port, probe.inside_port), wanted);
    assert!(probe.timeout_ms > 0 && !probe.ipv6);
    assert!(matches!(&probe.means, Means::Tcp | Means::Http { tls: false, .. }));
    probe.id
}

/// Something that comes of a probe.
pub(crate) fn comes_to(number: u8) -> Probed {
    match number % 6 {
        0 => Probed::Status(200),
        1 => Probed::Status(503),
        2 => Probed::Connected,
        3 => Probed::Failed("refused".to_owned()),
        4 => Probed::TimedOut,
        _ => Probed::Unreached("no route".to_owned()),
    }
}
