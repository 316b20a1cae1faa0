//! The loops around hosts: a lifecycle with a runtime, and a fleet without one.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use longshore_agent::process::{Processes, Setup};
use longshore_agent::{Events, Runtime};
use longshore_lifecycle::{ContainerRef, Event, Fleet, Found, Input, Lifecycle, Output};
use longshore_machine::Machine;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::{Order, TaskReport, TaskSpec};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{InstanceConfig, Outbox, RuntimeChoice, Runtimes};
use crate::clock::now;
use crate::drive::{Host, drive};
use crate::ecs::{ControlHandle, Routes};
use crate::limits;
use crate::metadata::{Metadata, Provider};

/// Performs the outputs of a lifecycle with its runtime.
struct RuntimeHost {
    instance: ResourceId,
    runtime: Runtime,
    outbox: Outbox,
    provider: Provider,
    /// For events that do not come from the runtime.
    events: Events,
}

impl RuntimeHost {
    /// If a container's environment is not available, its task fails without reaching the runtime.
    async fn start(&self, container: ContainerRef, spec: Arc<TaskSpec>) {
        match self.provider.provide(container, spec).await {
            Ok(spec) => self.runtime.start(container, spec),
            Err(reason) => {
                // The receiver is gone only during shutdown.
                let _ = self.events.send((container, Event::TaskFailed(reason.into())));
            }
        }
    }
}

impl Host<Lifecycle> for RuntimeHost {
    type Error = Infallible;

    async fn perform(&mut self, out: &mut Vec<Output>) -> Result<(), Infallible> {
        // Each report is complete, so only the last one per task needs to be stored: a start
        // produces three at once.
        let mut reports = BTreeMap::new();
        for output in out.drain(..) {
            match output {
                Output::Start(container, spec) => self.start(container, spec).await,
                Output::Stop(container) => self.runtime.stop(container),
                Output::Kill(container) => self.runtime.kill(container),
                Output::Probe(container) => self.runtime.probe(container),
                Output::Remove(task) => {
                    self.provider.removed(task);
                    self.runtime.remove(task);
                }
                Output::Report(report) => {
                    self.provider.reported(&report);
                    reports.insert(report.task, report);
                }
            }
        }
        self.outbox.add_all(reports.into_values().map(|report| (self.instance, report)));
        Ok(())
    }
}

/// What every host is connected to.
pub(crate) struct Surroundings<'a> {
    pub(crate) tasks: &'a mut JoinSet<()>,
    pub(crate) control: &'a ControlHandle,
    pub(crate) routes: &'a Routes,
    pub(crate) runtimes: &'a Runtimes,
    pub(crate) outbox: &'a Outbox,
    pub(crate) metadata: &'a Metadata,
    pub(crate) processes: &'a Setup,
}

/// Starts the host of one instance, and connects it; returns its runtime, and its tasks, which end with the instance.
///
/// # Errors
/// Why the runtime is not available.
pub(crate) async fn start_host(
    around: &mut Surroundings<'_>,
    instance: ResourceId,
    config: &InstanceConfig,
) -> Result<(Runtime, JoinSet<()>), String> {
    let Surroundings { tasks, control, routes, runtimes, outbox, metadata, processes } = around;
    metadata.open(config.runtime, tasks).await?;
    let (events, happened) = mpsc::unbounded_channel();
    let told = events.clone();
    let runtime = open(config.runtime, instance, processes, told).await?;
    let zone = config.zone.clone();
    let provider = Provider::new(Metadata::clone(metadata), instance, zone, runtime.clone());
    runtimes.add(instance, runtime.clone());
    let opened = runtime.clone();
    let begun = Begun {
        host: RuntimeHost { instance, runtime, outbox: Outbox::clone(outbox), provider, events },
        happened,
        control: ControlHandle::clone(control),
        routes: Routes::clone(routes),
    };
    let first = tokio::time::timeout(limits::INVENTORY_WAIT, begun.host.runtime.inventory()).await;
    let mut own = JoinSet::new();
    match first.unwrap_or_else(|_| Err("it does not respond".to_owned())) {
        Ok(found) => begun.go_on(found, &mut own).await,
        Err(why) => {
            // A container that cannot be seen has not necessarily ended, so the instance has no
            // agent until then.
            tracing::error!(%instance, why, "cannot find out what runs on the instance: its agent stays disconnected until then");
            own.spawn(begun.wait());
        }
    }
    Ok((opened, own))
}

