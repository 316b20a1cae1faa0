//! What was asked of the state and is waited for.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::StateError;

/// What was asked of the state, and its answer once it is there.
#[derive(Debug)]
pub struct Pending<T> {
    shared: Arc<Shared<T>>,
}

#[derive(Debug)]
struct Shared<T> {
    progress: Mutex<Progress<T>>,
    changed: Condvar,
}

#[derive(Clone, Debug)]
enum Progress<T> {
    Waits,
    Done(Result<T, StateError>),
    Cancelled,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WaitError {
    /// It could not be done.
    #[error(transparent)]
    Failed(#[from] StateError),
    /// It was cancelled.
    #[error("it was cancelled")]
    Cancelled,
    /// There is no answer yet.
    #[error("there is no answer yet")]
    TimedOut,
}

impl<T> Clone for Pending<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T: Clone> Pending<T> {
    pub(super) fn new() -> Self {
        let (progress, changed) = (Mutex::new(Progress::Waits), Condvar::new());
        Self { shared: Arc::new(Shared { progress, changed }) }
    }

    pub(super) fn failed(why: StateError) -> Self {
        let pending = Self::new();
        pending.settle(Err(why));
        pending
    }

    fn lock(&self) -> MutexGuard<'_, Progress<T>> {
        // Each change is one assignment.
        self.shared.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the answer, for ever or as long as this.
    ///
    /// # Errors
    /// That it failed, was cancelled, or takes longer.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<T, WaitError> {
        // A time so far away that no clock knows it is for ever.
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut progress = self.lock();
        loop {
            match &*progress {
                Progress::Done(result) => return Ok(result.clone()?),
                Progress::Cancelled => return Err(WaitError::Cancelled),
                Progress::Waits => {}
            }
            let changed = &self.shared.changed;
            let Some(until) = until else {
                progress = changed.wait(progress).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(WaitError::TimedOut);
            }
            let waited = changed.wait_timeout(progress, left);
            progress = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Cancels it; false if it is done or was cancelled already. What has gone to ZooKeeper may be done all the same.
    pub fn cancel(&self) -> bool {
        self.become_once(Progress::Cancelled)
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(*self.lock(), Progress::Cancelled)
    }

    /// Whether [`wait`](Self::wait) would return at once.
    pub fn is_done(&self) -> bool {
        !matches!(*self.lock(), Progress::Waits)
    }

    pub(super) fn settle(&self, result: Result<T, StateError>) {
        self.become_once(Progress::Done(result));
    }

    fn become_once(&self, next: Progress<T>) -> bool {
        let mut progress = self.lock();
        let waits = matches!(*progress, Progress::Waits);
        if waits {
            *progress = next;
            self.shared.changed.notify_all();
        }
        waits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_had_as_often_as_it_is_asked_for() {
        let pending = Pending::new();
        let other = pending.clone();
        let thread = std::thread::spawn(move || other.wait(None));
        assert!(!pending.is_done());
        pending.settle(Ok(7));
        pending.settle(Ok(8));
        assert_eq!(thread.join().expect("it does not panic"), Ok(7));
        assert_eq!(pending.wait(Some(Duration::ZERO)), Ok(7));
        assert!(pending.is_done() && !pending.is_cancelled() && !pending.cancel());
    }

    #[test]
    fn whoever_waits_is_told_why_there_is_nothing() {
        let pending = Pending::<u8>::new();
        assert_eq!(pending.wait(Some(Duration::from_millis(5))), Err(WaitError::TimedOut));
        assert!(pending.cancel() && !pending.cancel());
        pending.settle(Ok(1));
        assert_eq!(pending.wait(None), Err(WaitError::Cancelled));
        assert!(pending.is_done() && pending.is_cancelled());
        let failed = Pending::<u8>::failed(StateError::Closed);
        assert_eq!(failed.wait(Some(Duration::MAX)), Err(WaitError::Failed(StateError::Closed)));
    }
}
