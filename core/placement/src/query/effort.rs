//! What evaluating expressions may cost, and has cost.
//!
//! One expression ends soon on one instance, but a request may ask for many conditions on thousands of instances, and everybody
//! waits until it is answered. So all that is evaluated for one request counts together.

use std::cell::Cell;

use super::limits::{CONDITION_STEPS, REQUEST_STEPS_MAX, STEPS_PER_US};

/// How much may still be evaluated, in steps of a regular expression; each takes some four nanoseconds.
#[derive(Clone, Debug)]
pub struct Effort {
    given: usize,
    left: Cell<usize>,
}

impl Effort {
    /// What one request may cost.
    pub fn of_one_request() -> Self {
        Self::of(REQUEST_STEPS_MAX)
    }

    /// No bound, for those who have all the time.
    pub fn unbounded() -> Self {
        Self::of(usize::MAX)
    }

    fn of(steps: usize) -> Self {
        Self { given: steps, left: Cell::new(steps) }
    }

    /// What it has cost so far, in microseconds or so.
    pub fn spent_us(&self) -> usize {
        (self.given - self.left.get()) / STEPS_PER_US
    }

    /// Whether there was more to evaluate than may be. Answers that were given since say nothing.
    pub fn is_spent(&self) -> bool {
        self.left.get() == 0
    }

    /// How much is left.
    pub(super) fn left(&self) -> usize {
        self.left.get()
    }

    pub(super) fn spend(&self, steps: usize) {
        self.left.set(self.left.get().saturating_sub(steps));
    }

    /// Counts one condition; false if there may be none any more.
    pub(super) fn spend_on_condition(&self) -> bool {
        self.spend(CONDITION_STEPS);
        !self.is_spent()
    }
}
