//! Reports on their way to the control plane. Each report is complete, so a later one for the same
//! task replaces an earlier one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::TaskReport;
use tokio::sync::Notify;

use crate::ecs::ControlHandle;
use crate::limits;

type Reports = BTreeMap<ResourceId, BTreeMap<ResourceId, TaskReport>>;

/// Waiting reports, at most one per task.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    waiting: Arc<Mutex<Reports>>,
    /// Instances whose agent is disconnected: their reports wait.
    silent: Arc<Mutex<BTreeSet<ResourceId>>>,
    news: Arc<Notify>,
}

impl Outbox {
    /// Adds reports. A report that a task is RUNNING never replaces one that it is STOPPED.
    pub(crate) fn add_all(&self, reports: impl Iterator<Item = (ResourceId, TaskReport)>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for (instance, report) in reports {
            waiting.entry(instance).or_default().insert(report.task, report);
        }
        drop(waiting);
        self.news.notify_one();
    }

    /// Sets whether the reports of an instance wait.
    pub(crate) fn silence(&self, instance: ResourceId, silent: bool) {
        let mut all = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        if silent {
            all.insert(instance);
        } else {
            all.remove(&instance);
        }
        drop(all);
        self.news.notify_one();
    }

    /// Drops the waiting reports of an instance that is gone. It stays silent: what it may still report is of no interest.
    pub(crate) fn drop_reports(&self, instance: ResourceId) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&instance);
    }

    /// Takes the waiting reports of instances with a connected agent.
    fn take(&self) -> Reports {
        let silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if silent.is_empty() {
            return std::mem::take(&mut *waiting);
        }
        let (held, taken) =
            std::mem::take(&mut *waiting).into_iter().partition(|(id, _)| silent.contains(id));
        *waiting = held;
        taken
    }

    /// Forwards reports, forever.
    pub(crate) async fn run(self, control: ControlHandle) {
        loop {
            self.news.notified().await;
            let mut together = Vec::new();
            for (instance, reports) in self.take() {
                together.push((instance, reports.into_values().collect()));
                if together.len() >= limits::REPORTING_TOGETHER_MAX {
                    control.reported(std::mem::take(&mut together)).await;
                }
            }
            if !together.is_empty() {
                control.reported(together).await;
            }
        }
    }
}
