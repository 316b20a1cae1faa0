//! How deployments proceed. A step begins by changing what is kept up of its apps; it is done when they have that.
//!
//! What a step has begun is seen from the apps, so that it begins again after a crash and nothing is done twice. With each update only
//! the app that it is of is looked at: a step may have thousands of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use longshore_wire_marathon::{App, PathId};

use super::{Context, Marathon};
use crate::events::Event;
use crate::plan::{Action, Kind};
use crate::timers::Due;

impl Marathon {
    /// Looks at a deployment after something has changed of these apps.
    pub(super) fn proceeds(&mut self, cx: &mut Context, id: &Arc<str>, apps: BTreeSet<PathId>) {
        let Some(deployment) = self.deployments.get(id) else { return };
        let at = deployment.at;
        let Some(step) = deployment.steps.get(at) else {
            let gone = self.deployments.remove(id);
            let apps = gone.iter().flat_map(|one| one.before.keys().cloned());
            self.touched.extend(apps);
            return cx.tell(Event::DeploymentDone { deployment: id.clone() });
        };
        if self.deployments.open(id).is_none() {
            let step = step.clone();
            let mut has_begun = false;
            for action in &step.actions {
                has_begun |= self.begins(cx, action);
            }
            // They are looked at before this step is.
            self.deployments.begins(id, &step);
            if has_begun {
                cx.tell(Event::StepBegan { deployment: id.clone(), step, at });
            }
            return;
        }
        for app in apps {
            let Some(kind) = self.deployments.action(id, &app) else { continue };
            let is_over = self.is_over(kind, &app);
            self.deployments.finds(id, app, is_over);
        }
        if self.deployments.open(id).is_some_and(BTreeSet::is_empty) {
            let step = self.deployments.get(id).and_then(|one| one.steps.get(at)).cloned();
            if let Some(step) = step {
                cx.tell(Event::StepDone { deployment: id.clone(), step, at });
            }
            self.deployments.advances(id);
        }
    }

    /// Begins an action, unless it has begun.
    fn begins(&mut self, cx: &mut Context, action: &Action) -> bool {
        let id = &action.app;
        let Some(kept) = self.apps.get(id) else { return false };
        let next: Arc<App> = match (action.kind, &kept.wanted, &kept.effective) {
            (Kind::Start, Some(wanted), None) => {
                Arc::new(App { instances: 0, ..App::clone(wanted) })
            }
            (Kind::Stop, None, Some(app)) if app.instances > 0 => {
                Arc::new(App { instances: 0, ..App::clone(app) })
            }
            (Kind::Scale | Kind::Restart, Some(wanted), Some(app)) if !is_kept_up(wanted, app) => {
                wanted.clone()
            }
            (Kind::Scale | Kind::Restart, Some(wanted), None) => wanted.clone(),
            _ => return false,
        };
        if action.kind == Kind::Restart {
            // Source: frameworks.md 3.3, 4: the delay is forgotten.
            self.forgets_delay(id);
        }
        self.apps.begins(id, next);
        self.asks_readiness(cx, id);
        self.touched.insert(id.clone());
        true
    }

    pub(super) fn forgets_delay(&mut self, id: &PathId) {
        self.apps.delays(id, None);
        self.timers.cancel(&Due::Backoff(id.clone()));
    }

    /// Whether an app is what an action wants it to be.
    pub(crate) fn is_over(&self, kind: Kind, app: &PathId) -> bool {
        match kind {
            Kind::Start => true,
            Kind::Stop => self.apps.get(app).is_none(),
            Kind::Scale | Kind::Restart => self.is_settled(app),
        }
    }
}

fn is_kept_up(wanted: &App, effective: &App) -> bool {
    wanted.version_ms == effective.version_ms && wanted.instances == effective.instances
}
