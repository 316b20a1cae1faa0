//! Reads request bodies within a limit on all of them together.
//!
//! A small body is read at once: there are no more of them than connections. A large one waits
//! until there is room for all of it, and keeps that room until its reader is done with it.

use std::pin::pin;
use std::sync::Arc;

use axum::body::{Body, HttpBody};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits;

/// Bytes per semaphore permit.
const PERMIT: usize = 1024;

/// The space for large bodies.
#[derive(Clone, Debug)]
pub struct Bodies {
    room: Arc<Semaphore>,
}

/// A complete body, and the space that it occupies.
#[derive(Debug)]
pub struct Whole {
    /// All of its bytes.
    pub bytes: Vec<u8>,
    /// Kept as long as whatever the body was decoded into.
    pub room: Option<OwnedSemaphorePermit>,
}

impl Whole {
    /// Whether it is so large that it waited for room.
    pub fn is_large(&self) -> bool {
        self.bytes.len() > limits::BODY_BYTES_SMALL
    }
}

/// Why a body is not available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoBody {
    /// It exceeds the size limit.
    TooLarge,
    /// It did not arrive in time, or was cut off.
    Broken,
}

impl Bodies {
    /// Space for that many bytes of large bodies.
    pub fn new(bytes: usize) -> Self {
        Self { room: Arc::new(Semaphore::new(bytes / PERMIT)) }
    }

    /// Reads a body of at most `most` bytes.
    ///
    /// # Errors
    /// That it is too large, or did not arrive.
    pub async fn read(&self, body: Body, most: usize) -> Result<Whole, NoBody> {
        let whole = tokio::time::timeout(limits::REQUEST_BODY_WAIT, self.whole(body, most)).await;
        whole.unwrap_or(Err(NoBody::Broken))
    }

    async fn whole(&self, body: Body, most: usize) -> Result<Whole, NoBody> {
        let hint = body.size_hint();
        if hint.lower() > most as u64 {
            return Err(NoBody::TooLarge);
        }
        let announced = hint.upper().and_then(|upper| usize::try_from(upper).ok());
        let announced = announced.map_or(most, |upper| upper.min(most));
        let mut whole = Whole { bytes: Vec::new(), room: None };
        let mut body = pin!(body);
        while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            let frame = frame.map_err(|_| NoBody::Broken)?;
            let Ok(bytes) = frame.into_data() else { continue };
            if whole.bytes.len() + bytes.len() > most {
                return Err(NoBody::TooLarge);
            }
            let is_large = whole.bytes.len() + bytes.len() > limits::BODY_BYTES_SMALL;
            if is_large && whole.room.is_none() {
                whole.room = Some(self.room_for(announced).await?);
                whole.bytes.reserve_exact(announced.saturating_sub(whole.bytes.len()));
            }
            whole.bytes.extend_from_slice(&bytes);
        }
        Ok(whole)
    }

    async fn room_for(&self, bytes: usize) -> Result<OwnedSemaphorePermit, NoBody> {
        let permits = u32::try_from(bytes.div_ceil(PERMIT)).map_err(|_| NoBody::TooLarge)?;
        let room = self.room.clone().acquire_many_owned(permits).await;
        room.map_err(|_| NoBody::Broken)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::stream;

    use super::*;

    const MIB: usize = 1024 * 1024;

    /// A body that does not announce its length.
    fn chunked(pieces: Vec<usize>) -> Body {
        let pieces = pieces
            .into_iter()
            .map(|length| Ok::<_, std::convert::Infallible>(Bytes::from(vec![b'x'; length])));
        Body::from_stream(stream::iter(pieces))
    }

    #[tokio::test]
    async fn a_body_is_read_whole_or_refused_by_its_length() {
        let bodies = Bodies::new(4 * MIB);
        for body in [Body::from(vec![b'x'; MIB]), chunked(vec![MIB / 2, MIB / 2])] {
            assert_eq!(bodies.read(body, MIB).await.expect("it fits").bytes.len(), MIB);
        }
        for body in [Body::from(vec![b'x'; MIB + 1]), chunked(vec![MIB, 1])] {
            assert_eq!(bodies.read(body, MIB).await.expect_err("too large"), NoBody::TooLarge);
        }
    }

    #[tokio::test]
    async fn large_bodies_wait_for_room_and_small_ones_do_not() {
        let bodies = Bodies::new(2 * MIB);
        let large = || Body::from(vec![b'x'; MIB]);
        let one = bodies.read(large(), MIB).await.expect("there is room");
        let _other = bodies.read(large(), MIB).await.expect("there is room");
        let small = bodies.read(Body::from(vec![b'x'; 1_000]), MIB).await;
        assert_eq!(small.expect("it needs no room").bytes.len(), 1_000);
        let mut others = tokio::task::JoinSet::new();
        others.spawn({
            let bodies = bodies.clone();
            async move { bodies.read(large(), MIB).await.map(|whole| whole.bytes.len()) }
        });
        tokio::task::yield_now().await;
        assert!(others.try_join_next().is_none(), "there is no room");
        drop(one);
        let read = others.join_next().await.expect("it was started");
        assert_eq!(read.expect("no panic"), Ok(MIB));
    }
}
