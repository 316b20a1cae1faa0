//! Chronos's API as a service: a host for the machine of `core/chronos`, and its HTTP front.
//!
//! Invariant: the changes of a step, and of all steps that are performed together, are committed before any of their other outputs.

mod answers;
mod front;
mod host;
mod metrics;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longshore_chronos::{Call, Chronos, Config, Input, Reply, Ticket, Unreadable, limits};
use longshore_driver::v1::framework_info::{Capability, capability};
use longshore_driver::v1::{FrameworkId, FrameworkInfo};
use longshore_machine::wall_lead;
use longshore_server::clock::follow_wall;
use longshore_server::{Credentials, Front, Listener, Place, challenged, drive, serve};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use self::host::ChronosHost;
use crate::framework::{Cluster, Framework, FrameworkError};
use crate::store::{Store, StoreError};

/// Inputs that may wait for the machine. Source: chosen by us; the master's mailbox has as many.
const INPUTS_MAX: usize = 1_024;

/// How often it is seen whether the wall clock was set. Source: chosen by us.
const CLOCK_EVERY: Duration = Duration::from_secs(1);

/// How long calls that are under way may take when the program ends. Source: chosen by us.
const LAST_CALLS: Duration = Duration::from_secs(2);

/// What a scheduler with Chronos's API is started with.
#[derive(Debug)]
pub struct ChronosOptions {
    /// Where its tasks run.
    pub cluster: Cluster,
    /// Its rules.
    pub config: Config,
    /// The framework's name.
    pub name: String,
    /// The user that tasks run as on a Mesos cluster; empty leaves it to the agents.
    pub user: String,
    /// The role whose resources it uses.
    pub role: String,
    /// Who may call; all, if it is empty.
    pub credentials: Credentials,
}

impl ChronosOptions {
    /// The usual ones, for a cluster.
    pub fn new(cluster: Cluster) -> Self {
        Self {
            cluster,
            config: Config::default(),
            name: "chronos".to_owned(),
            user: "root".to_owned(),
            role: "*".to_owned(),
            credentials: Credentials::default(),
        }
    }
}

/// Why it cannot be started, or has ended.
#[derive(Debug, thiserror::Error)]
pub enum ChronosError {
    /// Its storage.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A row of it.
    #[error(
        "the database of Chronos's jobs is damaged: {0}. Restore a backup, or move it away to start with nothing"
    )]
    Row(#[from] Unreadable),
    /// Its framework.
    #[error(transparent)]
    Framework(#[from] FrameworkError),
    /// Its driver has given up.
    #[error("the cluster does not take the framework any more: {0}")]
    Driver(String),
}

/// Callers who wait for a reply.
#[derive(Clone, Debug, Default)]
struct Waiting(Arc<Mutex<Callers>>);

#[derive(Debug, Default)]
struct Callers {
    last: u64,
    replies: BTreeMap<Ticket, oneshot::Sender<Reply>>,
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Callers> {
        // Nothing under the lock can panic halfway.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self) -> (Ticket, oneshot::Receiver<Reply>) {
        let (reply, answer) = oneshot::channel();
        let mut callers = self.lock();
        callers.last += 1;
        let ticket = Ticket(callers.last);
        callers.replies.insert(ticket, reply);
        (ticket, answer)
    }

    fn take(&self, ticket: Ticket) -> Option<oneshot::Sender<Reply>> {
        self.lock().replies.remove(&ticket)
    }
}

/// A way to call the machine.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    inputs: mpsc::Sender<Input>,
    waiting: Waiting,
}

impl Handle {
    /// The reply; `None` when the scheduler is ending.
    async fn call(&self, call: Call) -> Option<Reply> {
        let (ticket, answer) = self.waiting.add();
        if self.inputs.send(Input::Called { ticket, call }).await.is_err() {
            drop(self.waiting.take(ticket));
            return None;
        }
        answer.await.ok()
    }
}

