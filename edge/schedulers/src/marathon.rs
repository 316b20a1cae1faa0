//! Marathon's API as a service: a host for the machine of `core/marathon`, and its HTTP front.
//!
//! Invariant: the changes of a step, and of all steps that are performed together, are committed before any of their other outputs.

#![expect(
    clippy::result_large_err,
    reason = "what is refused is a response, and is passed on once"
)]

mod answers;
mod events;
mod front;
mod groups;
mod host;
mod puts;
mod show;
mod tasks;

use std::sync::Arc;
use std::time::Duration;

use longshore_driver::v1::framework_info::{Capability, capability};
use longshore_driver::v1::{FrameworkId, FrameworkInfo};
use longshore_marathon::{Call, Config, Input, Marathon, Reply, Ticket, Unreadable};
use longshore_server::clock::{follow_wall, now};
use longshore_server::{Credentials, Front, Listener, Place, challenged, drive, seed, serve};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use self::events::Events;
use self::host::{Link, MarathonHost};
use crate::calls::Waiting;
use crate::framework::{Cluster, FrameworkError};
use crate::store::{Store, StoreError};

/// Inputs that may wait for the machine. Source: chosen by us; the master's mailbox has as many.
const INPUTS_MAX: usize = 1_024;
/// How long calls that are under way may take when the program ends. Source: chosen by us.
const LAST_CALLS: Duration = Duration::from_secs(2);
/// How long a master keeps the tasks of a scheduler that is away, in s. Source: Marathon's `--failover_timeout`.
const FAILOVER_SECONDS: f64 = 604_800.0;

/// What a scheduler with Marathon's API is started with.
#[derive(Debug)]
pub struct MarathonOptions {
    /// Where its tasks run.
    pub cluster: Cluster,
    /// The framework's name.
    pub name: String,
    /// The user that tasks run as on a Mesos cluster.
    pub user: String,
    /// The role whose resources it uses.
    pub role: String,
    /// Who may call; all, if it is empty.
    pub credentials: Credentials,
}

impl MarathonOptions {
    /// The usual ones, for a cluster.
    pub fn new(cluster: Cluster) -> Self {
        Self {
            cluster,
            name: "marathon".to_owned(),
            user: "root".to_owned(),
            role: "*".to_owned(),
            credentials: Credentials::default(),
        }
    }
}

/// Why it cannot be started, or has ended.
#[derive(Debug, thiserror::Error)]
pub enum MarathonError {
    /// Its storage.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A row of it.
    #[error(
        "the database of Marathon's apps is damaged: {0}. Restore a backup, or move it away to start with nothing"
    )]
    Row(Unreadable),
    /// Its framework.
    #[error(transparent)]
    Framework(#[from] FrameworkError),
    /// Its driver has given up.
    #[error("the cluster does not take the framework any more: {0}")]
    Driver(String),
}

/// A way to call the machine.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    inputs: mpsc::Sender<Input>,
    waiting: Waiting<Reply>,
}

impl Handle {
    /// The reply; `None` when the scheduler is ending.
    async fn call(&self, call: Call) -> Option<Reply> {
        let (ticket, answer) = self.waiting.add();
        if self.inputs.send(Input::Called { ticket: Ticket(ticket), call }).await.is_err() {
            drop(self.waiting.take(ticket));
            return None;
        }
        answer.await.ok()
    }
}

/// A scheduler that runs.
#[derive(Debug)]
pub struct MarathonApi {
    tasks: JoinSet<()>,
    close: watch::Sender<bool>,
    failed: watch::Receiver<Option<Arc<MarathonError>>>,
}

