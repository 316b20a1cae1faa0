//! The loops around hosts: a lifecycle with a runtime, and a fleet without.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;

use longshore_agent::process::Processes;
use longshore_agent::{Events, Runtime};
use longshore_lifecycle::{ContainerRef, Event, Fleet, Input, Lifecycle, Output};
use longshore_machine::Machine;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::{Order, TaskReport, TaskSpec};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{InstanceConfig, Outbox, RuntimeChoice, Runtimes};
use crate::drive::{Host, drive, now};
use crate::ecs::{ControlHandle, Routes};
use crate::limits;
use crate::metadata::{Metadata, Provider};

/// Performs what a lifecycle asks of its runtime.
struct RuntimeHost {
    instance: ResourceId,
    runtime: Runtime,
    outbox: Outbox,
    provider: Provider,
    /// For news that are not the runtime's.
    events: Events,
}

impl RuntimeHost {
    /// A container that cannot be provided for fails to start, and its runtime never hears of it.
    async fn start(&self, container: ContainerRef, spec: Arc<TaskSpec>) {
        match self.provider.provide(container, spec).await {
            Ok(spec) => self.runtime.start(container, spec),
            Err(reason) => {
                // Nobody listens any more only while the program ends.
                let _ = self.events.send((container, Event::StartFailed(reason.into())));
            }
        }
    }
}

impl Host<Lifecycle> for RuntimeHost {
    type Error = Infallible;

    async fn perform(&mut self, out: &mut Vec<Output>) -> Result<(), Infallible> {
        // Each report is whole, so that only the last one of a task has to be stored: a start tells three at once.
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
}

/// Starts the host of one instance, and connects it.
///
/// # Errors
/// Says why the runtime cannot be had.
pub(crate) async fn start_host(
    around: &mut Surroundings<'_>,
    instance: ResourceId,
    config: &InstanceConfig,
    root: PathBuf,
) -> Result<(), String> {
    let Surroundings { tasks, control, routes, runtimes, outbox, metadata } = around;
    metadata.open(config.runtime, tasks).await?;
    let (events, mut happened) = mpsc::unbounded_channel();
    let told = events.clone();
    let runtime = match config.runtime {
        RuntimeChoice::Docker => {
            let pull = longshore_agent::docker::PullPolicy::Default;
            Runtime::Docker(longshore_agent::docker::connect(instance, told, pull).await?)
        }
        RuntimeChoice::Process | RuntimeChoice::Simulated => {
            Runtime::Process(Processes::new(root, told))
        }
    };
    let zone = config.zone.clone();
    let provider = Provider::new(Metadata::clone(metadata), instance, zone, runtime.clone());
    runtimes.add(instance, runtime.clone());
    let (mailbox, mut orders) = mpsc::channel(limits::ORDERS_WAITING_MAX);
    routes.host(instance, mailbox);
    let mut lifecycle = Lifecycle::default();
    let mut host = RuntimeHost {
        instance,
        runtime: runtime.clone(),
        outbox: Outbox::clone(outbox),
        provider: provider.clone(),
        events,
    };
    lifecycle.step(now(), Input::Inventory(runtime.inventory().await), &mut Vec::new());
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
        let Ok(_) = drive(lifecycle, &mut host, inbox).await;
    });
    control.connected(instance).await;
    Ok(())
}

/// Sends the reports of a fleet on.
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
        let Ok(_) = drive(Fleet::default(), &mut host, inbox).await;
    });
    mailbox
}
