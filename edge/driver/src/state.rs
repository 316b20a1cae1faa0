//! State that a framework keeps: variables that are changed only by who has seen their newest value.
//!
//! This is the state abstraction that Mesos has beside its drivers, and the entries are its own: what a framework stored through
//! libmesos is found here, and what is stored here is found through libmesos.
//!
//! ```no_run
//! use std::time::Duration;
//! use longshore_driver::state::{ZooKeeperOptions, ZooKeeperState};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let options = ZooKeeperOptions::new("zk1:2181,zk2:2181", Duration::from_secs(10), "/my-framework/state", None)?;
//! let state = ZooKeeperState::new(options);
//! let jobs = state.fetch("jobs").wait(None)?;
//! match state.store(jobs.mutate(b"nightly".to_vec())).wait(None)? {
//!     Some(stored) => assert_eq!(stored.value(), b"nightly"),
//!     None => println!("somebody else was faster"),
//! }
//! # Ok(())
//! # }
//! ```

mod entry;
mod pending;
mod worker;
mod zookeeper;

pub use entry::Variable;
pub use pending::{Pending, WaitError};
pub use zookeeper::{BadZooKeeper, ZooKeeperOptions, ZooKeeperState};

/// Bytes of an entry, with its name and version. Source: ZooKeeper takes messages of 1 MiB by default, of which the rest is room for the
/// path. A larger one would break the connection.
const ENTRY_BYTES_MAX: usize = 1024 * 1024 - 4096;

/// Why something was not done to the state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The name cannot be that of a node.
    #[error("{0:?} cannot be a name: write 1 to 1,000 bytes, no '/' and no control characters")]
    BadName(String),
    /// The value is too large to be stored.
    #[error(
        "{name:?} cannot be stored: it takes {bytes} bytes, and ZooKeeper takes {ENTRY_BYTES_MAX}"
    )]
    TooLarge {
        /// The variable.
        name: String,
        /// What it would take.
        bytes: usize,
    },
    /// Too much waits already.
    #[error("{0} already wait for ZooKeeper: wait for some to be done")]
    Full(&'static str),
    /// The node holds something else.
    #[error("{0} holds no entry of Mesos's state")]
    NotAnEntry(String),
    /// ZooKeeper refuses.
    #[error("ZooKeeper at {servers} refuses: {why}")]
    Refused {
        /// Which one.
        servers: String,
        /// What it says.
        why: String,
    },
    /// Nobody refers to the state any more.
    #[error("the state was closed before ZooKeeper answered")]
    Closed,
}
