//! As many requests that wait for events as it takes.
//!
//! A request brings ten events at most, and takes milliseconds, so that one after another they fall behind when a cluster is busy: what
//! events tell late is read as well, which makes it busier. So there is one request while the cluster is quiet, and one more whenever a
//! full one comes back. That events overtake each other does no harm, since records merge by version.

use tokio::task::JoinSet;

use super::{BATCH, Batch, Feed, FeedError};

/// Requests at a time. Source: chosen by us: 10,000 events/s at 4 ms a request.
const REQUESTS_MAX: usize = 4;

/// Deletions at a time; beyond that they are waited for. Source: chosen by us.
const DELETIONS_MAX: usize = 64;

/// Receives events. Dropped, it gives up what it has not handed out; that is delivered again.
#[derive(Debug)]
pub struct Receivers {
    feed: Feed,
    requests: JoinSet<Result<Batch, FeedError>>,
    deletions: JoinSet<()>,
}

impl Feed {
    /// Receives events of a feed that is open.
    pub fn receivers(&self) -> Receivers {
        let (requests, deletions) = (JoinSet::new(), JoinSet::new());
        Receivers { feed: self.clone(), requests, deletions }
    }
}

impl Receivers {
    /// Waits for events; may return none. Whoever stops waiting loses nothing.
    ///
    /// # Errors
    /// What failed.
    pub async fn next(&mut self) -> Result<Batch, FeedError> {
        if self.requests.is_empty() {
            self.ask();
        }
        let received = match self.requests.join_next().await {
            Some(Ok(received)) => received?,
            _ => return Err(FeedError::Answer("a request for events ended by itself".to_owned())),
        };
        if received.receipts.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX) {
            while self.requests.len() < REQUESTS_MAX {
                self.ask();
            }
        }
        Ok(received)
    }

    fn ask(&mut self) {
        let feed = self.feed.clone();
        self.requests.spawn(async move { feed.receive().await });
    }

    /// Deletes messages that were handed on, besides: the next events may be there. One that is not deleted comes again without any news.
    pub async fn delete(&mut self, batch: Batch) {
        while self.deletions.try_join_next().is_some() {}
        if self.deletions.len() >= DELETIONS_MAX {
            self.deletions.join_next().await;
        }
        let feed = self.feed.clone();
        self.deletions.spawn(async move {
            if let Err(error) = feed.delete(batch).await {
                tracing::debug!("{error}");
            }
        });
    }
}
