//! Where records are kept: `SQLite`, one writer, group commit.
//!
//! Invariant: what was released to anyone is on disk. The writer takes the commits that wait, writes them in one
//! transaction and only then releases their replies and orders. A transaction that fails ends the program: memory may
//! never run ahead of the disk.

mod account_rows;
mod event_rows;
mod places;
mod rows;
mod writer;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use longshore_control::Records;
use rusqlite::Connection;

pub use writer::WriteError;
pub(crate) use writer::{Commit, Release, Writer};

/// Each migration brings the database from its index to the next version.
const MIGRATIONS: [&str; 6] = [
    include_str!("../migrations/0001.sql"),
    include_str!("../migrations/0002.sql"),
    include_str!("../migrations/0003.sql"),
    include_str!("../migrations/0004.sql"),
    include_str!("../migrations/0005.sql"),
    include_str!("../migrations/0006.sql"),
    include_str!("../migrations/0007.sql"),
];

/// Pages of the write-ahead log before they are copied back: 32 MiB.
const WAL_PAGES: u32 = 8_192;

/// Where the records are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file.
    File(PathBuf),
    /// Nowhere: gone when the program ends.
    Memory,
}

/// What a commit survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Power loss: every commit waits for the disk.
    #[default]
    Full,
    /// The end of the program, not of the machine.
    Normal,
}

/// Why the records cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The directory cannot be made.
    #[error("cannot create {path}")]
    Create {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not a database, or is damaged.
    #[error(
        "cannot use the database {place}: move the file away to start with an empty cluster, or bring back a copy of it"
    )]
    Open {
        /// The file.
        place: String,
        /// Why.
        source: rusqlite::Error,
    },
    /// The file was written by a later version.
    #[error(
        "the database {place} has version {found}, this program knows up to {known}: use the newer program"
    )]
    TooNew {
        /// The file.
        place: String,
        /// Its version.
        found: usize,
        /// The latest that is known here.
        known: usize,
    },
    /// Another process uses it.
    #[error(
        "the database {place} is in use by another process: stop it, or choose another --data-dir"
    )]
    InUse {
        /// The file.
        place: String,
    },
    /// A record cannot be read.
    #[error(
        "the database {place} is damaged: {what}. Bring back a copy of it, or move it away to start with an empty cluster"
    )]
    Record {
        /// The file.
        place: String,
        /// Which record, and why.
        what: String,
    },
}

/// An open database.
#[derive(Debug)]
pub struct Storage {
    connection: Connection,
    /// Which rows are whose.
    known: rows::Known,
    place: String,
    /// Held while the database is open: one process writes it. `SQLite`'s own locks would keep a shell from reading, too.
    _lock: Option<File>,
}

impl Storage {
    /// Opens, and creates or migrates as need be.
    ///
    /// # Errors
    /// Says which file cannot be used, why, and what can be done.
    pub fn open(place: &Place, durability: Durability) -> Result<Self, StorageError> {
        let mut lock = None;
        let (name, connection) = match place {
            Place::Memory => (":memory:".to_owned(), Connection::open_in_memory()),
            Place::File(path) => {
                if let Some(parent) = path.parent() {
                    std::fs::create_dir_all(parent).map_err(|source| StorageError::Create {
                        path: parent.to_owned(),
                        source,
                    })?;
                }
                lock = Some(lock_beside(path)?);
                (path.display().to_string(), Connection::open(path))
            }
        };
        let connection =
            connection.map_err(|source| StorageError::Open { place: name.clone(), source })?;
        let explain = |source| explain(&name, source);
        prepare(&connection, durability).map_err(explain)?;
        migrate(&connection, &name)?;
        let known = rows::Known::of(&connection).map_err(explain)?;
        Ok(Self { connection, known, place: name, _lock: lock })
    }

    /// Reads all records back.
    ///
    /// # Errors
    /// Names the record that cannot be read.
    pub fn load(&self) -> Result<Records, StorageError> {
        rows::load(&self.connection)
            .map_err(|what| StorageError::Record { place: self.place.clone(), what })
    }

    /// The error for records that contradict each other.
    pub fn damaged(&self, what: String) -> StorageError {
        StorageError::Record { place: self.place.clone(), what }
    }

    /// Bounds the size of the database, so that a full disk can be rehearsed. Pages have 4 KiB.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub fn limit_pages(&self, pages: u32) -> Result<(), StorageError> {
        self.connection
            .pragma_update(None, "max_page_count", pages)
            .map_err(|source| explain(&self.place, source))
    }
}

/// What an error of a database means for the one who starts the program.
fn explain(place: &str, source: rusqlite::Error) -> StorageError {
    let place = place.to_owned();
    match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
            StorageError::InUse { place }
        }
        _ => StorageError::Open { place, source },
    }
}

fn prepare(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_millis(200))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Normal => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    // Pages that change often are copied back once for many commits.
    connection.pragma_update(None, "wal_autocheckpoint", WAL_PAGES)
}

fn migrate(connection: &Connection, place: &str) -> Result<(), StorageError> {
    let found: usize = connection
        .pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))
        .map_err(|source| explain(place, source))? as usize;
    if found > MIGRATIONS.len() {
        let place = place.to_owned();
        return Err(StorageError::TooNew { place, found, known: MIGRATIONS.len() });
    }
    for (version, migration) in MIGRATIONS.iter().enumerate().skip(found) {
        let batch = format!("BEGIN; {migration}; PRAGMA user_version = {}; COMMIT", version + 1);
        connection.execute_batch(&batch).map_err(|source| explain(place, source))?;
    }
    Ok(())
}

/// Takes the lock that says that a process writes this database.
fn lock_beside(path: &Path) -> Result<File, StorageError> {
    let beside = path.with_extension("lock");
    let file = File::create(&beside)
        .map_err(|source| StorageError::Create { path: beside.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(StorageError::InUse { place: path.display().to_string() })
        }
        Err(TryLockError::Error(source)) => Err(StorageError::Create { path: beside, source }),
    }
}

#[cfg(test)]
mod tests;
