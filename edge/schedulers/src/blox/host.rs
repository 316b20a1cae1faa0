//! Performs what the machine asks for: commits first, then everything else.

use longshore_client::Client;
use longshore_daemon::{Daemon, Input, Output, Reply, Ticket};
use longshore_server::Host;
use tokio::sync::mpsc;

use super::asks::{Ask, Asks};
use super::streams::{Following, Streams};
use crate::calls::Waiting;
use crate::service::Leave;
use crate::store::{Store, StoreError};

/// A reply, and for a stream what follows.
#[derive(Debug)]
pub(super) struct Replied {
    pub(super) reply: Reply,
    pub(super) following: Option<Following>,
}

/// The machine's hands.
pub(super) struct DaemonHost {
    store: Store,
    asks: Asks,
    waiting: Waiting<Replied>,
    streams: Streams,
}

impl DaemonHost {
    pub(super) fn new(store: Store, client: Client, inputs: mpsc::Sender<Input>) -> Self {
        Self {
            store,
            asks: Asks::new(client, inputs),
            waiting: Waiting::default(),
            streams: Streams::new(),
        }
    }

    /// Where clients wait.
    pub(super) fn waiting(&self) -> Waiting<Replied> {
        self.waiting.clone()
    }

    fn reply(&self, ticket: Ticket, reply: Reply) {
        // What happens from here on is not in the reply any more.
        let follows = matches!(reply, Reply::Follow(..));
        let following = follows.then(|| self.streams.follow());
        self.waiting.tell(ticket.0, Replied { reply, following });
    }
}

impl Leave for DaemonHost {
    // What it asked for and heard nothing of is found again in ECS.
    async fn leave(self) {}
}

impl Host<Daemon> for DaemonHost {
    type Error = StoreError;

    async fn perform(&mut self, out: &mut Vec<Output>) -> Result<(), StoreError> {
        let mut changes = Vec::new();
        for output in out.iter_mut() {
            if let Output::Store(some) = output {
                changes.append(some);
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
