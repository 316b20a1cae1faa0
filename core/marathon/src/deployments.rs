//! Deployments: plans that are carried out, and the apps that they lock. Source: frameworks.md 3.3.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_wire_marathon::{App, PathId};
use serde::{Deserialize, Serialize};

use crate::plan::{Action, Kind, Step};

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

/// A step that has begun.
#[derive(Debug)]
struct Begun {
    /// What is done with which app.
    actions: BTreeMap<PathId, Kind>,
    /// Apps that are not yet what they are to be.
    open: BTreeSet<PathId>,
}

/// All deployments. A step may have thousands of apps, and each has many updates: with an update only its app is looked at.
#[derive(Debug, Default)]
pub(crate) struct Deployments {
    all: BTreeMap<Arc<str>, Deployment>,
    pub(crate) locks: BTreeMap<PathId, Arc<str>>,
    dirty: BTreeSet<Arc<str>>,
    /// The step that each is at, once it has begun; after a crash it begins again.
    begun: BTreeMap<Arc<str>, Begun>,
    /// Those that are to be looked at, and the apps of which something has changed.
    touched: BTreeMap<Arc<str>, BTreeSet<PathId>>,
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
        self.look(&id);
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
        self.begun.remove(id);
        Some(gone)
    }

    /// The next step.
    pub(crate) fn advances(&mut self, id: &Arc<str>) {
        if let Some(deployment) = self.all.get_mut(id) {
            deployment.at += 1;
            self.dirty.insert(id.clone());
        }
        self.begun.remove(id);
        self.look(id);
    }

    /// The step that it is at has begun. All its apps are to be looked at.
    pub(crate) fn begins(&mut self, id: &Arc<str>, step: &Step) {
        let actions: BTreeMap<PathId, Kind> =
            step.actions.iter().map(|action| (action.app.clone(), action.kind)).collect();
        let open: BTreeSet<PathId> = actions.keys().cloned().collect();
        self.touched.entry(id.clone()).or_default().extend(open.iter().cloned());
        self.begun.insert(id.clone(), Begun { actions, open });
    }

    /// Apps for which the step that it is at waits; `None` before it has begun.
    pub(crate) fn open(&self, id: &str) -> Option<&BTreeSet<PathId>> {
        self.begun.get(id).map(|begun| &begun.open)
    }

    /// What is done with an app in the step that has begun.
    pub(crate) fn action(&self, id: &str, app: &PathId) -> Option<Kind> {
        self.begun.get(id)?.actions.get(app).copied()
    }

    /// Whether an app is what the step wants it to be.
    pub(crate) fn finds(&mut self, id: &str, app: PathId, is_over: bool) {
        let Some(begun) = self.begun.get_mut(id) else { return };
        if is_over {
            begun.open.remove(&app);
        } else {
            begun.open.insert(app);
        }
    }

    /// Something of an app has changed.
    pub(crate) fn touch(&mut self, app: &PathId) {
        let Some(id) = self.locks.get(app) else { return };
        self.touched.entry(id.clone()).or_default().insert(app.clone());
    }

    /// It is to be looked at.
    fn look(&mut self, id: &Arc<str>) {
        self.touched.entry(id.clone()).or_default();
    }

    /// One that is to be looked at, and the apps of which something has changed.
    pub(crate) fn next_touched(&mut self) -> Option<(Arc<str>, BTreeSet<PathId>)> {
        self.touched.pop_first()
    }

    pub(crate) fn take_dirty(&mut self) -> BTreeSet<Arc<str>> {
        std::mem::take(&mut self.dirty)
    }
}
