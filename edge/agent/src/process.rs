//! Processes of this machine, for use without a Docker daemon.
//!
//! A container is a process group with its own directory, environment and captured output. Between
//! it and us is a [supervisor](crate::supervise), which outlives us: it records its process id
//! before the command starts and the exit code after the command has ended, so that both are known
//! even if the agent was killed in between. The directory is created before the process: whoever
//! creates the record first decides whether the process ever starts, and a process that started is
//! found again.
//!
//! Not supported: images, isolation, memory and CPU limits, mounts other than the sandbox of a task and
//! what is below it. A container that needs an image because it names no command, or that mounts another
//! volume, fails to start with a reason that says so.

pub(crate) mod directory;
mod found;
mod launch;
mod names;
mod ports;
pub(crate) mod proc;
mod sandbox;
pub(crate) mod seal;
mod sight;
mod table;
mod told;
mod watch;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longshore_lifecycle::{ContainerRef, Event, environment};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::fetch::{FAILURE, FetchCache, FetchSettings};
use longshore_wire_ecs::host::{ContainerSpec, PortBinding, TaskSpec};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::Semaphore;
use tokio::sync::watch::Sender;

use self::directory::Directory;
pub use self::directory::SANDBOX;
pub(crate) use self::found::end_left_behind;
use self::found::end_rest;
use self::launch::Launched;
pub(crate) use self::launch::identity;
pub use self::names::Names;
pub use self::ports::Ports;
pub use self::proc::machine;
pub use self::sandbox::{About, Member, Sandbox};
pub use self::seal::{KEY_BYTES, Key};
use self::table::{Place, Running, Table, signal_group};
use crate::busy::Busy;
use crate::files::Folder;
use crate::{Events, LOG_BYTES_MAX, Sight, probe_timeout, probe_words};

/// How long a supervisor may take after its command was killed before it is killed too. Chosen by
/// us: longer than its own wait.
const LAST_WORDS: Duration = Duration::from_secs(8);

/// How long output and sandbox are kept after the end of a task: as long as ECS shows a stopped task.
pub const SANDBOX_KEPT: Duration = Duration::from_hours(1);

/// Bytes of the end of a fetcher's output in which its last word is looked for. Chosen by us.
const LAST_WORD_BYTES: usize = 4 * 1024;

/// How long to wait for stopped processes. Chosen by us.
const SETTLE: Duration = Duration::from_secs(5);

/// The program that supervises a container: our own, run again.
#[derive(Clone, Debug)]
pub struct Supervisor {
    /// The program.
    pub program: PathBuf,
    /// Arguments before those of [`supervise::main`](crate::supervise::main).
    pub words: Vec<String>,
    /// Arguments that make it run [`fetch::main`](crate::fetch::main).
    pub fetch_words: Vec<String>,
}

impl Supervisor {
    /// The currently running program, even if its file was replaced.
    pub fn own() -> Self {
        let words = |word: &str| vec![word.to_owned()];
        Self {
            program: "/proc/self/exe".into(),
            words: words("supervise"),
            fetch_words: words("fetch"),
        }
    }
}

/// Settings shared by the processes of all instances.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The directory below which each instance keeps its files.
    pub hosts: Folder,
    /// The key that seals records.
    pub key: Key,
    /// The program that runs between us and the commands.
    pub supervisor: Supervisor,
    /// The ports of this machine that are assigned to processes.
    pub ports: Ports,
    /// Whether processes end with us, however we end.
    pub ends_with_us: bool,
    /// What tasks may have fetched. Each instance has a cache of its own, if there is one.
    pub fetch: FetchSettings,
    /// How long output and sandbox of a task are kept after its end.
    pub sandbox_kept: Duration,
}

