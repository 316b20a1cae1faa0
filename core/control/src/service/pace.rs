//! Limits how fast a service starts tasks after some failed to start or exited.
//!
//! As on ECS, failed starts are delayed longer with each batch that fails. A task that ran and
//! exited by itself is replaced, which ECS does as fast as it can. Starting a task takes almost no
//! time here, so a container that exits immediately would be started every second forever. These
//! starts are therefore delayed longer and longer as well, counted from the last start: a task that
//! ran longer than its delay is replaced at once. A new deployment resets the delays.
//!
//! Source: ECS developer guide, *service throttle logic*, for failed starts; the rest is chosen by
//! us (ADR 0025).

use longshore_machine::Timestamp;

use super::{Exit, Starts};
use crate::limits;
use crate::record::{LastStatus, Task};

/// `first`, doubled `times - 1` times, up to `most`.
fn doubled(first: u64, times: u32, most: u64) -> u64 {
    (first << times.saturating_sub(1).min(20)).min(most)
}

impl Starts {
    /// Records that tasks were started.
    pub(crate) fn began(&mut self, now: Timestamp) {
        (self.last_at, self.fresh) = (now, true);
    }

    /// Records that a task of the PRIMARY deployment ended before it was RUNNING. Each batch counts
    /// once.
    pub(crate) fn failed(&mut self, now: Timestamp) {
        if std::mem::take(&mut self.fresh) {
            self.failed_batches = self.failed_batches.saturating_add(1);
            let delay = doubled(
                limits::FAILED_START_DELAY_MS,
                self.failed_batches,
                limits::FAILED_START_DELAY_MAX_MS,
            );
            self.not_before = self.not_before.max(now + delay);
        }
    }

    /// Records that a task of the PRIMARY deployment ran and exited by itself.
    pub(crate) fn exited(&mut self, exit: Exit) {
        let in_a_row = exit.ran_ms < limits::EXITS_FORGIVEN_MS;
        self.exits = if in_a_row { self.exits.saturating_add(1) } else { 0 };
        self.ended(exit.ran_ms);
        self.last_exit = in_a_row.then_some(exit);
    }

    /// Records that a task of the PRIMARY deployment has to be replaced after it was RUNNING for
    /// `ran_ms`. Each batch counts once.
    pub(crate) fn ended(&mut self, ran_ms: u64) {
        if ran_ms >= limits::QUICK_EXIT_MS {
            self.quick_batches = 0;
        } else if std::mem::take(&mut self.fresh) {
            self.quick_batches = self.quick_batches.saturating_add(1);
        }
        self.pause();
    }

    /// Delays starts according to the number of batches that exited quickly.
    pub(crate) fn pause(&mut self) {
        let delay = doubled(limits::EXIT_DELAY_MS, self.quick_batches, limits::EXIT_DELAY_MAX_MS);
        self.not_before = self.not_before.max(self.last_at + delay);
    }

    /// Whether one more exit would change nothing except which one was the last.
    pub(crate) fn knows_of_exits(&self) -> bool {
        !self.fresh && self.exits >= limits::EXITS_TOLD
    }
}

impl Exit {
    /// How a task exited by itself. `None` if it was never RUNNING.
    pub(crate) fn of(task: &Task) -> Option<Self> {
        let started_at = task.started_at?;
        let over = task.each_container().filter(|(spec, container)| {
            spec.essential() && container.last_status == LastStatus::Stopped
        });
        let over: Vec<_> = over.collect();
        // If several are over, those that were told to stop exited with 0 or by a signal.
        let failed = over.iter().find(|(_, one)| one.exit_code.is_some_and(|code| code != 0));
        let (spec, container) = failed.or(over.first()).copied().unzip();
        Some(Self {
            task: task.shown_id().into(),
            container: spec.map_or("", |spec| spec.name()).into(),
            code: container.and_then(|container| container.exit_code),
            reason: container.and_then(|container| container.reason.clone()),
            ran_ms: task.stopping_at.map_or(0, |at| at.since(started_at)),
        })
    }

    /// The exit as text.
    pub(crate) fn text(&self) -> String {
        let Self { task, container, code, reason, ran_ms } = self;
        let code = match code {
            Some(code) => format!("code {code}"),
            None => "an unknown code".to_owned(),
        };
        let why = reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
        let seconds = ran_ms / 1000;
        format!(
            "container {container} of (task {task}) exited with {code}{why} after {seconds} s, and others before it"
        )
    }
}
