//! Deployments: plans that are carried out, and the apps that they lock. Source: frameworks.md 3.3.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_wire_marathon::{App, PathId};
use serde::{Deserialize, Serialize};

use crate::plan::{Action, Step};

/// A plan that is carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// When it was asked for, in ms since the epoch.
    pub version_ms: u64,
    /// What is done, in this order.
    pub steps: Vec<Step>,
    /// Which step it is at, from 0.
    pub at: usize,
    /// What affected apps were before; `None` for those that were not there.
    pub before: BTreeMap<PathId, Option<Arc<App>>>,
}

impl Deployment {
    /// The apps that it locks.
    pub fn affected(&self) -> impl Iterator<Item = &PathId> {
        self.before.keys()
    }

    /// What is done now.
    pub fn current(&self) -> &[Action] {
        self.steps.get(self.at).map_or(&[], |step| &step.actions)
    }
}

/// All deployments.
#[derive(Debug, Default)]
pub(crate) struct Deployments {
    all: BTreeMap<Arc<str>, Deployment>,
    pub(crate) locks: BTreeMap<PathId, Arc<str>>,
    dirty: BTreeSet<Arc<str>>,
    /// Those that are to be looked at.
    touched: BTreeSet<Arc<str>>,
}

impl Deployments {
    pub(crate) fn get(&self, id: &str) -> Option<&Deployment> {
        self.all.get(id)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&Arc<str>, &Deployment)> {
        self.all.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// The deployment that locks an app.
    pub(crate) fn of(&self, app: &PathId) -> Option<&Arc<str>> {
        self.locks.get(app)
    }

    pub(crate) fn insert(&mut self, id: Arc<str>, deployment: Deployment) {
        self.dirty.insert(id.clone());
        self.place(id, deployment);
    }

    pub(crate) fn place(&mut self, id: Arc<str>, deployment: Deployment) {
        for app in deployment.affected() {
            self.locks.insert(app.clone(), id.clone());
        }
        self.touched.insert(id.clone());
        self.all.insert(id, deployment);
    }

    pub(crate) fn remove(&mut self, id: &Arc<str>) -> Option<Deployment> {
        let gone = self.all.remove(id)?;
        for app in gone.affected() {
            if self.locks.get(app) == Some(id) {
                self.locks.remove(app);
            }
        }
        self.dirty.insert(id.clone());
        self.touched.remove(id);
        Some(gone)
    }

    /// The next step.
    pub(crate) fn advances(&mut self, id: &Arc<str>) {
        if let Some(deployment) = self.all.get_mut(id) {
            deployment.at += 1;
            self.dirty.insert(id.clone());
        }
    }

    /// Something of an app has changed.
    pub(crate) fn touch(&mut self, app: &PathId) {
        self.touched.extend(self.locks.get(app).cloned());
    }

    /// It is to be looked at.
    pub(crate) fn look(&mut self, id: &Arc<str>) {
        self.touched.insert(id.clone());
    }

    pub(crate) fn next_touched(&mut self) -> Option<Arc<str>> {
        self.touched.pop_first()
    }

    pub(crate) fn take_dirty(&mut self) -> BTreeSet<Arc<str>> {
        std::mem::take(&mut self.dirty)
    }
}
