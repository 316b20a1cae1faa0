//! How deployments proceed. A step begins by changing what is kept up of its apps; it is done when they have that.
//!
//! Whether a step has begun is seen from the apps, so that it begins again after a crash and nothing is done twice.

use std::sync::Arc;

use longshore_wire_marathon::{App, PathId};

use super::{Context, Marathon};
use crate::events::Event;
use crate::plan::{Action, Kind};
use crate::timers::Due;

impl Marathon {
    pub(super) fn proceeds(&mut self, cx: &mut Context, id: &Arc<str>) {
        let Some(deployment) = self.deployments.get(id) else { return };
        let at = deployment.at;
        let Some(step) = deployment.steps.get(at).cloned() else {
            let gone = self.deployments.remove(id);
            let apps = gone.iter().flat_map(|one| one.before.keys().cloned());
            self.touched.extend(apps);
            return cx.tell(Event::DeploymentDone { deployment: id.clone() });
        };
        let mut has_begun = false;
        for action in &step.actions {
            has_begun |= self.begins(cx, action);
        }
        if has_begun {
            cx.tell(Event::StepBegan { deployment: id.clone(), step: step.clone(), at });
            // They are looked at before this step is.
            return;
        }
        if step.actions.iter().all(|action| self.is_over(action)) {
            cx.tell(Event::StepDone { deployment: id.clone(), step, at });
            self.deployments.advances(id);
            self.deployments.look(id);
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

    fn is_over(&self, action: &Action) -> bool {
        match action.kind {
            Kind::Start => true,
            Kind::Stop => self.apps.get(&action.app).is_none(),
            Kind::Scale | Kind::Restart => self.is_settled(&action.app),
        }
    }
}

fn is_kept_up(wanted: &App, effective: &App) -> bool {
    wanted.version_ms == effective.version_ms && wanted.instances == effective.instances
}
