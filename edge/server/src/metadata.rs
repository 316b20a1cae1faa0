//! What a container sees of its surroundings: the task metadata endpoint, credentials, and its
//! environment.
//!
//! The endpoint is told what hosts order, request and report, keeps the latest of it by task in a
//! [`Book`], and asks the runtime for the rest when a client reads. It decides nothing, and nothing
//! waits for it.
//!
//! Access depends on knowing the path: each container gets its own id, which cannot be guessed. Ids
//! are derived from a key that is stored next to the files of the hosts together with the port, so
//! that containers that outlive the program find the endpoint again.

mod book;
mod files;
mod front;
mod listen;
mod provide;
mod secrets;
mod show;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longshore_agent::Runtime;
use longshore_agent::files::Folder;
use longshore_client::HostCredentials;
use longshore_lifecycle::ContainerRef;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::host::{NetworkMode, Order, TaskReport};
use tokio::sync::{Notify, watch};

pub(crate) use provide::Provider;

use self::book::{Book, Entry};
use self::listen::Address;
use crate::ecs::ControlHandle;

/// How long a request waits for its container to become known, in case it is faster than the
/// notification of its start. Chosen by us.
const PATIENCE: Duration = Duration::from_secs(2);

/// What containers are provided with, if configured.
#[derive(Clone, Debug, Default)]
pub struct Provisions {
    /// The port of the metadata endpoint; by default the previous one, or a free one.
    pub port: Option<u16>,
    /// Credentials for tasks with a role.
    pub credentials: Option<HostCredentials>,
    /// A directory that stands in for S3, with one directory per bucket.
    pub s3_dir: Option<PathBuf>,
    /// A file or directory with the values of secrets.
    pub secrets: Option<PathBuf>,
}

/// The surroundings of a container.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) instance: ResourceId,
    pub(crate) zone: Str,
    pub(crate) runtime: Runtime,
}

/// The task metadata endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    home: Realm,
    provisions: Provisions,
    control: ControlHandle,
    /// Where the key and the port are stored.
    root: Folder,
    book: Mutex<Book>,
    news: Notify,
    closed: watch::Receiver<bool>,
}

impl Metadata {
    pub(crate) fn new(
        home: Realm,
        provisions: Provisions,
        control: ControlHandle,
        root: Folder,
        closed: watch::Receiver<bool>,
    ) -> Self {
        let (book, news) = (Mutex::default(), Notify::new());
        Self { shared: Arc::new(Shared { home, provisions, control, root, book, news, closed }) }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // A panic elsewhere cannot corrupt the book: every change is a single insertion or removal.
        self.shared.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records an order that a host is about to carry out.
    pub(crate) fn ordered(&self, place: &Arc<Place>, order: &Order) {
        let mut book = self.book();
        for task in &order.tasks {
            book.order(place, task);
        }
    }

    /// Records that a container is about to start.
    fn starting(&self, container: ContainerRef) {
        self.book().start(container);
    }

    /// Records the state of a task, as reported by its host.
    pub(crate) fn reported(&self, report: &TaskReport) {
        self.book().report(report);
        self.shared.news.notify_waiters();
    }

    /// Forgets a task that its host has removed.
    pub(crate) fn removed(&self, task: ResourceId) {
        self.book().remove(task);
    }

    /// Forgets an instance that was terminated, with everything on it.
    pub(crate) fn lost(&self, instance: ResourceId) {
        self.book().lose(instance);
    }

    /// The address at which a container reaches the endpoint; `None` if it cannot.
    fn address(&self, place: &Place, mode: NetworkMode) -> Option<Address> {
        let on_bridge = matches!(place.runtime, Runtime::Docker(_)) && mode == NetworkMode::Bridge;
        let book = self.book();
        match (&place.runtime, mode) {
            (Runtime::Docker(_), NetworkMode::None | NetworkMode::Awsvpc) => None,
            _ if on_bridge => book.bridge.clone(),
            _ => book.loopback.clone(),
        }
    }

    /// The container with an id, once it has been started.
    async fn find(&self, id: &str) -> Option<(Entry, usize)> {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let news = self.shared.news.notified();
            let (entry, index) = self.book().find(id)?;
            if entry.runtime_id(index).is_some() {
                return Some((entry, index));
            }
            if tokio::time::timeout_at(until, news).await.is_err() {
                return None;
            }
        }
    }
}
