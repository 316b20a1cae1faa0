//! What operators see: a copy of the master's state that is kept up to date change by change, and handed out for nothing.
//!
//! The machine tells [`ReadModel`] of each change. [`ReadModel::snapshot`] is a [`View`]: the state of one moment, which shares what
//! has not changed since, so that pages of any size are written elsewhere while the machine goes on. Nothing here decides anything.
//!
//! Invariants, checked by [`ReadModel::audit`]:
//! - The counts of tasks by framework and by agent are those of the tasks that are shown.
//! - What a framework holds on an agent, and a role anywhere, is the sum of its live tasks and its executors there.
//! - Each offer is with its framework and its agent.

mod audit;
mod change;
mod command;
mod counts;
mod entry;
mod keep;
mod record;
mod tally;
mod view;

pub use change::Change;
pub use command::{AgentWish, Command};
pub use counts::Counts;
pub use entry::{AgentEntry, FrameworkEntry, Quantities, RoleEntry};
pub use keep::ReadModel;
pub use record::{
    AgentView, BuildView, DrainView, ExecutorView, FrameworkView, MasterView, OfferView, QuotaView,
    RoleView, StatusView, TaskDetail, TaskView,
};
pub use view::View;

/// A map that shares what has not changed with its copies.
pub(crate) type Shared<K, V> = rpds::RedBlackTreeMapSync<K, V>;

#[cfg(test)]
mod tests;
