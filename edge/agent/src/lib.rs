//! Runs containers on this machine: with Docker, or as plain processes.
//!
//! A [`Runtime`] does what a host's [`Lifecycle`](longshore_lifecycle::Lifecycle) asks and reports
//! the results. It decides nothing about tasks: neither when to start nor what to kill. After a
//! restart of the agent it must find what it started ([`Runtime::inventory`]), with exit codes
//! where possible.
#![forbid(unsafe_code)]

mod busy;
pub mod docker;
pub mod fetch;
pub mod files;
pub mod process;
mod sight;
pub mod supervise;

use std::sync::Arc;

use longshore_lifecycle::{ContainerRef, Event, Found};
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::{ContainerSpec, TaskSpec};
use longshore_wire_ecs::shape::shared::Attribute;
use tokio::sync::mpsc;

use crate::files::Folder;

pub use sight::Sight;

/// Where a runtime reports events. Unbounded: each container sends a handful of events in its life,
/// and the next probe is requested only after the last one was answered.
pub type Events = mpsc::UnboundedSender<(ContainerRef, Event)>;

/// Maximum size of a container's output, in bytes. Chosen by us: the scrollback of a terminal.
pub const LOG_BYTES_MAX: usize = 1024 * 1024;

/// Runs the containers of one container instance.
///
/// Every call returns at once; results are reported through [`Events`], in order for each
/// container: `PullStarted`, `PullStopped`, then `Started` or `StartFailed`, and after `Started`
/// one `Exited`.
#[derive(Clone, Debug)]
pub enum Runtime {
    /// Containers of a Docker daemon.
    Docker(docker::Docker),
    /// Processes of this machine.
    Process(process::Processes),
}

impl Runtime {
    /// Lists what exists from before. Running containers are watched from now on.
    ///
    /// # Errors
    /// Why this failed, for people. Then nothing is known about any container, least of all that it
    /// is gone: ask again.
    pub async fn inventory(&self) -> Result<Vec<Found>, String> {
        match self {
            Self::Docker(docker) => docker.inventory().await,
            Self::Process(processes) => Ok(processes.inventory().await),
        }
    }

    /// Associates containers found by the inventory with their task.
    pub fn adopt(&self, spec: &Arc<TaskSpec>) {
        match self {
            Self::Docker(docker) => docker.adopt(spec),
            Self::Process(processes) => processes.adopt(spec),
        }
    }

    /// Pulls the image if needed, creates the container and starts it.
    pub fn start(&self, container: ContainerRef, spec: Arc<TaskSpec>) {
        match self {
            Self::Docker(docker) => docker.start(container, spec),
            Self::Process(processes) => processes.start(container, spec),
        }
    }

    /// Sends the stop signal.
    pub fn stop(&self, container: ContainerRef) {
        match self {
            Self::Docker(docker) => docker.stop(container),
            Self::Process(processes) => processes.stop(container),
        }
    }

    /// Kills it at once.
    pub fn kill(&self, container: ContainerRef) {
        match self {
            Self::Docker(docker) => docker.kill(container),
            Self::Process(processes) => processes.kill(container),
        }
    }

    /// Runs the health check command; the result is reported as `Probed`.
    pub fn probe(&self, container: ContainerRef) {
        match self {
            Self::Docker(docker) => docker.probe(container),
            Self::Process(processes) => processes.probe(container),
        }
    }

    /// Stops what still runs of a task and forgets its containers. Output of processes is kept for
    /// an hour; output of Docker containers is kept in memory, for the most recent tasks until the
    /// agent exits.
    pub fn remove(&self, task: ResourceId) {
        match self {
            Self::Docker(docker) => docker.remove(task),
            Self::Process(processes) => processes.remove(task),
        }
    }

    /// Stops everything, if nothing should survive a restart.
    pub fn remove_all(&self) {
        match self {
            Self::Docker(docker) => docker.remove_all(),
            Self::Process(processes) => processes.remove_all(),
        }
    }

    /// After [`Self::remove_all`], waits at most a few seconds until everything is gone.
    pub async fn settle(&self) {
        match self {
            Self::Docker(docker) => docker.settle().await,
            Self::Process(processes) => processes.settle().await,
        }
    }

    /// Metadata of a started container, by its runtime id; `None` if it is gone.
    pub async fn look(&self, container: ContainerRef, runtime_id: &str) -> Option<Sight> {
        match self {
            Self::Docker(docker) => docker.look(runtime_id).await,
            Self::Process(processes) => processes.look(container).await,
        }
    }

