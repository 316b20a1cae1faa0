//! What objects of Java's stand for, by the number that each of them holds.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Things by numbers that are never given twice. No thing has the number 0.
pub(crate) struct Numbered<T> {
    all: Mutex<BTreeMap<i64, Arc<T>>>,
    last: AtomicI64,
}

impl<T> Numbered<T> {
    pub(crate) const fn new() -> Self {
        Self { all: Mutex::new(BTreeMap::new()), last: AtomicI64::new(0) }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<i64, Arc<T>>> {
        // Each change is one insertion or removal.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn put(&self, thing: T) -> i64 {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        self.all().insert(number, Arc::new(thing));
        number
    }

    pub(crate) fn get(&self, number: i64) -> Option<Arc<T>> {
        self.all().get(&number).cloned()
    }

    /// Removes one. Dropping it may take long, which is up to the caller: nothing is locked any more.
    pub(crate) fn take(&self, number: i64) -> Option<Arc<T>> {
        self.all().remove(&number)
    }
}
