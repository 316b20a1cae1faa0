//! Assembles the local ECS: storage, control plane, HTTP front and the container instances on this
//! machine.

use std::net::SocketAddr;

use longshore_control::{Control, Policy, audit};
use longshore_wire_ecs::ApiError;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::aws::{BloxAddress, Rooms, StackRoom};
use crate::bodies::Bodies;
use crate::door::{self, Listener, serve};
use crate::drive::{drive, seed};
use crate::ecs::{Access, ControlHandle, ControlHost, Front, Keys, Routes, refusal, router};
use crate::instance::{
    Addition, Command, Fleet, InstanceConfig, Keeper, Outbox, RuntimeChoice, Runtimes, check_sizes,
    keep_runtimes, known, make_cluster,
};
use crate::limits;
use crate::metadata::Metadata;
use crate::metrics::{Decider, Metrics};
use crate::storage::{Durability, Guard, Place, Storage, StorageError, WriteError, Writer};
use crate::trace::ControlWatch;

/// The configuration of a local ECS.
#[derive(Debug)]
pub struct Config {
    /// Settings shared by the instances of this machine. Its account and region are also the
    /// defaults of requests.
    pub fleet: Fleet,
    /// Where records are stored.
    pub place: Place,
    /// What a commit survives.
    pub durability: Durability,
    /// Maximum number of pages of the database, to simulate a full disk.
    pub pages_max: Option<u32>,
    /// Deviations from ECS.
    pub policy: Policy,
    /// The access keys.
    pub keys: Keys,
    /// The instances of this machine.
    pub instances: Vec<InstanceConfig>,
    /// The metrics to update.
    pub metrics: Metrics,
}

/// Why a local ECS could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The stored records cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The writer's thread cannot be started.
    #[error("cannot start the storage thread")]
    Thread(#[source] std::io::Error),
    /// The flags do not match the instances of an earlier run.
    #[error("cannot start a container instance: {0}")]
    Instances(String),
    /// An instance cannot register, or has no runtime.
    #[error("cannot start a container instance: {0}")]
    Instance(ApiError),
}

/// A running local ECS.
#[derive(Debug)]
pub struct LocalEcs {
    control: ControlHandle,
    /// The loops of agents and the HTTP front: they end on request.
    tasks: JoinSet<()>,
    /// The control plane: it ends, and the writer with it, when its last handle is dropped.
    core: JoinSet<()>,
    failed: mpsc::Receiver<WriteError>,
    closing: watch::Sender<bool>,
    runtimes: Runtimes,
    keeps_records: bool,
    runtime: RuntimeChoice,
    blox: BloxAddress,
}

impl LocalEcs {
    /// Starts everything and registers the instances.
    ///
    /// # Errors
    /// What is not available, and what can be done about it.
    pub async fn start(mut config: Config, listener: Listener) -> Result<Self, StartError> {
        let (storage, machine) = opened(&config)?;
        let addition = first(&machine, &mut config).map_err(StartError::Instances)?;
        let runtime = addition.configs.first().map_or(RuntimeChoice::Process, |one| one.runtime);
        let (control, inbox) = ControlHandle::new();
        control.rules().fill(machine.bus());
        let routes = Routes::default();
        let (tell_failed, failed) = mpsc::channel(1);
        let deliver = routes.clone();
        let guard = storage.guard();
        let deliver = move |orders| deliver.deliver(orders);
        let writer = Writer::start(storage, config.metrics.clone(), deliver, tell_failed.clone());
        let writer = writer.map_err(StartError::Thread)?;
        let mut core = JoinSet::new();
        let watch = ControlWatch::new(config.metrics.machine(Decider::Control));
        core.spawn(run_control(machine, ControlHost::new(&control, writer), watch, inbox));
        let mut tasks = JoinSet::new();
        let outbox = Outbox::default();
        tasks.spawn(outbox.clone().run(control.clone()));
        if let Some(guard) = guard {
            tasks.spawn(watch_over(guard, tell_failed));
        }
        let runtimes = Runtimes::default();
        let (closing, closed) = watch::channel(false);
        let access = Access { home: config.fleet.home.clone(), keys: config.keys.clone() };
        let (home, cluster) = (config.fleet.home.clone(), config.fleet.cluster.clone());
        let default_runtime = config.fleet.runtime;
        let metadata = metadata(&config.fleet, &control, &closed);
        let (fleet, runs) = (config.fleet, runtimes.clone());
        let hostname = fleet.hostname_attribute.clone();
        let keeper = Keeper::new(fleet, control.clone(), routes, runs, outbox, metadata);
        let roster = keeper.roster.clone();
        let keeper = keeper.start(&mut tasks);
        let blox = BloxAddress::default();
        let aws = Rooms {
            stacks: StackRoom::start(&home, &cluster, roster, keeper.clone(), &mut tasks),
            hostname,
            blox: blox.clone(),
            since: crate::clock::now().wall().seconds(),
        };
        let front = Front {
            control: control.clone(),
            access,
            bodies: Bodies::new(limits::BODIES_BYTES_MAX),
            runtimes: runtimes.clone(),
            keeper: keeper.clone(),
            default_runtime,
            aws,
            metrics: config.metrics,
            closed: closed.clone(),
        };
        let front = door::Front { router: router(front), refusal };
        tasks.spawn(serve(listener, front, closed));
        let keeps_records = !matches!(config.place, Place::Memory);
        make_cluster(&control, &home, &cluster).await.map_err(StartError::Instance)?;
        let started = keeper.ask(|answer| Command::Add(addition, answer)).await;
        started.map_err(StartError::Instance)?;
        Ok(Self { control, tasks, core, failed, closing, runtimes, keeps_records, runtime, blox })
    }

