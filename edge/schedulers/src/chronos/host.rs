//! What the machine asks for, done.

use longshore_chronos::{self as machine, Chronos, Output};
use longshore_server::Host;

use super::{ChronosError, Waiting};
use crate::framework::Framework;
use crate::store::{Change, Store};

/// Performs the outputs of the machine.
pub(super) struct ChronosHost {
    store: Store,
    framework: Framework,
    waiting: Waiting,
}

impl ChronosHost {
    pub(super) fn new(store: Store, framework: Framework, waiting: Waiting) -> Self {
        Self { store, framework, waiting }
    }

    /// Leaves the tasks to the next start.
    pub(super) async fn leave(self) {
        self.framework.leave().await;
    }
}

impl Host<Chronos> for ChronosHost {
    type Error = ChronosError;

    async fn perform(&mut self, out: &mut Vec<Output>) -> Result<(), ChronosError> {
        let mut changes = Vec::new();
        for output in out.iter_mut() {
            if let Output::Store(stored) = output {
                changes.extend(stored.drain(..).map(change));
            }
        }
        // All of them, before anything else of these steps.
        self.store.commit(changes).await?;
        for output in out.drain(..) {
            match output {
                Output::Store(_) => {}
                Output::Say(command) => self.framework.say(command).await,
                Output::Reply { ticket, reply } => {
                    if let Some(caller) = self.waiting.take(ticket) {
                        // Whoever hung up needs no reply.
                        let _ = caller.send(reply);
                    }
                }
                Output::Note(text) => tracing::warn!(target: "longshore_chronos", "{text}"),
                Output::Failed(text) => return Err(ChronosError::Driver(text)),
            }
        }
        Ok(())
    }
}

fn change(change: machine::Change) -> Change {
    match change {
        machine::Change::Put { kind, id, body } => Change::Put { kind, id, body },
        machine::Change::Delete { kind, id } => Change::Delete { kind, id },
    }
}
