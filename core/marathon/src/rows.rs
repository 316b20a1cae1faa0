//! Rows: what is stored, and how it is read again.

use longshore_machine::Change;
use std::collections::VecDeque;
use std::sync::Arc;

use longshore_wire_marathon::{App, PathId};
use serde::{Deserialize, Serialize};

use crate::apps::{Failure, Kept, Termination};

pub(crate) const APP: &str = "app";
pub(crate) const VERSION: &str = "version";
pub(crate) const INSTANCE: &str = "instance";
pub(crate) const DEPLOYMENT: &str = "deployment";
pub(crate) const FRAMEWORK: &str = "framework";
/// The id of the one row about the framework.
pub(crate) const THE_FRAMEWORK: &str = "id";

#[derive(Serialize)]
struct AppOut<'a> {
    wanted: Option<&'a App>,
    effective: Option<&'a App>,
    failure: Option<&'a Failure>,
    #[serde(skip_serializing_if = "VecDeque::is_empty")]
    ends: &'a VecDeque<Termination>,
}

/// An app as its row says.
#[derive(Deserialize)]
pub(crate) struct AppRow {
    pub(crate) wanted: Option<App>,
    pub(crate) effective: Option<App>,
    pub(crate) failure: Option<Failure>,
    #[serde(default)]
    pub(crate) ends: VecDeque<Termination>,
}

/// A row, or that it is gone.
pub(crate) fn change(kind: &'static str, id: String, row: Option<&impl Serialize>) -> Change {
    match row {
        None => Change::Delete { kind, id },
        Some(row) => {
            let body = serde_json::to_string(row).expect("rows have only keys that are texts");
            Change::Put { kind, id, body }
        }
    }
}

pub(crate) fn app(id: &PathId, kept: Option<&Kept>) -> Change {
    let row = kept.map(|kept| AppOut {
        wanted: kept.wanted.as_deref(),
        effective: kept.effective.as_deref(),
        failure: kept.failure.as_ref(),
        ends: &kept.ends,
    });
    change(APP, id.to_string(), row.as_ref())
}

/// The key of the row of a version.
pub(crate) fn version_key(id: &PathId, version_ms: u64) -> String {
    format!("{id}@{version_ms}")
}

pub(crate) fn version(id: &PathId, version_ms: u64, app: Option<&Arc<App>>) -> Change {
    change(VERSION, version_key(id, version_ms), app.map(|app| &**app).as_ref())
}

pub(crate) fn read<T: for<'d> Deserialize<'d>>(body: &str) -> Result<T, String> {
    serde_json::from_str(body).map_err(|why| why.to_string())
}
