//! A log of changed instances; each ranking continues reading where it stopped.

use std::collections::VecDeque;

/// Minimum number of entries kept. Source: chosen by us: a ranking that is further behind is
/// rebuilt.
const KEPT_MIN: usize = 4_096;

/// The latest changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    changed: VecDeque<usize>,
    /// Position of the oldest entry.
    begin: u64,
    /// The furthest position that any reader has reached.
    read: u64,
    /// The largest number of slots so far, which bounds the length of the log.
    slots: usize,
}

impl Log {
    /// Records a change of a slot, unless that is the last entry already and nobody has read it.
    pub(crate) fn push(&mut self, slot: usize) {
        if self.changed.back() == Some(&slot) && self.read < self.end() {
            return;
        }
        self.slots = self.slots.max(slot + 1);
        self.changed.push_back(slot);
        if self.changed.len() > self.slots.max(KEPT_MIN) {
            self.changed.pop_front();
            self.begin += 1;
        }
    }

    /// The position after the last entry.
    pub(crate) fn end(&self) -> u64 {
        self.begin + self.changed.len() as u64
    }

    /// Whether every change since a position is still in the log.
    pub(crate) fn reaches_back_to(&self, position: u64) -> bool {
        position >= self.begin
    }

    /// The slots changed since a position, possibly repeated.
    pub(crate) fn since(&self, position: u64) -> impl Iterator<Item = usize> {
        let skip = usize::try_from(position.saturating_sub(self.begin)).unwrap_or(usize::MAX);
        self.changed.iter().skip(skip).copied()
    }

    /// Records that a reader has reached the end.
    pub(crate) fn was_read(&mut self) {
        self.read = self.end();
    }
}
