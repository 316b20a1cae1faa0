//! Containers of a Docker daemon.
//!
//! The daemon holds the state: containers outlive the agent, and are found again by their labels.
//! Several container instances share one daemon, so every container carries `longshore.instance`
//! besides the labels of the real container agent, and an instance sees only its own.
//!
//! Invariants:
//! - A container has one entry in the table from the moment it is requested until its end is
//!   reported or its task is removed. Whoever removes the entry reports the end, so there is
//!   exactly one `Exited`.
//! - If a container was found but its task is not known yet, its end is kept until `adopt` provides
//!   the task.
//! - If a task is removed while one of its containers is being created, it is removed again once
//!   that container exists. A container that exists already is found by the listing of the removal,
//!   which starts after the specification was dropped.
//! - A `stop` that arrives before the container runs is kept and sent once it does.
//!
//! Output is read from the daemon while the container exists. Removing a task removes its
//! containers; the end of their output is then kept in memory, within bounds: the oldest tasks are
//! dropped first, and everything is lost when the agent exits. Keeping stopped containers for an
//! hour instead would occupy disk and names for output that is rarely read.
//!
//! Health checks run through `exec` when the lifecycle asks; Docker gets none, and the image's own
//! is disabled.

mod create;
mod failure;
mod launch;
mod logs;
mod pause;
mod probe;
mod pull;
mod sight;
mod table;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longshore_lifecycle::{ContainerRef, Event, Found, FoundState};
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::TaskSpec;
use tokio::sync::watch::Sender;

use crate::busy::Busy;
use crate::docker::failure::{Failure, bounded};
use crate::docker::launch::NotStarted;
use crate::docker::pull::Pulls;
use crate::docker::table::{Key, Phase, Table};
use crate::docker::watch::End;
use crate::{Events, probe_timeout, probe_words};

pub use crate::docker::pull::PullPolicy;
pub use crate::docker::sight::gateway;

/// How long to wait for the daemon when opening a runtime. Chosen by us.
const CONNECT: Duration = Duration::from_secs(2);

/// How long to wait for the daemon when only probing for it. Chosen by us.
const ANSWER: Duration = Duration::from_secs(1);

/// How long to wait on shutdown for removals and starts in progress. Chosen by us.
const SETTLE: Duration = Duration::from_secs(5);

/// Timeout of the client itself. Longer than all of our timeouts, so that ours take effect.
const CLIENT: Duration = Duration::from_mins(5);

/// The containers of one container instance.
#[derive(Clone, Debug)]
pub struct Docker {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    daemon: bollard::Docker,
    instance: ResourceId,
    events: Events,
    pulls: Pulls,
    table: Mutex<Table>,
    /// Number of removals, and of starts not reported yet, in progress.
    busy: Sender<usize>,
}

/// Connects to the daemon that `DOCKER_HOST` names, or to the local one.
///
/// # Errors
/// Why that failed, for people.
pub async fn connect(
    instance: ResourceId,
    events: Events,
    pull: PullPolicy,
) -> Result<Docker, String> {
    let daemon = reach(CONNECT).await.map_err(|why| absent(&why))?;
    let (pulls, table, busy) = (Pulls::new(pull), Mutex::default(), Sender::new(0));
    Ok(Docker { shared: Arc::new(Shared { daemon, instance, events, pulls, table, busy }) })
}

/// The name of the machine that the daemon runs on, which provides the ports of its containers.
///
/// # Errors
/// Why it is unknown, for people.
pub async fn machine() -> Result<String, String> {
    let daemon = reach(CONNECT).await.map_err(|why| absent(&why))?;
    let told = bounded(CONNECT, daemon.info()).await.map_err(|failure| failure.to_string())?;
    told.name.ok_or_else(|| "the Docker daemon does not report its host name".to_owned())
}

/// Error message for a daemon that does not answer, with its address.
fn absent(why: &str) -> String {
    // Only for the message: the client reads the variable itself.
    let place = std::env::var("DOCKER_HOST").ok().filter(|place| !place.is_empty());
    let place = place.unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned());
    format!("no Docker daemon responds at {place}: {why}")
}

/// Whether a daemon answers within a second.
pub async fn answers() -> bool {
    reach(ANSWER).await.is_ok()
}

async fn reach(most: Duration) -> Result<bollard::Docker, String> {
    let daemon = bollard::Docker::connect_with_defaults();
    let daemon = daemon.map_err(|error| failure::describe(&error))?.with_timeout(CLIENT);
    bounded(most, daemon.ping()).await.map_err(|failure| failure.to_string())?;
    Ok(daemon)
}

impl Docker {
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