/// The processes of one container instance.
#[derive(Clone, Debug)]
pub struct Processes {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    instance: ResourceId,
    setup: Setup,
    root: Folder,
    events: Events,
    table: Mutex<Table>,
    /// Who may look for all sandboxes now.
    looks: Arc<Semaphore>,
    /// Number of supervisors in progress.
    busy: Sender<usize>,
}

impl Processes {
    /// Creates the runtime of one container instance.
    ///
    /// # Errors
    /// If its directory cannot be created.
    pub fn new(setup: Setup, instance: ResourceId, events: Events) -> io::Result<Self> {
        let root = setup.hosts.make(instance.to_string())?;
        let (table, busy) = (Mutex::default(), Sender::new(0));
        let looks = Arc::new(Semaphore::new(told::LOOKS_MAX));
        let shared = Shared { instance, setup, root, events, table, looks, busy };
        Ok(Self { shared: Arc::new(shared) })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // A panic elsewhere cannot corrupt the table: every change is a single insertion or
        // removal.
        self.shared.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, container: ContainerRef, event: Event) {
        // The receiver is gone only during shutdown.
        let _ = self.shared.events.send((container, event));
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut table = self.table();
        while let Some(ended) = table.work.try_join_next() {
            if let Err(error) = ended {
                let instance = self.shared.instance;
                tracing::error!(%instance, %error, "an operation on a container was aborted");
            }
        }
        table.work.spawn(work);
    }