    /// Resource usage of a container, in Docker's format; `None` if it is not running.
    pub async fn stats(
        &self,
        container: ContainerRef,
        runtime_id: &str,
    ) -> Option<serde_json::Value> {
        match self {
            Self::Docker(docker) => docker.stats(runtime_id).await,
            Self::Process(processes) => processes.stats(container).await,
        }
    }

    /// The sandbox of a task, if it is a directory of this machine.
    pub async fn sandbox(&self, task: ResourceId) -> Option<process::Sandbox> {
        match self {
            Self::Docker(_) => None,
            Self::Process(processes) => processes.sandbox(task).await,
        }
    }

    /// The sandboxes of tasks, over or not, as far as they are directories of this machine.
    pub async fn sandboxes(&self) -> Vec<process::Sandbox> {
        match self {
            Self::Docker(_) => Vec::new(),
            Self::Process(processes) => processes.sandboxes().await,
        }
    }

    /// The end of a container's output, at most [`LOG_BYTES_MAX`]; `None` if there is no such
    /// container.
    ///
    /// # Errors
    /// Why it cannot be read, for people.
    pub async fn logs(&self, task: ResourceId, container: &str) -> Result<Option<Vec<u8>>, String> {
        match self {
            Self::Docker(docker) => docker.logs(task, container).await,
            Self::Process(processes) => Ok(processes.logs(task, container).await),
        }
    }
}

/// The file that marks an instance with Docker containers.
const CONTAINERS: &str = "containers";

/// Records that an instance has Docker containers, for [`end_left_behind`].
///
/// # Errors
/// If the file cannot be written.
pub fn note_containers(hosts: &Folder, instance: ResourceId) -> std::io::Result<()> {
    hosts.make(instance.to_string())?.write(CONTAINERS, b"")
}

/// Stops what an ephemeral program left behind when it was killed: the processes and containers of
/// all instances below `hosts`. Returns false if that is not possible now because Docker does not
/// answer.
pub async fn end_left_behind(hosts: &Folder, key: &process::Key) -> bool {
    let mut is_done = true;
    for name in hosts.names().unwrap_or_default() {
        let Some(instance) = name.to_str().and_then(ResourceId::parse) else { continue };
        let Ok(root) = hosts.folder(&name) else { continue };
        let (below, key) = (root.clone(), key.clone());
        let ended = tokio::task::spawn_blocking(move || process::end_left_behind(&below, &key));
        is_done &= ended.await.is_ok();
        if root.size_of(CONTAINERS).is_some() {
            let (events, _) = mpsc::unbounded_channel();
            match docker::connect(instance, events, docker::PullPolicy::Default).await {
                Ok(docker) => {
                    docker.remove_all();
                    docker.settle().await;
                }
                Err(_) => is_done = false,
            }
        }
    }
    is_done
}

/// Capabilities of an instance, as attributes with the names that the real container agent
/// registers.
pub fn capabilities(docker: bool) -> Vec<Attribute> {
    let common = [
        "com.amazonaws.ecs.capability.docker-remote-api.1.18",
        "com.amazonaws.ecs.capability.logging-driver.json-file",
        "com.amazonaws.ecs.capability.logging-driver.none",
        "ecs.capability.container-health-check",
        "ecs.capability.container-ordering",
    ];
    let own: &[&str] = if docker {
        &[
            "com.amazonaws.ecs.capability.privileged-container",
            "ecs.capability.pid-ipc-namespace-sharing",
        ]
    } else {
        &[]
    };
    let attribute = |name: &&str| Attribute { name: Some((*name).into()), ..Default::default() };
    common.iter().chain(own).map(attribute).collect()
}

/// The words of a container's command line: entry point, then command.
fn command_line(spec: &ContainerSpec) -> Vec<String> {
    let entry_point = spec.definition.entry_point.iter().flatten();
    let command = spec.command.iter().flat_map(|command| command.iter());
    entry_point.chain(command).map(std::string::ToString::to_string).collect()
}

/// The words of a health check command. Source: ECS API reference, `HealthCheck.command`.
fn probe_words(spec: &ContainerSpec) -> Option<Vec<String>> {
    let command = spec.definition.health_check.as_ref()?.command.as_deref()?;
    match command.first().map(|form| &**form)? {
        "CMD" => Some(command[1..].iter().map(std::string::ToString::to_string).collect()),
        "CMD-SHELL" => {
            Some(vec!["/bin/sh".to_owned(), "-c".to_owned(), command.get(1)?.to_string()])
        }
        _ => None,
    }
}

/// Timeout of a health check. Source: ECS API reference, `HealthCheck.timeout`, default 5 s.
fn probe_timeout(spec: &ContainerSpec) -> std::time::Duration {
    let given = spec.definition.health_check.as_ref().and_then(|check| check.timeout);
    std::time::Duration::from_secs(
        given.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(5),
    )
}
