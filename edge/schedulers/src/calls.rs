//! Callers who wait for what a machine says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Callers who wait, by ticket.
#[derive(Debug)]
pub(crate) struct Waiting<R>(Arc<Mutex<Callers<R>>>);

#[derive(Debug)]
struct Callers<R> {
    last: u64,
    replies: BTreeMap<u64, oneshot::Sender<R>>,
}

impl<R> Clone for Waiting<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R> Default for Waiting<R> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Callers { last: 0, replies: BTreeMap::new() })))
    }
}

impl<R> Waiting<R> {
    fn lock(&self) -> MutexGuard<'_, Callers<R>> {
        // Nothing under the lock can panic halfway.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another caller: its ticket, and where the reply comes.
    pub(crate) fn add(&self) -> (u64, oneshot::Receiver<R>) {
        let (reply, answer) = oneshot::channel();
        let mut callers = self.lock();
        callers.last += 1;
        let ticket = callers.last;
        callers.replies.insert(ticket, reply);
        (ticket, answer)
    }

    /// Who waits under a ticket, no more from now on.
    pub(crate) fn take(&self, ticket: u64) -> Option<oneshot::Sender<R>> {
        self.lock().replies.remove(&ticket)
    }
}
