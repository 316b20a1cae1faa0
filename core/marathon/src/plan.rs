//! What is done in which order to get from some apps to others. Source: frameworks.md 3.3.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_wire_marathon::{App, PathId};
use serde::{Deserialize, Serialize};

/// What is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Sort {
    /// An app, with one task to an instance.
    #[default]
    App,
    /// A pod, with one task for each container of an instance.
    Pod,
}

impl Sort {
    /// Which of them something is.
    pub fn of(app: &App) -> Self {
        if app.pod.is_some() { Self::Pod } else { Self::App }
    }
}

/// What is done with an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// `StartApplication`, `StartPod`: it is there, with no instance yet.
    Start,
    /// `ScaleApplication`, `ScalePod`: it has as many instances as are wanted.
    Scale,
    /// `RestartApplication`, `RestartPod`: its instances are all of the newest version.
    Restart,
    /// `StopApplication`, `StopPod`: it is gone.
    Stop,
}

impl Kind {
    fn word(self, sort: Sort) -> &'static str {
        match (self, sort) {
            (Self::Start, Sort::App) => "StartApplication",
            (Self::Scale, Sort::App) => "ScaleApplication",
            (Self::Restart, Sort::App) => "RestartApplication",
            (Self::Stop, Sort::App) => "StopApplication",
            (Self::Start, Sort::Pod) => "StartPod",
            (Self::Scale, Sort::Pod) => "ScalePod",
            (Self::Restart, Sort::Pod) => "RestartPod",
            (Self::Stop, Sort::Pod) => "StopPod",
        }
    }
}

/// One thing that is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// What.
    pub kind: Kind,
    /// With which app.
    pub app: PathId,
    /// What that is.
    #[serde(default)]
    pub sort: Sort,
}

impl Action {
    /// As it is written.
    pub fn word(&self) -> &'static str {
        self.kind.word(self.sort)
    }
}

/// Things that are done at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which.
    pub actions: Vec<Action>,
}

/// What changes of an app.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) before: Option<Arc<App>>,
    pub(crate) after: Option<Arc<App>>,
    /// Whether instances of other configurations may be there.
    pub(crate) is_mixed: bool,
}

/// Dependencies that lead back to where they began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cycle(pub(crate) PathId);

/// Plans changes. `all` are all apps as they will be.
pub(crate) fn plan(
    changes: &BTreeMap<PathId, Change>,
    all: &BTreeMap<PathId, Arc<App>>,
) -> Result<Vec<Step>, Cycle> {
    let mut stops = Vec::new();
    let mut starts = Vec::new();
    let mut layers: BTreeMap<usize, Vec<Action>> = BTreeMap::new();
    let mut depths = Depths { all, known: BTreeMap::new(), open: BTreeSet::new() };
    for (id, change) in changes {
        let is = change.after.as_ref().or(change.before.as_ref());
        let sort = is.map_or(Sort::App, |app| Sort::of(app));
        let action = |kind: Kind| Action { kind, app: id.clone(), sort };
        let Some(after) = &change.after else {
            stops.push(action(Kind::Stop));
            continue;
        };
        let kind = match &change.before {
            None => {
                starts.push(action(Kind::Start));
                if after.instances == 0 {
                    continue;
                }
                Kind::Scale
            }
            Some(before) if change.is_mixed => restarts(before, after, true),
            Some(before) => restarts(before, after, false),
        };
        layers.entry(depths.of(id)?).or_default().push(action(kind));
    }
    let steps = [stops, starts].into_iter().chain(layers.into_values());
    Ok(steps.filter(|one| !one.is_empty()).map(|actions| Step { actions }).collect())
}

fn restarts(before: &App, after: &App, is_mixed: bool) -> Kind {
    let is_same = before.config_version_ms == after.config_version_ms;
    if is_same && !is_mixed { Kind::Scale } else { Kind::Restart }
}

/// The longest path to an app's deepest dependency.
#[derive(Debug)]
struct Depths<'a> {
    all: &'a BTreeMap<PathId, Arc<App>>,
    known: BTreeMap<PathId, usize>,
    open: BTreeSet<PathId>,
}

impl Depths<'_> {
    fn of(&mut self, root: &PathId) -> Result<usize, Cycle> {
        // By hand, because a chain of dependencies may be as long as there are apps.
        let mut path = vec![(root.clone(), self.below(root))];
        self.open.insert(root.clone());
        while let Some((id, left)) = path.last_mut() {
            let Some(next) = left.pop() else {
                let below = self.below(&id.clone());
                let Some((id, _)) = path.pop() else { break };
                let deepest = below.iter().filter_map(|one| self.known.get(one)).max();
                let depth = deepest.map_or(0, |depth| depth + 1);
                self.open.remove(&id);
                self.known.insert(id, depth);
                continue;
            };
            if self.known.contains_key(&next) {
                continue;
            }
            if !self.open.insert(next.clone()) {
                return Err(Cycle(next));
            }
            let below = self.below(&next);
            path.push((next, below));
        }
        Ok(self.known.get(root).copied().unwrap_or(0))
    }

    /// The apps that one depends on; those of a group for a group.
    fn below(&self, id: &PathId) -> Vec<PathId> {
        let Some(app) = self.all.get(id) else { return Vec::new() };
        let within = |group: &PathId| {
            let from = self.all.range(group.clone()..).map(|(id, _)| id.clone());
            let prefix = group.as_str().to_owned();
            let near = from.take_while(move |id| id.as_str().starts_with(&prefix));
            let group = group.clone();
            near.filter(move |id| id.is_within(&group))
        };
        app.dependencies.iter().flat_map(within).collect()
    }
}

/// Whether the dependencies of apps lead back somewhere.
pub(crate) fn cycle(all: &BTreeMap<PathId, Arc<App>>) -> Option<PathId> {
    let mut depths = Depths { all, known: BTreeMap::new(), open: BTreeSet::new() };
    all.keys().find_map(|id| depths.of(id).err()).map(|cycle| cycle.0)
}
