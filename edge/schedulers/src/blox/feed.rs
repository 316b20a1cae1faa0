//! Events of all clusters: forwarded, and opened again when they fail.
//!
//! A request brings ten events at most, and takes milliseconds: several of them wait at a time. That events overtake each other does
//! no harm, since records merge by version.

use std::time::Duration;

use longshore_client::{Feed, FeedError};
use longshore_daemon::Input;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Until a feed that failed is opened again, at first. Source: chosen by us.
const RETRY_MIN: Duration = Duration::from_secs(1);
/// The most of that, up to which it doubles. Source: chosen by us.
const RETRY_MAX: Duration = Duration::from_mins(1);

/// Requests that wait for events at a time. Source: chosen by us: 10,000 events/s at 4 ms a request.
const RECEIVERS: usize = 4;

/// Forwards events until nobody takes them.
pub(super) async fn run(mut feed: Feed, inputs: mpsc::Sender<Input>) {
    let mut pause = RETRY_MIN;
    loop {
        let Err(error) = follow(&mut feed, &inputs, &mut pause).await else { return };
        if inputs.send(Input::FeedDown(error.to_string())).await.is_err() {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RETRY_MAX);
    }
}

/// Opens the feed and forwards its events, until it fails or nobody takes them.
async fn follow(
    feed: &mut Feed,
    inputs: &mpsc::Sender<Input>,
    pause: &mut Duration,
) -> Result<(), FeedError> {
    feed.open().await?;
    if inputs.send(Input::FeedUp).await.is_err() {
        return Ok(());
    }
    *pause = RETRY_MIN;
    let mut receivers = JoinSet::new();
    for _ in 0..RECEIVERS {
        receivers.spawn(receive(feed.clone(), inputs.clone()));
    }
    // The first to end ends all.
    match receivers.join_next().await {
        Some(Ok(ended)) => ended,
        _ => Err(FeedError::Answer("a receiver ended by itself".to_owned())),
    }
}

/// Forwards what one request after another brings.
async fn receive(feed: Feed, inputs: mpsc::Sender<Input>) -> Result<(), FeedError> {
    let mut deletions = JoinSet::new();
    loop {
        let mut batch = feed.receive().await?;
        for why in &batch.strange {
            tracing::warn!("{why}");
        }
        let news = std::mem::take(&mut batch.news);
        if !news.is_empty() && inputs.send(Input::Told(news)).await.is_err() {
            return Ok(());
        }
        // Not awaited, since the next events may be there. A message that is not deleted comes again without any news.
        let deleting = feed.clone();
        while deletions.try_join_next().is_some() {}
        deletions.spawn(async move {
            if let Err(error) = deleting.delete(batch).await {
                tracing::debug!("{error}");
            }
        });
    }
}
