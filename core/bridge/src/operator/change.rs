//! What those who watch are told: changes of what operators see, each once and in their order. Source: \[P1\].
//!
//! Changes are collected only while somebody watches, so that they cost nothing otherwise. They hold the records themselves:
//! whoever writes them down does so elsewhere.

use std::sync::Arc;

use longshore_wire_mesos::v1::CheckStatusInfo;

use super::entry::AgentEntry;
use super::keep::ReadModel;
use super::record::{AgentView, FrameworkView, TaskView};
use super::view::View;
use crate::ids::AgentId;

/// Something that those who watch are told.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A task was launched.
    TaskAdded(Arc<TaskView>),
    /// A task has another state or another health, which its last status tells, if it has any.
    TaskUpdated(Arc<TaskView>),
    /// An agent is there.
    AgentAdded(Arc<AgentView>, Box<AgentEntry>),
    /// An agent is gone.
    AgentRemoved(AgentId),
    /// A framework is known from now on.
    FrameworkAdded(Arc<FrameworkView>),
    /// A framework has come back, or describes itself anew.
    FrameworkUpdated(Arc<FrameworkView>),
    /// A framework is gone.
    FrameworkRemoved(Arc<FrameworkView>),
}

/// Who watches, and what they are still to be told.
#[derive(Debug, Default)]
pub(super) struct Watched {
    watchers: usize,
    changes: Vec<Change>,
}

impl Watched {
    /// Notes a change, if anybody watches.
    pub(super) fn note(&mut self, change: impl FnOnce() -> Change) {
        if self.watchers > 0 {
            self.changes.push(change());
        }
    }

    /// A task is so now. Source: operators are told of states and of health, and not of each status.
    pub(super) fn task(&mut self, before: Option<&TaskView>, task: &Arc<TaskView>) {
        match before {
            None => self.note(|| Change::TaskAdded(task.clone())),
            Some(before) if is_news(before, task) => {
                self.note(|| Change::TaskUpdated(task.clone()));
            }
            Some(_) => {}
        }
    }

    /// A framework is so now. Source: Mesos, `sendFrameworkUpdates`: that one is disconnected is not told.
    pub(super) fn framework(
        &mut self,
        before: Option<&FrameworkView>,
        framework: &Arc<FrameworkView>,
    ) {
        match before {
            None => self.note(|| Change::FrameworkAdded(framework.clone())),
            Some(before) if self.watchers > 0 && has_news(before, framework) => {
                self.note(|| Change::FrameworkUpdated(framework.clone()));
            }
            Some(_) => {}
        }
    }
}

fn is_news(before: &TaskView, now: &TaskView) -> bool {
    before.state != now.state || health(before) != health(now)
}

/// What the checks of a task found last.
fn health(task: &TaskView) -> (Option<bool>, Option<&CheckStatusInfo>) {
    task.statuses.last().map_or((None, None), |last| (last.healthy, last.check.as_deref()))
}

/// Source: Mesos, `updateFramework`: which roles are suppressed and what offers are wanted is no news.
fn has_news(before: &FrameworkView, now: &FrameworkView) -> bool {
    let is_back = (now.connected && !before.connected) || (now.active && !before.active);
    let FrameworkView { active, connected, .. } = *before;
    let (suppressed, offer_constraints) =
        (before.suppressed.clone(), before.offer_constraints.clone());
    let told = FrameworkView { suppressed, active, connected, offer_constraints, ..now.clone() };
    is_back || *before != told
}

impl ReadModel {
    /// The state of this moment, for one more who is told of all that changes after it.
    pub fn watch(&mut self) -> View {
        self.watched.watchers += 1;
        self.gauge_watchers();
        self.snapshot()
    }

    /// One of those who watch has left.
    pub fn unwatch(&mut self) {
        self.watched.watchers = self.watched.watchers.saturating_sub(1);
        if self.watched.watchers == 0 {
            self.watched.changes = Vec::new();
        }
        self.gauge_watchers();
    }

    fn gauge_watchers(&mut self) {
        #[expect(clippy::cast_precision_loss, reason = "as many as there are connections")]
        let watchers = self.watched.watchers as f64;
        self.gauge("operator_event_stream_subscribers", watchers);
    }

    /// What has changed since this was asked last, if anybody watches.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.watched.changes)
    }
}
