//! A framework whose decisions are a machine's: callbacks of a driver become inputs, and what the machine says becomes calls.
//!
//! Two threads stand between them. The driver's own calls back, and waits while the machine has too much to do: so no offer is read
//! that nobody looks at. The other one makes the calls, which wait while the master takes none: the machine's loop never does.
//!
//! Invariant: calls are made in the order in which they were said.

mod link;

use std::thread::JoinHandle;

use longshore_driver::v1::{
    AgentId, ExecutorId, FrameworkId, FrameworkInfo, InverseOffer, MasterInfo, Offer, OfferId,
    TaskStatus,
};
use longshore_driver::{
    Callback, Command, Credential, DriverOptions, EcsOptions, EcsSchedulerDriver, Handle,
    HttpDriverError, HttpSchedulerDriver, LocalOptions, Master, Scheduler, SchedulerDriver,
};
use tokio::sync::mpsc;

pub(crate) use link::Link;

/// Calls that may wait. Source: chosen by us; a driver lets as many wait.
const CALLS_WAITING_MAX: usize = 1024;

/// Where a framework runs its tasks.
#[derive(Clone, Debug)]
pub enum Cluster {
    /// What a master string names: `host:port`, `zk://...`, `ecs://CLUSTER` or `local`.
    Named {
        /// The master string.
        master: String,
        /// What a Mesos master is shown, if it asks who calls.
        credential: Option<Credential>,
    },
    /// ECS, with options of its own.
    Ecs(Box<EcsOptions>),
}

/// A driver that runs.
enum Driver {
    Ecs(EcsSchedulerDriver),
    Http(HttpSchedulerDriver),
}

impl Driver {
    fn new<I>(
        cluster: Cluster,
        framework: FrameworkInfo,
        scheduler: Forward<I>,
    ) -> Result<Self, HttpDriverError>
    where
        I: From<Callback> + Send + 'static,
    {
        let options = DriverOptions { explicit_acknowledgements: true, ..DriverOptions::default() };
        let (master, credential) = match cluster {
            Cluster::Ecs(ecs) => {
                let driver = EcsSchedulerDriver::with(scheduler, framework, *ecs, options);
                return Ok(Self::Ecs(driver));
            }
            Cluster::Named { master, credential } => (master, credential),
        };
        let ecs = match Master::read(&master)? {
            Master::Ecs { cluster } => EcsOptions { cluster, ..EcsOptions::default() },
            Master::Local => EcsOptions::local(LocalOptions::default()),
            _ => {
                let driver = HttpSchedulerDriver::with(
                    scheduler,
                    framework,
                    &master,
                    options,
                    credential.as_ref(),
                )?;
                return Ok(Self::Http(driver));
            }
        };
        Ok(Self::Ecs(EcsSchedulerDriver::with(scheduler, framework, ecs, options)))
    }

    fn handle(&self) -> Handle {
        match self {
            Self::Ecs(driver) => driver.handle(),
            Self::Http(driver) => driver.handle(),
        }
    }

    fn start(&self) {
        match self {
            Self::Ecs(driver) => driver.start(),
            Self::Http(driver) => driver.start(),
        };
    }
}

/// A framework that runs. Dropped, it leaves its tasks to whoever comes with its id.
pub struct Framework {
    calls: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Framework {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Framework").finish_non_exhaustive()
    }
}

impl Framework {
    /// Starts a driver, whose callbacks are sent to `inputs`. Updates are acknowledged by [`Command::Acknowledge`].
    ///
    /// # Errors
    /// That the master's name is none, or that threads cannot be had.
    pub fn start<I>(
        cluster: Cluster,
        framework: FrameworkInfo,
        inputs: mpsc::Sender<I>,
    ) -> Result<Self, FrameworkError>
    where
        I: From<Callback> + Send + 'static,
    {
        let driver = Driver::new(cluster, framework, Forward { inputs })?;
        let (calls, mut said) = mpsc::channel::<Command>(CALLS_WAITING_MAX);
        let make = move || {
            let handle = driver.handle();
            driver.start();
            while let Some(command) = said.blocking_recv() {
                handle.command(command);
            }
            // A driver that is dropped stops as if another scheduler were to take over.
            drop(driver);
        };
        let thread = std::thread::Builder::new().name("longshore-calls".to_owned()).spawn(make)?;
        Ok(Self { calls: Some(calls), thread: Some(thread) })
    }

