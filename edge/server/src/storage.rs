//! Storage for records: `SQLite`, one writer, group commit.
//!
//! Invariant: whatever has been released is on disk. The writer takes the waiting commits, writes
//! them in one transaction and only then releases their replies and orders. A failed transaction
//! ends the program: memory must never run ahead of the disk.

mod account_rows;
mod acknowledged;
mod event_rows;
mod guard;
mod places;
mod reserve;
mod rows;
mod writer;

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use longshore_agent::files::Folder;
use longshore_control::Records;
use rusqlite::{Connection, OpenFlags};

use self::acknowledged::Acknowledged;
pub(crate) use self::guard::Guard;
use self::reserve::Reserve;
use crate::data_dir::{DATABASE, DataDir, LOCK};
use crate::limits;
pub use writer::WriteError;
pub(crate) use writer::{Commit, Release, Writer};

/// Each migration brings the database from its index to the next version.
const MIGRATIONS: [&str; 8] = [
    include_str!("../migrations/0001.sql"),
    include_str!("../migrations/0002.sql"),
    include_str!("../migrations/0003.sql"),
    include_str!("../migrations/0004.sql"),
    include_str!("../migrations/0005.sql"),
    include_str!("../migrations/0006.sql"),
    include_str!("../migrations/0007.sql"),
    include_str!("../migrations/0008.sql"),
];

/// Size of the write-ahead log at which it is checkpointed, in pages: 32 MiB.
const WAL_PAGES: u32 = 8_192;

/// The same while the disk is full, so that the log stays within its reserved space: 4 MiB.
const WAL_PAGES_WHEN_FULL: u32 = 1_024;

/// Where records are stored.
#[derive(Clone, Debug)]
pub enum Place {
    /// A data directory.
    Directory(DataDir),
    /// In memory: lost when the program ends.
    Memory,
}

/// What a commit survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Power loss: every commit waits for the disk.
    #[default]
    Full,
    /// A crash of the program, but not of the machine.
    Normal,
}

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// A file cannot be created.
    #[error("cannot create {path}")]
    Create {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is not a database, or is damaged.
    #[error(
        "cannot use the database {place}: move the file away to start with an empty cluster, or restore a backup"
    )]
    Open {
        /// The file.
        place: String,
        /// The cause.
        source: rusqlite::Error,
    },
    /// The disk is full.
    #[error(
        "the disk that holds {place} is full: free some space, or choose another directory with --data-dir"
    )]
    Full {
        /// The file.
        place: String,
    },
    /// The database was written by a later version.
    #[error(
        "the database {place} has version {found}, but this program supports at most {known}: use a newer version of the program"
    )]
    TooNew {
        /// The file.
        place: String,
        /// Its version.
        found: usize,
        /// The latest supported version.
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
    /// A record is invalid.
    #[error(
        "the database {place} is damaged: {what}. Restore a backup, or move it away to start with an empty cluster"
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
    // The first field is dropped first: the others hold its files.
    connection: Connection,
    /// Maps records to rows.
    known: rows::Known,
    place: String,
    on_disk: Option<OnDisk>,
}

/// Additional state of a database in a file.
#[derive(Debug)]
struct OnDisk {
    guard: Guard,
    reserve: Reserve,
    acknowledged: Acknowledged,
    /// When the disk space was last checked.
    looked: Instant,
    /// Whether the log is kept short because the disk is full.
    is_short: bool,
    /// Whether a full disk is simulated: then no space is reserved.
    is_bounded: bool,
    /// Held while the database is open, as only one process may write it. `SQLite`'s own locks
    /// would keep a shell from reading, too.
    _lock: File,
}

impl Storage {
    /// Opens the database, creating or migrating it as needed.
    ///
    /// # Errors
    /// Which file cannot be used, why, and what can be done about it.
    pub fn open(place: &Place, durability: Durability) -> Result<Self, StorageError> {
        let directory = match place {
            Place::Memory => return Self::in_memory(durability),
            Place::Directory(directory) => directory,
        };
        let folder = directory.folder();
        let name = folder.path().join(DATABASE).display().to_string();
        let create = |file: &str| {
            let path = folder.path().join(file);
            move |source| StorageError::Create { path, source }
        };
        let lock = lock(folder, &name)?;
        // Created here with access only for its owner; `SQLite` creates its log with the same mode.
        let mut reserve = Reserve::new(folder).map_err(create(DATABASE))?;
        let flags = OpenFlags::default() | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let connection = Connection::open_with_flags(&name, flags);
        let connection =
            connection.map_err(|source| StorageError::Open { place: name.clone(), source })?;
        let explain = |source| explain(&name, source);
        Reserve::begin(&connection).map_err(explain)?;
        prepare(&connection, durability).map_err(explain)?;
        migrate(&connection, &name)?;
        let known = rows::Known::of(&connection).map_err(explain)?;
        reserve.fill(&connection);
        let acknowledged = Acknowledged::open(folder, &connection);
        let acknowledged = acknowledged.map_err(create(acknowledged::FILE))?;
        directory.remember();
        let guard = Guard::new(folder);
        let (looked, is_short, is_bounded) = (Instant::now(), false, false);
        let on_disk =
            OnDisk { guard, reserve, acknowledged, looked, is_short, is_bounded, _lock: lock };
        Ok(Self { connection, known, place: name, on_disk: Some(on_disk) })
    }

