//! Answers of any size, written as they are read.
//!
//! An answer is written on a thread of its own, chunk by chunk as its reader takes them, so that none is ever whole in memory. So many are
//! written at a time. Whoever reads slower than it is written gives its turn away and takes one of the *waiting* places; when these are
//! all taken, the reader that has not moved for longest loses its connection. Until one has not moved for long enough, and until it has
//! left, the writer seeks a place. So many may seek; beyond that, the slow reader itself loses its connection. So an answer that fits into
//! a few chunks is there at once, however many others do not read theirs.
//!
//! Invariants: a writer has a turn, a waiting place or a seeker's place from its first moment to its last ([`Hold`]), so that all together
//! hold a bounded number of the threads that tokio has for work that blocks, and which the rest of the program needs too; an answer that
//! was not written to its end ends with an error, so that nobody takes it for whole.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::runtime::Handle;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};

use crate::limits;

/// How often one that finds no waiting place looks again. Source: chosen by us.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Why an answer ends early while too many others are slower than it is written.
const TOO_MANY: &str = "too many readers of other answers are slow";

/// A part of an answer, or that the rest does not come.
pub(crate) type Chunk = io::Result<Bytes>;

/// Writes answers.
#[derive(Clone, Debug)]
pub(crate) struct Pages {
    turns: Arc<Semaphore>,
    waiting: Arc<Waiting>,
}

impl Default for Pages {
    fn default() -> Self {
        Self::with(Bounds {
            turns: limits::PAGES_WRITTEN_MAX,
            places: limits::PAGES_WAITING_MAX,
            seekers: limits::PAGES_SEEKING_MAX,
        })
    }
}

/// How many threads write at a time, wait for their readers, and seek a place to wait.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    turns: usize,
    places: usize,
    seekers: usize,
}

/// Writers whose readers are slow.
#[derive(Debug)]
struct Waiting {
    most: usize,
    places: Mutex<Places>,
    /// Told of each place that becomes free.
    is_free: Condvar,
    most_seekers: usize,
    seekers: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Places {
    all: BTreeMap<u64, Place>,
    made: u64,
}

#[derive(Debug)]
struct Place {
    /// When its reader last took something.
    moved_at: Instant,
    gives_way: Arc<Notify>,
    /// Its writer was told to leave, and has not left yet.
    leaves: bool,
}

/// A place that is taken.
struct Taken {
    waiting: Arc<Waiting>,
    number: u64,
    gives_way: Arc<Notify>,
}

/// What a writer has: exactly one of these, so that writers are bounded as the three together are.
enum Hold {
    /// It writes as fast as it can.
    Turn(
        #[expect(dead_code, reason = "held, and given back when it is dropped")]
        OwnedSemaphorePermit,
    ),
    /// It seeks a place.
    Seeks(
        #[expect(dead_code, reason = "held, and given back when it is dropped")]
        OwnedSemaphorePermit,
    ),
    /// It waits for its reader.
    Place(Taken),
}

impl Waiting {
    fn places(&self) -> std::sync::MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place that is free.
    fn take(self: &Arc<Self>) -> Option<Taken> {
        let mut places = self.places();
        if places.all.len() >= self.most {
            return None;
        }
        places.made += 1;
        let (number, gives_way) = (places.made, Arc::<Notify>::default());
        let place = Place { moved_at: Instant::now(), gives_way: gives_way.clone(), leaves: false };
        places.all.insert(number, place);
        Some(Taken { waiting: self.clone(), number, gives_way })
    }

