//! What clients read: snapshots that share what does not change.

use std::sync::Arc;

use longshore_wire_marathon::{App, PathId};

use super::Marathon;
use crate::api::{AppView, PodView, QueueView, Reply, TaskView};
use crate::apps::Kept;
use crate::deployments::Deployment;
use longshore_machine::Timestamp;

impl Marathon {
    pub(super) fn view(&self, id: &PathId, app: &Arc<App>, failure: &Kept) -> AppView {
        let deployment = self.deployments.of(id).cloned();
        let is_asked = deployment.is_some() && !app.readiness_checks.is_empty();
        let asked = self.instances.of(id).filter(|_| is_asked);
        let readiness = asked.map(|(key, one)| (key.clone(), one.last_status, one.is_ready));
        AppView {
            app: app.clone(),
            counts: self.instances.counts(id),
            failure: failure.failure.clone(),
            readiness: readiness.collect(),
            deployment,
        }
    }

    pub(super) fn reads_apps(&self, within: &PathId) -> Reply {
        let wanted = self.apps.within(within);
        let wanted =
            wanted.filter_map(|(id, kept)| Some(self.view(id, kept.wanted.as_ref()?, kept)));
        Reply::Apps(wanted.collect())
    }

    pub(super) fn reads_app(&self, id: &PathId) -> Reply {
        let view =
            self.apps.get(id).and_then(|kept| Some(self.view(id, kept.wanted.as_ref()?, kept)));
        view.map_or_else(|| Reply::NoApp(id.clone()), |view| Reply::App(Box::new(view)))
    }

    pub(super) fn reads_versions(&self, id: &PathId) -> Reply {
        match self.apps.get(id).filter(|kept| kept.wanted.is_some()) {
            None => Reply::NoApp(id.clone()),
            Some(kept) => Reply::Versions(kept.versions.iter().rev().cloned().collect()),
        }
    }

    pub(super) fn reads_tasks(&self, within: &PathId) -> Reply {
        let all = self.apps.within(within).flat_map(|(id, _)| self.instances.of(id));
        Reply::Tasks(
            all.map(|(id, one)| TaskView { id: id.clone(), instance: one.clone() }).collect(),
        )
    }

    pub(super) fn reads_pods(&self, within: &PathId) -> Reply {
        let view = |(id, kept): (&PathId, &Kept)| {
            // One that is going is shown as long as it has instances.
            let pod = kept.wanted.as_ref().or(kept.effective.as_ref())?;
            pod.pod.as_ref()?;
            let instances = self.instances.of(id);
            let instances =
                instances.map(|(id, one)| TaskView { id: id.clone(), instance: one.clone() });
            Some(PodView {
                pod: pod.clone(),
                is_going: kept.wanted.is_none(),
                instances: instances.collect(),
                ends: kept.ends.iter().rev().cloned().collect(),
            })
        };
        Reply::Pods(self.apps.within(within).filter_map(view).collect())
    }

    pub(super) fn reads_queue(&self, now: Timestamp) -> Reply {
        let queued = self.apps.all().filter(|(_, kept)| kept.queued.want > 0);
        let shown = queued.filter_map(|(_, kept)| {
            let app = kept.effective.clone()?;
            let delay = kept.delay.filter(|one| one.config_ms == app.config_version_ms);
            let (tally, last_unused_ms) = self.apps.tally(kept);
            Some(QueueView {
                count: kept.queued.want,
                since_ms: kept.queued.since_ms,
                left_ms: delay.map_or(0, |one| one.until.since(now)),
                tally,
                last_used_ms: kept.queued.last_used_ms,
                last_unused_ms,
                app,
            })
        });
        Reply::Queue(shown.collect())
    }

    pub(super) fn reads_deployments(&self) -> Reply {
        let all = self.deployments.all();
        let all: Vec<(Arc<str>, Deployment)> =
            all.map(|(id, one)| (id.clone(), one.clone())).collect();
        Reply::Deployments(all)
    }
}
