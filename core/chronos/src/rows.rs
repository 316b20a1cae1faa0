//! Rows: what is stored of jobs and runs, and how it is read again.

use longshore_machine::Change;
use longshore_wire_chronos::{Defaults, Malformed, Posted};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::jobs::{Job, Memory};
use crate::runs::{Run, TaskId};

pub(crate) const JOB: &str = "job";
pub(crate) const RUN: &str = "run";
pub(crate) const FRAMEWORK: &str = "framework";
/// The id of the one row about the framework.
pub(crate) const THE_FRAMEWORK: &str = "id";

#[derive(Serialize, Deserialize)]
struct JobRow {
    /// As it is shown, with counters.
    job: Value,
    memory: Memory,
}

/// The row of a job.
pub(crate) fn job(name: &str, job: Option<&Job>) -> Change {
    let Some(job) = job else { return Change::Delete { kind: JOB, id: name.to_owned() } };
    let shown = job.definition.json(&job.counters, None);
    let row = JobRow { job: shown, memory: job.memory.clone() };
    Change::Put { kind: JOB, id: name.to_owned(), body: body(&row) }
}

/// A job from its row.
pub(crate) fn read_job(body: &str) -> Result<Job, String> {
    let row: JobRow = serde_json::from_str(body).map_err(|why| why.to_string())?;
    let wrong = |why: Malformed| why.to_string();
    let posted = Posted::read(row.job, &Defaults::default()).map_err(wrong)?;
    Job::new(posted.definition, posted.counters, row.memory).map_err(wrong)
}

/// The row of a run.
pub(crate) fn run(id: &TaskId, run: Option<&Run>) -> Change {
    let id = id.to_string();
    match run {
        None => Change::Delete { kind: RUN, id },
        Some(run) => Change::Put { kind: RUN, id, body: body(run) },
    }
}

/// A run from its row.
pub(crate) fn read_run(body: &str) -> Result<Run, String> {
    serde_json::from_str(body).map_err(|why| why.to_string())
}

/// The row of the framework.
pub(crate) fn framework(id: Option<&str>) -> Change {
    let row = THE_FRAMEWORK.to_owned();
    match id {
        None => Change::Delete { kind: FRAMEWORK, id: row },
        Some(id) => Change::Put { kind: FRAMEWORK, id: row, body: Value::from(id).to_string() },
    }
}

/// The framework's id from its row.
pub(crate) fn read_framework(body: &str) -> Result<String, String> {
    serde_json::from_str(body).map_err(|why| why.to_string())
}

fn body(row: &impl Serialize) -> String {
    serde_json::to_string(row).expect("rows have only keys that are texts")
}
