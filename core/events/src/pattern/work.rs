//! How much work matching may be: a count, since there is no clock here.

/// What is left to be spent. One unit is about as much as looking one value up, or going over 64 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    left: u64,
}

/// Bytes that are gone over for one unit.
const BYTES: usize = 64;

impl Work {
    /// As many units.
    pub(crate) fn new(units: u64) -> Self {
        Self { left: units }
    }

    /// More than anything takes that is bounded otherwise.
    pub(crate) fn unbounded() -> Self {
        Self { left: u64::MAX }
    }

    /// Spends units; whether there were any left. Once there are none, all that is asked is false.
    pub(crate) fn spend(&mut self, units: u64) -> bool {
        self.left = self.left.saturating_sub(units);
        self.left > 0
    }

    /// Spends what it takes to go over a text.
    pub(crate) fn read(&mut self, text: &str) -> bool {
        self.spend(1 + (text.len() / BYTES) as u64)
    }

    /// How many of so many units at the beginning were spent.
    pub(crate) fn spent_of(&self, units: u64) -> u64 {
        units.saturating_sub(self.left)
    }

    /// Whether answers since then may be wrong, because there was nothing left.
    pub(crate) fn is_spent(&self) -> bool {
        self.left == 0
    }
}
