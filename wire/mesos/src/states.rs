//! States of tasks.

use crate::v1::TaskState;

/// Whether nothing follows a state.
///
/// Source: Mesos, `protobuf::isTerminalState`.
pub fn is_terminal(state: TaskState) -> bool {
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
