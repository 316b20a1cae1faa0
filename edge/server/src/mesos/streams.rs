//! Event streams on their way to schedulers.
//!
//! What waits for a scheduler is bounded in bytes, one by one and all together; what grows with the number of its tasks is
//! made by the bridge only as it is read, which it is told when the reader comes to a mark. One that reads nothing while
//! something waits is closed with its connection (see [`crate::progress`]). What a scheduler missed it learns by
//! subscribing again, as after any lost connection.
//!
//! Events are encoded where they are read, not on the bridge's own task.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use futures_util::Stream;
use longshore_bridge::{Input, StreamKey};
use longshore_wire_mesos::v1::scheduler::Event;
use longshore_wire_mesos::{Media, encoded_bytes, recordio};
use tokio::sync::mpsc;

use crate::limits::{EVENTS_BYTES_MAX, EVENTS_BYTES_MAX_ALL};

const EVENT: &str = "mesos.v1.scheduler.Event";

/// What waits for a reader.
enum Piece {
    /// An event, and how much it counts.
    Event(Box<Event>, usize),
    Mark,
}

/// What waits on one stream.
#[derive(Default)]
struct Waiting {
    pieces: VecDeque<Piece>,
    bytes: usize,
    /// Whether nothing follows what waits.
    is_over: bool,
    reader: Option<Waker>,
}

impl Waiting {
    fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

/// One stream, as both its halves know it.
#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Each change is made by a few lines that cannot panic: a panic elsewhere leaves no half of it.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to what waits, and wakes the reader; false if there is none any more.
    fn push(&self, piece: Piece, bytes: usize) -> bool {
        let mut waiting = self.lock();
        if waiting.is_over {
            return false;
        }
        waiting.pieces.push_back(piece);
        waiting.bytes += bytes;
        waiting.wake_reader();
        true
    }

    /// Nothing follows. With `drops`, nor does what waits; how many bytes that was.
    fn end(&self, drops: bool) -> usize {
        let mut waiting = self.lock();
        waiting.is_over = true;
        let dropped = if drops { std::mem::take(&mut waiting.pieces) } else { VecDeque::new() };
        waiting.wake_reader();
        let bytes = if drops { std::mem::take(&mut waiting.bytes) } else { 0 };
        drop(waiting);
        drop(dropped);
        bytes
    }
}

/// The sending halves of all streams.
pub(crate) struct Streams {
    open: BTreeMap<StreamKey, Arc<Shared>>,
    told: mpsc::UnboundedSender<Input>,
    /// Bytes that wait on all streams.
    bytes: Arc<AtomicUsize>,
}

impl Streams {
    /// No streams, and where it is told what becomes of each: that it ended, at most twice, and that its reader came to a mark,
    /// once for each.
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Input>) {
        let (told, news) = mpsc::unbounded_channel();
        (Self { open: BTreeMap::new(), told, bytes: Arc::default() }, news)
    }

    pub(crate) fn open(&mut self, key: StreamKey, media: Media) -> EventStream {
        // Those whose readers have hung up.
        self.open.retain(|_, shared| !shared.lock().is_over);
        let shared = Arc::<Shared>::default();
        self.open.insert(key, shared.clone());
        EventStream { media, key, shared, told: self.told.clone(), all: self.bytes.clone() }
    }

    /// Sends an event. It becomes one record in one chunk.
    pub(crate) fn send(&mut self, key: StreamKey, event: Box<Event>) {
        let Some(shared) = self.open.get(&key) else { return };
        let bytes = encoded_bytes(&*event) + size_of::<Event>();
        let waiting = shared.lock().bytes;
        // One event is sent however large it is, if nothing waits before it.
        if waiting > 0 && waiting + bytes > EVENTS_BYTES_MAX {
            return self.cut(key);
        }
        let all = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if !shared.push(Piece::Event(event, bytes), bytes) {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        } else if all > EVENTS_BYTES_MAX_ALL {
            self.cut_largest();
        }
    }

    /// Asks for word once the reader has taken all that was sent so far.
    pub(crate) fn mark(&mut self, key: StreamKey) {
        if let Some(shared) = self.open.get(&key) {
            shared.push(Piece::Mark, 0);
        }
    }

    /// Nothing follows what was sent.
    pub(crate) fn close(&mut self, key: StreamKey) {
        if let Some(shared) = self.open.remove(&key) {
            shared.end(false);
        }
    }

    fn cut(&mut self, key: StreamKey) {
        let Some(shared) = self.open.remove(&key) else { return };
        self.bytes.fetch_sub(shared.end(true), Ordering::Relaxed);
        tracing::warn!(
            stream = key.0,
            "closing the event stream of a scheduler that reads it too slowly"
        );
        // Told again when the receiving half goes: the bridge takes the first.
        let _ = self.told.send(Input::StreamEnded(key));
    }

    fn cut_largest(&mut self) {
        let largest = self.open.iter().max_by_key(|(_, shared)| shared.lock().bytes);
        if let Some(key) = largest.map(|(key, _)| *key) {
            self.cut(key);
        }
    }
}

/// The receiving half of a stream: the body of a response.
pub(crate) struct EventStream {
    pub(crate) media: Media,
    key: StreamKey,
    shared: Arc<Shared>,
    told: mpsc::UnboundedSender<Input>,
    all: Arc<AtomicUsize>,
}

