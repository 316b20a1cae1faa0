//! Which instances changed, in order: rankings read on from where they stopped.

use std::collections::VecDeque;

/// Entries kept at least. Source: chosen by us: a ranking that is further behind is made anew.
const KEPT_MIN: usize = 4_096;

/// The latest changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    changed: VecDeque<usize>,
    /// Position of the first entry that is kept.
    begin: u64,
    /// How far anyone has read.
    read: u64,
    /// The most slots that there have been, which is how long the log may get.
    slots: usize,
}

impl Log {
    /// A slot changed. One that is the last entry already, and that nobody has read, stays the last entry.
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

    /// Whether every change since a position is kept.
    pub(crate) fn reaches_back_to(&self, position: u64) -> bool {
        position >= self.begin
    }

    /// The slots that changed since a position, some more than once.
    pub(crate) fn since(&self, position: u64) -> impl Iterator<Item = usize> {
        let skip = usize::try_from(position.saturating_sub(self.begin)).unwrap_or(usize::MAX);
        self.changed.iter().skip(skip).copied()
    }

    /// Somebody has seen everything.
    pub(crate) fn was_read(&mut self) {
        self.read = self.end();
    }
}
