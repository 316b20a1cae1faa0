//! The one thread that writes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use longshore_control::{Change, Key, Reply};
use longshore_events::Event;
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::host::Order;
use longshore_wire_ecs::{ApiError, ErrorCode};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::{Storage, rows};
use crate::events::{self, BusAnswer, BusSender, Feed};
use crate::limits;

/// What is let go once its commit is on disk.
pub(crate) enum Release {
    /// An answer.
    Reply(oneshot::Sender<Result<Reply, ApiError>>, Result<Reply, ApiError>),
    /// An answer of the event bus.
    BusReply(BusSender, BusAnswer),
    /// An order.
    Order(Order),
    /// An event, for those who follow.
    Event(Feed, Realm, Arc<Event>),
}

/// Changes, and what waits for them.
pub(crate) struct Commit {
    pub(crate) changes: Vec<Change>,
    pub(crate) releases: Vec<Release>,
}

/// The writer's mailbox.
pub(crate) struct Writer {
    commits: mpsc::Sender<Commit>,
    waiting: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

/// The writer could not write; everyone who waited has been told.
#[derive(Debug, thiserror::Error)]
#[error(
    "the database cannot be written: {0}. Nothing that was acknowledged is lost; start again when it can be written"
)]
pub struct WriteError(String);

impl Writer {
    /// Starts the thread, from within a runtime. `failed` is told when a transaction fails.
    pub(crate) fn start(
        storage: Storage,
        deliver: impl Fn(Vec<Order>) + Send + Sync + 'static,
        failed: oneshot::Sender<WriteError>,
    ) -> std::io::Result<Self> {
        let (commits, mailbox) = mpsc::channel(limits::COMMITS_WAITING_MAX);
        let inbox = Inbox { mailbox, clock: Handle::current() };
        let waiting = Arc::new(AtomicUsize::new(0));
        let counter = waiting.clone();
        let thread = std::thread::Builder::new().name("storage".to_owned()).spawn(move || {
            if let Err(error) = run(storage, inbox, &counter, &deliver) {
                // If nobody waits for this, the program is ending anyway.
                let _ = failed.send(error);
            }
        })?;
        Ok(Self { commits, waiting, thread: Some(thread) })
    }

    /// Hands over a commit. One without changes waits only for commits that are still on their way; but orders may have to wait
    /// for their hosts, which only the thread can do.
    pub(crate) async fn commit(&self, commit: Commit) {
        let is_order = |release: &Release| matches!(release, Release::Order(_));
        if commit.changes.is_empty()
            && self.waiting.load(Ordering::Acquire) == 0
            && !commit.releases.iter().any(is_order)
        {
            release(commit.releases, &|_| unreachable!("orders go to the thread"));
            return;
        }
        self.waiting.fetch_add(1, Ordering::AcqRel);
        if let Err(refused) = self.commits.send(commit).await {
            refuse(refused.0.releases);
        }
    }

    /// Waits until all that was handed over is written.
    pub(crate) fn finish(mut self) {
        let (closed, _) = mpsc::channel(1);
        drop(std::mem::replace(&mut self.commits, closed));
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has been reported on standard error already.
            let _ = thread.join();
        }
    }
}

/// Commits that wait.
struct Inbox {
    mailbox: mpsc::Receiver<Commit>,
    /// The runtime, whose clock the thread waits by.
    clock: Handle,
}

impl Inbox {
    /// The commits that are to be written together; none when nobody will hand over any more.
    ///
    /// Changes that nothing waits for, such as what hosts report, are not worth a wait for the disk of their own: they go
    /// with the next that something waits for, or alone after a moment.
    fn next(&mut self) -> Vec<Commit> {
        let mut commits: Vec<Commit> = self.mailbox.blocking_recv().into_iter().collect();
        let since = Instant::now();
        while !commits.is_empty() && commits.len() < limits::COMMITS_WAITING_MAX {
            if let Ok(next) = self.mailbox.try_recv() {
                commits.push(next);
                continue;
            }
            let left = limits::COMMIT_LINGER.saturating_sub(since.elapsed());
            if left.is_zero() || commits.iter().any(|commit| !commit.releases.is_empty()) {
                break;
            }
            let next = async { timeout(left, self.mailbox.recv()).await };
            match self.clock.block_on(next) {
                Ok(Some(next)) => commits.push(next),
                Ok(None) | Err(_) => break,
            }
        }
        commits
    }
}

fn run(
    mut storage: Storage,
    mut inbox: Inbox,
    waiting: &AtomicUsize,
    deliver: &(dyn Fn(Vec<Order>) + Send + Sync),
) -> Result<(), WriteError> {
    loop {
        let commits = inbox.next();
        if commits.is_empty() {
            return Ok(());
        }
        let taken = commits.len();
        let mut changes: BTreeMap<Key, Change> = BTreeMap::new();
        let mut releases = Vec::new();
        for commit in commits {
            changes.extend(commit.changes.into_iter().map(|change| (rows::key(&change), change)));
            releases.extend(commit.releases);
        }
        if let Err(error) = write(&mut storage, changes.values()) {
            refuse(releases);
            inbox.mailbox.close();
            while let Ok(commit) = inbox.mailbox.try_recv() {
                refuse(commit.releases);
            }
            return Err(WriteError(error.to_string()));
        }
        release(releases, deliver);
        waiting.fetch_sub(taken, Ordering::AcqRel);
    }
}

fn write<'a>(
    storage: &mut Storage,
    changes: impl Iterator<Item = &'a Change>,
) -> rusqlite::Result<()> {
    let mut changes = changes.peekable();
    if changes.peek().is_none() {
        return Ok(());
    }
    let transaction = storage.connection.transaction()?;
    for change in changes {
        rows::write(&transaction, &mut storage.known, change)?;
    }
    transaction.commit()
}

fn release(releases: Vec<Release>, deliver: &(dyn Fn(Vec<Order>) + Send + Sync)) {
    // Orders go last and together: a host that does not read keeps nobody else waiting.
    let mut orders = Vec::new();
    for release in releases {
        match release {
            // A caller that hung up does not want its answer.
            Release::Reply(to, reply) => drop(to.send(reply)),
            Release::BusReply(to, reply) => drop(to.send(reply)),
            Release::Order(order) => orders.push(order),
            Release::Event(feed, realm, event) => feed.tell(&realm, event),
        }
    }
    if !orders.is_empty() {
        deliver(orders);
    }
}

/// Nothing was written: callers are told so, orders are never given, events never told.
fn refuse(releases: Vec<Release>) {
    for release in releases {
        let error = ApiError::new(
            ErrorCode::Server,
            "The change could not be written to disk and was not made.",
        );
        // A caller that hung up does not want its answer.
        match release {
            Release::Reply(to, _) => drop(to.send(Err(error))),
            Release::BusReply(to, reply) => drop(to.send(Err(events::refusal_like(&reply, error)))),
            Release::Order(_) | Release::Event(..) => {}
        }
    }
}