impl MarathonApi {
    /// Starts it on a port. Its apps are stored in a place, and go on as they were. It registers at the master once there is an app.
    ///
    /// # Errors
    /// What cannot be read or started.
    pub fn start(
        options: MarathonOptions,
        place: &Place,
        listener: Listener,
    ) -> Result<Self, MarathonError> {
        let (store, rows) = Store::open(place, "marathon")?;
        follow_wall();
        let rows = rows.iter().map(|row| (row.kind.as_str(), row.id.as_str(), row.body.as_str()));
        let config = Config { seed: seed(), role: options.role.clone(), ..Config::default() };
        let machine = Marathon::restore(config, now(), rows).map_err(MarathonError::Row)?;
        let leader = listener.address().to_string();
        let (inputs, inbox) = mpsc::channel(INPUTS_MAX);
        let info = framework(&options, &machine, &leader);
        let link = Link::new(options.cluster, info, inputs.clone());
        let waiting = Waiting::default();
        let (close, closed) = watch::channel(false);
        let (tell_failed, failed) = watch::channel(None);
        let known = Arc::new(front::Known::new(leader, options.name, options.role));
        known.framework(machine.framework());
        let events = Events::default();
        let handle = Handle { inputs: inputs.clone(), waiting: waiting.clone() };
        let router = front::router(handle, known.clone(), events.clone(), closed.clone());
        let router = challenged(options.credentials, "Basic realm=\"marathon\"", router);
        let front = Front { router, refusal: front::turned_away };
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, front, closed.clone()));
        let host = MarathonHost::new(store, link, waiting, events, known, inputs);
        tasks.spawn(run(machine, host, inbox, tell_failed, closed));
        Ok(Self { tasks, close, failed })
    }

    /// Waits until it cannot go on, and says why.
    pub async fn failure(&mut self) -> Arc<MarathonError> {
        loop {
            let failed = self.failed.borrow_and_update().clone();
            if let Some(failed) = failed {
                return failed;
            }
            if self.failed.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Ends it; its tasks run on, and are found again at the next start.
    pub async fn stop(mut self) {
        // Fails only if all of them have ended.
        let _ = self.close.send(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(2 * LAST_CALLS, ended).await;
        self.tasks.shutdown().await;
    }
}

/// The machine's loop, until it fails or is to end.
async fn run(
    machine: Marathon,
    mut host: MarathonHost,
    inbox: mpsc::Receiver<Input>,
    tell_failed: watch::Sender<Option<Arc<MarathonError>>>,
    mut closed: watch::Receiver<bool>,
) {
    let driven = {
        let unwatched = &mut ();
        let driven = drive(machine, &mut host, unwatched, inbox);
        tokio::pin!(driven);
        tokio::select! {
            driven = &mut driven => Some(driven),
            () = closing(&mut closed) => {
                // Calls that are under way are answered.
                tokio::time::timeout(LAST_CALLS / 4, driven).await.ok()
            }
        }
    };
    if let Some(Err(why)) = driven {
        tracing::error!("Marathon's API ends: {why}");
        let _ = tell_failed.send(Some(Arc::new(why)));
    }
    host.leave().await;
}

/// Waits until it is to end.
async fn closing(closed: &mut watch::Receiver<bool>) {
    // An error means that nobody can say so any more.
    let _ = closed.wait_for(|closed| *closed).await;
}

/// What the framework says of itself. Source: frameworks.md 7, "Marathon 1.11 on Java 17".
fn framework(options: &MarathonOptions, machine: &Marathon, leader: &str) -> FrameworkInfo {
    let able = |capability: capability::Type| Capability { r#type: Some(capability.into()) };
    FrameworkInfo {
        user: options.user.clone(),
        name: options.name.clone(),
        id: machine.framework().map(|id| FrameworkId { value: id.to_owned() }),
        failover_timeout: Some(FAILOVER_SECONDS),
        checkpoint: Some(true),
        roles: vec![options.role.clone()],
        webui_url: Some(format!("http://{leader}")),
        capabilities: vec![
            able(capability::Type::PartitionAware),
            able(capability::Type::RegionAware),
            able(capability::Type::MultiRole),
            able(capability::Type::GpuResources),
        ],
        ..FrameworkInfo::default()
    }
}
