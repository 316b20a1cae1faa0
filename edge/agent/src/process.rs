//! Processes of this machine, for where no Docker daemon answers.
//!
//! A container is a process group of its own with its own directory, environment and captured output. It is started
//! through a few lines of shell that write down its process id before the command begins and its exit code after the
//! command ends, so that both are known even if the agent was killed in between. The directory is created before the
//! process: removing it keeps a process that has not begun from ever beginning, and what began is found again.
//!
//! Not done here: images, isolation, memory and CPU limits, mount points. A container that needs an image because it
//! names no command, or that mounts a volume, fails to start with a reason that says so.

mod directory;
mod launch;
mod ports;
mod sight;
mod watch;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use longshore_lifecycle::{ContainerRef, Event, Found, FoundState, environment};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::TaskSpec;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::task::JoinSet;

use crate::process::directory::Directory;
pub use crate::process::ports::Ports;
use crate::process::sight::Sample;
use crate::{Events, LOG_BYTES_MAX, Sight, probe_timeout, probe_words};

/// The processes of one container instance.
#[derive(Clone, Debug)]
pub struct Processes {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    events: Events,
    ports: Ports,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    running: BTreeMap<(ResourceId, Str), Running>,
    specs: BTreeMap<ResourceId, Arc<TaskSpec>>,
    /// Exit codes of found processes that ended before their task was named.
    exits: BTreeMap<(ResourceId, Str), Option<i32>>,
    /// Watchers and probes. They end with their process.
    work: JoinSet<()>,
}

#[derive(Debug)]
struct Running {
    pid: Pid,
    killed: bool,
    /// What it had used when that was last asked for.
    sample: Option<Sample>,
}

impl Running {
    fn new(pid: Pid) -> Self {
        Self { pid, killed: false, sample: None }
    }
}

