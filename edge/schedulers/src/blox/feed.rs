//! Events of all clusters: forwarded, and opened again when they fail.

use std::time::Duration;

use longshore_client::{Feed, FeedError};
use longshore_daemon::Input;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

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
    let mut deletions = JoinSet::new();
    loop {
        let mut batch = feed.receive().await?;
        *pause = RETRY_MIN;
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
