//! Streams of changes to clients of the cluster state service.
//!
//! A change is written down once, when the first reader comes to it. A reader that is too far behind is cut off; it goes on
//! with the last version that it has seen. Like Blox, a stream without any change for an hour ends.
//!
//! Source: blox.md 1.9. Unlike Blox, the head of a response is sent at once, and not with the first change.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use longshore_daemon::{Happened, Stream, show_instance, show_task};
use longshore_wire_blox::json;
use tokio::sync::broadcast;

/// Changes that a reader may be behind. Source: chosen by us: more than a second at the fastest that is promised.
const BEHIND_MAX: usize = 16_384;
/// After how long without any change a stream ends. Source: blox.md 1.9.
const IDLE: Duration = Duration::from_hours(1);

/// A change on its way to readers.
#[derive(Debug)]
pub(super) struct Line {
    happened: Happened,
    text: OnceLock<Bytes>,
}

impl Line {
    fn new(happened: Happened) -> Self {
        Self { happened, text: OnceLock::new() }
    }

    /// Its text; empty for what has no place in the JSON of Blox.
    fn text(&self) -> Bytes {
        self.text.get_or_init(|| written(&self.happened)).clone()
    }
}

fn written(happened: &Happened) -> Bytes {
    let text = match happened {
        Happened::Task(entity) => show_task(entity).and_then(|shown| json::line(&shown).ok()),
        Happened::Instance(entity) => {
            show_instance(entity).and_then(|shown| json::line(&shown).ok())
        }
    };
    Bytes::from(text.unwrap_or_default())
}

/// Where changes are sent to those who follow.
#[derive(Debug)]
pub(super) struct Streams(broadcast::Sender<Arc<Line>>);

/// What a reader is told from now on.
pub(super) type Following = broadcast::Receiver<Arc<Line>>;

impl Streams {
    pub(super) fn new() -> Self {
        Self(broadcast::Sender::new(BEHIND_MAX))
    }

    /// Tells all who follow.
    pub(super) fn send(&self, happened: Happened) {
        // Without any there is nobody to tell.
        if self.0.receiver_count() > 0 {
            let _ = self.0.send(Arc::new(Line::new(happened)));
        }
    }

    /// Follows from now on.
    pub(super) fn follow(&self) -> Following {
        self.0.subscribe()
    }
}

/// The body of a stream: what happened before, and then what happens.
pub(super) fn body(which: Stream, before: Vec<Happened>, following: Following) -> Body {
    let before: VecDeque<Happened> = before.into();
    Body::from_stream(stream::unfold(
        (before, following),
        move |(mut before, mut following)| async move {
            while let Some(happened) = before.pop_front() {
                let text = written(&happened);
                if !text.is_empty() {
                    return Some((Ok(text), (before, following)));
                }
            }
            loop {
                match tokio::time::timeout(IDLE, following.recv()).await {
                    Ok(Ok(line)) if line.happened.stream() == which => {
                        let text = line.text();
                        if !text.is_empty() {
                            return Some((Ok(text), (before, following)));
                        }
                    }
                    Ok(Ok(_)) => {}
                    Ok(Err(broadcast::error::RecvError::Lagged(missed))) => {
                        let why = format!("a reader of changes was {missed} behind");
                        return Some((Err(std::io::Error::other(why)), (before, following)));
                    }
                    Ok(Err(broadcast::error::RecvError::Closed)) | Err(_) => return None,
                }
            }
        },
    ))
}