impl EventStream {
    /// The next event; `None` after the last.
    fn next(&self, cx: &Context<'_>) -> Poll<Option<Box<Event>>> {
        let mut waiting = self.shared.lock();
        loop {
            match waiting.pieces.pop_front() {
                Some(Piece::Event(event, bytes)) => {
                    waiting.bytes -= bytes;
                    self.all.fetch_sub(bytes, Ordering::Relaxed);
                    return Poll::Ready(Some(event));
                }
                // A bridge that ended does not care.
                Some(Piece::Mark) => drop(self.told.send(Input::Reached(self.key))),
                None if waiting.is_over => return Poll::Ready(None),
                None => {
                    waiting.reader = Some(cx.waker().clone());
                    return Poll::Pending;
                }
            }
        }
    }
}

impl Stream for EventStream {
    type Item = Result<Bytes, std::convert::Infallible>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(event) = ready!(self.next(cx)) else { return Poll::Ready(None) };
        let record = recordio::frame(&self.media.encode(EVENT, &*event));
        Poll::Ready(Some(Ok(record.into())))
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.all.fetch_sub(self.shared.end(true), Ordering::Relaxed);
        // A bridge that ended does not care.
        let _ = self.told.send(Input::StreamEnded(self.key));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::task::noop_waker_ref;
    use longshore_wire_mesos::v1::scheduler::event::{self, Type};

    use super::*;

    fn event(bytes: usize) -> Box<Event> {
        let error = event::Error { message: "x".repeat(bytes) };
        Box::new(Event {
            r#type: Some(Type::Error.into()),
            error: Some(error),
            ..Default::default()
        })
    }

    /// The next record, if there is one now.
    fn next(stream: &mut EventStream) -> Poll<Option<usize>> {
        let mut cx = Context::from_waker(noop_waker_ref());
        let polled = Pin::new(stream).poll_next(&mut cx);
        polled.map(|record| record.map(|Ok(record)| record.len()))
    }

    fn streams() -> (Streams, mpsc::UnboundedReceiver<Input>) {
        Streams::new()
    }

    #[test]
    fn a_mark_is_told_when_the_reader_comes_to_it() {
        let (mut streams, mut news) = streams();
        let mut stream = streams.open(StreamKey(1), Media::Json);
        streams.send(StreamKey(1), event(10));
        streams.mark(StreamKey(1));
        streams.send(StreamKey(1), event(10));
        assert!(matches!(next(&mut stream), Poll::Ready(Some(_))));
        assert!(news.try_recv().is_err(), "the event is taken, and what follows is not looked at");
        assert!(matches!(next(&mut stream), Poll::Ready(Some(_))));
        assert!(matches!(news.try_recv(), Ok(Input::Reached(StreamKey(1)))));
        assert!(next(&mut stream).is_pending());
        assert_eq!(streams.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_stream_is_cut_off_by_bytes_and_not_by_count() {
        let (mut streams, mut news) = streams();
        let mut stream = streams.open(StreamKey(1), Media::Json);
        for _ in 0..20_000 {
            streams.send(StreamKey(1), event(10));
        }
        assert!(news.try_recv().is_err(), "many small events are no reason");
        while next(&mut stream).is_ready() {}
        streams.send(StreamKey(1), event(2 * EVENTS_BYTES_MAX));
        assert!(news.try_recv().is_err(), "nor is one that is large");
        streams.send(StreamKey(1), event(1));
        assert!(matches!(news.try_recv(), Ok(Input::StreamEnded(StreamKey(1)))));
        assert_eq!(next(&mut stream), Poll::Ready(None), "what waited is not sent");
        drop(stream);
        assert_eq!(streams.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn what_waits_on_all_streams_is_bounded_and_the_fullest_is_cut_off() {
        let (mut streams, mut news) = streams();
        let many = EVENTS_BYTES_MAX_ALL / (EVENTS_BYTES_MAX / 2);
        let full = EVENTS_BYTES_MAX / 2 - 10_000;
        let opened: Vec<EventStream> = (0..=many as u64)
            .map(|key| {
                let stream = streams.open(StreamKey(key), Media::Json);
                streams.send(StreamKey(key), event(full + usize::from(key == 3)));
                stream
            })
            .collect();
        assert!(matches!(news.try_recv(), Ok(Input::StreamEnded(StreamKey(3)))));
        assert!(news.try_recv().is_err());
        drop(opened);
        assert_eq!(streams.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_stream_whose_reader_hung_up_is_forgotten() {
        let (mut streams, _news) = streams();
        drop(streams.open(StreamKey(1), Media::Json));
        streams.send(StreamKey(1), event(1));
        let _stream = streams.open(StreamKey(2), Media::Json);
        assert_eq!((streams.open.len(), streams.bytes.load(Ordering::Relaxed)), (1, 0));
    }

    #[test]
    fn a_stream_that_is_closed_sends_what_waits_and_ends() {
        let (mut streams, _news) = streams();
        let mut stream = streams.open(StreamKey(1), Media::Json);
        streams.send(StreamKey(1), event(1));
        streams.close(StreamKey(1));
        assert!(matches!(next(&mut stream), Poll::Ready(Some(_))));
        assert_eq!(next(&mut stream), Poll::Ready(None));
    }
}