    /// For one that seeks a place: has the reader leave that has not moved for longest, and for long enough, unless as many leave already as
    /// there are seekers. Returns when a place may be free.
    ///
    /// The thread waits, and no timer of tokio's, which is not there any more while the program ends.
    fn wait(&self) {
        let mut places = self.places();
        if places.all.len() < self.most {
            return;
        }
        let leaving = places.all.values().filter(|place| place.leaves).count();
        if leaving < self.most_seekers - self.seekers.available_permits() {
            let staying = places.all.values_mut().filter(|place| !place.leaves);
            let slowest = staying.min_by_key(|place| place.moved_at);
            if let Some(slowest) = slowest
                && slowest.moved_at.elapsed() >= limits::PAGE_STALL_MAX
            {
                slowest.leaves = true;
                slowest.gives_way.notify_one();
            }
        }
        drop(self.is_free.wait_timeout(places, LOOK_AGAIN));
    }
}

impl Taken {
    fn has_moved(&self) {
        if let Some(place) = self.waiting.places().all.get_mut(&self.number) {
            place.moved_at = Instant::now();
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.waiting.places().all.remove(&self.number);
        self.waiting.is_free.notify_one();
    }
}

/// Sends on what is written, and waits while nobody takes it.
struct Writer {
    chunks: mpsc::Sender<Chunk>,
    waiting: Arc<Waiting>,
    hold: Hold,
}

impl Writer {
    /// Sends a chunk that the reader has no room for yet.
    fn wait(&mut self, chunk: Bytes) -> io::Result<()> {
        self.seek()?;
        let Hold::Place(place) = &self.hold else { return Err(io::ErrorKind::BrokenPipe.into()) };
        Handle::current().block_on(async {
            tokio::select! {
                sent = self.chunks.send(Ok(chunk)) => sent.map_err(|_| io::ErrorKind::BrokenPipe.into()),
                () = place.gives_way.notified() => Err(io::Error::from(io::ErrorKind::TimedOut)),
            }
        })?;
        place.has_moved();
        Ok(())
    }

    /// Seeks a place for as long as that takes and there is a reader.
    ///
    /// # Errors
    /// That too many seek one already.
    fn seek(&mut self) -> io::Result<()> {
        while !matches!(self.hold, Hold::Place(_)) && !self.chunks.is_closed() {
            if let Some(place) = self.waiting.take() {
                self.hold = Hold::Place(place);
            } else if matches!(self.hold, Hold::Seeks(_)) {
                self.waiting.wait();
            } else {
                let seeker = self.waiting.seekers.clone().try_acquire_owned();
                self.hold = Hold::Seeks(
                    seeker.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, TOO_MANY))?,
                );
            }
        }
        Ok(())
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.chunks.try_send(Ok(Bytes::copy_from_slice(bytes))) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(Ok(chunk))) => self.wait(chunk)?,
            Err(_) => return Err(io::ErrorKind::BrokenPipe.into()),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is left to read of an answer.
pub(crate) struct Reading {
    chunks: mpsc::Receiver<Chunk>,
    /// That it ended early, if it did.
    end: tokio::sync::oneshot::Receiver<io::Error>,
}

impl Reading {
    /// The next chunk; none after the last. One that is an error is the last.
    pub(crate) async fn next(&mut self) -> Option<Chunk> {
        if let Some(chunk) = self.chunks.recv().await {
            return Some(chunk);
        }
        self.end.try_recv().ok().map(Err)
    }
}

impl Pages {
    fn with(Bounds { turns, places, seekers }: Bounds) -> Self {
        let waiting = Waiting {
            most: places,
            places: Mutex::default(),
            is_free: Condvar::new(),
            most_seekers: seekers,
            seekers: Arc::new(Semaphore::new(seekers)),
        };
        Self { turns: Arc::new(Semaphore::new(turns)), waiting: Arc::new(waiting) }
    }

    /// Chunks that are written as they are taken; none if the program is ending.
    pub(crate) async fn chunks(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
    ) -> Option<Reading> {
        let turn = self.turns.clone().acquire_owned().await.ok()?;
        let (chunks, taken) = mpsc::channel(limits::PAGE_CHUNKS_MAX);
        let (fails, end) = tokio::sync::oneshot::channel();
        let waiting = self.waiting.clone();
        tokio::task::spawn_blocking(move || {
            let mut writer = Writer { chunks, waiting, hold: Hold::Turn(turn) };
            if let Err(error) = write(&mut writer) {
                // Told before the last chunk can be missed. A reader that left is told nothing.
                let _ = fails.send(error);
            }
        });
        Some(Reading { chunks: taken, end })
    }

    /// A body that is written as it is read; none if the program is ending.
    pub(crate) async fn body(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
    ) -> Option<Body> {
        let mut reading = self.chunks(write).await?;
        // Most answers are one chunk, and have a length then, as some clients like it.
        let (first, second) = (reading.next().await, reading.next().await);
        if let (Some(Ok(_)) | None, None) = (&first, &second) {
            let whole = first.and_then(Result::ok).unwrap_or_default();
            return Some(Body::from(whole));
        }
        let begun = stream::iter(first.into_iter().chain(second));
        let rest = stream::unfold(reading, |mut reading| async move {
            let chunk = reading.next().await?;
            Some((chunk, reading))
        });
        Some(Body::from_stream(begun.chain(rest)))
    }
}

#[cfg(test)]
mod tests;
