//! What the machine asks for, done.

use longshore_chronos::{Chronos, Input, Output, Reply};
use longshore_server::Host;

use super::ChronosError;
use crate::calls::Waiting;
use crate::framework::Link;
use crate::service::Leave;
use crate::store::Store;

/// Performs the outputs of the machine.
pub(super) struct ChronosHost {
    store: Store,
    link: Link<Input>,
    waiting: Waiting<Reply>,
}

impl ChronosHost {
    pub(super) fn new(store: Store, link: Link<Input>, waiting: Waiting<Reply>) -> Self {
        Self { store, link, waiting }
    }
}

impl Leave for ChronosHost {
    async fn leave(self) {
        self.link.leave().await;
        self.store.close().await;
    }
}

impl Host<Chronos> for ChronosHost {
    type Error = ChronosError;

    async fn perform(&mut self, out: &mut Vec<Output>) -> Result<(), ChronosError> {
        let mut changes = Vec::new();
        for output in out.iter_mut() {
            if let Output::Store(stored) = output {
                changes.append(stored);
            }
        }
        // All of them, before anything else of these steps.
        self.store.commit(changes).await?;
        for output in out.drain(..) {
            match output {
                Output::Store(_) => {}
                Output::Connect { framework } => self.link.connect(framework).await?,
                Output::Say(command) => self.link.say(command).await,
                Output::Reply { ticket, reply } => self.waiting.tell(ticket.0, reply),
                Output::Note(text) => tracing::warn!(target: "longshore_chronos", "{text}"),
                Output::Failed(text) => return Err(ChronosError::Driver(text)),
            }
        }
        Ok(())
    }
}
