//! Records that several readers read, each at its own pace.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use crate::limits::WATCHED_BYTES_MAX;

/// The last records, in their order, and where in them each reader is.
#[derive(Default)]
pub(super) struct Log {
    kept: Mutex<Kept>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Kept {
    /// The number of the first record that is kept.
    first: u64,
    records: VecDeque<Bytes>,
    bytes: usize,
    /// The number of the record that each reader takes next.
    readers: BTreeMap<u64, u64>,
}

/// What a record takes beside its bytes.
const RECORD_BYTES: usize = size_of::<Bytes>();

impl Kept {
    fn drop_first(&mut self) {
        if let Some(record) = self.records.pop_front() {
            self.bytes -= record.len() + RECORD_BYTES;
            self.first += 1;
        }
    }

    /// Drops what all have read, or nobody reads any more.
    fn drop_read(&mut self) {
        let end = self.first + self.records.len() as u64;
        let next = self.readers.values().copied().min().unwrap_or(end);
        while self.first < next {
            self.drop_first();
        }
    }
}

/// What there is for a reader.
enum Next {
    Record(Bytes),
    Nothing,
    Over,
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Each change is made by a few lines that cannot panic: a panic elsewhere leaves no half of it.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn readers(&self) -> usize {
        self.lock().readers.len()
    }

    /// The first of those who read. Names grow.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.lock().readers.keys().next().copied()
    }

    /// One more reader, of what comes after this.
    pub(super) fn follow(self: Arc<Self>, name: u64) -> Follower {
        let mut kept = self.lock();
        let end = kept.first + kept.records.len() as u64;
        kept.readers.insert(name, end);
        drop(kept);
        Follower { name, changed: self.changed.subscribe(), log: self }
    }

    /// A reader is closed, or has left.
    pub(super) fn remove(&self, name: u64) {
        let mut kept = self.lock();
        kept.readers.remove(&name);
        kept.drop_read();
        drop(kept);
        self.changed.send_replace(());
    }

    /// All readers are closed.
    pub(super) fn remove_all(&self) {
        let mut kept = self.lock();
        kept.readers.clear();
        kept.drop_read();
        drop(kept);
        self.changed.send_replace(());
    }

    /// Adds records. Those that are too many are dropped, the oldest first, and readers that have not taken them are closed: how
    /// many these are.
    pub(super) fn push(&self, records: impl Iterator<Item = Bytes>) -> usize {
        let records: Vec<Bytes> = records.collect();
        let mut kept = self.lock();
        kept.drop_read();
        for record in records {
            kept.bytes += record.len() + RECORD_BYTES;
            kept.records.push_back(record);
        }
        // One record is kept however large it is.
        while kept.bytes > WATCHED_BYTES_MAX && kept.records.len() > 1 {
            kept.drop_first();
        }
        let (before, first) = (kept.readers.len(), kept.first);
        kept.readers.retain(|_, next| *next >= first);
        let cut = before - kept.readers.len();
        drop(kept);
        self.changed.send_replace(());
        cut
    }

    fn next(&self, name: u64) -> Next {
        let mut kept = self.lock();
        let Some(next) = kept.readers.get(&name).copied() else { return Next::Over };
        let place = usize::try_from(next.saturating_sub(kept.first)).unwrap_or(usize::MAX);
        let Some(record) = kept.records.get(place).cloned() else { return Next::Nothing };
        kept.readers.insert(name, next + 1);
        Next::Record(record)
    }

    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize) {
        let kept = self.lock();
        (kept.records.len(), kept.bytes)
    }
}

/// One who reads a log.
pub(super) struct Follower {
    name: u64,
    log: Arc<Log>,
    changed: watch::Receiver<()>,
}

impl Follower {
    /// The next record, once there is one; none for a reader that is closed. Nothing is lost if this is dropped before.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            self.changed.mark_unchanged();
            match self.log.next(self.name) {
                Next::Record(record) => return Some(record),
                Next::Over => return None,
                Next::Nothing => self.changed.changed().await.ok()?,
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.log.remove(self.name);
    }
}
