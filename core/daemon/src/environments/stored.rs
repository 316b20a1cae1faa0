//! Environments and deployments as rows.

use super::{Deployment, Environment, Settings};
use crate::kinds::{DEPLOYMENT, ENVIRONMENT};
use longshore_machine::{Change, Row};

impl Environment {
    /// The environment as it is now, without its deployments.
    pub(crate) fn put(&self) -> Change {
        let settings = &self.settings;
        Change::Put { kind: ENVIRONMENT, id: settings.name.to_string(), body: json(settings) }
    }

    /// That the environment and its deployments are not there any more.
    pub(crate) fn delete(&self) -> Vec<Change> {
        let id = self.settings.name.to_string();
        let environment = Change::Delete { kind: ENVIRONMENT, id };
        let deployments = self.deployments().map(|one| delete_deployment(&one.id));
        deployments.chain([environment]).collect()
    }
}

impl Deployment {
    /// The deployment as it is now.
    pub(crate) fn put(&self) -> Change {
        Change::Put { kind: DEPLOYMENT, id: self.id.to_string(), body: json(self) }
    }
}

pub(crate) fn delete_deployment(id: &str) -> Change {
    Change::Delete { kind: DEPLOYMENT, id: id.to_owned() }
}

/// Both are strings, numbers and lists of them, which can always be written.
fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// What a row holds.
pub(crate) enum Stored {
    Environment(Settings),
    Deployment(Deployment),
}

/// Reads a row; `None` for another kind.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn read(row: &Row) -> Result<Option<Stored>, String> {
    let wrong = |error: serde_json::Error| format!("{} {}: {error}", row.kind, row.id);
    match row.kind.as_str() {
        ENVIRONMENT => {
            serde_json::from_str(&row.body).map(Stored::Environment).map(Some).map_err(wrong)
        }
        DEPLOYMENT => {
            serde_json::from_str(&row.body).map(Stored::Deployment).map(Some).map_err(wrong)
        }
        _ => Ok(None),
    }
}
