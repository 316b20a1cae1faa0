//! What lists of what a Mesos master knows have in common.

use std::collections::BTreeMap;

use longshore_wire_mesos::v1::TimeInfo;
use serde_json::Value;

use crate::mesos::Master;

/// States in which a task is one that a framework has. Source: Mesos, `TaskState`: the others are ends.
const LIVE: [&str; 5] =
    ["TASK_STAGING", "TASK_STARTING", "TASK_RUNNING", "TASK_KILLING", "TASK_UNREACHABLE"];

/// How many live tasks each framework or agent has: `of` is `frameworks` or `slaves`.
pub(super) async fn live_tasks(master: &Master, of: &str) -> anyhow::Result<BTreeMap<String, u64>> {
    let summary = master.page("/state-summary").await?;
    let counted = |one: &Value| {
        let tasks = LIVE.iter().filter_map(|state| one[*state].as_u64()).sum();
        Some((one["id"].as_str()?.to_owned(), tasks))
    };
    Ok(summary[of].as_array().into_iter().flatten().filter_map(counted).collect())
}

/// Seconds since the epoch.
pub(super) fn since(time: Option<TimeInfo>) -> Option<i64> {
    time.map(|time| time.nanoseconds / 1_000_000_000)
}

/// Milliseconds since the epoch, as in the other documents.
pub(super) fn millis(time: Option<TimeInfo>) -> Option<i64> {
    time.map(|time| time.nanoseconds / 1_000_000)
}
