//! Which kills are out: so many at a time, so that a large change does not flood the master. Source: Marathon, `KillServiceActor` and its
//! `--kill_chunk_size`.
//!
//! A kill that was said keeps its place until its task has ended. One that is not answered in time gives its place up and waits behind
//! the others, so that tasks which take long to end hold up nobody for longer than that.
//!
//! Invariants: a task is out or waits, never both; whoever waits does so only while every place is taken, or there is no subscription.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::limits;

/// Kills that are out, and those that wait for a place.
#[derive(Debug, Default)]
pub(crate) struct Places {
    out: BTreeSet<Arc<str>>,
    /// In the order of their arrival.
    waiting: BTreeMap<u64, Arc<str>>,
    numbers: BTreeMap<Arc<str>, u64>,
    arrivals: u64,
}

impl Places {
    /// A task is to be killed, or killed again: it waits, and its place is free if it had one.
    pub(crate) fn waits(&mut self, id: &Arc<str>) {
        self.out.remove(id);
        if self.numbers.contains_key(id) {
            return;
        }
        self.arrivals += 1;
        self.waiting.insert(self.arrivals, id.clone());
        self.numbers.insert(id.clone(), self.arrivals);
    }

    /// A task has ended.
    pub(crate) fn leaves(&mut self, id: &str) {
        self.out.remove(id);
        if let Some(number) = self.numbers.remove(id) {
            self.waiting.remove(&number);
        }
    }

    /// The next that has a place.
    pub(crate) fn next(&mut self) -> Option<Arc<str>> {
        if self.out.len() >= limits::KILLS_MAX {
            return None;
        }
        let (_, id) = self.waiting.pop_first()?;
        self.numbers.remove(&id);
        self.out.insert(id.clone());
        Some(id)
    }

    /// Whether there is a next one.
    pub(crate) fn is_next(&self) -> bool {
        self.out.len() < limits::KILLS_MAX && !self.waiting.is_empty()
    }

    /// Those that are out.
    pub(crate) fn out(&self) -> &BTreeSet<Arc<str>> {
        &self.out
    }

    /// Those that wait.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Arc<str>> {
        self.waiting.values()
    }

    /// Whether a task waits.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.numbers.contains_key(id)
    }
}
