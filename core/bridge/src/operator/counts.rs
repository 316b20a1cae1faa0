//! How many tasks there are of each state that `/state-summary` counts.

use longshore_wire_mesos::v1::TaskState;

/// The states that are counted, in the order in which they are printed. Source: Mesos, `TaskStateSummary`: the others are not.
const COUNTED: [TaskState; 10] = [
    TaskState::TaskStaging,
    TaskState::TaskStarting,
    TaskState::TaskRunning,
    TaskState::TaskKilling,
    TaskState::TaskFinished,
    TaskState::TaskKilled,
    TaskState::TaskFailed,
    TaskState::TaskLost,
    TaskState::TaskError,
    TaskState::TaskUnreachable,
];

/// Tasks by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u32; 10]);

impl Counts {
    /// How many there are of a state; 0 of one that is not counted.
    pub fn of(&self, state: TaskState) -> u32 {
        place(state).map_or(0, |at| self.0[at])
    }

    /// All of them, in the order in which they are printed.
    pub fn iter(&self) -> impl Iterator<Item = (TaskState, u32)> {
        COUNTED.into_iter().zip(self.0)
    }

    /// Whether any of them may still run.
    pub(super) fn has_live(&self) -> bool {
        let live = [
            TaskState::TaskStaging,
            TaskState::TaskStarting,
            TaskState::TaskRunning,
            TaskState::TaskKilling,
            // Also those that are only out of reach, which some frameworks are told are lost.
            TaskState::TaskLost,
            TaskState::TaskUnreachable,
        ];
        live.into_iter().any(|state| self.of(state) > 0)
    }

    pub(super) fn add(&mut self, state: TaskState) {
        if let Some(at) = place(state) {
            self.0[at] += 1;
        }
    }

    pub(super) fn take(&mut self, state: TaskState) {
        if let Some(at) = place(state) {
            self.0[at] = self.0[at].saturating_sub(1);
        }
    }
}

fn place(state: TaskState) -> Option<usize> {
    COUNTED.iter().position(|one| *one == state)
}
