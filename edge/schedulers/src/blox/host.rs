//! Performs what the machine asks for: commits first, then everything else.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_client::Client;
use longshore_daemon::{Change, Daemon, Input, Output, Reply, Ticket};
use longshore_server::Host;
use tokio::sync::{mpsc, oneshot};

use super::asks::{Ask, Asks};
use super::streams::{Following, Streams};
use crate::store::{self, Store, StoreError};

/// A reply, and for a stream what follows.
#[derive(Debug)]
pub(super) struct Replied {
    pub(super) reply: Reply,
    pub(super) following: Option<Following>,
}

/// Clients that wait for a reply.
#[derive(Clone, Debug, Default)]
pub(super) struct Replies {
    waiting: Arc<Mutex<BTreeMap<Ticket, oneshot::Sender<Replied>>>>,
    next: Arc<AtomicU64>,
}

/// A client's place, which is given back when it is dropped.
pub(super) struct Waits {
    pub(super) ticket: Ticket,
    pub(super) replied: oneshot::Receiver<Replied>,
    replies: Replies,
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.replies.lock().remove(&self.ticket);
    }
}

impl Replies {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Ticket, oneshot::Sender<Replied>>> {
        // Each change is one call, which cannot be left half done.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A client waits from now on.
    pub(super) fn wait(&self) -> Waits {
        let ticket = Ticket(self.next.fetch_add(1, Ordering::Relaxed));
        let (told, replied) = oneshot::channel();
        self.lock().insert(ticket, told);
        Waits { ticket, replied, replies: self.clone() }
    }

    fn reply(&self, ticket: Ticket, replied: Replied) {
        let told = self.lock().remove(&ticket);
        if let Some(told) = told {
            // It may have left.
            let _ = told.send(replied);
        }
    }
}

/// The machine's hands.
pub(super) struct DaemonHost {
    store: Store,
    asks: Asks,
    replies: Replies,
    streams: Streams,
}

impl DaemonHost {
    pub(super) fn new(store: Store, client: Client, inputs: mpsc::Sender<Input>) -> Self {
        Self {
            store,
            asks: Asks::new(client, inputs),
            replies: Replies::default(),
            streams: Streams::new(),
        }
    }

    /// Where clients wait.
    pub(super) fn replies(&self) -> Replies {
        self.replies.clone()
    }

    fn reply(&self, ticket: Ticket, reply: Reply) {
        // What happens from here on is not in the reply any more.
        let follows = matches!(reply, Reply::Follow(..));
        let following = follows.then(|| self.streams.follow());
        self.replies.reply(ticket, Replied { reply, following });
    }
}

fn stored(change: Change) -> store::Change {
    match change {
        Change::Put { kind, id, body } => store::Change::Put { kind, id, body },
        Change::Delete { kind, id } => store::Change::Delete { kind, id },
    }
}

impl Host<Daemon> for DaemonHost {
    type Error = StoreError;

    async fn perform(&mut self, out: &mut Vec<Output>) -> Result<(), StoreError> {
        let mut changes = Vec::new();
        for output in out.iter_mut() {
            if let Output::Store(some) = output {
                changes.extend(std::mem::take(some).into_iter().map(stored));
            }
        }
        self.store.commit(changes).await?;
        for output in out.drain(..) {
            match output {
                Output::Store(_) => {}
                Output::Reply { ticket, reply } => self.reply(ticket, reply),
                Output::Ask { cluster, question } => {
                    self.asks.push(Ask::Cluster(cluster, question));
                }
                Output::AskFleet(question) => self.asks.push(Ask::Fleet(question)),
                Output::Happened(happened) => self.streams.send(happened),
                Output::Note(text) => tracing::warn!("{text}"),
            }
        }
        self.asks.send();
        Ok(())
    }
}
