//! Events of all clusters: forwarded, and opened again when they fail.

use std::time::Duration;

use longshore_client::{Feed, FeedError};
use longshore_daemon::Input;
use tokio::sync::mpsc;

/// Until a feed that failed is opened again, at first. Source: chosen by us.
const RETRY_MIN: Duration = Duration::from_secs(1);
/// The most of that, up to which it doubles. Source: chosen by us.
const RETRY_MAX: Duration = Duration::from_mins(1);

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
    let mut receivers = feed.receivers();
    loop {
        let mut batch = receivers.next().await?;
        for why in &batch.strange {
            tracing::warn!("{why}");
        }
        let news = std::mem::take(&mut batch.news);
        if !news.is_empty() && inputs.send(Input::Told(news)).await.is_err() {
            return Ok(());
        }
        receivers.delete(batch).await;
    }
}
