//! Blox as a service: the daemon scheduler on one port, the cluster state service on another, and one machine behind both.
//!
//! Invariant: what a step stores is committed before anything else that follows from it is done (`host`); a client that does
//! not read its stream is cut off, and holds up nobody (`streams`).

mod asks;
mod feed;
mod front;
mod host;
mod streams;

use std::net::SocketAddr;

use longshore_client::{Client, Feed};
use longshore_daemon::{Config, Daemon, Row};
use longshore_server::{Listener, Place, serve};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use self::front::Fronts;
use self::host::DaemonHost;
use crate::store::{Store, StoreError};

/// Inputs that may wait for the machine. Source: chosen by us.
const INBOX: usize = 1_024;

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
    close: watch::Sender<bool>,
    tasks: JoinSet<()>,
    failed: oneshot::Receiver<StoreError>,
}

impl Blox {
    /// Starts it. Clients are answered at once; the cluster state service tells them to wait until it has read its clusters.
    ///
    /// # Errors
    /// That what it has stored cannot be read.
    pub fn start(options: Options) -> Result<Self, BloxError> {
        let (store, rows) = Store::open(&options.place, "blox")?;
        let row = |row: crate::store::Row| Row { kind: row.kind, id: row.id, body: row.body };
        let rows: Vec<Row> = rows.into_iter().map(row).collect();
        let config = Config {
            watches_all: options.clusters.is_empty(),
            clusters: options.clusters.iter().map(|name| name.as_str().into()).collect(),
        };
        let seed = longshore_server::seed();
        let daemon = Daemon::new(config, &rows, seed).map_err(BloxError::Row)?;
        let (scheduler, state) = (options.scheduler.address(), options.state.address());
        let (inputs, inbox) = mpsc::channel(INBOX);
        let (close, closed) = watch::channel(false);
        let (fail, failed) = oneshot::channel();
        let mut host = DaemonHost::new(store, options.client, inputs.clone());
        let fronts = Fronts::new(inputs.clone(), host.replies());
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(options.scheduler, fronts.scheduler(), closed.clone()));
        tasks.spawn(serve(options.state, fronts.state(), closed.clone()));
        if let Some(feed) = options.feed {
            let run = feed::run(feed, inputs.clone());
            let mut closed = closed.clone();
            tasks.spawn(async move {
                tokio::select! {
                    () = run => {}
                    _ = closed.wait_for(|closing| *closing) => {}
                }
            });
        }
        tasks.spawn(async move {
            let (mut closed, mut nobody) = (closed, ());
            let ended = tokio::select! {
                ended = longshore_server::drive(daemon, &mut host, &mut nobody, inbox) => ended.map(drop),
                _ = closed.wait_for(|closing| *closing) => Ok(()),
            };
            if let Err(error) = ended {
                // Whoever waits for it may be gone.
                let _ = fail.send(error);
            }
        });
        Ok(Self { scheduler, state, close, tasks, failed })
    }

    /// Addresses of the scheduler and of the cluster state service.
    pub fn addresses(&self) -> (SocketAddr, SocketAddr) {
        (self.scheduler, self.state)
    }

    /// Waits until it cannot go on.
    pub async fn failure(&mut self) -> StoreError {
        match (&mut self.failed).await {
            Ok(error) => error,
            Err(_) => std::future::pending().await,
        }
    }

    /// Ends it. Tasks keep running.
    pub async fn stop(mut self) {
        // Nobody listens any more if all have ended.
        let _ = self.close.send(true);
        while self.tasks.join_next().await.is_some() {}
    }
}
