//! Questions about tasks that cannot be answered yet: for a while after a start, a launch of the last master may show up late, and whoever
//! is told that there is none starts it again. They are answered when that is over. Source: \[R4\].

use std::collections::BTreeMap;

use longshore_wire_mesos::v1::scheduler::call::reconcile;

use super::Parts;
use super::jobs::Job;
use crate::context::Context;
use crate::ids::FrameworkId;
use crate::limits;

/// What was asked too early.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    asked: BTreeMap<FrameworkId, Asked>,
    /// Of all together.
    bytes: usize,
}

/// What one framework asked.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// By task id, so that who asks again and again asks once.
    tasks: BTreeMap<String, reconcile::Task>,
    /// About how much they take.
    bytes: usize,
}

impl Deferred {
    /// Keeps questions of a framework; those beyond the limit it has to ask again.
    pub(super) fn keep(&mut self, framework: &FrameworkId, tasks: Vec<reconcile::Task>) {
        let asked = self.asked.entry(framework.clone()).or_default();
        for task in tasks {
            let (id, bytes) = (task.task_id.value.clone(), size(&task));
            let has_room = asked.bytes + bytes <= limits::DEFERRED_BYTES_MAX
                && self.bytes + bytes <= limits::DEFERRED_BYTES_MAX_ALL;
            if has_room && !asked.tasks.contains_key(&id) {
                asked.bytes += bytes;
                self.bytes += bytes;
                asked.tasks.insert(id, task);
            }
        }
    }

    /// Nobody will ask for this framework any more.
    pub(super) fn forget(&mut self, framework: &FrameworkId) {
        let forgotten = self.asked.remove(framework);
        self.bytes -= forgotten.map_or(0, |asked| asked.bytes);
    }
}

/// About how many bytes a question takes, here and in the queue of answers.
fn size(task: &reconcile::Task) -> usize {
    let agent = task.agent_id.as_ref().map_or(0, |agent| agent.value.len());
    128 + 2 * task.task_id.value.len() + agent
}

impl Parts {
    /// No launch of the last master shows up any more.
    pub(super) fn strays_are_over(&mut self, cx: &mut Context<'_>) {
        self.cluster.strays_are_over();
        let asked = std::mem::take(&mut self.deferred).asked;
        let asked: Vec<_> = asked.into_iter().collect();
        self.begin(cx, Job::Deferred(asked.into_iter()));
    }

    /// Answers what one framework asked too early, as far as it is there.
    pub(super) fn answer_deferred(
        &mut self,
        cx: &mut Context<'_>,
        framework: &FrameworkId,
        asked: Asked,
    ) {
        let tasks = asked.tasks.into_values().collect();
        self.reconcile(cx, framework, tasks, asked.bytes);
    }
}