/// Error message with suggestions for when Docker is missing.
pub(crate) fn without_docker(why: &str) -> String {
    format!(
        "{why}. Start Docker, set DOCKER_HOST to its address, or run plain processes with --runtime process"
    )
}

/// A host whose runtime has not completed its inventory.
struct Begun {
    host: RuntimeHost,
    happened: mpsc::UnboundedReceiver<(ContainerRef, Event)>,
    control: ControlHandle,
    routes: Routes,
}

impl Begun {
    /// Retries the inventory until it succeeds, then continues.
    async fn wait(self) {
        let mut pause = limits::INVENTORY_PAUSE_MIN;
        let found = loop {
            tokio::time::sleep(pause).await;
            match self.host.runtime.inventory().await {
                Ok(found) => break found,
                Err(why) => {
                    tracing::warn!(instance = %self.host.instance, why, "still cannot find out what runs on the instance");
                }
            }
            pause = (pause * 2).min(limits::INVENTORY_PAUSE_MAX);
        };
        tracing::info!(instance = %self.host.instance, found = found.len(), "found out what runs on the instance");
        let mut tasks = JoinSet::new();
        self.go_on(found, &mut tasks).await;
        while tasks.join_next().await.is_some() {}
    }

    /// Connects the host, which accepts orders from now on.
    async fn go_on(self, found: Vec<Found>, tasks: &mut JoinSet<()>) {
        let Self { mut host, mut happened, control, routes } = self;
        let (instance, runtime, provider) =
            (host.instance, host.runtime.clone(), host.provider.clone());
        let mut lifecycle = Lifecycle::default();
        lifecycle.step(now(), Input::Inventory(found), &mut Vec::new());
        let (mailbox, mut orders) = mpsc::channel(limits::ORDERS_WAITING_MAX);
        routes.host(instance, mailbox);
        let (inputs, inbox) = mpsc::channel(limits::ORDERS_WAITING_MAX);
        let merged = inputs.clone();
        tasks.spawn(async move {
            while let Some((container, event)) = happened.recv().await {
                if merged.send(Input::Happened(container, event)).await.is_err() {
                    return;
                }
            }
        });
        tasks.spawn(async move {
            while let Some(input) = orders.recv().await {
                if let Input::Ordered(order) = &input {
                    provider.ordered(order);
                    order.tasks.iter().for_each(|task| runtime.adopt(&task.spec));
                }
                if inputs.send(input).await.is_err() {
                    return;
                }
            }
        });
        tasks.spawn(async move {
            let Ok(_) = drive(lifecycle, &mut host, &mut (), inbox).await;
        });
        control.connected(instance).await;
    }
}

/// Opens the runtime of an instance.
async fn open(
    choice: RuntimeChoice,
    instance: ResourceId,
    processes: &Setup,
    events: Events,
) -> Result<Runtime, String> {
    match choice {
        RuntimeChoice::Docker => {
            let pull = longshore_agent::docker::PullPolicy::Default;
            let docker = longshore_agent::docker::connect(instance, events, pull).await;
            let docker = docker.map_err(|why| without_docker(&why))?;
            if processes.ends_with_us {
                let noted = longshore_agent::note_containers(&processes.hosts, instance);
                noted
                    .map_err(|error| format!("cannot create the instance's directory: {error}"))?;
            }
            Ok(Runtime::Docker(docker))
        }
        RuntimeChoice::Process | RuntimeChoice::Simulated => {
            let opened = Processes::new(processes.clone(), instance, events);
            let opened = opened
                .map_err(|error| format!("cannot create the instance's directory: {error}"))?;
            Ok(Runtime::Process(opened))
        }
    }
}

/// Forwards the reports of a fleet.
struct FleetHost {
    outbox: Outbox,
}

impl Host<Fleet> for FleetHost {
    type Error = Infallible;

    async fn perform(&mut self, out: &mut Vec<(ResourceId, TaskReport)>) -> Result<(), Infallible> {
        self.outbox.add_all(out.drain(..));
        Ok(())
    }
}

/// Starts the host of many simulated instances; the mailbox takes orders for all of them.
pub(crate) fn start_fleet(tasks: &mut JoinSet<()>, outbox: &Outbox) -> mpsc::Sender<Vec<Order>> {
    let (mailbox, inbox) = mpsc::channel(limits::ORDERS_WAITING_MAX);
    let mut host = FleetHost { outbox: outbox.clone() };
    tasks.spawn(async move {
        let Ok(_) = drive(Fleet::default(), &mut host, &mut (), inbox).await;
    });
    mailbox
}
