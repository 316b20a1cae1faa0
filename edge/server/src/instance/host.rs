//! The loops around hosts: a lifecycle with a runtime, and a fleet without.

use std::convert::Infallible;
use std::path::PathBuf;

use longshore_agent::Runtime;
use longshore_agent::process::Processes;
use longshore_lifecycle::{Fleet, Input, Lifecycle, Output};
use longshore_machine::Machine;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::{Order, TaskReport};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{Outbox, RuntimeChoice, Runtimes};
use crate::drive::{Host, drive, now};
use crate::ecs::{ControlHandle, Routes};
use crate::limits;

/// Performs what a lifecycle asks of its runtime.
struct RuntimeHost {
    instance: ResourceId,
    runtime: Runtime,
    outbox: Outbox,
}

impl Host<Lifecycle> for RuntimeHost {
    type Error = Infallible;

    async fn perform(&mut self, out: &mut Vec<Output>) -> Result<(), Infallible> {
        for output in out.drain(..) {
            match output {
                Output::Start(container, spec) => self.runtime.start(container, spec),
                Output::Stop(container) => self.runtime.stop(container),
                Output::Kill(container) => self.runtime.kill(container),
                Output::Probe(container) => self.runtime.probe(container),
                Output::Remove(task) => self.runtime.remove(task),
                Output::Report(report) => self.outbox.add(self.instance, report),
            }
        }
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
}

/// Starts the host of one instance, and connects it.
///
/// # Errors
/// Says why the runtime cannot be had.
pub(crate) async fn start_host(
    around: &mut Surroundings<'_>,
    instance: ResourceId,
    choice: RuntimeChoice,
    root: PathBuf,
) -> Result<(), String> {
    let Surroundings { tasks, control, routes, runtimes, outbox } = around;
    let (events, mut happened) = mpsc::unbounded_channel();
    let runtime = match choice {
        RuntimeChoice::Docker => {
            let pull = longshore_agent::docker::PullPolicy::Default;
            Runtime::Docker(longshore_agent::docker::connect(instance, events, pull).await?)
        }
        RuntimeChoice::Process | RuntimeChoice::Simulated => {
            Runtime::Process(Processes::new(root, events))
        }
    };
    runtimes.add(instance, runtime.clone());
    let (mailbox, mut orders) = mpsc::channel(limits::ORDERS_WAITING_MAX);
    routes.host(instance, mailbox);
    let mut lifecycle = Lifecycle::default();
    let mut host =
        RuntimeHost { instance, runtime: runtime.clone(), outbox: Outbox::clone(outbox) };
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
        for (instance, report) in out.drain(..) {
            self.outbox.add(instance, report);
        }
        Ok(())
    }
}

/// Starts the host of many simulated instances; the mailbox takes orders for all of them.
pub(crate) fn start_fleet(tasks: &mut JoinSet<()>, outbox: &Outbox) -> mpsc::Sender<Order> {
    let (mailbox, inbox) = mpsc::channel(limits::ORDERS_WAITING_MAX);
    let mut host = FleetHost { outbox: outbox.clone() };
    tasks.spawn(async move {
        let Ok(_) = drive(Fleet::default(), &mut host, inbox).await;
    });
    mailbox
}
