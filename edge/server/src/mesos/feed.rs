//! The cluster's event feed for the bridge: opened while it is wanted, forwarded, and reopened when
//! it fails.

use std::time::Duration;

use longshore_bridge::Input;
use longshore_client::{Feed, FeedError};
use tokio::sync::{mpsc, watch};

/// Initial delay before a failed feed is reopened. Chosen by us.
const RETRY_MIN: Duration = Duration::from_secs(1);
/// The maximum delay, up to which it doubles. Chosen by us.
const RETRY_MAX: Duration = Duration::from_mins(1);

/// Why a feed was closed.
enum End {
    /// No longer wanted for now.
    Unwanted,
    /// The bridge has ended.
    Over,
    /// It failed.
    Failed(FeedError),
}

/// Forwards events while they are wanted, until the bridge ends.
pub(super) async fn run(
    mut feed: Feed,
    mut wanted: watch::Receiver<bool>,
    bridge: mpsc::Sender<Input>,
) {
    let mut pause = RETRY_MIN;
    loop {
        if !*wanted.borrow_and_update() && feed.makes() {
            // A queue left by an earlier run may be filling up with events that nobody takes.
            if let Err(error) = feed.rest().await {
                tracing::debug!("{error}");
            }
            if wanted.wait_for(|wanted| *wanted).await.is_err() {
                return;
            }
        }
        match follow(&mut feed, &mut wanted, &bridge, &mut pause).await {
            End::Over => return,
            End::Unwanted => {}
            End::Failed(error) => {
                if bridge.send(Input::FeedDown(error.to_string())).await.is_err() {
                    return;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(RETRY_MAX);
            }
        }
    }
}

/// Opens the feed and forwards its events.
async fn follow(
    feed: &mut Feed,
    wanted: &mut watch::Receiver<bool>,
    bridge: &mpsc::Sender<Input>,
    pause: &mut Duration,
) -> End {
    if let Err(error) = feed.open().await {
        return End::Failed(error);
    }
    if bridge.send(Input::FeedUp).await.is_err() {
        return End::Over;
    }
    let mut receivers = feed.receivers();
    loop {
        let received = tokio::select! {
            received = receivers.next() => received,
            changed = wanted.changed() => match changed {
                Err(_) => return End::Over,
                Ok(()) if !*wanted.borrow_and_update() => {
                    // A queue that others fill must be drained all the time, or it would contain
                    // only old news.
                    if feed.makes() {
                        return End::Unwanted;
                    }
                    continue;
                }
                Ok(()) if bridge.send(Input::FeedUp).await.is_err() => return End::Over,
                Ok(()) => continue,
            },
        };
        let mut batch = match received {
            Ok(batch) => batch,
            Err(error) => return End::Failed(error),
        };
        *pause = RETRY_MIN;
        for why in &batch.strange {
            tracing::warn!("{why}");
        }
        let news = std::mem::take(&mut batch.news);
        if !news.is_empty() && bridge.send(Input::Told(news)).await.is_err() {
            return End::Over;
        }
        receivers.delete(batch).await;
    }
}
