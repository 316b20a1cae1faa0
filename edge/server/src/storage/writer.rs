//! The only thread that writes to the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use longshore_control::{Change, Reply};
use longshore_events::Event;
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::host::Order;
use longshore_wire_ecs::{ApiError, ErrorCode};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::rows::{self, Row};
use super::{Storage, acknowledged};
use crate::events::{self, BusAnswer, BusSender, Feed};
use crate::limits;
use crate::metrics::Metrics;

/// Released once its commit is on disk.
pub(crate) enum Release {
    /// An answer.
    Reply(oneshot::Sender<Result<Reply, ApiError>>, Result<Reply, ApiError>),
    /// An answer of the event bus.
    BusReply(BusSender, BusAnswer),
    /// An order.
    Order(Order),
    /// An event, for followers.
    Event(Feed, Realm, Arc<Event>),
}

/// Changes, and what is released after them.
pub(crate) struct Commit {
    pub(crate) changes: Vec<Change>,
    pub(crate) releases: Vec<Release>,
}

/// A commit in the form that the thread receives.
struct Ready {
    rows: Vec<Row>,
    releases: Vec<Release>,
}

/// The writer's mailbox.
pub(crate) struct Writer {
    commits: mpsc::Sender<Ready>,
    waiting: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

/// Why nothing can be written any more; all waiting callers have been told.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A database error.
    #[error(
        "cannot write to the database: {0}. No acknowledged change is lost; restart when the database is writable again"
    )]
    Refused(String),
    /// The files are not in their place.
    #[error(
        "{0}. No further changes are acknowledged. Put it back and restart to continue, or just restart to begin with an empty cluster"
    )]
    Gone(String),
}

impl Writer {
    /// Starts the thread, from within a runtime. `failed` is notified when a transaction fails, or
    /// the files are gone.
    pub(crate) fn start(
        storage: Storage,
        metrics: Metrics,
        deliver: impl Fn(Vec<Order>) + Send + Sync + 'static,
        failed: mpsc::Sender<WriteError>,
    ) -> std::io::Result<Self> {
        let (commits, mailbox) = mpsc::channel(limits::COMMITS_WAITING_MAX);
        let inbox = Inbox { mailbox, clock: Handle::current() };
        let waiting = Arc::new(AtomicUsize::new(0));
        let counter = waiting.clone();
        let thread = std::thread::Builder::new().name("storage".to_owned()).spawn(move || {
            if let Err(error) = run(storage, inbox, &counter, &metrics, &deliver) {
                // Fails if the program is ending anyway, or if another failure was reported.
                let _ = failed.try_send(error);
            }
        })?;
        Ok(Self { commits, waiting, thread: Some(thread) })
    }

    /// Hands over a commit. One without changes waits only for earlier commits; but its orders may
    /// have to wait for their hosts, which only the thread may do.
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
        let rows = commit.changes.into_iter().map(Row::from).collect();
        let ready = Ready { rows, releases: commit.releases };
        if let Err(refused) = self.commits.send(ready).await {
            refuse(refused.0.releases);
        }
    }

    /// Waits until everything handed over is written.
    pub(crate) fn finish(mut self) {
        let (closed, _) = mpsc::channel(1);
        drop(std::mem::replace(&mut self.commits, closed));
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has been reported on standard error already.
            let _ = thread.join();
        }
    }
}

/// Waiting commits.
struct Inbox {
    mailbox: mpsc::Receiver<Ready>,
    /// The runtime, which provides timeouts to the thread.
    clock: Handle,
}

impl Inbox {
    /// Waits for the first commit of a group.
    fn first(&mut self) -> First {
        let first = async { timeout(limits::STORAGE_LOOK, self.mailbox.recv()).await };
        match self.clock.block_on(first) {
            Ok(Some(first)) => First::Commit(first),
            Ok(None) => First::Over,
            Err(_) => First::Nothing,
        }
    }

