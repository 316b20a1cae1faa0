//! The body of a response to one who watches: the state, and then what happens.

use std::io::{self, Write};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use longshore_operator::{HEARTBEAT_SECONDS, event, v1};
use longshore_wire_mesos::Media;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::log::Follower;
use super::{Left, Watching, record};
use crate::pages::{self, Chunk, Pages};

/// Counts what is written.
struct Counted(usize);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Puts a head before the first of what is written: a record that is small is one chunk, as some clients expect.
struct Headed<'w> {
    head: String,
    out: &'w mut dyn Write,
}

impl Write for Headed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.head.is_empty() {
            return self.out.write(bytes);
        }
        let head = std::mem::take(&mut self.head);
        self.out.write_all(&[head.as_bytes(), bytes].concat())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// One who watches, and how far it has read.
struct Reading {
    media: Media,
    /// The state, as long as it is being read.
    state: Option<pages::Reading>,
    follower: Follower,
    beats: Interval,
    _left: Left,
}

impl Reading {
    async fn next(&mut self) -> Option<Chunk> {
        if let Some(state) = &mut self.state {
            if let Some(chunk) = state.next().await {
                return Some(chunk);
            }
            self.state = None;
            self.beats.reset();
            return Some(Ok(self.heartbeat()));
        }
        tokio::select! {
            record = self.follower.next() => record.map(Ok),
            _ = self.beats.tick() => Some(Ok(self.heartbeat())),
        }
    }

    fn heartbeat(&self) -> Bytes {
        record(&event::encode(&event::heartbeat(), self.media))
    }
}

impl Watching {
    /// The body; none if the program is ending.
    pub(in super::super) async fn body(self, pages: &Pages) -> Option<Body> {
        let Self { view, media, follower, left } = self;
        let write = move |out: &mut dyn Write| {
            // Its length stands before a record.
            let mut counted = Counted(0);
            v1::subscribed(&view, media, &mut counted)?;
            let head = format!("{}\n", counted.0);
            v1::subscribed(&view, media, &mut Headed { head, out })
        };
        let state = pages.chunks(write).await?;
        let period = Duration::from_secs_f64(HEARTBEAT_SECONDS);
        let mut beats = interval_at(Instant::now() + period, period);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let reading = Reading { media, state: Some(state), follower, beats, _left: left };
        let next = |mut reading: Reading| async move {
            let piece = reading.next().await?;
            Some((piece, reading))
        };
        Some(Body::from_stream(stream::unfold(reading, next)))
    }
}
