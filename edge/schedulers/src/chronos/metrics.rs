//! Numbers, in the form of Dropwizard's, which Chronos serves.

use longshore_chronos::Gauges;
use serde_json::{Value, json};

/// The body of `/metrics`.
pub(super) fn shown(gauges: &Gauges) -> Value {
    let gauge = |value: u64| json!({"value": value});
    let count = |count: u64| json!({"count": count});
    json!({
        "version": "3.0.0",
        "gauges": {
            "jobs.total": gauge(gauges.jobs),
            "jobs.queued": gauge(gauges.queued),
            "jobs.running": gauge(gauges.running),
            "framework.subscribed": gauge(u64::from(gauges.is_subscribed)),
        },
        "counters": {
            "runs.due": count(gauges.due),
            "runs.skipped.late": count(gauges.skipped_late),
            "runs.skipped.busy": count(gauges.skipped_busy),
            "tasks.launched": count(gauges.launched),
            "tasks.not_launched": count(gauges.not_launched),
            "tasks.finished": count(gauges.finished),
            "tasks.failed": count(gauges.failed),
            "tasks.killed": count(gauges.killed),
        },
        "histograms": {},
        "meters": {},
        "timers": {},
    })
}
