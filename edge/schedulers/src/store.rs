//! What a scheduler must not forget: rows of JSON in one `SQLite` file, or in `ZooKeeper`.
//!
//! A scheduler keeps what people told it (apps, jobs, environments) and what it is about to start. What became of its tasks is asked of
//! the cluster again. A row has a kind and an id, and its body is opaque here.
//!
//! Invariant: [`Store::commit`] returns once its changes, and all before them, are kept; a commit is applied whole or not at all; a place
//! has one writer at a time.

mod sqlite;
mod zookeeper;

use std::path::PathBuf;

use longshore_driver::ZooKeeper;
use longshore_machine::{Change, Row};
use longshore_server::Place;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// Commits that may wait. Source: chosen by us: a machine makes one at a time.
const WAITING_MAX: usize = 16;

/// Where a scheduler keeps its rows.
#[derive(Clone, Debug)]
pub enum Keep {
    /// In a file of a data directory, or in memory.
    Here(Place),
    /// In nodes below a path.
    ZooKeeper(ZooKeeper),
}

/// Why rows cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file cannot be made.
    #[error("cannot create {path}")]
    Create {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is no database, or is damaged.
    #[error(
        "cannot use the database {place}: move it away to start with nothing, or restore a backup"
    )]
    Open {
        /// The file.
        place: String,
        /// The cause.
        source: rusqlite::Error,
    },
    /// `ZooKeeper` does not answer, or refuses.
    #[error("cannot use {place}: {why}")]
    Away {
        /// Servers and path.
        place: String,
        /// What it says.
        why: String,
    },
    /// A newer version of this program has written it.
    #[error(
        "the database {place} has version {found}, but this program knows {known} at most: use a newer version of the program"
    )]
    TooNew {
        /// Where it is.
        place: String,
        /// Its version.
        found: i64,
        /// The newest version that is known.
        known: i64,
    },
    /// Another process writes it.
    #[error("the database {place} is in use by another process: stop it, or choose another {flag}")]
    InUse {
        /// Where it is.
        place: String,
        /// The flag that chooses the place.
        flag: &'static str,
    },
    /// Nothing can be written any more.
    #[error(
        "cannot write to the database {place}: {why}. Nothing that was acknowledged is lost; start again once it can be written"
    )]
    Write {
        /// Where it is.
        place: String,
        /// What the database says.
        why: String,
    },
}

/// A commit, and who waits for it.
struct Asked {
    changes: Vec<Change>,
    done: oneshot::Sender<Result<(), String>>,
}

/// Who writes.
#[derive(Debug)]
enum Writer {
    Thread(std::thread::JoinHandle<()>),
    Task(JoinSet<()>),
}

/// An open database. What it holds is let go when this is dropped.
#[derive(Debug)]
pub struct Store {
    place: String,
    asked: Option<mpsc::Sender<Asked>>,
    writer: Option<Writer>,
}

impl Store {
    /// Opens the database `name` of a place, or makes it, and reads all its rows, in the order of kinds and ids.
    ///
    /// # Errors
    /// What cannot be used, and what can be done about it.
    pub async fn open(keep: &Keep, name: &'static str) -> Result<(Self, Vec<Row>), StoreError> {
        match keep {
            Keep::Here(place) => sqlite::open(place, name),
            Keep::ZooKeeper(zookeeper) => zookeeper::open(zookeeper, name).await,
        }
    }

    /// Makes changes, in their order, and waits until they are kept.
    ///
    /// # Errors
    /// That they are not. The database is as before, and whoever runs on them must end.
    pub async fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let failed = |why: String| StoreError::Write { place: self.place.clone(), why };
        let gone = || failed("whoever writes it has ended".to_owned());
        let (done, written) = oneshot::channel();
        let asked = self.asked.as_ref().ok_or_else(gone)?;
        asked.send(Asked { changes, done }).await.map_err(|_| gone())?;
        written.await.map_err(|_| gone())?.map_err(failed)
    }

    /// Lets go of the place, for whoever comes next.
    pub async fn close(mut self) {
        drop(self.asked.take());
        if let Some(Writer::Task(mut tasks)) =
            self.writer.take_if(|one| matches!(one, Writer::Task(_)))
        {
            // A panic there has been reported on standard error already.
            let _ = tasks.join_next().await;
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        drop(self.asked.take());
        if let Some(Writer::Thread(thread)) = self.writer.take() {
            // A panic there has been reported on standard error already.
            let _ = thread.join();
        }
    }
}
