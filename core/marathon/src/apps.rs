//! Apps: what is wanted of each, what is kept up meanwhile, and which of them wait for offers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_marathon::{App, PathId};
use serde::{Deserialize, Serialize};

use crate::limits;
use crate::members::Member;
use crate::place::{Need, Unfit};
use crate::rules::Rule;

/// The last end of an instance that was a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The task.
    pub task: String,
    /// Its agent.
    pub agent: String,
    /// The agent's host.
    pub host: String,
    /// The state that it ended in, for example `TASK_FAILED`.
    pub state: String,
    /// Why, in Mesos's words.
    pub message: String,
    /// When, in ms since the epoch.
    pub at_ms: u64,
    /// Which version of the app, in ms since the epoch.
    pub version_ms: u64,
}

/// The end of an instance of a pod that nobody asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Termination {
    /// The instance.
    pub instance: String,
    /// When it ran first, or was launched if it never did, in ms since the epoch.
    pub started_ms: u64,
    /// When, in ms since the epoch.
    pub ended_ms: u64,
    /// Why, in Mesos's words.
    pub message: String,
    /// Its containers, as they ended.
    pub members: Vec<Member>,
}

/// What became of offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Offers that were looked at.
    pub processed: u64,
    /// Offers that were not used.
    pub unused: u64,
    /// Why not, in the order of [`Unfit::ALL`].
    pub reasons: [u64; limits::REASONS],
}

impl Tally {
    pub(crate) fn used(&mut self) {
        self.processed += 1;
    }

    pub(crate) fn unused(&mut self, why: Unfit) {
        self.processed += 1;
        self.unused += 1;
        let at = Unfit::ALL.iter().position(|one| *one == why);
        self.reasons[at.unwrap_or_default()] += 1;
    }

    fn plus(mut self, other: Self) -> Self {
        self.processed += other.processed;
        self.unused += other.unused;
        let pairs = self.reasons.iter_mut().zip(other.reasons);
        pairs.for_each(|(one, more)| *one += more);
        self
    }

    fn less(mut self, other: Self) -> Self {
        self.processed -= other.processed;
        self.unused -= other.unused;
        let pairs = self.reasons.iter_mut().zip(other.reasons);
        pairs.for_each(|(one, more)| *one -= more);
        self
    }
}

/// Launches that are wanted of an app, and what offers made of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Queued {
    /// How many.
    pub(crate) want: u32,
    /// Since when, in ms since the epoch.
    pub(crate) since_ms: u64,
    /// What became of offers that were tried for this app.
    pub(crate) tally: Tally,
    /// What its need had seen when it joined.
    joined: Tally,
    pub(crate) last_used_ms: Option<u64>,
    pub(crate) last_unused_ms: Option<u64>,
    /// Where it is in the index.
    turn: Option<(Need, u64)>,
}

/// How long launches wait after failures. Source: frameworks.md 3.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delay {
    pub(crate) ms: u64,
    pub(crate) until: Timestamp,
    pub(crate) config_ms: u64,
}

/// An app.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// What is wanted; `None` if it is being removed.
    pub(crate) wanted: Option<Arc<App>>,
    /// What is kept up until a deployment gets there; `None` if it has not begun.
    pub(crate) effective: Option<Arc<App>>,
    /// The constraints of `effective`.
    pub(crate) rules: Vec<Rule>,
    /// Versions, oldest first.
    pub(crate) versions: VecDeque<Arc<App>>,
    pub(crate) failure: Option<Failure>,
    /// Ends of instances of a pod, oldest first.
    pub(crate) ends: VecDeque<Termination>,
    pub(crate) delay: Option<Delay>,
    pub(crate) queued: Queued,
}

impl Kept {
    /// What instances of this version were launched as.
    pub(crate) fn version(&self, version_ms: u64) -> Option<&Arc<App>> {
        let known = self.versions.iter().chain(&self.wanted).chain(&self.effective);
        known.into_iter().find(|app| app.version_ms == version_ms)
    }
}

