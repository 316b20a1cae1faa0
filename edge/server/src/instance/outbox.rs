//! Reports on their way to the control plane. Each is whole, so a later one of the same task replaces an earlier.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::TaskReport;
use tokio::sync::Notify;

use crate::ecs::ControlHandle;

type Reports = BTreeMap<ResourceId, BTreeMap<ResourceId, TaskReport>>;

/// Reports that wait, at most one for each task.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    waiting: Arc<Mutex<Reports>>,
    news: Arc<Notify>,
}

impl Outbox {
    /// Adds a report. A report that the task is RUNNING gives way to one that it is STOPPED.
    pub(crate) fn add(&self, instance: ResourceId, report: TaskReport) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.entry(instance).or_default().insert(report.task, report);
        drop(waiting);
        self.news.notify_one();
    }

    /// Sends reports on, for ever.
    pub(crate) async fn run(self, control: ControlHandle) {
        loop {
            self.news.notified().await;
            let taken =
                std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            for (instance, reports) in taken {
                control.reported(instance, reports.into_values().collect()).await;
            }
        }
    }
}
