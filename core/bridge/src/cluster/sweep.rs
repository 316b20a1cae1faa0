//! The sweep: all tasks that live are read now and then, in case that news was missed.
//!
//! It goes through them batch by batch, at the pace that the request budget allows. The next batch is asked for when the
//! last one came back, and the next sweep begins some time after the last one ended: however many tasks there are, one batch
//! is out.

use std::collections::BTreeSet;
use std::ops::Bound;

use longshore_machine::Timestamp;
use longshore_replica::{Pace, Pressure};

use crate::ids::LaunchId;
use crate::limits;

/// How far the sweep has come.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    pace: Pace,
    /// When the next batch or the next sweep may begin.
    due_at: Timestamp,
    /// Where the batch begins that is out, or is asked for next: behind this launch. `None` while no sweep is under way.
    from: Option<Bound<LaunchId>>,
    /// The last launch of the batch that is out.
    to: Option<LaunchId>,
    /// Whether another sweep is to follow at once: what this one has read by now may be too old.
    again: bool,
}

impl Sweep {
    /// All tasks are to be read from now on, whatever was read before.
    pub(super) fn at_once(&mut self) {
        self.again = self.from.is_some();
        self.due_at = Timestamp::default();
    }

    /// All tasks have been read just now.
    pub(super) fn was_done(&mut self, now: Timestamp) {
        self.due_at = now + limits::SWEEP_MS;
    }

    /// When the next batch is due.
    pub(super) fn next_at(&self, live: &BTreeSet<LaunchId>) -> Option<Timestamp> {
        if live.is_empty() {
            return None;
        }
        self.pace.next_at(Pressure::Hot).map(|at| at.max(self.due_at))
    }

    /// The next batch, which is to be asked for now; nothing after the last.
    pub(super) fn batch(&mut self, now: Timestamp, live: &BTreeSet<LaunchId>) -> Vec<LaunchId> {
        let from = self.from.get_or_insert(Bound::Unbounded).clone();
        let batch = live.range((from, Bound::Unbounded)).take(limits::SWEEP_TASKS_MAX);
        let batch: Vec<LaunchId> = batch.cloned().collect();
        if let Some(to) = batch.last() {
            self.to = Some(to.clone());
            self.pace.sent(now, batch.len().div_ceil(100) as u64);
        } else {
            self.end(now);
        }
        batch
    }

    /// A batch came back. One that failed is asked for again.
    pub(super) fn returned(&mut self, now: Timestamp, is_read: bool, live: &BTreeSet<LaunchId>) {
        self.pace.returned();
        let Some(to) = self.to.take() else { return };
        if !is_read {
            self.due_at = now + limits::READ_RETRY_MS;
            return;
        }
        let from = Bound::Excluded(to);
        if live.range((from.clone(), Bound::Unbounded)).next().is_none() {
            self.end(now);
        } else {
            self.from = Some(from);
        }
    }

    fn end(&mut self, now: Timestamp) {
        let again = std::mem::take(&mut self.again);
        self.from = None;
        self.due_at = if again { now } else { now + limits::SWEEP_MS };
    }
}
