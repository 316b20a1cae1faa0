//! Runs containers on this machine: with Docker, or as plain processes.
//!
//! A [`Runtime`] does what a host's [`Lifecycle`](longshore_lifecycle::Lifecycle) asks and tells it what came of it. It
//! decides nothing about tasks: not when to start, not whom to kill. What it started it must find again after a
//! restart of the agent ([`Runtime::inventory`]), with exit codes where they can be known.
#![forbid(unsafe_code)]

mod busy;
pub mod docker;
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

/// Where a runtime tells what happened. Without a bound of its own: each container tells a handful of things in its life, and
/// the next probe is asked for only when the last has been answered.
pub type Events = mpsc::UnboundedSender<(ContainerRef, Event)>;

/// How much of a container's output is given at most, in bytes. Chosen by us: what a terminal scrolls through.
pub const LOG_BYTES_MAX: usize = 1024 * 1024;

/// What runs the containers of one container instance.
///
/// Every call returns at once; what comes of it is told through [`Events`], in the order in which it happened to each
/// container: `PullStarted`, `PullStopped`, then `Started` or `StartFailed`, and after `Started` one `Exited`.
#[derive(Clone, Debug)]
pub enum Runtime {
    /// Containers of a Docker daemon.
    Docker(docker::Docker),
    /// Processes of this machine.
    Process(process::Processes),
}

impl Runtime {
    /// What there is from before. Those that run are watched from here on.
    ///
    /// # Errors
    /// Why it cannot be said, for people. Then nothing is known of any container, least of all that it is gone: ask again.
    pub async fn inventory(&self) -> Result<Vec<Found>, String> {
        match self {
            Self::Docker(docker) => docker.inventory().await,
            Self::Process(processes) => Ok(processes.inventory().await),
        }
    }

    /// Ties what the inventory found to the places that containers have in their task.
    pub fn adopt(&self, spec: &Arc<TaskSpec>) {
        match self {
            Self::Docker(docker) => docker.adopt(spec),
            Self::Process(processes) => processes.adopt(spec),
        }
    }

    /// Pulls if need be, creates and starts.
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

    /// Ends it at once.
    pub fn kill(&self, container: ContainerRef) {
        match self {
            Self::Docker(docker) => docker.kill(container),
            Self::Process(processes) => processes.kill(container),
        }
    }

    /// Runs the health check command; the answer is `Probed`.
    pub fn probe(&self, container: ContainerRef) {
        match self {
            Self::Docker(docker) => docker.probe(container),
            Self::Process(processes) => processes.probe(container),
        }
    }

    /// Ends what still runs of a task and forgets its containers. Output of processes is kept for an
    /// hour, that of Docker containers in memory, for the last tasks and until the agent ends.
    pub fn remove(&self, task: ResourceId) {
        match self {
            Self::Docker(docker) => docker.remove(task),
            Self::Process(processes) => processes.remove(task),
        }
    }

    /// Ends everything, when nothing is to be found again.
    pub fn remove_all(&self) {
        match self {
            Self::Docker(docker) => docker.remove_all(),
            Self::Process(processes) => processes.remove_all(),
        }
    }

    /// Waits until all is gone after [`Self::remove_all`], at most a few seconds.
    pub async fn settle(&self) {
        match self {
            Self::Docker(docker) => docker.settle().await,
            Self::Process(processes) => processes.settle().await,
        }
    }

    /// What there is to see of a container that was started, by its runtime id; `None` if it is gone.
    pub async fn look(&self, container: ContainerRef, runtime_id: &str) -> Option<Sight> {
        match self {
            Self::Docker(docker) => docker.look(runtime_id).await,
            Self::Process(processes) => processes.look(container).await,
        }
    }

    /// What a container uses, in the form in which Docker tells it; `None` if it does not run.
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

    /// The end of what a container wrote, at most [`LOG_BYTES_MAX`]; `None` if there is no such container.
    ///
    /// # Errors
    /// Why it cannot be said, for people.
    pub async fn logs(&self, task: ResourceId, container: &str) -> Result<Option<Vec<u8>>, String> {
        match self {
            Self::Docker(docker) => docker.logs(task, container).await,
            Self::Process(processes) => Ok(processes.logs(task, container).await),
        }
    }
}

/// The file that says that an instance has containers of Docker.
const CONTAINERS: &str = "containers";

/// Notes that an instance has containers of Docker, for [`end_left_behind`].
///
/// # Errors
/// When the note cannot be written.
pub fn note_containers(hosts: &Folder, instance: ResourceId) -> std::io::Result<()> {
    hosts.make(instance.to_string())?.write(CONTAINERS, b"")
}

/// Ends what a program that kept nothing has left behind because it was killed: the processes and containers of all instances below
/// `hosts`. False if that cannot be done now, since Docker does not answer.
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

/// What an instance can do, as attributes that the real container agent registers under these names.
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

/// The words that a container runs: entry point, then command.
fn command_line(spec: &ContainerSpec) -> Vec<String> {
    let entry_point = spec.definition.entry_point.iter().flatten();
    let command = spec.command.iter().flat_map(|command| command.iter());
    entry_point.chain(command).map(std::string::ToString::to_string).collect()
}

/// The command of a health check, as words to run. Source: ECS API reference, `HealthCheck.command`.
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

/// How long a health check may take. Source: ECS API reference, `HealthCheck.timeout`, default 5 s.
fn probe_timeout(spec: &ContainerSpec) -> std::time::Duration {
    let given = spec.definition.health_check.as_ref().and_then(|check| check.timeout);
    std::time::Duration::from_secs(
        given.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(5),
    )
}
