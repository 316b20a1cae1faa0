//! Chronos's API as a service: a host for the machine of `core/chronos`, and its HTTP front.
//!
//! Invariant: the changes of a step, and of all steps that are performed together, are committed before any of their other outputs.

mod answers;
mod front;
mod host;
mod metrics;

use std::future::ready;
use std::time::Duration;

use longshore_chronos::{Call, Chronos, Config, Input, Reply, Ticket, limits};
use longshore_driver::v1::FrameworkInfo;
use longshore_driver::v1::framework_info::{Capability, capability};
use longshore_machine::{Unreadable, wall_lead};
use longshore_server::clock::follow_wall;
use longshore_server::{Credentials, Front, Listener, challenged};
use tokio::sync::mpsc;

use self::host::ChronosHost;
use crate::calls::Waiting;
use crate::framework::{Cluster, FrameworkError, Link};
use crate::service::{INPUTS_MAX, Service};
use crate::store::{Keep, Store, StoreError};

/// How often it is seen whether the wall clock was set. Source: chosen by us.
const CLOCK_EVERY: Duration = Duration::from_secs(1);

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

/// A way to call the machine.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    inputs: mpsc::Sender<Input>,
    waiting: Waiting<Reply>,
}

impl Handle {
    /// The reply; `None` when the scheduler is ending.
    async fn call(&self, call: Call) -> Option<Reply> {
        let mut place = self.waiting.add();
        let ticket = Ticket(place.ticket);
        self.inputs.send(Input::Called { ticket, call }).await.ok()?;
        place.reply().await
    }
}

/// The scheduler, as a service.
#[derive(Debug)]
pub struct ChronosApi;

impl ChronosApi {
    /// Starts it on a port. Its jobs are stored in a place, and go on where they were. It registers at the master once there is a job.
    ///
    /// # Errors
    /// What cannot be read or started.
    pub async fn start(
        options: ChronosOptions,
        keep: &Keep,
        listener: Listener,
    ) -> Result<Service<ChronosError>, ChronosError> {
        let (store, rows) = Store::open(keep, "chronos").await?;
        follow_wall();
        let rows = rows.iter().map(|row| (row.kind.as_str(), row.id.as_str(), row.body.as_str()));
        let machine = Chronos::restore(options.config, wall_lead(), rows)?;
        let leader = listener.address().to_string();
        let (inputs, inbox) = mpsc::channel(INPUTS_MAX);
        let info = framework(&options, &leader);
        let link = Link::new(options.cluster, info, inputs.clone());
        let waiting = Waiting::default();
        let handle = Handle { inputs: inputs.clone(), waiting: waiting.clone() };
        let router = front::router(handle, machine.defaults(), leader);
        let router = challenged(options.credentials, "Basic realm=\"chronos\"", router);
        let front = Front { router, refusal: front::turned_away };
        let mut service = Service::new();
        service.serve(listener, front);
        service.besides(follow_clock(inputs));
        let host = ChronosHost::new(store, link, waiting);
        service.drive("Chronos's API", ready(()), machine, host, inbox);
        Ok(service)
    }
}

/// Tells the machine when the wall clock was set.
async fn follow_clock(inputs: mpsc::Sender<Input>) {
    let mut known = wall_lead();
    loop {
        tokio::time::sleep(CLOCK_EVERY).await;
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
fn framework(options: &ChronosOptions, leader: &str) -> FrameworkInfo {
    let aware = Capability { r#type: Some(capability::Type::PartitionAware.into()) };
    let role = Some(options.role.clone()).filter(|role| role != "*" && !role.is_empty());
    FrameworkInfo {
        user: options.user.clone(),
        name: options.name.clone(),
        failover_timeout: Some(limits::FAILOVER_SECONDS),
        checkpoint: Some(true),
        role,
        webui_url: Some(format!("http://{leader}")),
        capabilities: vec![aware],
        ..FrameworkInfo::default()
    }
}