    pub(crate) async fn inventory(&self) -> Result<Vec<Found>, String> {
        let told = |what: &str, failure: Failure| format!("{what}: {failure}");
        let Shared { daemon, instance, .. } = &*self.shared;
        let listed = launch::list(daemon, *instance).await;
        let listed = listed.map_err(|failure| told("cannot list existing containers", failure))?;
        let mut found = Vec::new();
        for (id, key) in listed {
            let one = self.look_at(&id, key).await;
            found.extend(one.map_err(|failure| told("cannot inspect a container", failure))?);
        }
        Ok(found)
    }

    /// The state of a container created earlier; `None` if it is gone. One that never started is
    /// removed, so that it never will.
    async fn look_at(&self, id: &str, key: Key) -> Result<Option<Found>, Failure> {
        let daemon = &self.shared.daemon;
        let seen = match watch::inspect(daemon, id).await {
            Err(failure) if failure.is_missing() => return Ok(None),
            seen => seen?,
        };
        let state = match watch::state(&seen.state.clone().unwrap_or_default()) {
            watch::State::NeverStarted => {
                // A container that is being started now is not left over from before.
                if !self.is_known(&key) {
                    launch::discard(daemon, id).await;
                }
                return Ok(None);
            }
            watch::State::Running => {
                self.watch_found(id.to_owned(), key.clone());
                FoundState::Running
            }
            watch::State::Ended(code) => FoundState::Exited(code),
        };
        let (task, container) = key;
        let (runtime_id, bindings) = (id.into(), launch::bindings(&seen));
        Ok(Some(Found { task, container, runtime_id, bindings, state }))
    }

    fn is_known(&self, key: &Key) -> bool {
        self.table().containers.contains_key(key)
    }

    fn watch_found(&self, id: String, key: Key) {
        if self.is_known(&key) {
            // Already watched: the inventory was requested twice.
            return;
        }
        let running = Phase::Running(id.clone());
        self.table().containers.insert(key.clone(), running);
        let this = self.clone();
        self.spawn(async move {
            let exited = watch::until_ended(&this.shared.daemon, &id).await;
            this.ended(key, exited);
        });
    }

    pub(crate) fn adopt(&self, spec: &Arc<TaskSpec>) {
        let mut kept = Vec::new();
        let mut table = self.table();
        table.specs.entry(spec.id).or_insert_with(|| spec.clone());
        for (index, container) in spec.containers.iter().enumerate() {
            if let Some(exited) = table.exits.remove(&(spec.id, container.name().into())) {
                kept.push((ContainerRef { task: spec.id, index }, exited));
            }
        }
        drop(table);
        for (container, exited) in kept {
            self.tell(container, exited);
        }
    }

    pub(crate) fn start(&self, container: ContainerRef, spec: Arc<TaskSpec>) {
        self.adopt(&spec);
        let key: Key = (spec.id, spec.containers[container.index].name().into());
        self.table().containers.insert(key.clone(), Phase::Starting(None));
        let busy = Busy::new(&self.shared.busy);
        let this = self.clone();
        self.spawn(async move {
            let launched = this.launch(container, &spec).await;
            drop(busy);
            match launched {
                Ok(Some((id, started))) => this.run(container, key, &id, started).await,
                Ok(None) => {}
                Err(failed) => {
                    this.table().containers.remove(&key);
                    this.tell(container, failed.into());
                }
            }
        });
    }

    /// Pulls, creates and starts; `None` if the task was removed in the meantime.
    async fn launch(
        &self,
        container: ContainerRef,
        spec: &TaskSpec,
    ) -> Result<Option<(String, Event)>, NotStarted> {
        let Shared { daemon, instance, pulls, .. } = &*self.shared;
        let image =
            spec.containers[container.index].definition.image.as_deref().unwrap_or_default();
        self.tell(container, Event::PullStarted);
        let pulled = pulls.provide(daemon, image).await;
        self.tell(container, Event::PullStopped);
        pulled?;
        if pause::is_needed(spec) {
            pause::provide(daemon, *instance, spec).await?;
        }
        let id = launch::create(daemon, *instance, spec, container.index).await?;
        if !self.table().specs.contains_key(&container.task) {
            // The removal may have listed containers before this one existed.
            self.remove(container.task);
            return Ok(None);
        }
        Ok(Some((id.clone(), launch::start(daemon, &id).await?)))
    }

    async fn run(&self, container: ContainerRef, key: Key, id: &str, started: Event) {
        let early = self.table().started(&key, id);
        self.tell(container, started);
        if let Some(how) = early {
            self.end(container, how);
        }
        let exited = watch::until_ended(&self.shared.daemon, id).await;
        self.ended(key, exited);
    }