impl Processes {
    /// The processes of one container instance, which keeps its files below `root`; `ports` is the same for all on this machine.
    pub fn new(root: PathBuf, ports: Ports, events: Events) -> Self {
        Self { shared: Arc::new(Shared { root, events, ports, table: Mutex::default() }) }
    }

    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        // A panic elsewhere does not make the table wrong: every change to it is one insertion or removal.
        self.shared.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, container: ContainerRef, event: Event) {
        // Nobody listens any more only while the program ends.
        let _ = self.shared.events.send((container, event));
    }

    fn place(&self, container: ContainerRef) -> Option<(ResourceId, Str)> {
        let table = self.table();
        let spec = table.specs.get(&container.task)?;
        Some((container.task, spec.containers.get(container.index)?.name().into()))
    }

    pub(crate) fn inventory(&self) -> Vec<Found> {
        directory::sweep(&self.shared.root);
        let mut found = Vec::new();
        for directory in directory::all(&self.shared.root) {
            let Some(state) = self.look_at(&directory) else { continue };
            let bindings = match (state, directory.pid()) {
                (FoundState::Running, Some(pid)) => launch::bindings(pid),
                _ => Vec::new(),
            };
            self.shared.ports.found(&(directory.task, directory.container.clone()), &bindings);
            found.push(Found {
                task: directory.task,
                container: directory.container.clone(),
                runtime_id: directory.runtime_id(),
                bindings,
                state,
            });
        }
        found
    }

    /// What became of a process that was started before. One that never began is made sure never to.
    fn look_at(&self, directory: &Directory) -> Option<FoundState> {
        if directory.pid().is_none() && !directory.fence() {
            return None;
        }
        let Some(pid) = directory.pid() else {
            return Some(FoundState::Exited(directory.exit_code()));
        };
        if directory.is_process(pid) {
            let key = (directory.task, directory.container.clone());
            self.table().running.insert(key, Running::new(pid));
            self.watch_adopted(directory.clone(), pid);
            return Some(FoundState::Running);
        }
        Some(FoundState::Exited(directory.exit_code()))
    }

    fn watch_adopted(&self, directory: Directory, pid: Pid) {
        let this = self.clone();
        self.table().work.spawn(async move {
            watch::until_gone(&directory, pid).await;
            let code = directory.exit_code();
            this.ended(directory.task, &directory.container, code);
        });
    }

    pub(crate) fn adopt(&self, spec: &Arc<TaskSpec>) {
        let mut table = self.table();
        table.specs.entry(spec.id).or_insert_with(|| spec.clone());
        let mut kept = Vec::new();
        for (index, container) in spec.containers.iter().enumerate() {
            if let Some(code) = table.exits.remove(&(spec.id, container.name().into())) {
                kept.push((ContainerRef { task: spec.id, index }, code));
            }
        }
        drop(table);
        for (container, code) in kept {
            self.tell(container, Event::Exited { code, reason: None });
        }
    }

    pub(crate) fn start(&self, container: ContainerRef, spec: Arc<TaskSpec>) {
        self.adopt(&spec);
        self.tell(container, Event::PullStarted);
        self.tell(container, Event::PullStopped);
        let name: Str = spec.containers[container.index].name().into();
        let directory = Directory::of(&self.shared.root, spec.id, name.clone());
        let (ports, owner) = (&self.shared.ports, (spec.id, name.clone()));
        let own = &spec.containers[container.index];
        let launched = ports.give(&owner, spec.network_mode, own).and_then(|bindings| {
            let spec = environment::with(&spec, container.index, ports::told(own, &bindings));
            let (child, pid) = launch::spawn(&directory, &spec.containers[container.index])?;
            Ok((child, pid, bindings))
        });
        match launched {
            Err(reason) => {
                ports.take_back(&owner);
                self.tell(container, Event::StartFailed(reason.into()));
            }
            Ok((mut child, pid, bindings)) => {
                self.table().running.insert((spec.id, name.clone()), Running::new(pid));
                let runtime_id = directory.runtime_id();
                self.tell(container, Event::Started { runtime_id, image_digest: None, bindings });
                let this = self.clone();
                self.table().work.spawn(async move {
                    let code = match child.wait().await {
                        Ok(status) => watch::code(status).or_else(|| directory.exit_code()),
                        Err(_) => directory.exit_code(),
                    };
                    this.ended(directory.task, &name, code);
                });
            }
        }
    }

    fn ended(&self, task: ResourceId, name: &Str, code: Option<i32>) {
        let mut table = self.table();
        let running = table.running.remove(&(task, name.clone()));
        let known = table.specs.contains_key(&task);
        let index = table.specs.get(&task).and_then(|spec| {
            spec.containers.iter().position(|container| container.name() == &**name)
        });
        if let Some(running) = running.as_ref().filter(|_| !known) {
            let code = code.or(running.killed.then_some(137));
            table.exits.insert((task, name.clone()), code);
        }
        drop(table);
        let Some(running) = running else { return };
        self.shared.ports.take_back(&(task, name.clone()));
        // What the command left behind ends with it, as in a container. Nobody may be left: that is fine.
        let _ = kill_process_group(running.pid, Signal::KILL);
        let code = code.or(running.killed.then_some(137));
        if let Some(index) = index {
            self.tell(ContainerRef { task, index }, Event::Exited { code, reason: None });
        }
    }

    fn signal(&self, container: ContainerRef, signal: Signal) {
        let Some(key) = self.place(container) else { return };
        let mut table = self.table();
        let Some(running) = table.running.get_mut(&key) else { return };
        running.killed |= signal == Signal::KILL;
        // A group that is gone already is being noticed by its watcher.
        let _ = kill_process_group(running.pid, signal);
    }

    pub(crate) fn stop(&self, container: ContainerRef) {
        self.signal(container, Signal::TERM);
    }

    pub(crate) fn kill(&self, container: ContainerRef) {
        self.signal(container, Signal::KILL);
    }

    pub(crate) fn probe(&self, container: ContainerRef) {
        let spec = self.table().specs.get(&container.task).cloned();
        let Some(spec) = spec else { return };
        let Some((task, name)) = self.place(container) else { return };
        let pid = self.table().running.get(&(task, name.clone())).map(|running| running.pid);
        let directory = Directory::of(&self.shared.root, task, name);
        let this = self.clone();
        self.table().work.spawn(async move {
            let spec = &spec.containers[container.index];
            let passed = match (probe_words(spec), pid) {
                (Some(words), Some(pid)) => {
                    launch::run(&directory, spec, pid, &words, probe_timeout(spec)).await
                }
                _ => false,
            };
            this.tell(container, Event::Probed { passed });
        });
    }

    pub(crate) fn remove(&self, task: ResourceId) {
        let mut table = self.table();
        table.specs.remove(&task);
        table.exits.retain(|(owner, _), _| *owner != task);
        let names: Vec<_> =
            table.running.keys().filter(|(owner, _)| *owner == task).cloned().collect();
        for key in names {
            if let Some(running) = table.running.remove(&key) {
                // Gone already is as good.
                let _ = kill_process_group(running.pid, Signal::KILL);
            }
        }
        drop(table);
        self.shared.ports.take_back_all(task);
        for directory in directory::of_task(&self.shared.root, task) {
            directory.retire();
        }
    }

    pub(crate) fn remove_all(&self) {
        let tasks: std::collections::BTreeSet<ResourceId> =
            self.table().running.keys().map(|(task, _)| *task).collect();
        for task in tasks {
            self.remove(task);
        }
        // The files of an instance that will not come back are of no use to anyone.
        let _ = std::fs::remove_dir_all(&self.shared.root);
    }

    pub(crate) fn look(&self, container: ContainerRef) -> Option<Sight> {
        let spec = self.table().specs.get(&container.task).cloned()?;
        let own = spec.containers.get(container.index)?;
        let directory = Directory::of(&self.shared.root, spec.id, own.name().into());
        Some(sight::look(&directory, &spec, own))
    }

    pub(crate) async fn stats(&self, container: ContainerRef) -> Option<serde_json::Value> {
        let (task, name) = self.place(container)?;
        let directory = Directory::of(&self.shared.root, task, name.clone());
        let key = (task, name);
        let pid = self.table().running.get(&key)?.pid;
        // All of `/proc` is read, which takes milliseconds.
        let sample = tokio::task::spawn_blocking(move || sight::sample(pid)).await.ok()??;
        let before = self.table().running.get_mut(&key)?.sample.replace(sample);
        Some(sight::stats(&directory.runtime_id(), &sample, before.as_ref()))
    }

    pub(crate) fn logs(&self, task: ResourceId, container: &str) -> Option<Vec<u8>> {
        Directory::of(&self.shared.root, task, container.into()).output(LOG_BYTES_MAX)
    }
}
