//! The local ECS, put together: storage, control plane, HTTP front and the container instances of this machine.

use std::path::PathBuf;

use longshore_control::{Control, audit};
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::{ApiError, Str};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::drive::{drive, seed};
use crate::ecs::{Access, ControlHandle, ControlHost, Front, Keys, Routes, router};
use crate::instance::{
    InstanceConfig, Outbox, RuntimeChoice, Runtimes, Surroundings, register, start_fleet,
    start_host,
};
use crate::limits;
use crate::listener::{Listener, serve};
use crate::storage::{Durability, Place, Storage, StorageError, WriteError, Writer};

/// What a local ECS is made of.
#[derive(Debug)]
pub struct Config {
    /// Account and region of requests that name none, and of the instances.
    pub home: Realm,
    /// The cluster that the instances join.
    pub cluster: Str,
    /// Where records are kept.
    pub place: Place,
    /// What a commit survives.
    pub durability: Durability,
    /// Most pages of the database, to rehearse a full disk.
    pub pages_max: Option<u32>,
    /// Keys to check signatures with.
    pub keys: Keys,
    /// Below it the files of processes are kept.
    pub hosts_dir: PathBuf,
    /// The instances of this machine.
    pub instances: Vec<InstanceConfig>,
}

/// Why a local ECS could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The records cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The writer's thread cannot be started.
    #[error("cannot start the storage thread")]
    Thread(#[source] std::io::Error),
    /// An instance cannot register.
    #[error("cannot register a container instance: {0}")]
    Register(ApiError),
    /// An instance has no runtime.
    #[error("cannot run containers: {0}")]
    Runtime(String),
}

/// A local ECS that runs.
#[derive(Debug)]
pub struct LocalEcs {
    control: ControlHandle,
    /// The loops of agents and the HTTP front: they end when they are told to.
    tasks: JoinSet<()>,
    /// The control plane: it ends, and the writer with it, when nobody can tell it anything any more.
    core: JoinSet<()>,
    failed: oneshot::Receiver<WriteError>,
    closing: watch::Sender<bool>,
    runtimes: Runtimes,
    keeps_records: bool,
}

impl LocalEcs {
    /// Starts everything and registers the instances.
    ///
    /// # Errors
    /// Says what cannot be had, and what can be done about it.
    pub async fn start(config: Config, listener: Listener) -> Result<Self, StartError> {
        let storage = Storage::open(&config.place, config.durability)?;
        if let Some(pages) = config.pages_max {
            storage.limit_pages(pages)?;
        }
        let machine =
            Control::load(seed(), storage.load()?).map_err(|what| storage.damaged(what))?;
        if let Some(violation) = audit(machine.state()).first() {
            return Err(storage
                .damaged(format!("{}: {}", violation.subject, violation.what))
                .into());
        }
        if let Some(violation) = longshore_events::audit(machine.bus()).first() {
            return Err(storage
                .damaged(format!("{}: {}", violation.subject, violation.what))
                .into());
        }
        let known = machine.instances().filter(|instance| *instance.cluster == *config.cluster);
        let known: Vec<(Str, Str)> = known
            .filter_map(|instance| Some((instance.ec2_instance_id.clone()?, instance.arn.clone())))
            .collect();
        let (control, inbox) = ControlHandle::new();
        let routes = Routes::default();
        let (tell_failed, failed) = oneshot::channel();
        let deliver = routes.clone();
        let writer = Writer::start(storage, move |order| deliver.deliver(order), tell_failed)
            .map_err(StartError::Thread)?;
        let mut core = JoinSet::new();
        core.spawn(run_control(machine, ControlHost::new(&control, writer), inbox));
        let mut tasks = JoinSet::new();
        let outbox = Outbox::default();
        tasks.spawn(outbox.clone().run(control.clone()));
        let runtimes = Runtimes::default();
        let (closing, closed) = watch::channel(false);
        let access = Access { home: config.home.clone(), keys: config.keys.clone() };
        let front = Front { control: control.clone(), access, runtimes: runtimes.clone() };
        tasks.spawn(serve(listener, router(front), closed));
        let keeps_records = config.place != Place::Memory;
        let mut ecs = Self { control, tasks, core, failed, closing, runtimes, keeps_records };
        ecs.start_instances(&config, &known, &routes, &outbox).await?;
        Ok(ecs)
    }

    async fn start_instances(
        &mut self,
        config: &Config,
        known: &[(Str, Str)],
        routes: &Routes,
        outbox: &Outbox,
    ) -> Result<(), StartError> {
        let mut fleet: Option<mpsc::Sender<_>> = None;
        for instance in &config.instances {
            let arn = known
                .iter()
                .find(|(id, _)| *id == instance.ec2_instance_id)
                .map(|(_, arn)| arn.clone());
            let capabilities =
                longshore_agent::capabilities(instance.runtime == RuntimeChoice::Docker);
            let id =
                register(&self.control, &config.home, &config.cluster, instance, capabilities, arn)
                    .await
                    .map_err(StartError::Register)?;
            if instance.runtime == RuntimeChoice::Simulated {
                let mailbox = fleet.get_or_insert_with(|| start_fleet(&mut self.tasks, outbox));
                routes.fleet(id, mailbox.clone());
                self.control.connected(id).await;
            } else {
                let root = config.hosts_dir.join(id.to_string());
                let mut around = Surroundings {
                    tasks: &mut self.tasks,
                    control: &self.control,
                    routes,
                    runtimes: &self.runtimes,
                    outbox,
                };
                start_host(&mut around, id, instance.runtime, root)
                    .await
                    .map_err(StartError::Runtime)?;
            }
        }
        Ok(())
    }

    /// Waits for what ends a local ECS against its will: a disk that cannot be written.
    pub async fn failure(&mut self) -> WriteError {
        match (&mut self.failed).await {
            Ok(error) => error,
            // The writer ended without a failure: only `stop` does that.
            Err(_) => std::future::pending().await,
        }
    }

    /// Stops. What was acknowledged is on disk; containers go on and are found again, unless nothing is kept.
    pub async fn stop(mut self) {
        // Without receivers nobody is listening any more.
        let _ = self.closing.send(true);
        tokio::time::sleep(limits::LAST_ANSWERS / 5).await;
        if !self.keeps_records {
            self.runtimes.remove_all();
            // Removal by Docker takes a moment that nobody else waits for.
            self.runtimes.settle().await;
        }
        self.tasks.shutdown().await;
        drop(self.control);
        while self.core.join_next().await.is_some() {}
    }
}

async fn run_control(
    machine: Control,
    mut host: ControlHost,
    inbox: mpsc::Receiver<longshore_control::Input>,
) {
    let Ok(_) = drive(machine, &mut host, inbox).await;
    // A panic of the writer has been reported already.
    let _ = tokio::task::spawn_blocking(move || host.writer.finish()).await;
}
