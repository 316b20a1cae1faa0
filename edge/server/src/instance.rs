//! Container instances on this machine: registration, the loop around each one's lifecycle, and
//! reports.
//!
//! An instance registers through the same operation as any other. Reports are collected by task and
//! forwarded by a separate task, so that a host never waits for the control plane: otherwise the
//! two would wait for each other when both are busy.

mod before;
mod host;
mod keeper;
mod members;
mod outbox;
mod register;
mod resize;
mod roster;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use longshore_agent::Runtime;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::shape::shared::Attribute;

pub(crate) use before::{Known, check_sizes, keep_runtimes, known};
pub(crate) use host::{Surroundings, start_fleet, start_host, without_docker};
pub(crate) use keeper::{Addition, Command, Keeper, KeeperHandle};
pub use keeper::{Fleet, INSTANCES_MAX};
pub(crate) use outbox::Outbox;
pub(crate) use register::{call, make_cluster, register};
pub(crate) use resize::Resized;
pub(crate) use roster::Roster;

/// The runtime of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuntimeChoice {
    /// The Docker daemon of this machine.
    Docker,
    /// Plain processes.
    Process,
    /// None: containers are simulated.
    Simulated,
}

impl RuntimeChoice {
    /// A description for people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Docker => "Docker containers",
            Self::Process => "plain processes",
            Self::Simulated => "simulated containers",
        }
    }
}

/// A container instance to run on this machine.
#[derive(Clone, Debug)]
pub struct InstanceConfig {
    /// Identifies it across restarts, `i-` and 17 hexadecimal digits; if empty, derived from its
    /// number.
    pub ec2_instance_id: Str,
    /// Shown as `ecs.instance-type`.
    pub instance_type: Str,
    /// Shown as `ecs.availability-zone`; if empty, zones are assigned in turn.
    pub zone: Str,
    /// CPU units.
    pub cpu: u32,
    /// MiB.
    pub memory_mib: u32,
    /// Number of GPUs, which are only counted and given ids.
    pub gpus: u32,
    /// Shown as `ecs.cpu-architecture`; by default that of this machine.
    pub architecture: Option<Str>,
    /// Additional attributes.
    pub attributes: Vec<Attribute>,
    /// Its runtime.
    pub runtime: RuntimeChoice,
    /// Whether the runtime was detected rather than chosen: that of an earlier run then takes
    /// precedence.
    pub runtime_is_guessed: bool,
}

/// The runtimes of all instances, for queries of a task's output.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runtimes {
    all: Arc<Mutex<BTreeMap<ResourceId, Runtime>>>,
}

impl Runtimes {
    pub(crate) fn add(&self, instance: ResourceId, runtime: Runtime) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).insert(instance, runtime);
    }

    /// Removes the runtime of an instance that is gone.
    pub(crate) fn take(&self, instance: ResourceId) -> Option<Runtime> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&instance)
    }

    fn each(&self) -> Vec<Runtime> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Stops every container.
    pub(crate) fn remove_all(&self) {
        self.each().iter().for_each(Runtime::remove_all);
    }

    /// Waits until removed containers are gone.
    pub(crate) async fn settle(&self) {
        for runtime in self.each() {
            runtime.settle().await;
        }
    }

    /// A container's output, wherever it runs or ran; `None` if no runtime knows it.
    ///
    /// # Errors
    /// If a runtime that may know it does not answer.
    pub(crate) async fn logs(
        &self,
        task: ResourceId,
        container: &str,
    ) -> Result<Option<Vec<u8>>, String> {
        let mut found = Ok(None);
        for runtime in self.each() {
            match runtime.logs(task, container).await {
                Ok(None) => {}
                Ok(known) => return Ok(known),
                Err(why) => found = Err(why),
            }
        }
        found
    }
}
