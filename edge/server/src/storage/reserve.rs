//! Disk space that is reserved for the database.
//!
//! Tasks share the disk with the database, and one that fills it must not stop the control plane.
//! So the database has spare pages, and its log has spare blocks: enough for a log that is kept
//! short and for thousands of records. Commits fail only when these are used up, too, and the disk
//! is still full.
//!
//! If the file system cannot allocate blocks in advance, nothing is reserved.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;

use longshore_agent::files::Folder;
use rusqlite::Connection;
use rustix::fs::{FallocateFlags, fallocate, fstatvfs};
use rustix::io::Errno;

use crate::data_dir::{DATABASE, LOG};

/// Reserved bytes of the log. Chosen by us: four times its size while the disk is full, and half of
/// its usual size.
const LOG_BYTES: u64 = 16 * 1024 * 1024;

/// Bytes of free pages in the database. Chosen by us: a thousand tasks, and no more than `SQLite`
/// keeps in memory.
const FREE_BYTES: i64 = 1536 * 1024;

/// Free disk space, in bytes, below which free pages are ensured. Chosen by us: what a task writes
/// in a second.
const SCARCE_BYTES: u64 = 512 * 1024 * 1024;

/// Files that are held open to allocate space for them.
///
/// Invariant: they are opened before `SQLite` opens the database and closed after it has closed it.
/// A process that closes any descriptor of a file loses all of its locks on it, including those of
/// `SQLite`. Source: fcntl(2), *Advisory record locking*.
#[derive(Debug)]
pub(crate) struct Reserve {
    folder: Folder,
    database: File,
    log: Option<File>,
}

impl Reserve {
    /// Opens the database file, creating it if needed. Nothing is reserved yet.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub(super) fn new(folder: &Folder) -> io::Result<Self> {
        let database = folder.open_or_create(DATABASE)?;
        Ok(Self { folder: folder.clone(), database, log: None })
    }

    /// Gives an empty database its first free pages.
    ///
    /// # Errors
    /// Those of `SQLite`, for example that the disk is full.
    pub(super) fn begin(connection: &Connection) -> rusqlite::Result<()> {
        // Before there is a log: the pages are empty and are not written at all.
        if number(connection, "page_count")? == 0 {
            add_pages(connection)?;
        }
        Ok(())
    }

    /// Allocates missing space; returns false if the disk is full, or so nearly that the log cannot
    /// grow to its usual size.
    pub(super) fn fill(&mut self, connection: &Connection) -> bool {
        if self.log.is_none() {
            // `SQLite` has created it by now, and takes no locks on it.
            self.log = self.folder.open_or_create(LOG).ok();
        }
        let log = self.log.as_ref();
        let has_log = log.is_none_or(|log| take(log, FallocateFlags::KEEP_SIZE, LOG_BYTES));
        let free = free_bytes(&self.database);
        // Only pages within the file remain: a checkpoint truncates anything behind them.
        let pages = pages(connection, free < SCARCE_BYTES);
        let has_pages =
            pages.is_ok_and(|bytes| take(&self.database, FallocateFlags::empty(), bytes));
        has_log && has_pages && free >= LOG_BYTES
    }
}

fn number(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

/// Creates free pages.
fn add_pages(connection: &Connection) -> rusqlite::Result<()> {
    let made = connection.execute_batch(&format!(
        "BEGIN; CREATE TABLE room (filling BLOB); INSERT INTO room VALUES (zeroblob({FREE_BYTES}));
        DELETE FROM room; DROP TABLE room; COMMIT"
    ));
    if made.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    made
}

/// The size of the database in bytes, after ensuring free pages if `is_seen_to`.
fn pages(connection: &Connection, is_seen_to: bool) -> rusqlite::Result<u64> {
    let page = number(connection, "page_size")?;
    if is_seen_to && number(connection, "freelist_count")? * page < FREE_BYTES / 2 {
        add_pages(connection)?;
    }
    Ok(u64::try_from(number(connection, "page_count")? * page).unwrap_or(0))
}

/// Free disk space available to us.
fn free_bytes(file: &File) -> u64 {
    // If the file system does not say, assume that there is space.
    fstatvfs(file).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Allocates blocks for that many bytes; returns false if the disk has none. A file system that
/// does not support this counts as success.
fn take(file: &File, how: FallocateFlags, bytes: u64) -> bool {
    // Allocating again would write metadata again.
    let has = file.metadata().map_or(0, |meta| meta.blocks() * 512);
    has >= bytes || !matches!(fallocate(file, how, 0, bytes), Err(Errno::NOSPC | Errno::DQUOT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_has_free_pages_with_blocks_also_after_its_log_was_copied_back() {
        let directory = tempfile::tempdir().expect("a directory");
        let folder = Folder::open(directory.path()).expect("it opens");
        let mut reserve = Reserve::new(&folder).expect("it can be made");
        let connection = Connection::open(directory.path().join(DATABASE)).expect("it opens");
        Reserve::begin(&connection).expect("there is room");
        connection.pragma_update(None, "journal_mode", "WAL").expect("it can");
        let kept = "CREATE TABLE kept (text); INSERT INTO kept VALUES ('x')";
        connection.execute_batch(kept).expect("it can");
        reserve.fill(&connection);
        let meta = |name: &str| std::fs::metadata(directory.path().join(name)).expect(name);
        if meta(LOG).blocks() * 512 < LOG_BYTES {
            eprintln!("skipped: this file system reserves nothing");
            return;
        }
        assert!(meta(LOG).len() < 100_000, "nothing was written for it: {}", meta(LOG).len());
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("it can");
        let bytes = meta(DATABASE).blocks() * 512;
        assert!(bytes >= u64::try_from(FREE_BYTES).expect("it is small"), "{bytes}");
        let free = || number(&connection, "freelist_count").expect("it has one");
        let before = free();
        assert!(before * 4096 >= FREE_BYTES, "{before}");
        pages(&connection, true).expect("there is room");
        assert_eq!(free(), before, "what is there is enough");
        let large = format!("INSERT INTO kept VALUES (zeroblob({FREE_BYTES}))");
        connection.execute_batch(&large).expect("it can");
        assert!(free() < 10, "they are used first");
        pages(&connection, true).expect("there is room");
        assert!(free() * 4096 >= FREE_BYTES / 2, "{}", free());
    }
}
