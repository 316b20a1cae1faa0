//! States of tasks.

use longshore_wire_mesos::v1::TaskState;

/// Whether nothing follows a state.
pub(crate) fn is_terminal(state: TaskState) -> bool {
    !matches!(
        state,
        TaskState::TaskStaging
            | TaskState::TaskStarting
            | TaskState::TaskRunning
            | TaskState::TaskKilling
            | TaskState::TaskUnreachable
            | TaskState::TaskUnknown
    )
}