    fn ended(&self, key: Key, exited: Event) {
        let mut table = self.table();
        if table.containers.remove(&key).is_none() {
            return;
        }
        let Some(container) = table.place(&key) else {
            table.exits.insert(key, exited);
            return;
        };
        drop(table);
        self.tell(container, exited);
    }

    fn end(&self, container: ContainerRef, how: End) {
        let mut table = self.table();
        let Some(key) = table.key(container) else {
            return;
        };
        let id = match table.containers.get_mut(&key) {
            Some(Phase::Running(id)) => id.clone(),
            Some(Phase::Starting(early)) => {
                *early = (*early).max(Some(how));
                return;
            }
            None => return,
        };
        drop(table);
        let this = self.clone();
        self.spawn(async move { watch::signal(&this.shared.daemon, &id, how).await });
    }

    pub(crate) fn stop(&self, container: ContainerRef) {
        self.end(container, End::Stop);
    }

    pub(crate) fn kill(&self, container: ContainerRef) {
        self.end(container, End::Kill);
    }

    pub(crate) fn probe(&self, container: ContainerRef) {
        let table = self.table();
        let Some(spec) = table.specs.get(&container.task).cloned() else {
            return;
        };
        let Some(id) = table.running(container) else {
            return;
        };
        drop(table);
        let this = self.clone();
        self.spawn(async move {
            let spec = &spec.containers[container.index];
            let passed = match probe_words(spec) {
                Some(words) => {
                    probe::passes(&this.shared.daemon, &id, words, probe_timeout(spec)).await
                }
                None => false,
            };
            this.tell(container, Event::Probed { passed });
        });
    }

    pub(crate) fn remove(&self, task: ResourceId) {
        self.table().forget(task);
        let busy = Busy::new(&self.shared.busy);
        let this = self.clone();
        self.spawn(async move {
            let mut failures = 0;
            while let Err(failure) = this.clear(task).await {
                if failures == 0 {
                    let instance = this.shared.instance;
                    tracing::warn!(%instance, %task, %failure, "cannot remove the containers of a task yet");
                }
                failures += 1;
                tokio::time::sleep(failure::pause(failures)).await;
            }
            drop(busy);
        });
    }

    pub(crate) fn remove_all(&self) {
        self.table().forget_all();
        let busy = Busy::new(&self.shared.busy);
        let this = self.clone();
        self.spawn(async move {
            let Shared { daemon, instance, .. } = &*this.shared;
            match launch::list(daemon, *instance).await {
                Ok(listed) => {
                    let tasks = listed.into_iter().map(|(_, (task, _))| task);
                    let tasks: BTreeSet<ResourceId> = tasks.collect();
                    for task in tasks {
                        this.remove(task);
                    }
                }
                Err(failure) => {
                    tracing::warn!(%instance, %failure, "cannot list the containers, so they are left behind");
                }
            }
            drop(busy);
        });
    }

    pub(crate) async fn settle(&self) {
        let mut busy = self.shared.busy.subscribe();
        // Whatever is left by then is being removed by the daemon, or the daemon does not respond.
        let _ = tokio::time::timeout(SETTLE, busy.wait_for(|count| *count == 0)).await;
    }

    /// Saves the output of a task's containers, and removes them and the task's own volumes.
    async fn clear(&self, task: ResourceId) -> Result<(), Failure> {
        let Shared { daemon, instance, .. } = &*self.shared;
        let mut listed = launch::list(daemon, *instance).await?;
        listed.retain(|(_, (owner, _))| *owner == task);
        let mut outputs = BTreeMap::new();
        for (id, (_, name)) in &listed {
            let is_kept = self.table().kept.get(task, name).is_some();
            if let (false, Some(output)) = (is_kept, logs::tail(daemon, id).await) {
                outputs.insert(name.clone(), output);
            }
        }
        self.table().kept.add(task, outputs);
        for (id, _) in &listed {
            launch::remove(daemon, id).await?;
        }
        launch::discard_volumes(daemon, task).await
    }

    pub(crate) async fn logs(
        &self,
        task: ResourceId,
        container: &str,
    ) -> Result<Option<Vec<u8>>, String> {
        let kept = self.table().kept.get(task, container);
        if kept.is_some() {
            return Ok(kept);
        }
        let listed = launch::list(&self.shared.daemon, self.shared.instance).await;
        let listed = listed.map_err(|failure| failure.to_string())?;
        let named = |(_, (owner, name)): &(String, Key)| *owner == task && &**name == container;
        match listed.into_iter().find(named) {
            Some((id, _)) => Ok(logs::tail(&self.shared.daemon, &id).await),
            None => Ok(None),
        }
    }
}
