//! Ends of tasks that the scheduler has heard of and is done with.
//!
//! Longshore's master keeps acknowledgements in memory, so one that has started again tells the ends of the last hour once more. Mesos's
//! agents do not, and some schedulers are not prepared for it: they would count a job twice and start again what depends on it. The
//! driver acknowledges such an end by itself.

use std::collections::{BTreeMap, VecDeque};

use longshore_wire_mesos::is_terminal;
use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::{TaskState, TaskStatus};

use crate::limits;

/// The last ends that were acknowledged, by task.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    known: BTreeMap<String, End>,
    /// Oldest first; one that was forgotten or has come again may stand here still.
    order: VecDeque<(String, u64)>,
    made: u64,
}

#[derive(Debug)]
struct End {
    agent: String,
    state: TaskState,
    number: u64,
}

impl Ends {
    /// The scheduler is done with an update.
    pub(crate) fn acknowledged(&mut self, status: &TaskStatus) {
        // What was asked for, and what needs no acknowledgement, may be told before the end itself, which says more.
        if !is_terminal(status.state()) || !comes_again(status) {
            return;
        }
        self.made += 1;
        let (task, number) = (status.task_id.value.clone(), self.made);
        let end = End { agent: agent(status).to_owned(), state: status.state(), number };
        self.known.insert(task.clone(), end);
        self.order.push_back((task, number));
        while self.order.len() > limits::ENDS_MAX {
            let Some((oldest, number)) = self.order.pop_front() else { break };
            if self.known.get(&oldest).is_some_and(|end| end.number == number) {
                self.known.remove(&oldest);
            }
        }
    }

    /// Another task of this id is launched.
    pub(crate) fn launches(&mut self, task: &str) {
        self.known.remove(task);
    }

    /// Whether the scheduler has acknowledged this very end; what is not an end makes that one old.
    pub(crate) fn is_known(&mut self, status: &TaskStatus) -> bool {
        let task = &*status.task_id.value;
        if !is_terminal(status.state()) {
            self.known.remove(task);
            return false;
        }
        let is_same = |end: &End| end.state == status.state() && end.agent == agent(status);
        comes_again(status) && self.known.get(task).is_some_and(is_same)
    }
}

/// Whether an update comes again until it is acknowledged.
fn comes_again(status: &TaskStatus) -> bool {
    status.uuid.is_some() && status.reason() != Reason::Reconciliation
}

fn agent(status: &TaskStatus) -> &str {
    status.agent_id.as_ref().map_or("", |agent| &agent.value)
}

#[cfg(test)]
mod tests {
    use longshore_wire_mesos::v1::{AgentId, TaskId};

    use super::*;

    fn status(task: &str, state: TaskState) -> TaskStatus {
        TaskStatus {
            task_id: TaskId { value: task.to_owned() },
            agent_id: Some(AgentId { value: "agent".to_owned() }),
            state: state.into(),
            uuid: Some(vec![1]),
            ..TaskStatus::default()
        }
    }

    #[test]
    fn an_end_is_known_until_something_else_is_heard_of_its_task() {
        let mut ends = Ends::default();
        let finished = status("t", TaskState::TaskFinished);
        assert!(!ends.is_known(&finished));
        ends.acknowledged(&status("t", TaskState::TaskRunning));
        assert!(!ends.is_known(&finished));
        ends.acknowledged(&finished);
        assert!(ends.is_known(&finished) && ends.is_known(&finished));
        let elsewhere = TaskStatus { agent_id: None, ..finished.clone() };
        assert!(!ends.is_known(&elsewhere) && !ends.is_known(&status("t", TaskState::TaskFailed)));
        let asked = TaskStatus { reason: Some(Reason::Reconciliation.into()), ..finished.clone() };
        let once = TaskStatus { uuid: None, ..finished.clone() };
        assert!(!ends.is_known(&asked) && !ends.is_known(&once) && ends.is_known(&finished));
        ends.launches("t");
        assert!(!ends.is_known(&finished));
        ends.acknowledged(&asked);
        ends.acknowledged(&once);
        assert!(!ends.is_known(&finished), "the end itself has not been told yet");
        ends.acknowledged(&finished);
        assert!(!ends.is_known(&status("t", TaskState::TaskRunning)) && !ends.is_known(&finished));
    }

    #[test]
    fn the_oldest_ends_are_forgotten() {
        let mut ends = Ends::default();
        let task = |number: usize| status(&number.to_string(), TaskState::TaskFinished);
        ends.acknowledged(&task(0));
        ends.acknowledged(&task(1));
        ends.acknowledged(&task(0));
        for number in 2..limits::ENDS_MAX {
            ends.acknowledged(&task(number));
        }
        assert!(ends.is_known(&task(0)) && ends.is_known(&task(1)));
        ends.acknowledged(&task(limits::ENDS_MAX));
        assert!(ends.is_known(&task(0)) && !ends.is_known(&task(1)));
        assert_eq!((ends.known.len(), ends.order.len()), (limits::ENDS_MAX, limits::ENDS_MAX));
    }
}
