//! Instances: tasks that were launched and have not ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_wire_marathon::{App, HealthProtocol, PathId};
use serde::{Deserialize, Serialize};

use crate::members::Member;

/// How far an instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// It was launched, and nothing else is known.
    Staging,
    /// Its executor begins.
    Starting,
    /// It runs.
    Running,
    /// Its agent is out of reach.
    Unreachable {
        /// Since when, in ms since the epoch.
        since_ms: u64,
        /// Whether it is replaced.
        is_inactive: bool,
    },
}

/// Why an instance is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// There are more than are wanted, or its app is gone.
    Surplus,
    /// Another version replaces it.
    Upgrade,
    /// A client asks for it.
    Asked,
    /// It failed its health checks.
    Unhealthy,
    /// It did not run in time.
    Late,
    /// One of its containers has ended as it should not have.
    Broken,
}

/// What a health check says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// The last result, if there is one.
    pub is_well: Option<bool>,
    /// Failures since the last success.
    pub failures: u32,
    /// When it last succeeded, in ms since the epoch.
    pub last_success_ms: Option<u64>,
    /// When it last failed, in ms since the epoch.
    pub last_failure_ms: Option<u64>,
}

/// What is known of whether an instance is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wellness {
    /// All its checks passed, or it has none and runs.
    Well,
    /// A check failed last.
    Ill,
    /// It does not run, or its checks have not all been made.
    Unknown,
}

/// An instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// Of which app.
    pub app: PathId,
    /// Which version of it, in ms since the epoch.
    pub version_ms: u64,
    /// Which version of its configuration, in ms since the epoch.
    pub config_ms: u64,
    /// The agent.
    pub agent: String,
    /// The agent's host.
    pub host: String,
    /// The region that the agent is in.
    pub region: Option<String>,
    /// The zone that the agent is in.
    pub zone: Option<String>,
    /// The agent's attributes, as text.
    pub attributes: BTreeMap<String, String>,
    /// The role whose resources it has.
    pub role: String,
    /// Ports of the host, by their index; 0 where there is none.
    pub ports: Vec<u16>,
    /// Addresses of its container.
    pub addresses: Vec<String>,
    /// How far it is.
    pub stage: Stage,
    /// When it was launched, in ms since the epoch.
    pub staged_ms: u64,
    /// When it ran first, in ms since the epoch.
    pub started_ms: Option<u64>,
    /// Why it is to end, if it is.
    pub killing: Option<Why>,
    /// The containers of an instance of a pod, in their order; none of an app.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Member>,
    /// Its app, as it was launched; `None` if that version is not kept any more.
    #[serde(skip)]
    pub spec: Option<Arc<App>>,
    /// Its health checks, in their order.
    #[serde(skip)]
    pub checks: Vec<Check>,
    /// Whether its readiness check has passed.
    #[serde(skip)]
    pub is_ready: bool,
    /// The status of the last answer to its readiness check.
    #[serde(skip)]
    pub last_status: Option<u16>,
}

impl Instance {
    /// Whether it is well.
    pub fn wellness(&self) -> Wellness {
        if self.stage != Stage::Running {
            return Wellness::Unknown;
        }
        let checked = || self.checks.iter().enumerate().filter(|(at, _)| self.is_checked(*at));
        if checked().any(|(_, check)| check.is_well == Some(false)) {
            return Wellness::Ill;
        }
        let all = checked().all(|(_, check)| check.is_well == Some(true));
        if all { Wellness::Well } else { Wellness::Unknown }
    }

    /// Whether it is not counted: it is replaced.
    pub fn is_inactive(&self) -> bool {
        matches!(self.stage, Stage::Unreachable { is_inactive: true, .. })
    }

    /// Whether it is one that stays.
    pub(crate) fn is_kept(&self) -> bool {
        self.killing.is_none() && !self.is_inactive()
    }

    /// Gives it the app that it was launched as.
    pub(crate) fn specified(&mut self, spec: Option<Arc<App>>) {
        let checks = spec.as_ref().map_or(0, |spec| spec.health_checks.len());
        self.checks = vec![Check::default(); checks];
        self.spec = spec;
    }

    fn counted(&self) -> Counts {
        let mut counts = Counts::default();
        match self.stage {
            Stage::Staging | Stage::Starting => counts.staged = 1,
            Stage::Running => counts.running = 1,
            Stage::Unreachable { .. } => counts.unreachable = 1,
        }
        if !self.checks.is_empty() {
            match self.wellness() {
                Wellness::Well => counts.healthy = 1,
                Wellness::Ill => counts.unhealthy = 1,
                Wellness::Unknown => {}
            }
        }
        counts
    }
}

/// Whether a check is made by us.
pub(crate) fn is_ours(protocol: HealthProtocol) -> bool {
    matches!(protocol, HealthProtocol::Http | HealthProtocol::Https | HealthProtocol::Tcp)
}

