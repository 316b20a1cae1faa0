//! Rows in one `SQLite` file, written by one thread.
//!
//! A file that is not there yet is made with the first commit: a scheduler that nobody uses costs neither the time to make one nor the
//! memory of a database.
//!
//! Invariant: what is written to has been read. A file that appears between the start and the first commit is somebody else's: its records
//! were never read, and are never taken for ours.

use std::error::Error;
use std::fs::{File, TryLockError};
use std::path::PathBuf;

use longshore_agent::files::Folder;
use longshore_machine::{Change, Row};
use longshore_server::Place;
use rusqlite::{Connection, OpenFlags, Transaction, params};
use tokio::sync::mpsc;

use super::{Asked, Store, StoreError, WAITING_MAX, Writer};

/// The version of the tables.
const VERSION: i64 = 1;

/// Where a database is, and who may write it.
struct Spot {
    place: Place,
    name: &'static str,
    /// Held as long as it is written.
    _lock: Option<File>,
}

/// Opens the database `name` and reads all its rows; one that is not there has none.
pub(super) fn open(place: &Place, name: &'static str) -> Result<(Store, Vec<Row>), StoreError> {
    let spot = Spot::of(place, name)?;
    let shown = spot.shown();
    let (connection, rows) = if spot.is_there() {
        let connection = spot.connect(false)?;
        let failed = |source| StoreError::Open { place: shown.clone(), source };
        let rows = read(&connection).map_err(failed)?;
        (Some(connection), rows)
    } else {
        (None, Vec::new())
    };
    let (asked, inbox) = mpsc::channel(WAITING_MAX);
    let thread = std::thread::Builder::new().name(format!("{name}-storage"));
    let thread = thread.spawn(move || write(&spot, connection, inbox));
    let thread =
        thread.map_err(|source| StoreError::Create { path: PathBuf::from(&shown), source })?;
    let writer = Some(Writer::Thread(thread));
    Ok((Store { place: shown, asked: Some(asked), writer }, rows))
}

impl Spot {
    fn of(place: &Place, name: &'static str) -> Result<Self, StoreError> {
        let lock = match place {
            Place::Memory => None,
            Place::Directory(directory) => Some(locked(directory.folder(), name)?),
        };
        Ok(Self { place: place.clone(), name, _lock: lock })
    }

    /// Its name for people.
    fn shown(&self) -> String {
        match &self.place {
            Place::Memory => format!("{} in memory", self.name),
            Place::Directory(directory) => {
                directory.folder().path().join(self.file()).display().to_string()
            }
        }
    }

    fn file(&self) -> String {
        format!("{}.db", self.name)
    }

    /// Whether something has that name, be it a database or not.
    fn is_there(&self) -> bool {
        match &self.place {
            Place::Memory => false,
            Place::Directory(directory) => directory.folder().identity_of(&self.file()).is_some(),
        }
    }

    /// Opens it, or makes it if it is new. The note about the directory is brought up to date before anything is written, so that a crash
    /// leaves no file that the next start does not know.
    fn connect(&self, is_new: bool) -> Result<Connection, StoreError> {
        let failed = |source| StoreError::Open { place: self.shown(), source };
        let connection = match &self.place {
            Place::Memory => Connection::open_in_memory().map_err(failed)?,
            Place::Directory(directory) => {
                if is_new {
                    made(directory.folder(), &self.file())?;
                    directory.remember();
                }
                on_disk(directory.folder(), &self.file())?
            }
        };
        prepare(&connection).map_err(failed)?;
        let found: i64 =
            connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
        if found > VERSION {
            return Err(StoreError::TooNew { place: self.shown(), found, known: VERSION });
        }
        if let Place::Directory(directory) = &self.place {
            directory.remember();
        }
        if found < VERSION {
            create(&connection).map_err(failed)?;
        }
        Ok(connection)
    }
}

/// Only one process may write a file at a time. `SQLite`'s own locks would keep a shell from reading, too.
fn locked(folder: &Folder, name: &str) -> Result<File, StoreError> {
    let file = format!("{name}.lock");
    let created = |source| StoreError::Create { path: folder.path().join(&file), source };
    let lock = folder.open_or_create(&file).map_err(created)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            let place = folder.path().join(format!("{name}.db")).display().to_string();
            Err(StoreError::InUse { place, flag: "--data-dir" })
        }
        Err(TryLockError::Error(source)) => Err(created(source)),
    }
}