/// A scheduler that runs.
#[derive(Debug)]
pub struct ChronosApi {
    tasks: JoinSet<()>,
    close: watch::Sender<bool>,
    failed: watch::Receiver<Option<Arc<ChronosError>>>,
}

impl ChronosApi {
    /// Starts it on a port. Its jobs are stored in a place, and go on where they were.
    ///
    /// # Errors
    /// What cannot be read or started.
    pub fn start(
        options: ChronosOptions,
        place: &Place,
        listener: Listener,
    ) -> Result<Self, ChronosError> {
        let (store, rows) = Store::open(place, "chronos")?;
        follow_wall();
        let rows = rows.iter().map(|row| (row.kind.as_str(), row.id.as_str(), row.body.as_str()));
        let machine = Chronos::restore(options.config, wall_lead(), rows)?;
        let leader = listener.address().to_string();
        let (inputs, inbox) = mpsc::channel(INPUTS_MAX);
        let info = framework(&options, &machine, &leader);
        let framework = Framework::start(options.cluster, info, inputs.clone())?;
        let waiting = Waiting::default();
        let (close, closed) = watch::channel(false);
        let (tell_failed, failed) = watch::channel(None);
        let handle = Handle { inputs: inputs.clone(), waiting: waiting.clone() };
        let router = front::router(handle, machine.defaults(), leader);
        let router = challenged(options.credentials, "Basic realm=\"chronos\"", router);
        let front = Front { router, refusal: front::turned_away };
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, front, closed.clone()));
        tasks.spawn(follow_clock(inputs, closed.clone()));
        let host = ChronosHost::new(store, framework, waiting);
        tasks.spawn(run(machine, host, inbox, tell_failed, closed));
        Ok(Self { tasks, close, failed })
    }

    /// Waits until it cannot go on, and says why.
    pub async fn failure(&mut self) -> Arc<ChronosError> {
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
    machine: Chronos,
    mut host: ChronosHost,
    inbox: mpsc::Receiver<Input>,
    tell_failed: watch::Sender<Option<Arc<ChronosError>>>,
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
        tracing::error!("Chronos's API ends: {why}");
        let _ = tell_failed.send(Some(Arc::new(why)));
    }
    host.leave().await;
}

/// Waits until it is to end.
async fn closing(closed: &mut watch::Receiver<bool>) {
    // An error means that nobody can say so any more.
    let _ = closed.wait_for(|closed| *closed).await;
}

/// Tells the machine when the wall clock was set.
async fn follow_clock(inputs: mpsc::Sender<Input>, mut closed: watch::Receiver<bool>) {
    let mut known = wall_lead();
    loop {
        tokio::select! {
            () = tokio::time::sleep(CLOCK_EVERY) => {}
            () = closing(&mut closed) => return,
        }
        follow_wall();
        let ahead_ms = wall_lead();
        if ahead_ms != known && inputs.send(Input::Clock { ahead_ms }).await.is_err() {
            return;
        }
        known = ahead_ms;
    }
}

/// What the framework says of itself. Source: frameworks.md 2.2.
///
/// Unlike Chronos it knows partitions: a task whose agent is out of reach may run on, and is not started a second time at once.
fn framework(options: &ChronosOptions, machine: &Chronos, leader: &str) -> FrameworkInfo {
    let aware = Capability { r#type: Some(capability::Type::PartitionAware.into()) };
    let role = Some(options.role.clone()).filter(|role| role != "*" && !role.is_empty());
    FrameworkInfo {
        user: options.user.clone(),
        name: options.name.clone(),
        id: machine.framework().map(|id| FrameworkId { value: id.to_owned() }),
        failover_timeout: Some(limits::FAILOVER_SECONDS),
        checkpoint: Some(true),
        role,
        webui_url: Some(format!("http://{leader}")),
        capabilities: vec![aware],
        ..FrameworkInfo::default()
    }
}
