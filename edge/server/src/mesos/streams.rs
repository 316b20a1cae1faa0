//! Event streams on their way to schedulers.
//!
//! Each stream has a bounded queue. A scheduler that never reads fills it, and is then treated as one that hung up: what it
//! missed it learns by subscribing again, as after any lost connection.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use longshore_bridge::StreamKey;
use longshore_wire_mesos::v1::scheduler::Event;
use longshore_wire_mesos::{Media, recordio};
use tokio::sync::mpsc;

use crate::limits;

const EVENT: &str = "mesos.v1.scheduler.Event";

/// The sending halves of all streams.
pub(crate) struct Streams {
    open: BTreeMap<StreamKey, (mpsc::Sender<Bytes>, Media)>,
    ended: mpsc::UnboundedSender<StreamKey>,
}

impl Streams {
    /// No streams, and where their ends are told: at most once for each.
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<StreamKey>) {
        let (ended, told) = mpsc::unbounded_channel();
        (Self { open: BTreeMap::new(), ended }, told)
    }

    pub(crate) fn open(&mut self, key: StreamKey, media: Media) -> EventStream {
        let (sender, records) = mpsc::channel(limits::EVENTS_WAITING_MAX);
        self.open.insert(key, (sender, media));
        EventStream { records, media, key, ended: self.ended.clone() }
    }

    /// Sends an event, as one record in one chunk.
    pub(crate) fn send(&mut self, key: StreamKey, event: &Event) {
        let Some((sender, media)) = self.open.get(&key) else { return };
        let record = recordio::frame(&media.encode(EVENT, event));
        if let Err(refused) = sender.try_send(record.into()) {
            let slow = matches!(refused, mpsc::error::TrySendError::Full(_));
            if slow {
                tracing::warn!(
                    stream = key.0,
                    "a scheduler does not read its events: its stream is closed"
                );
            }
            self.open.remove(&key);
            // Told again when the receiving half goes: the bridge takes the first.
            let _ = self.ended.send(key);
        }
    }

    pub(crate) fn close(&mut self, key: StreamKey) {
        self.open.remove(&key);
    }
}

/// The receiving half of a stream: the body of a response.
pub(crate) struct EventStream {
    records: mpsc::Receiver<Bytes>,
    pub(crate) media: Media,
    key: StreamKey,
    ended: mpsc::UnboundedSender<StreamKey>,
}

impl Stream for EventStream {
    type Item = Result<Bytes, std::convert::Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.records.poll_recv(cx).map(|record| record.map(Ok))
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        // A bridge that ended does not care.
        let _ = self.ended.send(self.key);
    }
}