    /// The runtime of the first instance.
    pub fn runtime(&self) -> RuntimeChoice {
        self.runtime
    }

    /// Blox's daemon scheduler listens at an address: calls through API Gateway are passed on to it. Only the first address counts.
    pub fn blox_listens(&self, address: SocketAddr) {
        let _ = self.blox.set(address);
    }

    /// Waits for a fatal failure: a disk that cannot be written, or a missing data directory.
    pub async fn failure(&mut self) -> WriteError {
        match self.failed.recv().await {
            Some(error) => error,
            // The writer ended without a failure, which happens only in `stop`.
            None => std::future::pending().await,
        }
    }

    /// Stops. Acknowledged changes are on disk; containers keep running and are found again, unless
    /// there is no persistent state.
    pub async fn stop(mut self) {
        // Fails only if no receiver is left.
        let _ = self.closing.send(true);
        tokio::time::sleep(limits::LAST_ANSWERS / 5).await;
        if !self.keeps_records {
            self.runtimes.remove_all();
            // Docker needs a moment for the removal, and nobody else waits for it.
            self.runtimes.settle().await;
        }
        self.tasks.shutdown().await;
        drop(self.control);
        while self.core.join_next().await.is_some() {}
    }
}

/// What is stored, and the control plane that goes on from it.
fn opened(config: &Config) -> Result<(Storage, Control), StorageError> {
    let mut storage = Storage::open(&config.place, config.durability)?;
    if let Some(pages) = config.pages_max {
        storage.limit_pages(pages)?;
    }
    let machine = load(&storage)?.with_policy(config.policy);
    Ok((storage, machine))
}

/// The instances to begin with, those of an earlier run as they were.
fn first(machine: &Control, config: &mut Config) -> Result<Addition, String> {
    let known = known(machine.instances(), &config.fleet.home, &config.fleet.cluster)?;
    let mut configs = std::mem::take(&mut config.instances);
    keep_runtimes(&known, &mut configs)?;
    check_sizes(&known, &configs)?;
    Ok(Addition { cluster: None, configs, known })
}

/// The metadata endpoint and environment of containers.
fn metadata(fleet: &Fleet, control: &ControlHandle, closed: &watch::Receiver<bool>) -> Metadata {
    let (home, provisions) = (fleet.home.clone(), fleet.provisions.clone());
    let hosts = fleet.processes.hosts.clone();
    Metadata::new(home, provisions, control.clone(), hosts, closed.clone())
}

/// Loads the control plane from its records, if these are consistent.
fn load(storage: &Storage) -> Result<Control, StorageError> {
    let machine = Control::load(seed(), storage.load()?).map_err(|what| storage.damaged(what))?;
    if let Some(violation) = audit(machine.state()).first() {
        return Err(storage.damaged(format!("{}: {}", violation.subject, violation.what)));
    }
    if let Some(violation) = longshore_events::audit(machine.bus()).first() {
        return Err(storage.damaged(format!("{}: {}", violation.subject, violation.what)));
    }
    Ok(machine)
}

/// Checks the files even when nothing is written to them.
async fn watch_over(guard: Guard, failed: mpsc::Sender<WriteError>) {
    loop {
        tokio::time::sleep(limits::DATA_DIR_LOOK).await;
        let looked = guard.clone();
        // A file system that hangs must not block anything else.
        let looked = tokio::task::spawn_blocking(move || looked.check()).await;
        if let Ok(Err(gone)) = looked {
            // The channel is full if the writer has reported already.
            let _ = failed.try_send(WriteError::Gone(gone.to_string()));
            return;
        }
    }
}

async fn run_control(
    machine: Control,
    mut host: ControlHost,
    mut watch: ControlWatch,
    inbox: mpsc::Receiver<longshore_control::Input>,
) {
    let Ok(_) = drive(machine, &mut host, &mut watch, inbox).await;
    // A panic of the writer has been reported already.
    let _ = tokio::task::spawn_blocking(move || host.writer.finish()).await;
}
