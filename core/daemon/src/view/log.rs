//! The latest changes, for those who follow them.

use std::collections::VecDeque;
use std::sync::Arc;

use longshore_replica::{Instance, Task};

use super::Entity;
use crate::call::Stream;
use crate::limits;

/// A change: what a record became. That one went away is not told: so Blox does.
#[derive(Clone, Debug, PartialEq)]
pub enum Happened {
    /// A task.
    Task(Arc<Entity<Task>>),
    /// An instance.
    Instance(Arc<Entity<Instance>>),
}

impl Happened {
    /// The version of the view.
    pub fn version(&self) -> u64 {
        match self {
            Self::Task(entity) => entity.version,
            Self::Instance(entity) => entity.version,
        }
    }

    /// The stream that it belongs to.
    pub fn stream(&self) -> Stream {
        match self {
            Self::Task(_) => Stream::Tasks,
            Self::Instance(_) => Stream::Instances,
        }
    }
}

/// The latest changes, oldest first.
#[derive(Debug, Default)]
pub(super) struct Log(VecDeque<Happened>);

impl Log {
    pub(super) fn push(&mut self, happened: Happened) {
        if self.0.len() >= limits::LOG_CHANGES_MAX {
            self.0.pop_front();
        }
        self.0.push_back(happened);
    }

    /// Changes from a version on, with it; `None` if some of them are not kept any more.
    pub(super) fn since(&self, stream: Stream, version: u64) -> Option<Vec<Happened>> {
        if self.0.front().is_none_or(|oldest| version < oldest.version()) {
            return None;
        }
        let start = self.0.partition_point(|one| one.version() < version);
        let all = self.0.range(start..).filter(|one| one.stream() == stream);
        Some(all.cloned().collect())
    }

    pub(super) fn last(&self) -> Option<&Happened> {
        self.0.back()
    }

    pub(super) fn audit(&self, version: u64) {
        assert!(self.0.len() <= limits::LOG_CHANGES_MAX, "the log is too long");
        let ends = self.0.iter().zip(self.0.iter().skip(1));
        for (one, next) in ends.rev().take(8) {
            assert!(one.version() < next.version(), "changes are out of order");
        }
        assert!(self.last().is_none_or(|last| last.version() == version), "a change is missing");
    }
}
