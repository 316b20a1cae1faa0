//! `GET /longshore/v1/events`: the feed over HTTP, as server-sent events.
//!
//! The account and region come from the signature, which has been checked before, as for every
//! request.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use longshore_events::Filter;
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::feed;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::Instant;

use super::feed::{News, NoSeat, Reader};
use crate::ecs::Front;
use crate::limits;

/// The query parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// An EventBridge event pattern.
    pattern: Option<String>,
    /// The name or ARN of a cluster.
    cluster: Option<String>,
}

fn refused(status: StatusCode, why: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{why}\n")));
    *response.status_mut() = status;
    response
}

/// Responds with events, until the reader hangs up or the program ends.
pub(crate) async fn follow(
    State(front): State<Front>,
    Extension(realm): Extension<Realm>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response<Body> {
    let wanted = match wanted {
        Ok(Query(wanted)) => wanted,
        Err(error) => return refused(StatusCode::BAD_REQUEST, &error.body_text()),
    };
    let filter = Filter::new(&realm, wanted.pattern.as_deref(), wanted.cluster.as_deref());
    let filter = match filter {
        Ok(filter) => filter,
        Err(error) => return refused(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let reader = match front.control.feed().follow(realm).await {
        Ok(reader) => reader,
        Err(NoSeat::Full) => {
            let max = limits::FEED_READERS_MAX;
            let why = format!("at most {max} readers can follow the events at a time");
            return refused(StatusCode::SERVICE_UNAVAILABLE, &why);
        }
        Err(NoSeat::Ending) => {
            return refused(StatusCode::SERVICE_UNAVAILABLE, "the control plane is shutting down");
        }
    };
    let mut response = Response::new(Body::from_stream(stream(reader, filter, front.closed)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(feed::MEDIA));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The stream of frames. The first piece is sent at once, so that a reader knows that it is
/// connected.
fn stream(
    reader: Reader,
    filter: Filter,
    closed: watch::Receiver<bool>,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let filter = Arc::new(filter);
    unfold((reader, closed, true), move |(mut reader, mut closed, begins)| {
        let filter = filter.clone();
        async move {
            let piece =
                if begins { Some(alive()) } else { next(&mut reader, &filter, &mut closed).await };
            Some((Ok(piece?), (reader, closed, false)))
        }
    })
}

/// A heartbeat.
fn alive() -> Bytes {
    Bytes::from_static(feed::ALIVE.as_bytes())
}

/// Waits for the end of the program.
async fn ending(closed: &mut watch::Receiver<bool>) {
    // An error means that the program has ended already.
    let _ = closed.wait_for(|closing| *closing).await;
}

/// The next matching events as frames, or a heartbeat; `None` when the program ends.
async fn next(
    reader: &mut Reader,
    filter: &Arc<Filter>,
    closed: &mut watch::Receiver<bool>,
) -> Option<Bytes> {
    let silent_until = Instant::now() + limits::FEED_ALIVE;
    loop {
        let news = tokio::select! {
            () = ending(closed) => return None,
            news = tokio::time::timeout_at(silent_until, reader.next()) => news,
        };
        let Ok(news) = news else { return Some(alive()) };
        let (filter, realm) = (filter.clone(), reader.realm().clone());
        let bytes: usize = news.events.iter().map(|event| event.bytes()).sum();
        let frames = if bytes > limits::FEED_AT_ONCE_BYTES_MAX {
            // Filtering many events takes long and would block this thread.
            tokio::task::spawn_blocking(move || frames(&filter, &realm, &news)).await.ok()?
        } else {
            frames(&filter, &realm, &news)
        };
        if !frames.is_empty() {
            return Some(frames.into());
        }
        // Lets other tasks run while events arrive faster than they are filtered out.
        tokio::task::yield_now().await;
    }
}

fn frames(filter: &Filter, realm: &Realm, news: &News) -> Vec<u8> {
    let mut frames = Vec::new();
    if news.missed > 0 {
        feed::write_missed(news.missed, &mut frames);
    }
    for event in news.events.iter().filter(|event| filter.wants(realm, event)) {
        let envelope = event.envelope(realm);
        feed::write_event(&event.id, &event.detail_type, &envelope, &mut frames);
    }
    frames
}
