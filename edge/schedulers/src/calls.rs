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

/// A caller's place, which is given back when it is dropped: whoever hangs up waits no more.
#[derive(Debug)]
pub(crate) struct Place<R> {
    /// What the caller goes by.
    pub(crate) ticket: u64,
    reply: oneshot::Receiver<R>,
    waiting: Waiting<R>,
}

impl<R> Place<R> {
    /// The reply; `None` if there will be none.
    pub(crate) async fn reply(&mut self) -> Option<R> {
        (&mut self.reply).await.ok()
    }
}

impl<R> Drop for Place<R> {
    fn drop(&mut self) {
        self.waiting.lock().replies.remove(&self.ticket);
    }
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
        // Each change under the lock is one call, which cannot be left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another caller waits.
    pub(crate) fn add(&self) -> Place<R> {
        let (told, reply) = oneshot::channel();
        let mut callers = self.lock();
        callers.last += 1;
        let ticket = callers.last;
        callers.replies.insert(ticket, told);
        Place { ticket, reply, waiting: self.clone() }
    }

    /// Tells a caller, if it still waits.
    pub(crate) fn tell(&self, ticket: u64, reply: R) {
        let told = self.lock().replies.remove(&ticket);
        if let Some(told) = told {
            // It may hang up at this moment.
            let _ = told.send(reply);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_caller_is_told_its_reply_and_none_is_left_behind() {
        let waiting = Waiting::default();
        let (mut first, second) = (waiting.add(), waiting.add());
        waiting.tell(first.ticket, "one");
        assert_eq!(first.reply().await, Some("one"));
        let ticket = second.ticket;
        drop((first, second));
        waiting.tell(ticket, "two");
        assert!(waiting.lock().replies.is_empty());
    }
}
