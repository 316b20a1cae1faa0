//! What an operator is told of: frameworks that come and go, and what becomes of their tasks.

use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::TaskState;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A framework has a stream.
    Subscribed {
        /// Its id.
        framework: Str,
        /// What it calls itself.
        name: String,
        /// Whether it was known before: it came back, or another of its schedulers took over.
        again: bool,
    },
    /// Its stream ended, and it is waited for.
    Away {
        /// Its id.
        framework: Str,
        /// For how long, in ms.
        waits_ms: u64,
    },
    /// It is forgotten, and its tasks are stopped.
    Removed {
        /// Its id.
        framework: Str,
        /// How many tasks it had.
        tasks: usize,
        /// Why.
        why: &'static str,
    },
    /// A task of it is launched.
    Launched {
        /// The framework's id.
        framework: Str,
        /// The task's id, as the framework chose it.
        task: String,
        /// The agent's id.
        agent: Str,
    },
    /// Tasks of it are not launched: `TASK_ERROR`.
    Refused {
        /// The framework's id.
        framework: Str,
        /// The task's id, as the framework chose it; of a group that of the first.
        task: String,
        /// Why, as the framework is told.
        why: String,
    },
    /// An operation of it is not done, and it did not ask to be told.
    Dropped {
        /// The framework's id.
        framework: Str,
        /// Why.
        why: &'static str,
    },
    /// A task of it has another state.
    Became {
        /// The framework's id.
        framework: Str,
        /// The task's id, as the framework chose it.
        task: String,
        /// The state.
        state: TaskState,
        /// Why, as the framework is told.
        why: Option<String>,
    },
}
