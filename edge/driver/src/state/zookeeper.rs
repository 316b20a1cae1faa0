//! State in ZooKeeper: a node for each variable, below one path.
//!
//! Source: Mesos, `ZooKeeperState`: the same nodes with the same content, so a framework finds what it stored through libmesos.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::entry::{self, Change};
use super::{Pending, StateError, Variable, worker};
use crate::master;

/// Operations that may wait. Source: chosen by us: a framework may fetch all of its variables at once.
const OPERATIONS_MAX: usize = 16 * 1024;
/// Bytes of values that may wait to be stored. Source: chosen by us.
const BYTES_MAX: usize = 64 * 1024 * 1024;
/// Source: chosen by us.
const FAREWELL: Duration = Duration::from_secs(10);
/// The shortest session. Source: ZooKeeper takes no shorter one by default.
const SESSION_MIN: Duration = Duration::from_secs(4);

/// Where the state is kept.
#[derive(Clone)]
pub struct ZooKeeperOptions {
    pub(super) servers: String,
    pub(super) session: Duration,
    /// The path of the variables without a slash at its end; empty for the root.
    pub(super) path: String,
    /// `user:password`.
    pub(super) digest: Option<Vec<u8>>,
    /// How long what was asked is tried after nobody refers to the state any more.
    pub(super) farewell: Duration,
}

impl fmt::Debug for ZooKeeperOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZooKeeperOptions")
            .field("servers", &self.servers)
            .field("path", &self.path)
            .field("digest", &self.digest.as_ref().map(|_| "..."))
            .finish_non_exhaustive()
    }
}

/// Why state cannot be kept there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot keep state in ZooKeeper at {servers:?} under {path:?}: {why}")]
pub struct BadZooKeeper {
    servers: String,
    path: String,
    why: &'static str,
}

impl ZooKeeperOptions {
    /// The variables are below `path` (`/my-framework/state`) on `servers` (`host:port,host:port`), read and written in sessions of
    /// `session`, 4 s at least. With `digest` (`user:password`), everybody may read them and only this user may change them.
    ///
    /// # Errors
    /// That these name no place in ZooKeeper.
    pub fn new(
        servers: &str,
        session: Duration,
        path: &str,
        digest: Option<Vec<u8>>,
    ) -> Result<Self, BadZooKeeper> {
        let bad = |why| BadZooKeeper { servers: servers.to_owned(), path: path.to_owned(), why };
        let named = master::servers_of(servers.trim()).map_err(bad)?;
        let path = path.trim_end_matches('/');
        let is_path = path.is_empty() || path.starts_with('/');
        let has_bad_part = path.split('/').skip(1).any(|part| entry::checked(part).is_err());
        if !is_path || has_bad_part || path.len() > entry::NAME_BYTES_MAX {
            return Err(bad(
                "the path must begin with '/', have 1,000 bytes at most, and nothing between slashes may be empty",
            ));
        }
        if digest.as_ref().is_some_and(|digest| !digest.contains(&b':')) {
            return Err(bad("credentials are user:password"));
        }
        Ok(Self {
            servers: named,
            session: session.max(SESSION_MIN),
            path: path.to_owned(),
            digest,
            farewell: FAREWELL,
        })
    }
}

/// State that is kept in ZooKeeper.
///
/// What is asked is done in its order, by a thread of its own, and tried again for as long as ZooKeeper cannot be reached: whoever asks
/// decides how long to [`wait`](Pending::wait), and may [`cancel`](Pending::cancel). Dropped, it goes on with what was asked before, for
/// 10 s at most and as long as the process lives.
///
/// A connection that breaks before the answer leaves open whether a change was made; it is made again unless it is found done. Where
/// somebody else has changed the variable once more by then, [`store`](Self::store) says `None` though its value was there for a moment.
#[derive(Debug)]
pub struct ZooKeeperState {
    asked: UnboundedSender<Operation>,
    load: Arc<Load>,
}

/// Whoever waits for an operation that nobody does any more hears of it.
impl Drop for Operation {
    fn drop(&mut self) {
        match self {
            Self::Fetch(_, pending) => pending.settle(Err(StateError::Closed)),
            Self::Store(_, pending) => pending.settle(Err(StateError::Closed)),
            Self::Expunge(_, pending) => pending.settle(Err(StateError::Closed)),
            Self::Names(pending) => pending.settle(Err(StateError::Closed)),
        }
    }
}

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Load {
    operations: AtomicUsize,
    bytes: AtomicUsize,
}

/// One thing to do.
#[derive(Debug)]
pub(super) enum Operation {
    Fetch(String, Pending<Variable>),
    Store(Change, Pending<Option<Variable>>),
    Expunge(Variable, Pending<bool>),
    Names(Pending<Vec<String>>),
}

impl Operation {
    fn bytes(&self) -> usize {
        match self {
            Self::Fetch(name, _) => name.len(),
            Self::Store(change, _) => change.bytes.len() + change.after.value().len(),
            Self::Expunge(variable, _) => variable.value().len(),
            Self::Names(_) => 0,
        }
    }
}

