//! Closes connections whose peer does not read what is waiting for it.
//!
//! Without this, a peer that stops reading could keep its connection, and the response behind it,
//! for as long as it likes: nothing else monitors a response in progress. A peer for which nothing
//! is waiting may stay silent forever.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::notes::Notes;

/// A connection that fails after nothing could be written for that long.
#[derive(Debug)]
pub(crate) struct Progress<S> {
    inner: S,
    patience: Duration,
    notes: Arc<Notes>,
    /// Runs while something is waiting to be written.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Progress<S> {
    pub(crate) fn new(inner: S, patience: Duration, notes: Arc<Notes>) -> Self {
        Self { inner, patience, notes, stalled: None }
    }

    /// Checks the result of a write. Fails if writes have been blocked for too long.
    fn watched<T>(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stalled = None;
            return polled;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stalled.as_mut().poll(cx));
        self.notes.warn(&format!(
            "closing the connection of a client that did not read its response for {patience:?}"
        ));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Progress<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Progress<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.watched(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.watched(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_flush(cx);
        self.watched(cx, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.watched(cx, polled)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(400);

    #[tokio::test]
    async fn a_peer_that_reads_slowly_is_written_to_and_one_that_stops_is_not() {
        let (ours, mut theirs) = duplex(10);
        let mut ours = Progress::new(ours, PATIENCE, Arc::default());
        let writes = async {
            let whole = ours.write_all(&[1; 100]).await;
            assert!(whole.is_ok(), "it was read on and on: {whole:?}");
            ours.write_all(&[2; 100]).await
        };
        let reads = async {
            for _ in 0..10 {
                tokio::time::sleep(PATIENCE / 8).await;
                theirs.read_exact(&mut [0; 10]).await.expect("there is something to read");
            }
            std::future::pending::<()>().await;
        };
        let failed = tokio::select! { failed = writes => failed, () = reads => unreachable!() };
        assert_eq!(failed.expect_err("nobody reads").kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_peer_that_is_sent_nothing_may_be_silent() {
        let (ours, mut theirs) = duplex(10);
        let mut ours = Progress::new(ours, Duration::from_millis(1), Arc::default());
        ours.write_all(&[1; 10]).await.expect("there is room");
        tokio::time::sleep(Duration::from_millis(20)).await;
        theirs.read_exact(&mut [0; 10]).await.expect("there is something to read");
        ours.write_all(&[1; 10]).await.expect("there is room again");
    }
}
