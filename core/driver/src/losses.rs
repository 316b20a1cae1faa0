//! Launches that did not arrive, or of which nobody knows whether they did.

use std::collections::BTreeMap;

use longshore_machine::Timestamp;
use longshore_wire_mesos::v1::scheduler::Call;
use longshore_wire_mesos::v1::scheduler::call::{self, Type};
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{AgentId, TaskId, TaskState, TaskStatus};

use crate::command::Launch;
use crate::limits;

/// Why a task was not launched, as a status says it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loss<'t> {
    pub(crate) state: TaskState,
    pub(crate) reason: Reason,
    pub(crate) message: &'t str,
}

impl Loss<'_> {
    /// The update that a scheduler gets, which needs no acknowledgement. Source: the driver of Mesos makes it likewise.
    pub(crate) fn status(self, now: Timestamp, launch: Launch) -> TaskStatus {
        TaskStatus {
            task_id: launch.task,
            agent_id: Some(launch.agent),
            state: self.state.into(),
            source: Some(Source::Master.into()),
            reason: Some(self.reason.into()),
            message: Some(self.message.to_owned()),
            timestamp: Some(now.wall().seconds()),
            ..TaskStatus::default()
        }
    }
}

/// Tasks whose launch broke off.
#[derive(Debug, Default)]
pub(crate) struct Unsure {
    tasks: BTreeMap<String, AgentId>,
    ask_at: Option<Timestamp>,
}

impl Unsure {
    pub(crate) fn add(&mut self, now: Timestamp, launches: Vec<Launch>) {
        if launches.is_empty() {
            return;
        }
        self.tasks.extend(launches.into_iter().map(|one| (one.task.value, one.agent)));
        self.ask_at = Some(now + limits::ASK_AFTER_MS);
    }

    /// Something is told of a task.
    pub(crate) fn heard(&mut self, task: &TaskId) {
        self.tasks.remove(&task.value);
    }

    /// Asks about all of them, if it is time.
    pub(crate) fn ask(&mut self, now: Timestamp) -> Option<Call> {
        self.ask_at.take_if(|at| *at <= now)?;
        if self.tasks.is_empty() {
            return None;
        }
        // They stay until something is told of them: this call may break off too.
        let tasks = self.tasks.iter().map(|(task, agent)| call::reconcile::Task {
            task_id: TaskId { value: task.clone() },
            agent_id: Some(agent.clone()),
        });
        let reconcile = Some(call::Reconcile { tasks: tasks.collect() });
        Some(Call { r#type: Some(Type::Reconcile.into()), reconcile, ..Call::default() })
    }

    /// The framework is subscribed again.
    pub(crate) fn subscribed(&mut self, now: Timestamp) {
        if !self.tasks.is_empty() {
            self.ask_at = Some(now + limits::ASK_AFTER_MS);
        }
    }

    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        self.ask_at
    }
}