    /// The next commit of a group, if there is one.
    ///
    /// Changes that nobody waits for, such as reports of hosts, do not justify a disk sync of their
    /// own: they are held back briefly for the next commit that somebody waits for.
    fn next(&mut self, since: Instant, somebody_waits: bool) -> Option<Ready> {
        if let Ok(next) = self.mailbox.try_recv() {
            return Some(next);
        }
        let left = limits::COMMIT_LINGER.saturating_sub(since.elapsed());
        if left.is_zero() || somebody_waits {
            return None;
        }
        let next = async { timeout(left, self.mailbox.recv()).await };
        self.clock.block_on(next).ok().flatten()
    }
}

/// The result of waiting for the mailbox.
enum First {
    Commit(Ready),
    /// No commit within the time.
    Nothing,
    /// All senders are gone.
    Over,
}

/// Commits that share a transaction.
#[derive(Default)]
struct Group {
    taken: usize,
    releases: Vec<Release>,
}

fn run(
    mut storage: Storage,
    mut inbox: Inbox,
    waiting: &AtomicUsize,
    metrics: &Metrics,
    deliver: &(dyn Fn(Vec<Order>) + Send + Sync),
) -> Result<(), WriteError> {
    loop {
        let first = match inbox.first() {
            First::Commit(first) => first,
            First::Nothing => {
                storage.look_after();
                continue;
            }
            First::Over => return Ok(()),
        };
        let (mut group, since) = (Group::default(), Instant::now());
        let written = write(&mut storage, &mut inbox, first, &mut group);
        let written = written.map_err(|error| WriteError::Refused(error.to_string()));
        let is_written = matches!(written, Ok(true));
        if let Err(error) = written.and_then(|wrote| storage.acknowledge(wrote)) {
            refuse(group.releases);
            inbox.mailbox.close();
            while let Ok(commit) = inbox.mailbox.try_recv() {
                refuse(commit.releases);
            }
            return Err(error);
        }
        if is_written {
            metrics.committed(since.elapsed());
        }
        release(group.releases, deliver);
        waiting.fetch_sub(group.taken, Ordering::AcqRel);
        storage.look_after();
    }
}

/// Writes a commit, and all that arrive meanwhile, in one transaction. Rows are written as their
/// commits arrive, so only the disk sync is left at the end. Returns whether there was anything to
/// write.
fn write(
    storage: &mut Storage,
    inbox: &mut Inbox,
    first: Ready,
    group: &mut Group,
) -> rusqlite::Result<bool> {
    let (since, mut next) = (Instant::now(), Some(first));
    let mut transaction = None;
    while let Some(commit) = next {
        group.taken += 1;
        group.releases.extend(commit.releases);
        for row in commit.rows {
            let transaction = match &mut transaction {
                Some(open) => open,
                none => none.insert(storage.connection.unchecked_transaction()?),
            };
            rows::write(transaction, &mut storage.known, row)?;
        }
        let is_full = group.taken >= limits::COMMITS_WAITING_MAX
            || since.elapsed() >= limits::TRANSACTION_OPEN_MAX;
        next = if is_full { None } else { inbox.next(since, !group.releases.is_empty()) };
    }
    let Some(open) = transaction else { return Ok(false) };
    acknowledged::count(&open)?;
    open.commit()?;
    Ok(true)
}

fn release(releases: Vec<Release>, deliver: &(dyn Fn(Vec<Order>) + Send + Sync)) {
    // Orders go last and together: a host that does not read delays nobody else.
    let mut orders = Vec::new();
    for release in releases {
        match release {
            // Sending fails only if the caller hung up.
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

/// Rejects what was not written: callers get an error; orders and events are dropped.
fn refuse(releases: Vec<Release>) {
    for release in releases {
        let error = ApiError::new(
            ErrorCode::Server,
            "The change could not be written to disk and was not made.",
        );
        // Sending fails only if the caller hung up.
        match release {
            Release::Reply(to, _) => drop(to.send(Err(error))),
            Release::BusReply(to, reply) => drop(to.send(Err(events::refusal_like(&reply, error)))),
            Release::Order(_) | Release::Event(..) => {}
        }
    }
}
