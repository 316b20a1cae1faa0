//! Numbers for Prometheus, in the `OpenMetrics` format like those of the other ports. Every metric is declared here.
//!
//! Labels come from fixed lists, so that no caller can create a series.

use std::fmt::{Display, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;
use longshore_daemon::Gauges;

/// Where they are, on both ports.
pub(super) const PATH: &str = "/metrics";
/// The media type. Source: `OpenMetrics` 1.0, *Overall structure*.
pub(super) const MEDIA: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Which of the two services is asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Service {
    Scheduler,
    State,
}

const SERVICES: [&str; 2] = ["scheduler", "state"];
const OUTCOMES: [&str; 3] = ["ok", "refused", "failed"];

/// Requests that were answered, by service and outcome.
#[derive(Debug, Default)]
pub(super) struct Calls([[AtomicU64; OUTCOMES.len()]; SERVICES.len()]);

impl Calls {
    /// Counts one more.
    pub(super) fn answered(&self, service: Service, status: StatusCode) {
        let outcome =
            if status.is_server_error() { 2 } else { usize::from(status.is_client_error()) };
        self.0[service as usize][outcome].fetch_add(1, Ordering::Relaxed);
    }
}

/// A page that is being written.
#[derive(Default)]
struct Page(String);

impl Page {
    /// The head of a metric, and its series.
    fn metric(&mut self, kind: &str, name: &str, help: &str, series: &[(&str, &dyn Display)]) {
        let suffix = if kind == "counter" { "_total" } else { "" };
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP longshore_blox_{name} {help}.");
        let _ = writeln!(self.0, "# TYPE longshore_blox_{name} {kind}");
        for (labels, value) in series {
            let _ = writeln!(self.0, "longshore_blox_{name}{suffix}{labels} {value}");
        }
    }

    fn gauge(&mut self, name: &str, help: &str, value: usize) {
        self.metric("gauge", name, help, &[("", &value)]);
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.metric("counter", name, help, &[("", &value)]);
    }
}

/// The page.
pub(super) fn page(gauges: &Gauges, calls: &Calls) -> String {
    let mut page = Page::default();
    for (name, help, value) in [
        ("clusters", "Clusters that are watched", gauges.clusters),
        ("clusters_ready", "Clusters that were read at least once", gauges.clusters_ready),
        ("events_arrive", "1 while events arrive", usize::from(gauges.hears)),
        ("tasks", "Tasks in the copy of the state", gauges.tasks),
        ("instances", "Container instances in the copy of the state", gauges.instances),
        ("environments", "Environments", gauges.environments),
        (
            "environments_unhealthy",
            "Environments with instances that cannot have their task",
            gauges.unhealthy,
        ),
        ("members", "Instances that belong to environments", gauges.members),
        ("members_failed", "Instances that cannot have their task now", gauges.failed),
        ("starts_under_way", "Starts of tasks that are not answered", gauges.attempts),
    ] {
        page.gauge(name, help, value);
    }
    let [pending, running, completed] = gauges.deployments;
    page.metric(
        "gauge",
        "deployments",
        "Deployments that are kept, by status",
        &[
            ("{status=\"pending\"}", &pending),
            ("{status=\"running\"}", &running),
            ("{status=\"completed\"}", &completed),
        ],
    );
    let tally = gauges.tally;
    for (name, help, value) in [
        ("entity_version", "Changes of the copy of the state", gauges.version),
        ("records_told", "Records that events told of", tally.told),
        ("readings_failed", "Readings of clusters that failed", tally.readings_failed),
        ("tasks_started", "Tasks that ECS has started", tally.started),
        ("tasks_not_started", "Tasks that an instance did not take", tally.not_started),
        ("starts_lost", "Starts whose reply was lost", tally.lost),
        ("tasks_stopped", "Tasks that were told to stop", tally.stopped),
    ] {
        page.counter(name, help, value);
    }
    let mut series = Vec::new();
    for (service, counted) in SERVICES.iter().zip(&calls.0) {
        for (outcome, count) in OUTCOMES.iter().zip(counted) {
            let labels = format!("{{service=\"{service}\",outcome=\"{outcome}\"}}");
            series.push((labels, count.load(Ordering::Relaxed)));
        }
    }
    let series: Vec<(&str, &dyn Display)> =
        series.iter().map(|(labels, count)| (labels.as_str(), count as &dyn Display)).collect();
    page.metric("counter", "calls", "Requests that were answered", &series);
    page.0.push_str("# EOF\n");
    page.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_on_the_page_under_its_own_name() {
        let calls = Calls::default();
        for status in [StatusCode::OK, StatusCode::NOT_FOUND, StatusCode::NOT_FOUND] {
            calls.answered(Service::State, status);
        }
        let gauges = Gauges { tasks: 3, hears: true, deployments: [0, 1, 2], ..Gauges::default() };
        let text = page(&gauges, &calls);
        for line in [
            "longshore_blox_tasks 3",
            "longshore_blox_events_arrive 1",
            "longshore_blox_deployments{status=\"completed\"} 2",
            "longshore_blox_tasks_started_total 0",
            "longshore_blox_calls_total{service=\"state\",outcome=\"refused\"} 2",
            "longshore_blox_calls_total{service=\"scheduler\",outcome=\"ok\"} 0",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is not in {text}");
        }
        let mut names: Vec<&str> =
            text.lines().filter_map(|one| one.strip_prefix("# TYPE ")).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        assert!(text.ends_with("# EOF\n"));
    }
}
