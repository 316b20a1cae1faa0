//! Limits the cost of evaluating expressions.
//!
//! One expression is cheap on one instance, but a request may evaluate many conditions on thousands
//! of instances while everybody waits for it. So all evaluations of one request share a budget.

use std::cell::Cell;

use super::limits::{CONDITION_STEPS, REQUEST_STEPS_MAX, STEPS_PER_US};

/// The remaining budget, in regular expression steps of roughly four nanoseconds each.
#[derive(Clone, Debug)]
pub struct Effort {
    given: usize,
    left: Cell<usize>,
}

impl Effort {
    /// The budget of one request.
    pub fn of_one_request() -> Self {
        Self::of(REQUEST_STEPS_MAX)
    }

    /// An unlimited budget, for callers that are not pressed for time.
    pub fn unbounded() -> Self {
        Self::of(usize::MAX)
    }

    fn of(steps: usize) -> Self {
        Self { given: steps, left: Cell::new(steps) }
    }

    /// The cost so far, in approximate microseconds.
    pub fn spent_us(&self) -> usize {
        (self.given - self.left.get()) / STEPS_PER_US
    }

    /// Whether the budget was exceeded. Answers given since are meaningless.
    pub fn is_spent(&self) -> bool {
        self.left.get() == 0
    }

    /// The remaining budget.
    pub(super) fn left(&self) -> usize {
        self.left.get()
    }

    pub(super) fn spend(&self, steps: usize) {
        self.left.set(self.left.get().saturating_sub(steps));
    }

    /// Spends one condition; returns false if the budget is exhausted.
    pub(super) fn spend_on_condition(&self) -> bool {
        self.spend(CONDITION_STEPS);
        !self.is_spent()
    }
}
