//! A budget for matching, counted in steps since there is no clock here.

/// The remaining budget. One unit is roughly one lookup, or 64 bytes scanned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    left: u64,
}

/// Bytes scanned per unit.
const BYTES: usize = 64;

impl Work {
    /// A budget of that many units.
    pub(crate) fn new(units: u64) -> Self {
        Self { left: units }
    }

    /// A budget for work that is bounded by other means.
    pub(crate) fn unbounded() -> Self {
        Self { left: u64::MAX }
    }

    /// Spends units; returns whether any were left. Without any, all queries answer false.
    pub(crate) fn spend(&mut self, units: u64) -> bool {
        self.left = self.left.saturating_sub(units);
        self.left > 0
    }

    /// Spends the cost of scanning a text.
    pub(crate) fn read(&mut self, text: &str) -> bool {
        self.spend(1 + (text.len() / BYTES) as u64)
    }

    /// The units spent out of an initial budget of `units`.
    pub(crate) fn spent_of(&self, units: u64) -> u64 {
        units.saturating_sub(self.left)
    }

    /// Whether the budget ran out, so that answers since may be wrong.
    pub(crate) fn is_spent(&self) -> bool {
        self.left == 0
    }
}