/// Makes a file for its owner alone; `SQLite` makes its log with the same mode.
fn made(folder: &Folder, file: &str) -> Result<(), StoreError> {
    let failed = |source| StoreError::Create { path: folder.path().join(file), source };
    folder.create_new(file).map(drop).map_err(failed)
}

fn on_disk(folder: &Folder, file: &str) -> Result<Connection, StoreError> {
    let path = folder.path().join(file);
    let flags = OpenFlags::default() | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let opened = Connection::open_with_flags(&path, flags);
    opened.map_err(|source| StoreError::Open { place: path.display().to_string(), source })
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")
}

fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "BEGIN;
         CREATE TABLE IF NOT EXISTS records (
             kind TEXT NOT NULL,
             id TEXT NOT NULL,
             body TEXT NOT NULL,
             PRIMARY KEY (kind, id)
         ) WITHOUT ROWID;
         PRAGMA user_version = 1;
         COMMIT;",
    )
}

fn read(connection: &Connection) -> rusqlite::Result<Vec<Row>> {
    let mut all = connection.prepare("SELECT kind, id, body FROM records ORDER BY kind, id")?;
    let rows =
        all.query_map([], |row| Ok(Row { kind: row.get(0)?, id: row.get(1)?, body: row.get(2)? }))?;
    rows.collect()
}

/// Writes what is asked for, one transaction for all that waits, until nobody can ask any more.
fn write(spot: &Spot, mut connection: Option<Connection>, mut inbox: mpsc::Receiver<Asked>) {
    while let Some(first) = inbox.blocking_recv() {
        let mut group = vec![first];
        while let Ok(next) = inbox.try_recv() {
            group.push(next);
        }
        let failed = kept(spot, &mut connection, &group).err();
        for asked in group {
            // Whoever waited may be gone.
            let _ = asked.done.send(failed.clone().map_or(Ok(()), Err));
        }
        if let Some(why) = failed {
            tracing::error!("cannot write what must not be forgotten: {why}");
            break;
        }
    }
}

/// Makes changes, in a database that is made now if it is not there.
fn kept(spot: &Spot, connection: &mut Option<Connection>, group: &[Asked]) -> Result<(), String> {
    let open = match connection.take() {
        Some(open) => open,
        None => spot.connect(true).map_err(|why| match why.source() {
            Some(cause) => format!("{why}: {cause}"),
            None => why.to_string(),
        })?,
    };
    let written = together(connection.insert(open), group);
    written.map_err(|why| why.to_string())
}

fn together(connection: &mut Connection, group: &[Asked]) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for asked in group {
        for change in &asked.changes {
            apply(&transaction, change)?;
        }
    }
    transaction.commit()
}

