//! Counts of tasks, and sums of what they hold, kept as tasks come and go.

use std::sync::Arc;

use longshore_wire_mesos::v1::TaskState;

use super::entry::{holds, scalars};
use super::keep::ReadModel;
use super::record::{ExecutorView, TaskView};
use crate::ranges::Ranges;

/// Where a task is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Among those that have not ended for good.
    Live,
    /// Among the completed ones, where it holds nothing whatever its state.
    Ended,
}

/// Whether nothing but the state of a task has changed, of what is counted. It is so with nearly every change.
pub(super) fn is_where_it_was(before: &TaskView, now: &TaskView) -> bool {
    before.agent == now.agent
        && before.role == now.role
        && Arc::ptr_eq(&before.resources, &now.resources)
        && holds(before.state) == holds(now.state)
}

impl ReadModel {
    /// Counts a live task, and holds what it uses.
    pub(super) fn tally(&mut self, task: &TaskView) {
        if let Some(framework) = self.view.frameworks.get_mut(&task.framework) {
            framework.counts.add(task.state);
            let tasks = framework.agents.get(&task.agent).copied().unwrap_or(0);
            framework.agents.insert_mut(task.agent.clone(), tasks + 1);
            if holds(task.state) {
                framework.used.hold(&task.role, &scalars(&task.resources));
            }
        }
        let holds = holds(task.state);
        self.agent(&task.agent, |agent| {
            agent.counts.add(task.state);
            let tasks = agent.held.get(&task.framework).copied().unwrap_or(0);
            agent.held.insert_mut(task.framework.clone(), tasks + 1);
            if holds {
                agent.hold(task);
            }
        });
        if holds {
            self.role(&task.role, |role| role.allocated.add(&task.resources));
        }
    }

    /// A task is in another state, and holds as much as before.
    pub(super) fn restate(&mut self, task: &TaskView, before: TaskState) {
        if let Some(framework) = self.view.frameworks.get_mut(&task.framework) {
            framework.counts.take(before);
            framework.counts.add(task.state);
        }
        self.agent(&task.agent, |agent| {
            agent.counts.take(before);
            agent.counts.add(task.state);
        });
    }

    /// A task is not shown there any more.
    pub(super) fn uncount(&mut self, task: &TaskView, place: Place) {
        if place == Place::Live {
            self.release(task);
        }
        if let Some(framework) = self.view.frameworks.get_mut(&task.framework) {
            framework.counts.take(task.state);
            match framework.agents.get(&task.agent).copied() {
                Some(tasks) if tasks > 1 => {
                    framework.agents.insert_mut(task.agent.clone(), tasks - 1);
                }
                _ => {
                    framework.agents.remove_mut(&task.agent);
                }
            }
        }
        self.agent(&task.agent, |agent| {
            agent.counts.take(task.state);
            match agent.held.get(&task.framework).copied() {
                Some(tasks) if tasks > 1 => {
                    agent.held.insert_mut(task.framework.clone(), tasks - 1);
                }
                _ => {
                    agent.held.remove_mut(&task.framework);
                }
            }
        });
    }

    /// A live task does not use anything any more.
    pub(super) fn release(&mut self, task: &TaskView) {
        if !holds(task.state) {
            return;
        }
        if let Some(framework) = self.view.frameworks.get_mut(&task.framework) {
            framework.used.release(&task.role, &task.resources, Ranges::default());
        }
        self.agent(&task.agent, |agent| agent.release(task));
        self.role(&task.role, |role| role.allocated.take(&task.resources));
    }

    /// An executor uses something, apart from its tasks. What ports it has are not told apart from theirs.
    pub(super) fn hold_executor(&mut self, executor: &ExecutorView) {
        let scalars = scalars(&executor.resources);
        if let Some(framework) = self.view.frameworks.get_mut(&executor.framework) {
            framework.used.hold(&executor.role, &scalars);
        }
        self.agent(&executor.agent, |agent| agent.used.hold(&executor.role, &scalars));
        self.role(&executor.role, |role| role.allocated.add(&scalars));
    }

    /// An executor does not use anything any more.
    pub(super) fn release_executor(&mut self, executor: &ExecutorView) {
        let scalars = scalars(&executor.resources);
        if let Some(framework) = self.view.frameworks.get_mut(&executor.framework) {
            framework.used.release(&executor.role, &scalars, Ranges::default());
        }
        self.agent(&executor.agent, |agent| agent.release_executor(&executor.role, &scalars));
        self.role(&executor.role, |role| role.allocated.take(&scalars));
    }

    /// Counts how a task ended, for the metrics. Source: Mesos, `Metrics::incrementTasksStates`.
    pub(super) fn count_end(&mut self, task: &TaskView) {
        if task.state == TaskState::TaskUnreachable || holds(task.state) {
            return;
        }
        let state = task.state.as_str_name().to_lowercase();
        let ended = state.strip_prefix("task_").unwrap_or(&state);
        self.count(&format!("tasks_{ended}"), 1);
        self.count_for(&task.framework, &format!("tasks/terminal/{state}"));
        let last = task.statuses.last();
        let why = last.and_then(|status| Some((status.source?, status.reason?)));
        if let Some((source, reason)) = why {
            let (source, reason) = (source.as_str_name(), reason.as_str_name());
            self.count(&format!("{state}/{source}/{reason}").to_lowercase(), 1);
        }
    }
}