    fn in_memory(durability: Durability) -> Result<Self, StorageError> {
        let place = ":memory:".to_owned();
        let explain = |source| explain(&place, source);
        let connection = Connection::open_in_memory().map_err(explain)?;
        prepare(&connection, durability).map_err(explain)?;
        migrate(&connection, &place)?;
        let known = rows::Known::of(&connection).map_err(explain)?;
        Ok(Self { connection, known, place, on_disk: None })
    }

    /// Before a commit is acknowledged, makes sure that its file will be found again, and counts
    /// it.
    fn acknowledge(&mut self, wrote: bool) -> Result<(), WriteError> {
        if let Some(on_disk) = self.on_disk.as_mut().filter(|_| wrote) {
            on_disk.guard.check().map_err(|gone| WriteError::Gone(gone.to_string()))?;
            on_disk.acknowledged.add();
        }
        Ok(())
    }

    /// Reserves disk space for the database from time to time.
    fn look_after(&mut self) {
        let Some(on_disk) = &mut self.on_disk else { return };
        if on_disk.is_bounded || on_disk.looked.elapsed() < limits::STORAGE_LOOK {
            return;
        }
        on_disk.looked = Instant::now();
        let is_short = !on_disk.reserve.fill(&self.connection);
        if is_short == on_disk.is_short {
            return;
        }
        on_disk.is_short = is_short;
        let place = &self.place;
        let pages = if is_short {
            tracing::warn!(%place, "the disk is full, or nearly: the database now uses its reserved space, which is enough for a few thousand tasks. Free some disk space");
            WAL_PAGES_WHEN_FULL
        } else {
            tracing::info!(%place, "the disk has free space again");
            WAL_PAGES
        };
        if let Err(error) = self.connection.pragma_update(None, "wal_autocheckpoint", pages) {
            tracing::warn!(%place, %error, "cannot keep the write-ahead log short");
        }
    }

    /// The guard of the files; `None` if there are none.
    pub(crate) fn guard(&self) -> Option<Guard> {
        Some(self.on_disk.as_ref()?.guard.clone())
    }

    /// Reads all records.
    ///
    /// # Errors
    /// Names the record that cannot be read.
    pub fn load(&self) -> Result<Records, StorageError> {
        rows::load(&self.connection)
            .map_err(|what| StorageError::Record { place: self.place.clone(), what })
    }

    /// The error for inconsistent records.
    pub fn damaged(&self, what: String) -> StorageError {
        StorageError::Record { place: self.place.clone(), what }
    }

    /// Limits the size of the database to simulate a full disk. Pages have 4 KiB.
    ///
    /// # Errors
    /// If the database cannot be used.
    pub fn limit_pages(&mut self, pages: u32) -> Result<(), StorageError> {
        if let Some(on_disk) = &mut self.on_disk {
            on_disk.is_bounded = true;
            // A full disk has no reserved space.
            let vacuumed = self.connection.execute_batch("VACUUM");
            vacuumed.map_err(|source| explain(&self.place, source))?;
        }
        self.connection
            .pragma_update(None, "max_page_count", pages)
            .map_err(|source| explain(&self.place, source))
    }
}

/// Converts a database error at startup.
fn explain(place: &str, source: rusqlite::Error) -> StorageError {
    let place = place.to_owned();
    match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
            StorageError::InUse { place }
        }
        Some(rusqlite::ErrorCode::DiskFull) => StorageError::Full { place },
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
    // Pages that change often are then written back once for many commits.
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

/// Takes the lock of the process that writes this database. The contents of the file are left
/// alone.
fn lock(folder: &Folder, place: &str) -> Result<File, StorageError> {
    let create = |source| StorageError::Create { path: folder.path().join(LOCK), source };
    let file = folder.open_or_create(LOCK).map_err(create)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StorageError::InUse { place: place.to_owned() }),
        Err(TryLockError::Error(source)) => Err(create(source)),
    }
}

#[cfg(test)]
mod tests;
