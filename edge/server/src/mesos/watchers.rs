//! Operators that watch: those who have subscribed to what happens. Source: \[P1\].
//!
//! The bridge says what has changed; a task of its own encodes that, once for each encoding that somebody reads, and all readers of it
//! take the same bytes out of one [`Log`]. So a reader costs no more than its place there, and what waits is limited in bytes
//! however many they are. A reader that falls behind is closed, and sees the state when it subscribes again; one that reads
//! nothing at all is closed with its connection (see [`crate::progress`]).

mod body;
mod log;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use longshore_bridge::Input;
use longshore_bridge::operator::{Change, View};
use longshore_operator::event;
use longshore_wire_mesos::{Media, recordio};
use tokio::sync::{mpsc, oneshot};

use self::log::{Follower, Log};
use super::Answer;
use crate::limits;

/// Tells the bridge, when it is dropped, that one of those who watched has left.
struct Left(mpsc::UnboundedSender<Input>);

impl Drop for Left {
    fn drop(&mut self) {
        // A bridge that ended does not care.
        let _ = self.0.send(Input::Unwatched);
    }
}

/// One who watches: the state that it begins with, and its place among the changes after it.
pub(crate) struct Watching {
    view: Box<View>,
    media: Media,
    follower: Follower,
    left: Left,
}

/// Somebody who is to watch.
struct Joined {
    view: Box<View>,
    media: Media,
    left: Left,
    reply: oneshot::Sender<Answer>,
}

/// What the bridge says, in its order.
enum Told {
    Joined(Joined),
    Changed(Vec<Change>),
    /// Changes were left out: whoever watches by now has missed something.
    Lost,
}

/// The way to those who watch. Joins are as few as calls; changes are counted.
pub(super) struct Watchers {
    tell: mpsc::UnboundedSender<Told>,
    /// Changes that nobody has encoded yet.
    waiting: Arc<AtomicUsize>,
    /// Whether nobody has joined, and nothing has been passed on, since changes were left out.
    is_behind: bool,
    leave: mpsc::UnboundedSender<Input>,
}

impl Watchers {
    /// Nobody watches. `leave` is told of each who left.
    pub(super) fn new(leave: mpsc::UnboundedSender<Input>) -> (Self, Teller) {
        let (tell, told) = mpsc::unbounded_channel();
        let waiting = Arc::<AtomicUsize>::default();
        let teller = Teller { told, waiting: waiting.clone(), logs: Logs::default() };
        (Self { tell, waiting, is_behind: false, leave }, teller)
    }

    /// Somebody watches, beginning with this state.
    pub(super) fn join(&mut self, view: Box<View>, media: Media, reply: oneshot::Sender<Answer>) {
        self.is_behind = false;
        let left = Left(self.leave.clone());
        // A task that ended answers nobody any more.
        let _ = self.tell.send(Told::Joined(Joined { view, media, left, reply }));
    }

    /// Passes on what has changed.
    pub(super) fn tell(&mut self, changes: Vec<Change>) {
        let count = changes.len();
        let waiting = self.waiting.fetch_add(count, Ordering::Relaxed);
        // What one step led to is passed on however much it is, if nothing waits before it.
        let told = if waiting == 0 || waiting + count <= limits::CHANGES_WAITING_MAX {
            self.is_behind = false;
            Told::Changed(changes)
        } else {
            self.waiting.fetch_sub(count, Ordering::Relaxed);
            if std::mem::replace(&mut self.is_behind, true) {
                return;
            }
            Told::Lost
        };
        let _ = self.tell.send(told);
    }
}

/// What is passed on in either encoding.
#[derive(Default)]
struct Logs {
    json: Arc<Log>,
    protobuf: Arc<Log>,
    joined: AtomicU64,
}

impl Logs {
    fn of(&self, media: Media) -> &Arc<Log> {
        match media {
            Media::Json => &self.json,
            Media::Protobuf => &self.protobuf,
        }
    }

    fn all(&self) -> [(Media, &Arc<Log>); 2] {
        [Media::Json, Media::Protobuf].map(|media| (media, self.of(media)))
    }

    /// A place after all that has been passed on. Beyond the limit the oldest one gives way.
    fn join(&self, media: Media) -> Follower {
        let readers = self.json.readers() + self.protobuf.readers();
        if readers >= limits::WATCHERS_MAX {
            let oldest = self.all().into_iter().filter_map(|(_, log)| Some((log.oldest()?, log)));
            if let Some((oldest, log)) = oldest.min_by_key(|(oldest, _)| *oldest) {
                log.remove(oldest);
                tracing::warn!(
                    limit = limits::WATCHERS_MAX,
                    "closing the oldest operator event stream: there are too many"
                );
            }
        }
        let name = self.joined.fetch_add(1, Ordering::Relaxed);
        self.of(media).clone().follow(name)
    }

    fn push(&self, changes: &[Change]) {
        let read = self.all().into_iter().filter(|(_, log)| log.readers() > 0);
        let read: Vec<(Media, &Arc<Log>)> = read.collect();
        if read.is_empty() {
            return;
        }
        let events: Vec<_> = changes.iter().filter_map(event::of).collect();
        for (media, log) in read {
            let records = events.iter().map(|event| record(&event::encode(event, media)));
            let cut = log.push(records);
            if cut > 0 {
                tracing::warn!(
                    streams = cut,
                    "closing operator event streams whose readers are too slow"
                );
            }
        }
    }
}

fn record(body: &[u8]) -> Bytes {
    recordio::frame(body).into()
}

/// Encodes what has changed, for those who watch.
pub(super) struct Teller {
    told: mpsc::UnboundedReceiver<Told>,
    waiting: Arc<AtomicUsize>,
    logs: Logs,
}

impl Teller {
    /// Goes on until the bridge ends.
    pub(super) async fn run(mut self) {
        while let Some(told) = self.told.recv().await {
            match told {
                Told::Joined(joined) => self.join(joined),
                Told::Changed(changes) => self.pass_on(&changes).await,
                Told::Lost => {
                    tracing::warn!(
                        "closing all operator event streams: changes come faster than they can be told"
                    );
                    self.logs.all().into_iter().for_each(|(_, log)| log.remove_all());
                }
            }
        }
    }

    fn join(&self, joined: Joined) {
        let Joined { view, media, left, reply } = joined;
        let follower = self.logs.join(media);
        // One that hung up leaves at once.
        let _ = reply.send(Answer::Watching(Box::new(Watching { view, media, follower, left })));
    }

    async fn pass_on(&self, changes: &[Change]) {
        for together in changes.chunks(limits::CHANGES_TOGETHER_MAX) {
            self.logs.push(together);
            self.waiting.fetch_sub(together.len(), Ordering::Relaxed);
            // One step may change very much; others have something to do, too.
            tokio::task::yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests;
