//! What is wanted of apps is changed: checked, given versions, and deployed. Source: frameworks.md 3.1 to 3.3.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_wire_marathon::{App, PathId};

use super::calls::Refused;
use super::ports::Ports;
use super::{Context, Marathon};
use crate::api::{Problem, Reply};
use crate::deployments::Deployment;
use crate::events::Event;
use crate::limits;
use crate::plan::{self, Change, Cycle, Sort, Step, plan};
use crate::rules::Rule;

/// What is wanted of an app.
#[derive(Clone, Debug)]
pub(super) enum Wish {
    /// This.
    As(Box<App>),
    /// As it was, with versions of its own if it had some.
    Back(Arc<App>),
    /// The same, with new instances.
    Anew,
    /// Nothing.
    Gone,
    /// The same; what was interrupted is done.
    Same,
}

/// A change that may be made.
struct Draft {
    version_ms: u64,
    changes: BTreeMap<PathId, Change>,
    steps: Vec<Step>,
}

impl Marathon {
    /// What would be done.
    pub(super) fn plans(&mut self, cx: &Context, wishes: BTreeMap<PathId, Wish>) -> Refused<Reply> {
        let newest_ms = self.newest_ms;
        let draft = self.drafts(cx, wishes);
        self.newest_ms = newest_ms;
        Ok(Reply::Plan(draft?.steps))
    }

    /// Changes what is wanted, by a deployment.
    pub(super) fn deploys(
        &mut self,
        cx: &mut Context,
        event: &PathId,
        mut wishes: BTreeMap<PathId, Wish>,
        force: bool,
    ) -> Refused<Reply> {
        let locked: BTreeSet<Arc<str>> =
            wishes.keys().filter_map(|id| self.deployments.of(id).cloned()).collect();
        if !locked.is_empty() && !force {
            // What is not changed is not locked.
            let changed = self.drafts(cx, wishes.clone())?.changes;
            let locks = changed.keys().filter_map(|id| self.deployments.of(id).cloned());
            let locks: BTreeSet<_> = locks.collect();
            if !locks.is_empty() {
                return Err(Reply::Locked(locks.into_iter().collect()));
            }
        }
        if force {
            // What a cancelled deployment has not done is done by this one.
            for id in locked.iter().filter_map(|id| self.deployments.get(id)) {
                for app in id.affected() {
                    wishes.entry(app.clone()).or_insert(Wish::Same);
                }
            }
        }
        let draft = self.drafts(cx, wishes)?;
        let cancelled = if force { locked } else { BTreeSet::new() };
        if self.deployments.len() - cancelled.len() >= limits::DEPLOYMENTS_MAX {
            return Err(Reply::TooMany);
        }
        for id in cancelled {
            self.deployments.remove(&id);
            cx.tell(Event::DeploymentFailed { deployment: id });
        }
        Ok(self.applies(cx, event, draft))
    }

    fn applies(&mut self, cx: &mut Context, event: &PathId, draft: Draft) -> Reply {
        let Draft { version_ms, changes, steps } = draft;
        let mut before = BTreeMap::new();
        let mut apps = BTreeMap::new();
        for (id, change) in changes {
            if let Some(after) = &change.after {
                apps.insert(id.clone(), (after.clone(), change.before.is_none()));
            }
            self.apps.wants(&id, change.after);
            self.touched.insert(id.clone());
            before.insert(id, change.before);
        }
        cx.tell(Event::GroupChanged { path: event.clone(), version_ms });
        let id: Arc<str> = self.ids.uuid("deployment").into();
        let deployment = Deployment { version_ms, steps, at: 0, before };
        self.deployments.insert(id.clone(), deployment);
        Reply::Done { version_ms, deployment: id, apps }
    }

    fn drafts(&mut self, cx: &Context, wishes: BTreeMap<PathId, Wish>) -> Refused<Draft> {
        self.newest_ms = cx.wall_ms.max(self.newest_ms + 1);
        let version_ms = self.newest_ms;
        let mut changes = BTreeMap::new();
        let mut ports = self.reserves(&wishes);
        let mut problems = Vec::new();
        for (id, wish) in wishes {
            let before = self.apps.wanted(&id).cloned();
            let is_mixed = self.is_mixed(&id);
            let after = match (wish, &before) {
                (Wish::Gone | Wish::Same | Wish::Anew, None) => continue,
                (Wish::Gone, Some(_)) => None,
                (Wish::Same, Some(app)) if is_mixed => Some(app.clone()),
                (Wish::Same, Some(_)) => continue,
                (Wish::Anew, Some(app)) => {
                    Some(Arc::new(versioned(App::clone(app), None, version_ms)))
                }
                (Wish::Back(app), _) => {
                    let app = ports.returns(App::clone(&app), &mut problems);
                    Some(Arc::new(App { version_ms, ..app }))
                }
                (Wish::As(app), Some(known)) if Sort::of(&app) != Sort::of(known) => {
                    return Err(Reply::Exists(id, Sort::of(known)));
                }
                (Wish::As(app), before) => {
                    let app = ports.draws(*app, before.as_deref(), &mut problems);
                    let app = versioned(app, before.as_deref(), version_ms);
                    if before.as_ref().is_some_and(|before| is_same(before, &app)) && !is_mixed {
                        continue;
                    }
                    Some(Arc::new(app))
                }
            };
            changes.insert(id, Change { before, after, is_mixed });
        }
        for app in changes.values().filter_map(|one| one.after.as_ref()) {
            problems.extend(rule_problem(app));
        }
        if !problems.is_empty() {
            return Err(Reply::Invalid(problems));
        }
        let steps = self.steps(&changes)?;
        Ok(Draft { version_ms, changes, steps })
    }