    /// Runs code that may block on the disk without blocking others.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Option<T> {
        let this = self.clone();
        tokio::task::spawn_blocking(move || work(&this)).await.ok()
    }

    fn place(&self, container: ContainerRef) -> Option<Place> {
        let table = self.table();
        let spec = table.specs.get(&container.task)?;
        Some((container.task, spec.containers.get(container.index)?.name().into()))
    }

    fn directory(&self, task: ResourceId, container: &str) -> Option<Directory> {
        Directory::open(&self.shared.root, &self.shared.setup.key, task, container)
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
        let place: Place = (spec.id, spec.containers[container.index].name().into());
        self.table().running.insert(place.clone(), Running::default());
        let busy = Busy::new(&self.shared.busy);
        let this = self.clone();
        self.spawn(async move {
            match this.launch(&place, &spec, container.index).await {
                Ok((directory, launched, bindings)) => {
                    this.run(container, place, directory, launched, bindings).await;
                }
                Err(reason) => {
                    this.shared.setup.ports.take_back(&place);
                    this.table().running.remove(&place);
                    this.tell(container, Event::StartFailed(reason.into()));
                }
            }
            drop(busy);
        });
    }

    async fn launch(
        &self,
        place: &Place,
        spec: &Arc<TaskSpec>,
        index: usize,
    ) -> Result<(Directory, Launched, Vec<PortBinding>), String> {
        let Shared { setup, root, .. } = &*self.shared;
        let (task, name) = place;
        let container = &spec.containers[index];
        let links = sandbox::mounts(spec, container)?;
        launch::check(container)?;
        let bindings = setup.ports.give(place, spec.network_mode, container)?;
        let spec = environment::with(spec, index, ports::told(container, &bindings));
        let container = &spec.containers[index];
        let directory = Directory::create(root, &setup.key, *task, name)
            .map_err(|error| format!("CannotCreateContainerError: {error}"))?;
        let sandbox = match links {
            Some(links) => {
                let (root, whole) = (root.clone(), spec.clone());
                let made = self
                    .aside(move |_| sandbox::make(&root, &whole, &whole.containers[index], &links))
                    .await;
                made.unwrap_or_else(|| Err(io::Error::other("a thread died")))
                    .map_err(|error| format!("CannotCreateContainerError: {error}"))?;
                Some(sandbox::path(&self.shared.root, &spec, container))
            }
            None => None,
        };
        let settings = self.fetch_settings(container);
        let inside = launch::Inside { sandbox, settings };
        let launched = launch::start(setup, &directory, container, &inside).await?;
        Ok((directory, launched, bindings))
    }

    async fn run(
        &self,
        container: ContainerRef,
        place: Place,
        directory: Directory,
        launched: Launched,
        bindings: Vec<PortBinding>,
    ) {
        let Launched { mut supervisor, ran, lifeline } = launched;
        let pid = supervisor.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let running =
            Running { supervisor: pid, ran: Some(ran.clone()), lifeline, ..Running::default() };
        let is_wanted = self.table().take_in(&place, running);
        if is_wanted {
            let runtime_id = directory.runtime_id();
            self.tell(container, Event::Started { runtime_id, image_digest: None, bindings });
        }
        let status = supervisor.wait().await;
        let code = self.code(directory).await;
        let code = code.or_else(|| watch::code(status.ok()?));
        let reason = if code == Some(0) { None } else { self.last_word(&place).await };
        self.ended(&place, code, reason);
        if !is_wanted {
            // The removal came before there was anything to retire.
            self.remove(container.task);
        }
    }

    /// The exit code that a supervisor recorded. If there is none, the supervisor was killed, and
    /// its remaining processes are killed here.
    async fn code(&self, directory: Directory) -> Option<i32> {
        let read = self.aside(move |_| {
            let code = directory.exit_code();
            if code.is_none() {
                end_rest(&directory);
            }
            code
        });
        read.await?
    }

    /// What a fetcher is told of this machine; `None` for other containers.
    fn fetch_settings(&self, container: &ContainerSpec) -> Option<FetchSettings> {
        if !sandbox::is_fetcher(container) {
            return None;
        }
        let Shared { root, setup, .. } = &*self.shared;
        let mut settings = setup.fetch.clone();
        settings.cache = settings.cache.and_then(|cache| {
            let folder = root.make(&*cache.directory).ok()?;
            Some(FetchCache { directory: folder.path().to_str()?.into(), ..cache })
        });
        Some(settings)
    }

    /// What a fetcher said last, if it failed: nothing else tells why.
    async fn last_word(&self, place: &Place) -> Option<Str> {
        let spec = self.table().specs.get(&place.0).cloned()?;
        let container = spec.containers.iter().find(|one| one.name() == &*place.1)?;
        if !sandbox::is_fetcher(container) {
            return None;
        }
        let place = place.clone();
        let output =
            self.aside(move |this| this.directory(place.0, &place.1)?.output(LAST_WORD_BYTES));
        let output = output.await??;
        let text = String::from_utf8_lossy(&output);
        text.lines().rev().find(|line| line.starts_with(FAILURE)).map(Str::from)
    }

    fn ended(&self, place: &Place, code: Option<i32>, reason: Option<Str>) {
        let mut table = self.table();
        let Some(running) = table.running.remove(place) else { return };
        self.shared.setup.ports.take_back(place);
        let code = code.or(running.killed.then_some(137));
        let (task, name) = place;
        let Some(spec) = table.specs.get(task) else {
            table.exits.insert(place.clone(), code);
            return;
        };
        let index = spec.containers.iter().position(|container| container.name() == &**name);
        drop(table);
        if let Some(index) = index {
            let container = ContainerRef { task: *task, index };
            self.tell(container, Event::Exited { code, reason });
        }
    }

    pub(crate) fn stop(&self, container: ContainerRef) {
        let Some(place) = self.place(container) else { return };
        if let Some(ran) = self.table().running.get(&place).and_then(|running| running.ran.as_ref())
        {
            signal_group(ran, Signal::TERM);
        }
    }

    pub(crate) fn kill(&self, container: ContainerRef) {
        let Some(place) = self.place(container) else { return };
        let supervisor = {
            let mut table = self.table();
            let Some(running) = table.running.get_mut(&place) else { return };
            running.killed = true;
            running.end();
            running.supervisor
        };
        let this = self.clone();
        self.spawn(async move {
            tokio::time::sleep(LAST_WORDS).await;
            let still = this.table().running.get(&place).and_then(|running| running.supervisor);
            if let Some(pid) = still.filter(|pid| Some(*pid) == supervisor) {
                // It is in the table, so it has not been reaped and the process id is still its
                // own.
                let _ = kill_process(pid, Signal::KILL);
            }
        });
    }

    pub(crate) fn probe(&self, container: ContainerRef) {
        let spec = self.table().specs.get(&container.task).cloned();
        let Some(spec) = spec else { return };
        let Some(place) = self.place(container) else { return };
        let supervisor = self.table().running.get(&place).and_then(|running| running.supervisor);
        let this = self.clone();
        self.spawn(async move {
            let task = spec;
            let spec = &task.containers[container.index];
            let directory = this.directory(place.0, &place.1);
            let passed = match (probe_words(spec), supervisor, directory) {
                (Some(words), Some(pid), Some(directory)) => {
                    let (setup, most) = (&this.shared.setup, probe_timeout(spec));
                    let root = &this.shared.root;
                    let inside = sandbox::mounts(&task, spec).ok().flatten();
                    let sandbox = inside.map(|_| sandbox::path(root, &task, spec));
                    let sandbox = sandbox.as_deref();
                    launch::probe(setup, &directory, spec, sandbox, pid, &words, most).await
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
        table.running.retain(|(owner, _), running| {
            let is_kept = *owner != task;
            if !is_kept {
                running.end();
            }
            is_kept
        });
        drop(table);
        self.shared.setup.ports.take_back_all(task);
        let busy = Busy::new(&self.shared.busy);
        let this = self.clone();
        self.spawn(async move {
            let retired = this.aside(move |this| {
                let Shared { root, setup, .. } = &*this.shared;
                directory::of_task(root, &setup.key, task).iter().for_each(Directory::retire);
            });
            // What could not be retired is found again by the next agent.
            retired.await;
            drop(busy);
        });
    }

    pub(crate) fn remove_all(&self) {
        let tasks: BTreeSet<ResourceId> =
            self.table().running.keys().map(|(task, _)| *task).collect();
        for task in tasks {
            self.remove(task);
        }
    }

    /// Waits until stopped processes have ended, then removes the files of the instance, which will
    /// not come back.
    pub(crate) async fn settle(&self) {
        let mut busy = self.shared.busy.subscribe();
        // Whatever has not ended by then was killed and is up to the kernel.
        let _ = tokio::time::timeout(SETTLE, busy.wait_for(|count| *count == 0)).await;
        let removed =
            self.aside(|this| this.shared.setup.hosts.remove(this.shared.instance.to_string()));
        // Nobody needs the files any more; leftovers only use space.
        drop(removed.await);
    }

    pub(crate) async fn look(&self, container: ContainerRef) -> Option<Sight> {
        let spec = self.table().specs.get(&container.task).cloned()?;
        let seen = self.aside(move |this| {
            let own = spec.containers.get(container.index)?;
            let directory = this.directory(spec.id, own.name())?;
            Some(sight::look(&directory, &spec, own))
        });
        seen.await?
    }

    pub(crate) async fn stats(&self, container: ContainerRef) -> Option<serde_json::Value> {
        let place = self.place(container)?;
        let supervisor = self.table().running.get(&place)?.supervisor?;
        // Reading files of `/proc` takes milliseconds.
        let sample = self.aside(move |_| sight::sample(supervisor)).await??;
        let before = self.table().running.get_mut(&place)?.sample.replace(sample);
        let id = directory::runtime_id(place.0, &place.1);
        Some(sight::stats(&id, &sample, before.as_ref()))
    }

    pub(crate) async fn logs(&self, task: ResourceId, container: &str) -> Option<Vec<u8>> {
        let container = container.to_owned();
        let read = self.aside(move |this| this.directory(task, &container)?.output(LOG_BYTES_MAX));
        read.await?
    }
}