/// How many instances an app has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Launched, and not running yet.
    pub staged: u32,
    /// Running.
    pub running: u32,
    /// Whose health checks have all passed.
    pub healthy: u32,
    /// Of which a health check failed.
    pub unhealthy: u32,
    /// Whose agents are out of reach.
    pub unreachable: u32,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.staged += other.staged;
        self.running += other.running;
        self.healthy += other.healthy;
        self.unhealthy += other.unhealthy;
        self.unreachable += other.unreachable;
    }

    fn take(&mut self, other: Self) {
        self.staged -= other.staged;
        self.running -= other.running;
        self.healthy -= other.healthy;
        self.unhealthy -= other.unhealthy;
        self.unreachable -= other.unreachable;
    }

    /// Recounted.
    pub(crate) fn of<'i>(instances: impl Iterator<Item = &'i Instance>) -> Self {
        let mut counts = Self::default();
        instances.for_each(|one| counts.add(one.counted()));
        counts
    }
}

/// All instances.
#[derive(Debug, Default)]
pub(crate) struct Instances {
    /// The app of each.
    pub(crate) apps: BTreeMap<Arc<str>, PathId>,
    /// Those of an app are side by side: with each update of one of them all are looked at.
    of_apps: BTreeMap<PathId, BTreeMap<Arc<str>, Instance>>,
    pub(crate) counts: BTreeMap<PathId, Counts>,
    /// Those whose rows are to be written.
    dirty: BTreeSet<Arc<str>>,
    /// Apps of which something has changed.
    touched: BTreeSet<PathId>,
}

impl Instances {
    pub(crate) fn get(&self, id: &str) -> Option<&Instance> {
        self.of_apps.get(self.apps.get(id)?)?.get(id)
    }

    /// The id that is kept for a text.
    pub(crate) fn key(&self, id: &str) -> Option<Arc<str>> {
        self.apps.get_key_value(id).map(|(key, _)| key.clone())
    }

    /// All of them, app by app.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Arc<str>, &Instance)> {
        self.of_apps.values().flatten()
    }

    pub(crate) fn len(&self) -> usize {
        self.apps.len()
    }

    pub(crate) fn of<'s>(
        &'s self,
        app: &PathId,
    ) -> impl Iterator<Item = (&'s Arc<str>, &'s Instance)> + use<'s> {
        self.of_apps.get(app).into_iter().flatten()
    }

    /// Apps that have some.
    pub(crate) fn apps_with_some(&self) -> impl Iterator<Item = &PathId> {
        self.of_apps.keys()
    }

    pub(crate) fn counts(&self, app: &PathId) -> Counts {
        self.counts.get(app).copied().unwrap_or_default()
    }

    pub(crate) fn insert(&mut self, id: Arc<str>, instance: Instance) {
        self.dirty.insert(id.clone());
        self.place(id, instance);
    }

    /// As [`Instances::insert`], for one whose row is there already.
    pub(crate) fn place(&mut self, id: Arc<str>, instance: Instance) {
        self.touched.insert(instance.app.clone());
        self.apps.insert(id.clone(), instance.app.clone());
        self.counts.entry(instance.app.clone()).or_default().add(instance.counted());
        self.of_apps.entry(instance.app.clone()).or_default().insert(id, instance);
    }

    pub(crate) fn edit(&mut self, id: &Arc<str>, edit: impl FnOnce(&mut Instance)) {
        self.notes(id, edit);
        self.dirty.insert(id.clone());
    }

    /// As [`Instances::edit`], of what is not stored.
    pub(crate) fn notes(&mut self, id: &Arc<str>, edit: impl FnOnce(&mut Instance)) {
        let Some(app) = self.apps.get(id) else { return };
        let Some(instance) = self.of_apps.get_mut(app).and_then(|some| some.get_mut(id)) else {
            return;
        };
        let before = instance.counted();
        edit(instance);
        let counts = self.counts.entry(app.clone()).or_default();
        counts.take(before);
        counts.add(instance.counted());
        self.touched.insert(app.clone());
    }

    pub(crate) fn remove(&mut self, id: &Arc<str>) -> Option<Instance> {
        let app = self.apps.remove(id)?;
        let of_app = self.of_apps.get_mut(&app)?;
        let gone = of_app.remove(id)?;
        if of_app.is_empty() {
            self.of_apps.remove(&app);
        }
        if let Some(counts) = self.counts.get_mut(&app) {
            counts.take(gone.counted());
            if *counts == Counts::default() {
                self.counts.remove(&app);
            }
        }
        self.dirty.insert(id.clone());
        self.touched.insert(app);
        Some(gone)
    }

    pub(crate) fn take_dirty(&mut self) -> BTreeSet<Arc<str>> {
        std::mem::take(&mut self.dirty)
    }

    pub(crate) fn take_touched(&mut self) -> BTreeSet<PathId> {
        std::mem::take(&mut self.touched)
    }
}
