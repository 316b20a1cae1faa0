//! Lists of tasks, instances and task definitions.

mod definitions;
mod instances;
mod tasks;

pub(crate) use definitions::definitions;
pub(crate) use instances::instances;
pub(crate) use tasks::{PsArgs, describe, exit_code, mesos_id, tasks, why};
