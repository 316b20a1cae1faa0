//! Blox as a service: the daemon scheduler on one port, the cluster state service on another, and one machine behind both.
//!
//! Invariant: what a step stores is committed before anything else that follows from it is done (`host`); a client that does
//! not read its stream is cut off, and holds up nobody (`streams`).

mod asks;
mod feed;
mod front;
mod host;
mod metrics;
mod streams;

use std::net::SocketAddr;
use std::sync::Arc;

use longshore_client::{Client, Feed};
use longshore_daemon::{Config, Daemon};
use longshore_server::{Listener, Place};
use tokio::sync::{mpsc, watch};

use self::front::Fronts;
use self::host::DaemonHost;
use crate::service::{INPUTS_MAX, Service};
use crate::store::{Keep, Store, StoreError};

/// What Blox is started with.
#[derive(Debug)]
pub struct Options {
    /// Reaches ECS; which cluster it names does not count.
    pub client: Client,
    /// Events of all clusters ([`Client::feed_of_all`]), if there are any.
    pub feed: Option<Feed>,
    /// Names or ARNs of clusters to watch; all of the account and region if there are none.
    pub clusters: Vec<String>,
    /// Where environments are kept.
    pub place: Place,
    /// The scheduler's port.
    pub scheduler: Listener,
    /// The cluster state service's port.
    pub state: Listener,
    /// From when on it watches.
    pub wakes: Wakes,
}

/// From when on Blox reads and follows its clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wakes {
    /// At once.
    AtOnce,
    /// Once it is called, or at once if there are environments: who never uses it pays nothing for it.
    WhenUsed,
}

/// Why Blox cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BloxError {
    /// Its rows cannot be had.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A row is not one of this program's.
    #[error("cannot read what Blox has stored: {0}")]
    Row(String),
}

/// Blox, while it runs.
#[derive(Debug)]
pub struct Blox {
    scheduler: SocketAddr,
    state: SocketAddr,
    service: Service<StoreError>,
}

impl Blox {
    /// Starts it. Clients are answered at once; the cluster state service tells them to wait until it has read its clusters.
    ///
    /// # Errors
    /// That what it has stored cannot be read.
    pub async fn start(options: Options) -> Result<Self, BloxError> {
        let (store, rows) = Store::open(&Keep::Here(options.place), "blox").await?;
        let config = Config {
            watches_all: options.clusters.is_empty(),
            clusters: options.clusters.iter().map(|name| name.as_str().into()).collect(),
        };
        let seed = longshore_server::seed();
        let is_awake = options.wakes == Wakes::AtOnce || !rows.is_empty();
        let daemon = Daemon::new(config, &rows, seed).map_err(BloxError::Row)?;
        let (scheduler, state) = (options.scheduler.address(), options.state.address());
        let (inputs, inbox) = mpsc::channel(INPUTS_MAX);
        let host = DaemonHost::new(store, options.client, inputs.clone());
        let (wake, woken) = watch::channel(is_awake);
        let fronts = Fronts::new(inputs.clone(), host.waiting(), wake);
        let mut service = Service::new();
        service.serve(options.scheduler, fronts.scheduler());
        service.serve(options.state, fronts.state());
        if let Some(feed) = options.feed {
            let woken = used(woken.clone());
            service.besides(async move {
                woken.await;
                feed::run(feed, inputs).await;
            });
        }
        service.drive("Blox", used(woken), daemon, host, inbox);
        Ok(Self { scheduler, state, service })
    }

    /// Addresses of the scheduler and of the cluster state service.
    pub fn addresses(&self) -> (SocketAddr, SocketAddr) {
        (self.scheduler, self.state)
    }

    /// Waits until it cannot go on, and says why.
    pub async fn failure(&self) -> Arc<StoreError> {
        self.service.failure().await
    }

    /// Ends it. Tasks keep running.
    pub async fn stop(self) {
        self.service.stop().await;
    }
}

/// Waits for the first use.
async fn used(mut woken: watch::Receiver<bool>) {
    // An error means that its ports are closed: there will be none.
    if woken.wait_for(|woken| *woken).await.is_err() {
        std::future::pending::<()>().await;
    }
}
