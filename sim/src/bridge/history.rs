//! A record with the versions it had lately, so that a read may show an old one.

use std::collections::VecDeque;

use longshore_machine::Timestamp;

/// How long a version is kept after the next one, in ms: longer than any read lags.
const KEPT_MS: u64 = 10_000;

/// The versions of one record, each with the time at which it became true. `None` stands for a record that is gone.
#[derive(Clone, Debug)]
pub(super) struct History<T>(VecDeque<(Timestamp, Option<T>)>);

impl<T> History<T> {
    pub(super) fn new(now: Timestamp, first: T) -> Self {
        Self([(now, Some(first))].into())
    }

    /// What is true.
    pub(super) fn now(&self) -> Option<&T> {
        self.0.back()?.1.as_ref()
    }

    /// What was true at a time.
    pub(super) fn at(&self, at: Timestamp) -> Option<&T> {
        self.0.iter().rev().find(|(since, _)| *since <= at)?.1.as_ref()
    }

    /// Something else is true from now on.
    pub(super) fn put(&mut self, now: Timestamp, next: Option<T>) {
        self.0.push_back((now, next));
        while self.0.get(1).is_some_and(|(since, _)| *since + KEPT_MS < now) {
            self.0.pop_front();
        }
    }
}
