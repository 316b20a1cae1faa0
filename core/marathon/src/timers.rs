//! When what is to be looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_marathon::PathId;

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// A task that does not run yet.
    Launch(Arc<str>),
    /// A task that was killed and is still there.
    Kill(Arc<str>),
    /// A task whose agent is out of reach.
    Unreachable(Arc<str>),
    /// A health check of a task, by its index.
    Health(Arc<str>, usize),
    /// The readiness check of a task.
    Readiness(Arc<str>),
    /// An app that waits after failures.
    Backoff(PathId),
}

/// Things that are due, each once.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    pub(crate) order: BTreeSet<(Timestamp, Due)>,
    pub(crate) at: BTreeMap<Due, Timestamp>,
}

impl Timers {
    pub(crate) fn set(&mut self, due: Due, at: Timestamp) {
        if let Some(before) = self.at.insert(due.clone(), at) {
            self.order.remove(&(before, due.clone()));
        }
        self.order.insert((at, due));
    }

    pub(crate) fn cancel(&mut self, due: &Due) {
        if let Some(before) = self.at.remove(due) {
            self.order.remove(&(before, due.clone()));
        }
    }

    /// What is due, once.
    pub(crate) fn pop(&mut self, now: Timestamp) -> Option<Due> {
        let (at, _) = self.order.first()?;
        if *at > now {
            return None;
        }
        let (_, due) = self.order.pop_first()?;
        self.at.remove(&due);
        Some(due)
    }

    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Nothing of a task is looked at any more.
    pub(crate) fn forget(&mut self, id: &Arc<str>, checks: usize) {
        for due in [Due::Launch, Due::Kill, Due::Unreachable, Due::Readiness] {
            self.cancel(&due(id.clone()));
        }
        for check in 0..checks {
            self.cancel(&Due::Health(id.clone(), check));
        }
    }
}
