//! Lists of tasks, instances and task definitions, and of what a Mesos master knows.

mod agents;
mod amounts;
mod definitions;
mod fetcher;
mod frameworks;
mod instances;
mod mesos;
mod offers;
mod roles;
mod tasks;

pub(crate) use agents::agents;
pub(crate) use definitions::definitions;
pub(crate) use fetcher::is_fetcher;
pub(crate) use frameworks::frameworks;
pub(crate) use instances::instances;
pub(crate) use offers::offers;
pub(crate) use roles::roles;
pub(crate) use tasks::{PsArgs, describe, exit_code, mesos_ids, tasks, why};