/// All apps.
#[derive(Debug, Default)]
pub(crate) struct Apps {
    all: BTreeMap<PathId, Kept>,
    /// Who waits, by need.
    pub(crate) needs: BTreeMap<Need, Waiting>,
    turns: u64,
    waiting: usize,
    /// Service ports of apps that are wanted.
    pub(crate) ports: BTreeMap<u16, PathId>,
    dirty: BTreeSet<PathId>,
    /// Versions that are new or gone.
    versions: BTreeSet<(PathId, u64)>,
}

/// Apps that need the same.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) apps: BTreeMap<u64, PathId>,
    /// Offers that had too little for any of them, or were tried for others.
    pub(crate) tally: Tally,
    pub(crate) last_unused_ms: Option<u64>,
}

/// The service ports of an app.
pub(crate) fn service_ports(app: &App) -> impl Iterator<Item = u16> {
    let mapped = app.port_mappings.iter().map(|one| one.service_port);
    mapped.chain(app.port_definitions.iter().map(|one| one.port)).filter(|port| *port > 0)
}

impl Apps {
    pub(crate) fn get(&self, id: &PathId) -> Option<&Kept> {
        self.all.get(id)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&PathId, &Kept)> {
        self.all.iter()
    }

    /// Those below a group, or with this id.
    pub(crate) fn within<'s>(
        &'s self,
        group: &'s PathId,
    ) -> impl Iterator<Item = (&'s PathId, &'s Kept)> {
        self.all
            .range(group..)
            .take_while(move |(id, _)| {
                // Those that only begin with the same letters are passed over below.
                id.as_str().starts_with(group.as_str())
            })
            .filter(move |(id, _)| id.is_within(group))
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// What is wanted of an app.
    pub(crate) fn wanted(&self, id: &PathId) -> Option<&Arc<App>> {
        self.all.get(id)?.wanted.as_ref()
    }

    pub(crate) fn place(&mut self, id: PathId, kept: Kept) {
        for port in kept.wanted.iter().flat_map(|app| service_ports(app)) {
            self.ports.insert(port, id.clone());
        }
        self.all.insert(id, kept);
    }

    /// A version whose row is there; those of an app come oldest first.
    pub(crate) fn place_version(&mut self, app: Arc<App>) {
        if let Some(kept) = self.all.get_mut(&app.id) {
            kept.versions.push_back(app);
        }
    }

    /// Changes what is wanted of an app, and keeps the version.
    pub(crate) fn wants(&mut self, id: &PathId, app: Option<Arc<App>>) {
        let kept = self.all.entry(id.clone()).or_default();
        for port in kept.wanted.iter().flat_map(|app| service_ports(app)) {
            if self.ports.get(&port) == Some(id) {
                self.ports.remove(&port);
            }
        }
        if let Some(app) = &app {
            service_ports(app).for_each(|port| drop(self.ports.insert(port, id.clone())));
            if kept.version(app.version_ms).is_none() {
                kept.versions.push_back(app.clone());
                self.versions.insert((id.clone(), app.version_ms));
            }
            while kept.versions.len() > limits::VERSIONS_MAX {
                let oldest = kept.versions.pop_front();
                self.versions.extend(oldest.map(|one| (id.clone(), one.version_ms)));
            }
        }
        kept.wanted = app;
        self.dirty.insert(id.clone());
    }

    /// Changes what is kept up.
    pub(crate) fn begins(&mut self, id: &PathId, app: Arc<App>) {
        let Some(kept) = self.all.get_mut(id) else { return };
        // They were read when the app was accepted.
        kept.rules = Rule::all(&app.constraints).unwrap_or_default();
        kept.effective = Some(app);
        self.dirty.insert(id.clone());
        self.leaves(id);
    }

    pub(crate) fn remove(&mut self, id: &PathId) {
        self.leaves(id);
        let Some(gone) = self.all.remove(id) else { return };
        for version in gone.versions {
            self.versions.insert((id.clone(), version.version_ms));
        }
        for port in gone.wanted.iter().flat_map(|app| service_ports(app)) {
            self.ports.remove(&port);
        }
        self.dirty.insert(id.clone());
    }

    pub(crate) fn fails(&mut self, id: &PathId, failure: Failure) {
        if let Some(kept) = self.all.get_mut(id) {
            kept.failure = Some(failure);
            self.dirty.insert(id.clone());
        }
    }

    pub(crate) fn remembers(&mut self, id: &PathId, end: Termination) {
        if let Some(kept) = self.all.get_mut(id) {
            kept.ends.push_back(end);
            if kept.ends.len() > limits::TERMINATIONS_MAX {
                kept.ends.pop_front();
            }
            self.dirty.insert(id.clone());
        }
    }

    pub(crate) fn delays(&mut self, id: &PathId, delay: Option<Delay>) {
        if let Some(kept) = self.all.get_mut(id) {
            kept.delay = delay;
        }
    }

    pub(crate) fn queued(&mut self, id: &PathId) -> Option<&mut Queued> {
        self.all.get_mut(id).map(|kept| &mut kept.queued)
    }

    /// Says how many launches are wanted of an app, and whether they wait for offers or for their delay.
    pub(crate) fn asks(&mut self, id: &PathId, want: u32, is_delayed: bool, wall_ms: u64) {
        let Some(kept) = self.all.get_mut(id) else { return };
        if want == 0 {
            self.leaves(id);
            if let Some(kept) = self.all.get_mut(id) {
                kept.queued = Queued::default();
            }
            return;
        }
        if kept.queued.want == 0 {
            kept.queued = Queued { since_ms: wall_ms, ..Queued::default() };
        }
        kept.queued.want = want;
        let is_there = kept.queued.turn.is_some();
        if is_delayed && is_there {
            self.leaves(id);
        } else if !is_delayed && !is_there {
            self.joins(id);
        }
    }

    fn joins(&mut self, id: &PathId) {
        let Some(kept) = self.all.get_mut(id) else { return };
        let Some(app) = &kept.effective else { return };
        let need = Need::of(app);
        let waiting = self.needs.entry(need).or_default();
        self.turns += 1;
        kept.queued.turn = Some((need, self.turns));
        kept.queued.joined = waiting.tally;
        waiting.apps.insert(self.turns, id.clone());
        self.waiting += 1;
    }

    fn leaves(&mut self, id: &PathId) {
        let Some(kept) = self.all.get_mut(id) else { return };
        let Some((need, turn)) = kept.queued.turn.take() else { return };
        self.waiting -= 1;
        let Some(waiting) = self.needs.get_mut(&need) else { return };
        waiting.apps.remove(&turn);
        let seen = waiting.tally.less(kept.queued.joined);
        kept.queued.tally = kept.queued.tally.plus(seen);
        if waiting.apps.is_empty() {
            self.needs.remove(&need);
        }
    }

    /// It goes behind the others of its need.
    pub(crate) fn yields(&mut self, id: &PathId) {
        let is_there = self.all.get(id).is_some_and(|kept| kept.queued.turn.is_some());
        if is_there {
            self.leaves(id);
            self.joins(id);
        }
    }

    /// What became of offers since an app waits.
    pub(crate) fn tally(&self, kept: &Kept) -> (Tally, Option<u64>) {
        let own = (kept.queued.tally, kept.queued.last_unused_ms);
        let Some((need, _)) = kept.queued.turn else { return own };
        let Some(waiting) = self.needs.get(&need) else { return own };
        let seen = waiting.tally.less(kept.queued.joined);
        let last = if seen.unused > 0 { waiting.last_unused_ms } else { None };
        (own.0.plus(seen), own.1.max(last))
    }

    /// How many apps wait for offers.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Where an app is in the index.
    pub(crate) fn turn(kept: &Kept) -> Option<(Need, u64)> {
        kept.queued.turn
    }

    pub(crate) fn take_dirty(&mut self) -> BTreeSet<PathId> {
        std::mem::take(&mut self.dirty)
    }

    pub(crate) fn take_versions(&mut self) -> BTreeSet<(PathId, u64)> {
        std::mem::take(&mut self.versions)
    }
}