fn apply(transaction: &Transaction<'_>, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::Put { kind, id, body } => {
            let mut put = transaction.prepare_cached(
                "INSERT INTO records (kind, id, body) VALUES (?1, ?2, ?3)
                 ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            )?;
            put.execute(params![kind, id, body])?;
        }
        Change::Delete { kind, id } => {
            let mut delete =
                transaction.prepare_cached("DELETE FROM records WHERE kind = ?1 AND id = ?2")?;
            delete.execute(params![kind, id])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use longshore_server::DataDir;

    use super::super::Keep;
    use super::*;

    fn put(id: &str, body: &str) -> Change {
        Change::Put { kind: "app", id: id.to_owned(), body: body.to_owned() }
    }

    fn row(id: &str, body: &str) -> Row {
        Row { kind: "app".to_owned(), id: id.to_owned(), body: body.to_owned() }
    }

    fn directory() -> (tempfile::TempDir, Keep) {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let data = folder.path().join("data");
        let opened = DataDir::open(&data, Some(folder.path()), false).expect("it is new");
        (folder, Keep::Here(Place::Directory(opened)))
    }

    #[tokio::test]
    async fn what_was_committed_is_read_after_the_next_start() {
        let (_folder, place) = directory();
        let (store, rows) = Store::open(&place, "marathon").await.expect("it can be opened");
        assert_eq!(rows, []);
        store.commit(vec![put("b", "1"), put("a", "1"), put("b", "2")]).await.expect("written");
        store
            .commit(vec![Change::Delete { kind: "app", id: "a".to_owned() }])
            .await
            .expect("written");
        drop(store);
        let (_store, rows) = Store::open(&place, "marathon").await.expect("it can be opened");
        assert_eq!(rows, [row("b", "2")]);
    }

    #[tokio::test]
    async fn a_database_has_one_writer_and_others_have_theirs() {
        let (_folder, place) = directory();
        let (_store, _) = Store::open(&place, "marathon").await.expect("it can be opened");
        let second = Store::open(&place, "marathon").await.expect_err("it is in use");
        assert!(second.to_string().contains("in use by another process"), "{second}");
        let (_other, _) = Store::open(&place, "chronos").await.expect("another database");
    }

    #[tokio::test]
    async fn a_file_is_made_with_the_first_commit() {
        let (_folder, place) = directory();
        let Keep::Here(Place::Directory(directory)) = &place else { unreachable!() };
        let is_there = || directory.folder().identity_of("marathon.db").is_some();
        let (store, rows) = Store::open(&place, "marathon").await.expect("it can be opened");
        store.commit(Vec::new()).await.expect("there is nothing to write");
        assert!(rows.is_empty() && !is_there());
        store.commit(vec![put("a", "1")]).await.expect("written");
        assert!(is_there());
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_made_is_named() {
        let (_folder, place) = directory();
        let Keep::Here(Place::Directory(directory)) = &place else { unreachable!() };
        let (store, _) = Store::open(&place, "marathon").await.expect("it can be opened");
        directory.folder().make("marathon.db").expect("it can be made");
        let error = store.commit(vec![put("a", "1")]).await.expect_err("a folder is in its place");
        assert!(error.to_string().contains("cannot create"), "{error}");
        assert!(error.to_string().contains("marathon.db"), "{error}");
    }

    #[tokio::test]
    async fn a_database_that_appears_after_the_start_is_never_taken_for_ours() {
        let (_folder, place) = directory();
        let Keep::Here(Place::Directory(directory)) = &place else { unreachable!() };
        let (store, _) = Store::open(&place, "marathon").await.expect("it can be opened");
        let path = directory.folder().path().join("marathon.db");
        let planted = Connection::open(&path).expect("it can be made");
        create(&planted).expect("it can be written");
        drop(planted);
        let error = store.commit(vec![put("a", "1")]).await.expect_err("somebody else's");
        assert!(error.to_string().contains("marathon.db"), "{error}");
    }

    #[tokio::test]
    async fn a_crash_at_any_time_leaves_a_directory_that_the_next_start_knows() {
        let (folder, place) = directory();
        let is_known =
            || DataDir::open(&folder.path().join("data"), Some(folder.path()), false).is_ok();
        for _ in 0..3 {
            let (store, _) = Store::open(&place, "marathon").await.expect("it can be opened");
            assert!(is_known(), "after the start");
            store.commit(vec![put("a", "1")]).await.expect("written");
            assert!(is_known(), "after a commit");
            drop(store);
            assert!(is_known(), "after the end");
        }
    }

    #[tokio::test]
    async fn a_newer_database_is_left_alone() {
        let (_folder, place) = directory();
        let Keep::Here(Place::Directory(directory)) = &place else { unreachable!() };
        let path = directory.folder().path().join("marathon.db");
        let connection = Connection::open(&path).expect("it can be made");
        connection.pragma_update(None, "user_version", 2).expect("it can be written");
        drop(connection);
        let error = Store::open(&place, "marathon").await.expect_err("it is newer");
        assert!(error.to_string().contains("has version 2"), "{error}");
    }

    #[tokio::test]
    async fn what_is_no_database_is_named() {
        let (_folder, place) = directory();
        let Keep::Here(Place::Directory(directory)) = &place else { unreachable!() };
        directory.folder().write("marathon.db", &[b'x'; 5000]).expect("it can be written");
        let error = Store::open(&place, "marathon").await.expect_err("it is no database");
        assert!(error.to_string().contains("marathon.db: move it away"), "{error}");
    }
}