    /// Whose service ports nobody else may draw: first of apps that stay or name theirs, then of those that had some.
    fn reserves(&self, wishes: &BTreeMap<PathId, Wish>) -> Ports<'_> {
        let mut ports = Ports::new(&self.apps, self.config.service_ports, wishes);
        for (id, wish) in wishes {
            match (wish, self.apps.wanted(id)) {
                (Wish::As(app), _) => ports.keeps(app),
                (Wish::Same | Wish::Anew, Some(app)) => ports.keeps(app),
                _ => {}
            }
        }
        for (id, wish) in wishes {
            match (wish, self.apps.wanted(id)) {
                (Wish::Back(app), _) | (Wish::As(_), Some(app)) => ports.keeps(app),
                _ => {}
            }
        }
        ports
    }

    fn steps(&self, changes: &BTreeMap<PathId, Change>) -> Refused<Vec<Step>> {
        let known = self.apps.all();
        let known = known.filter_map(|(id, kept)| Some((id.clone(), kept.wanted.clone()?)));
        let mut all: BTreeMap<PathId, Arc<App>> = known.collect();
        for (id, change) in changes {
            match &change.after {
                Some(app) => drop(all.insert(id.clone(), app.clone())),
                None => drop(all.remove(id)),
            }
        }
        let invalid = |app: PathId, path: &str, text: String| {
            Reply::Invalid(vec![Problem { app, path: path.to_owned(), text }])
        };
        if all.len() > limits::APPS_MAX {
            let text = format!("there may be {} apps: delete some", limits::APPS_MAX);
            return Err(invalid(PathId::root(), "/apps", text));
        }
        let cyclic = |id: PathId| {
            let text = format!("the dependencies of {id} lead back to it: remove one of them");
            invalid(id, "/dependencies", text)
        };
        if changes
            .values()
            .any(|one| one.after.as_ref().is_some_and(|app| !app.dependencies.is_empty()))
            && let Some(id) = plan::cycle(&all)
        {
            return Err(cyclic(id));
        }
        plan(changes, &all).map_err(|Cycle(id)| cyclic(id))
    }

    /// Whether an app is not what is wanted of it yet.
    fn is_mixed(&self, id: &PathId) -> bool {
        let Some(kept) = self.apps.get(id) else { return false };
        let (Some(wanted), Some(effective)) = (&kept.wanted, &kept.effective) else {
            return kept.wanted.is_some();
        };
        let is_other = |app: &App| app.config_version_ms != wanted.config_version_ms;
        is_other(effective)
            || wanted.instances != effective.instances
            || self
                .instances
                .of(id)
                .any(|(_, one)| one.is_kept() && one.config_ms != wanted.config_version_ms)
    }

    /// Ends a deployment: as it is, or by one that takes it back. Source: frameworks.md 3.2.
    pub(super) fn cancels(&mut self, cx: &mut Context, id: &str, force: bool) -> Refused<Reply> {
        let Some(deployment) = self.deployments.get(id) else {
            return Err(Reply::NoDeployment(id.to_owned()));
        };
        if force {
            let key: Arc<str> = id.into();
            if let Some(gone) = self.deployments.remove(&key) {
                self.touched.extend(gone.before.into_keys());
            }
            cx.tell(Event::DeploymentFailed { deployment: key });
            return Ok(Reply::Ok);
        }
        let back = deployment.before.iter().map(|(app, before)| {
            let wish = before.clone().map_or(Wish::Gone, Wish::Back);
            (app.clone(), wish)
        });
        let back = back.collect();
        self.deploys(cx, &PathId::root(), back, true)
    }
}

/// Gives versions. Source: frameworks.md 3.1, `versionInfo`.
fn versioned(mut app: App, before: Option<&App>, version_ms: u64) -> App {
    app.version_ms = version_ms;
    app.config_version_ms = version_ms;
    app.scaling_version_ms = version_ms;
    let Some(before) = before else { return app };
    if app.instances == before.instances {
        app.scaling_version_ms = before.scaling_version_ms;
    }
    let rescaled = App { instances: app.instances, ..before.clone() };
    if is_same(&rescaled, &app) {
        app.config_version_ms = before.config_version_ms;
    }
    app
}

/// Whether two apps differ in nothing but their versions.
fn is_same(one: &App, other: &App) -> bool {
    let aligned = App {
        version_ms: one.version_ms,
        config_version_ms: one.config_version_ms,
        scaling_version_ms: one.scaling_version_ms,
        ..other.clone()
    };
    *one == aligned
}

fn rule_problem(app: &App) -> Option<Problem> {
    let (at, text) = Rule::all(&app.constraints).err()?;
    let above = if app.pod.is_some() { "/scheduling/placement" } else { "" };
    Some(Problem { app: app.id.clone(), path: format!("{above}/constraints({at})"), text })
}