    /// Makes a call once those before it are made.
    pub async fn say(&self, command: Command) {
        if let Some(calls) = &self.calls {
            // Its thread ends only with this value.
            let _ = calls.send(command).await;
        }
    }

    /// Leaves the tasks to whoever comes with the framework's id, once all calls are made.
    pub async fn leave(mut self) {
        drop(self.calls.take());
        if let Some(thread) = self.thread.take() {
            let waited = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(waited, Ok(Ok(()))) {
                tracing::warn!("the driver ended by a panic");
            }
        }
    }
}

/// Why a framework cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum FrameworkError {
    /// The master's name.
    #[error(transparent)]
    Master(#[from] HttpDriverError),
    /// The system.
    #[error("cannot start a thread for the driver's calls: {0}")]
    Thread(#[from] std::io::Error),
}

/// The scheduler: what it is called with is somebody else's to deal with.
struct Forward<I> {
    inputs: mpsc::Sender<I>,
}

impl<I: From<Callback> + Send> Forward<I> {
    fn pass(&self, callback: Callback) {
        // Nobody takes it when the program is ending; what is not acknowledged comes again.
        let _ = self.inputs.blocking_send(callback.into());
    }
}

impl<I: From<Callback> + Send> Scheduler for Forward<I> {
    fn registered(&mut self, _: &dyn SchedulerDriver, id: &FrameworkId, master: &MasterInfo) {
        self.pass(Callback::Registered(id.clone(), Box::new(master.clone())));
    }

    fn reregistered(&mut self, _: &dyn SchedulerDriver, master: &MasterInfo) {
        self.pass(Callback::Reregistered(Box::new(master.clone())));
    }

    fn disconnected(&mut self, _: &dyn SchedulerDriver) {
        self.pass(Callback::Disconnected);
    }

    fn resource_offers(&mut self, _: &dyn SchedulerDriver, offers: Vec<Offer>) {
        self.pass(Callback::ResourceOffers(offers));
    }

    fn offer_rescinded(&mut self, _: &dyn SchedulerDriver, offer: &OfferId) {
        self.pass(Callback::OfferRescinded(offer.clone()));
    }

    fn inverse_offers(&mut self, _: &dyn SchedulerDriver, offers: Vec<InverseOffer>) {
        self.pass(Callback::InverseOffers(offers));
    }

    fn inverse_offer_rescinded(&mut self, _: &dyn SchedulerDriver, offer: &OfferId) {
        self.pass(Callback::InverseOfferRescinded(offer.clone()));
    }

    fn status_update(&mut self, _: &dyn SchedulerDriver, status: &TaskStatus) {
        self.pass(Callback::StatusUpdate(Box::new(status.clone())));
    }

    fn framework_message(
        &mut self,
        _: &dyn SchedulerDriver,
        executor: &ExecutorId,
        agent: &AgentId,
        data: &[u8],
    ) {
        self.pass(Callback::FrameworkMessage(executor.clone(), agent.clone(), data.to_vec()));
    }

    fn agent_lost(&mut self, _: &dyn SchedulerDriver, agent: &AgentId) {
        self.pass(Callback::AgentLost(agent.clone()));
    }

    fn executor_lost(
        &mut self,
        _: &dyn SchedulerDriver,
        executor: &ExecutorId,
        agent: &AgentId,
        status: i32,
    ) {
        self.pass(Callback::ExecutorLost(executor.clone(), agent.clone(), status));
    }

    fn error(&mut self, _: &dyn SchedulerDriver, message: &str) {
        self.pass(Callback::Error(message.to_owned()));
    }
}