impl Load {
    /// Makes room for one more.
    fn admit(&self, bytes: usize) -> Result<(), StateError> {
        let operations = self.operations.fetch_add(1, Ordering::Relaxed) + 1;
        let bytes_before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let full = if operations > OPERATIONS_MAX {
            Some("16,384 operations")
        } else if bytes > 0 && bytes_before > 0 && bytes_before + bytes > BYTES_MAX {
            Some("64 MiB of values")
        } else {
            None
        };
        match full {
            Some(full) => {
                self.release(bytes);
                Err(StateError::Full(full))
            }
            None => Ok(()),
        }
    }

    fn release(&self, bytes: usize) {
        self.operations.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn done(&self, operation: &Operation) {
        self.release(operation.bytes());
    }
}

impl ZooKeeperState {
    /// State there. Nothing is connected before the first operation.
    pub fn new(options: ZooKeeperOptions) -> Self {
        let (asked, operations): (_, UnboundedReceiver<_>) = unbounded_channel();
        let load = Arc::new(Load::default());
        worker::start(options, operations, load.clone());
        Self { asked, load }
    }

    /// The variable of that name; one with an empty value if none was stored.
    pub fn fetch(&self, name: &str) -> Pending<Variable> {
        if let Err(why) = entry::checked(name) {
            return Pending::failed(why);
        }
        self.ask(|pending| Operation::Fetch(name.to_owned(), pending))
    }

    /// Stores a variable, as it is afterwards; `None` if another value was stored since this one was read.
    pub fn store(&self, variable: Variable) -> Pending<Option<Variable>> {
        match entry::checked(variable.name()).and_then(|()| Change::new(variable)) {
            Ok(change) => self.ask(|pending| Operation::Store(change, pending)),
            Err(why) => Pending::failed(why),
        }
    }

    /// Removes a variable; false if it is not there, or another value was stored since this one was read.
    pub fn expunge(&self, variable: Variable) -> Pending<bool> {
        if let Err(why) = entry::checked(variable.name()) {
            return Pending::failed(why);
        }
        self.ask(|pending| Operation::Expunge(variable, pending))
    }

    /// The names of all variables.
    pub fn names(&self) -> Pending<Vec<String>> {
        self.ask(Operation::Names)
    }

    fn ask<T: Clone>(&self, operation: impl FnOnce(Pending<T>) -> Operation) -> Pending<T> {
        let pending = Pending::new();
        let operation = operation(pending.clone());
        let bytes = operation.bytes();
        if let Err(why) = self.load.admit(bytes) {
            return Pending::failed(why);
        }
        if self.asked.send(operation).is_err() {
            pending.settle(Err(StateError::Closed));
            self.load.release(bytes);
        }
        pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::WaitError;

    const TEN: Duration = Duration::from_secs(10);

    #[test]
    fn what_names_no_place_is_refused() {
        let ok = ZooKeeperOptions::new("a:1, b", TEN, "/x/y/", Some(b"u:p".to_vec()));
        let ok = ok.expect("it is one");
        assert_eq!((&*ok.servers, &*ok.path), ("a:1,b:2181", "/x/y"));
        assert!(!format!("{ok:?}").contains("117"), "the password is not shown");
        assert_eq!(ZooKeeperOptions::new("a", TEN, "/", None).expect("it is one").path, "");
        for (servers, path, digest) in [
            ("", "/x", None),
            ("a:b", "/x", None),
            ("a:1,,b:1", "/x", None),
            ("a:1", "x", None),
            ("a:1", "/x//y", None),
            ("a:1", "/x", Some(b"user".to_vec())),
        ] {
            assert!(ZooKeeperOptions::new(servers, TEN, path, digest).is_err(), "{servers} {path}");
        }
    }

    #[test]
    fn what_waits_is_bounded() {
        let load = Load::default();
        for _ in 0..OPERATIONS_MAX {
            assert_eq!(load.admit(0), Ok(()));
        }
        assert_eq!(load.admit(0), Err(StateError::Full("16,384 operations")));
        load.release(0);
        assert_eq!(load.admit(BYTES_MAX + 1), Ok(()), "one alone is let through");
        load.release(BYTES_MAX + 1);
        assert_eq!(load.admit(BYTES_MAX), Ok(()));
        load.release(0);
        assert_eq!(load.admit(1), Err(StateError::Full("64 MiB of values")));
    }

    #[test]
    fn a_state_whose_zookeeper_is_away_can_be_asked_and_cancelled_and_dropped() {
        // Nothing listens there.
        let options = ZooKeeperOptions::new("127.0.0.1:1", TEN, "/x", None).expect("it is one");
        let options = ZooKeeperOptions { farewell: Duration::from_millis(300), ..options };
        let state = ZooKeeperState::new(options);
        let fetched = state.fetch("a");
        let waited = fetched.wait(Some(Duration::from_millis(50)));
        assert_eq!(waited, Err(WaitError::TimedOut));
        assert!(fetched.cancel());
        // All that is left is given up together, and whoever waits is told.
        let left: Vec<_> = (0..50).map(|number| state.fetch(&number.to_string())).collect();
        drop(state);
        for fetched in left {
            let waited = fetched.wait(Some(TEN));
            assert_eq!(waited, Err(WaitError::Failed(StateError::Closed)));
        }
    }
}
