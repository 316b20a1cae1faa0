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
mod pods;
mod puts;
mod show;
mod tasks;

use std::future::ready;
use std::sync::Arc;

use longshore_driver::v1::FrameworkInfo;
use longshore_driver::v1::framework_info::{Capability, capability};
use longshore_machine::Unreadable;
use longshore_marathon::{Call, Config, Input, Marathon, Reply, Ticket};
use longshore_server::clock::{follow_wall, now};
use longshore_server::{Credentials, Front, Listener, challenged, seed};
use tokio::sync::mpsc;

use self::events::Events;
use self::host::MarathonHost;
use crate::calls::Waiting;
use crate::framework::{Cluster, FrameworkError, Link};
use crate::service::{INPUTS_MAX, Service};
use crate::store::{Keep, Store, StoreError};

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
        let mut place = self.waiting.add();
        let ticket = Ticket(place.ticket);
        self.inputs.send(Input::Called { ticket, call }).await.ok()?;
        place.reply().await
    }
}

/// The scheduler, as a service.
#[derive(Debug)]
pub struct MarathonApi;

impl MarathonApi {
    /// Starts it on a port. Its apps are stored in a place, and go on as they were. It registers at the master once there is an app.
    ///
    /// # Errors
    /// What cannot be read or started.
    pub async fn start(
        options: MarathonOptions,
        keep: &Keep,
        listener: Listener,
    ) -> Result<Service<MarathonError>, MarathonError> {
        let (store, rows) = Store::open(keep, "marathon").await?;
        follow_wall();
        let rows = rows.iter().map(|row| (row.kind.as_str(), row.id.as_str(), row.body.as_str()));
        let config = Config { seed: seed(), role: options.role.clone(), ..Config::default() };
        let machine = Marathon::restore(config, now(), rows).map_err(MarathonError::Row)?;
        let leader = listener.address().to_string();
        let (inputs, inbox) = mpsc::channel(INPUTS_MAX);
        let info = framework(&options, &leader);
        let link = Link::new(options.cluster, info, inputs.clone());
        let waiting = Waiting::default();
        let mut service = Service::new();
        let known = front::Known::new(leader, options.name, options.role, machine.framework());
        let known = Arc::new(known);
        let events = Events::default();
        let handle = Handle { inputs: inputs.clone(), waiting: waiting.clone() };
        let router = front::router(handle, known.clone(), events.clone(), service.closed());
        let router = challenged(options.credentials, "Basic realm=\"marathon\"", router);
        let front = Front { router, refusal: front::turned_away };
        service.serve(listener, front);
        let host = MarathonHost::new(store, link, waiting, events, known, inputs);
        service.drive("Marathon's API", ready(()), machine, host, inbox);
        Ok(service)
    }
}

/// What the framework says of itself. Source: frameworks.md 7, "Marathon 1.11 on Java 17".
fn framework(options: &MarathonOptions, leader: &str) -> FrameworkInfo {
    let able = |capability: capability::Type| Capability { r#type: Some(capability.into()) };
    FrameworkInfo {
        user: options.user.clone(),
        name: options.name.clone(),
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
