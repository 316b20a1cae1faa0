//! The settings of the master, as operators read them: under the names that a Mesos master has for them where it has one that means the
//! same, and else under our own. What does not apply here is left out rather than made up.

use longshore_wire_ecs::Str;

use crate::config::{CheckMode, Config, DefaultImage};
use crate::limits;

/// Units of durations with their length in ms, longest first. Source: Mesos, `3rdparty/stout/include/stout/duration.hpp`.
const UNITS: [(&str, u64); 6] = [
    ("weeks", 604_800_000),
    ("days", 86_400_000),
    ("hrs", 3_600_000),
    ("mins", 60_000),
    ("secs", 1_000),
    ("ms", 1),
];
/// Pings that an agent may miss. Source: Mesos, `--max_agent_ping_timeouts`.
const PINGS: u64 = 5;

/// Names and values.
pub(crate) fn flags(config: &Config) -> Vec<(Str, Str)> {
    let authenticates = config.needs_credentials.to_string();
    let pings = if config.agent_away_ms.is_multiple_of(PINGS * 1_000) { PINGS } else { 1 };
    let [a, b, c, d] = config.ip;
    let mut all = vec![
        ("agent_ping_timeout", duration(config.agent_away_ms / pings)),
        ("allocator", "hierarchical".to_owned()),
        ("authenticate_agents", "false".to_owned()),
        ("authenticate_frameworks", authenticates.clone()),
        ("authenticate_http_frameworks", authenticates.clone()),
        ("authenticate_http_readonly", authenticates.clone()),
        ("authenticate_http_readwrite", authenticates),
        ("cluster", config.cluster.to_string()),
        ("executor_shutdown_grace", duration(u64::from(config.kill_grace_s) * 1_000)),
        ("filter_gpu_resources", "true".to_owned()),
        ("framework_sorter", "drf".to_owned()),
        ("hostname", config.hostname.to_string()),
        ("hostname_attribute", config.hostname_attribute.to_string()),
        ("ip", format!("{a}.{b}.{c}.{d}")),
        ("max_agent_ping_timeouts", pings.to_string()),
        ("max_completed_frameworks", limits::COMPLETED_FRAMEWORKS_MAX.to_string()),
        ("max_completed_tasks_per_framework", limits::COMPLETED_TASKS_MAX.to_string()),
        ("min_allocatable_resources", least()),
        ("offer_disk", config.disk_mb.to_string()),
        ("offer_ports", config.ports.to_string()),
        ("port", config.port.to_string()),
        ("role_sorter", "drf".to_owned()),
        ("task_checks", checks(config.checks).to_owned()),
    ];
    if let DefaultImage::Image(image) = &config.default_image {
        all.push(("default_image", image.to_string()));
    }
    if let Some(image) = &config.fetching.image {
        all.push(("fetcher_image", image.to_string()));
    }
    if let Some(role) = &config.secrets.execution_role {
        all.push(("execution_role", role.to_string()));
    }
    if config.secrets.in_plain {
        all.push(("plain_secrets", "true".to_owned()));
    }
    if let Some(ms) = config.offer_timeout_ms {
        all.push(("offer_timeout", duration(ms)));
    }
    all.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
}

/// As Mesos writes it: in the longest unit of which it is a whole number.
fn duration(ms: u64) -> String {
    let whole = UNITS.iter().find(|(_, length)| ms > 0 && ms.is_multiple_of(*length));
    whole.map_or_else(|| "0ns".to_owned(), |(unit, length)| format!("{}{unit}", ms / length))
}

/// The least that is offered.
fn least() -> String {
    let amount = |milli: u64| {
        let (whole, rest) = (milli / 1_000, milli % 1_000);
        let fraction = format!("{rest:03}");
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() { whole.to_string() } else { format!("{whole}.{fraction}") }
    };
    let (cpus, mem) = (limits::OFFER_CPUS_MILLI_MIN, limits::OFFER_MEM_MILLI_MIN);
    format!("cpus:{}|mem:{}", amount(cpus), amount(mem))
}

fn checks(mode: CheckMode) -> &'static str {
    match mode {
        CheckMode::Auto => "auto",
        CheckMode::Dial => "dial",
        CheckMode::Container => "container",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_mesos_does() {
        for (ms, text) in [
            (0, "0ns"),
            (1, "1ms"),
            (1_500, "1500ms"),
            (15_000, "15secs"),
            (75_000, "75secs"),
            (600_000, "10mins"),
            (5_400_000, "90mins"),
            (7_200_000, "2hrs"),
            (1_209_600_000, "2weeks"),
        ] {
            assert_eq!(duration(ms), text);
        }
    }

    #[test]
    fn the_least_that_is_offered_is_what_mesos_offers_at_least() {
        assert_eq!(least(), "cpus:0.01|mem:32");
    }
}
