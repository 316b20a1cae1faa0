//! What a scheduler must not forget: rows of JSON in one `SQLite` file, written by one thread.
//!
//! A scheduler keeps what people told it (apps, jobs, environments) and what it is about to start. What became of its tasks is asked of
//! the cluster again. A row has a kind and an id, and its body is opaque here.
//!
//! Invariant: [`Store::commit`] returns once its changes, and all before them, are on disk; a commit is applied whole or not at all.

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::thread::JoinHandle;

use longshore_agent::files::Folder;
use longshore_machine::{Change, Row};
use longshore_server::Place;
use rusqlite::{Connection, OpenFlags, Transaction, params};
use tokio::sync::{mpsc, oneshot};

/// The version of the tables.
const VERSION: i64 = 1;
/// Commits that may wait for the thread. Source: chosen by us: a machine makes one at a time.
const WAITING_MAX: usize = 16;

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
    /// A newer version of this program has written it.
    #[error(
        "the database {place} has version {found}, but this program knows {VERSION} at most: use a newer version of the program"
    )]
    TooNew {
        /// The file.
        place: String,
        /// Its version.
        found: i64,
    },
    /// Another process writes it.
    #[error(
        "the database {place} is in use by another process: stop it, or choose another --data-dir"
    )]
    InUse {
        /// The file.
        place: String,
    },
    /// Nothing can be written any more.
    #[error(
        "cannot write to the database {place}: {why}. Nothing that was acknowledged is lost; start again once it can be written"
    )]
    Write {
        /// The file.
        place: String,
        /// What the database says.
        why: String,
    },
}

/// A commit, and who waits for it.
type Asked = (Vec<Change>, oneshot::Sender<Result<(), rusqlite::Error>>);

/// An open database. It is closed when this is dropped.
#[derive(Debug)]
pub struct Store {
    place: String,
    asked: Option<mpsc::Sender<Asked>>,
    thread: Option<JoinHandle<()>>,
}

impl Store {
    /// Opens the database `name` of a data directory, or makes it, and reads all its rows, in the order of kinds and ids.
    ///
    /// # Errors
    /// Which file cannot be used, and what can be done about it.
    pub fn open(place: &Place, name: &'static str) -> Result<(Self, Vec<Row>), StoreError> {
        let (connection, place, lock) = match place {
            Place::Memory => {
                let place = format!("{name} in memory");
                let opened = Connection::open_in_memory();
                (
                    opened.map_err(|source| StoreError::Open { place: place.clone(), source })?,
                    place,
                    None,
                )
            }
            Place::Directory(directory) => on_disk(directory.folder(), name)?,
        };
        let failed = |source| StoreError::Open { place: place.clone(), source };
        prepare(&connection).map_err(failed)?;
        let found: i64 =
            connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
        if found > VERSION {
            return Err(StoreError::TooNew { place, found });
        }
        create(&connection).map_err(failed)?;
        let rows = read(&connection).map_err(failed)?;
        let (asked, inbox) = mpsc::channel(WAITING_MAX);
        let thread = std::thread::Builder::new().name(format!("{name}-storage"));
        let thread = thread.spawn(move || write(connection, inbox, lock));
        let thread =
            thread.map_err(|source| StoreError::Create { path: PathBuf::from(&place), source })?;
        Ok((Self { place, asked: Some(asked), thread: Some(thread) }, rows))
    }

    /// Makes changes, in their order, and waits until they are on disk.
    ///
    /// # Errors
    /// That they are not. The database is as before, and whoever runs on them must end.
    pub async fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let failed = |why: String| StoreError::Write { place: self.place.clone(), why };
        let gone = || failed("its thread has ended".to_owned());
        let (done, written) = oneshot::channel();
        let asked = self.asked.as_ref().ok_or_else(gone)?;
        asked.send((changes, done)).await.map_err(|_| gone())?;
        written.await.map_err(|_| gone())?.map_err(|why| failed(why.to_string()))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        drop(self.asked.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported on standard error already.
            let _ = thread.join();
        }
    }
}

/// Opens a file, which only one process may write at a time. `SQLite`'s own locks would keep a shell from reading, too.
fn on_disk(folder: &Folder, name: &str) -> Result<(Connection, String, Option<File>), StoreError> {
    let path = folder.path().join(format!("{name}.db"));
    let place = path.display().to_string();
    let create = |file: &str| {
        let path = folder.path().join(file);
        move |source| StoreError::Create { path, source }
    };
    let lock_name = format!("{name}.lock");
    let lock = folder.open_or_create(&lock_name).map_err(create(&lock_name))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(StoreError::InUse { place }),
        Err(TryLockError::Error(source)) => return Err(create(&lock_name)(source)),
    }
    // Made here, for its owner alone; `SQLite` makes its log with the same mode.
    let file = format!("{name}.db");
    drop(folder.open_or_create(&file).map_err(create(&file))?);
    let flags = OpenFlags::default() | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(&path, flags);
    let connection =
        connection.map_err(|source| StoreError::Open { place: place.clone(), source })?;
    Ok((connection, place, Some(lock)))
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
fn write(mut connection: Connection, mut inbox: mpsc::Receiver<Asked>, lock: Option<File>) {
    while let Some(first) = inbox.blocking_recv() {
        let mut group = vec![first];
        while let Ok(next) = inbox.try_recv() {
            group.push(next);
        }
        let written = together(&mut connection, &group);
        let failed = written.as_ref().err().map(ToString::to_string);
        for (_, done) in group {
            // Whoever waited may be gone.
            let _ =
                done.send(failed.clone().map_or(Ok(()), |why| {
                    Err(rusqlite::Error::ToSqlConversionFailure(why.into()))
                }));
        }
        if let Some(why) = failed {
            tracing::error!("cannot write what must not be forgotten: {why}");
            break;
        }
    }
    drop(connection);
    drop(lock);
}

fn together(connection: &mut Connection, group: &[Asked]) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for (changes, _) in group {
        for change in changes {
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

    use super::*;

    fn put(id: &str, body: &str) -> Change {
        Change::Put { kind: "app", id: id.to_owned(), body: body.to_owned() }
    }

    fn row(id: &str, body: &str) -> Row {
        Row { kind: "app".to_owned(), id: id.to_owned(), body: body.to_owned() }
    }

    fn directory() -> (tempfile::TempDir, Place) {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let data = folder.path().join("data");
        let opened = DataDir::open(&data, Some(folder.path()), false).expect("it is new");
        (folder, Place::Directory(opened))
    }

    #[tokio::test]
    async fn what_was_committed_is_read_after_the_next_start() {
        let (_folder, place) = directory();
        let (store, rows) = Store::open(&place, "marathon").expect("it can be opened");
        assert_eq!(rows, []);
        store.commit(vec![put("b", "1"), put("a", "1"), put("b", "2")]).await.expect("written");
        store
            .commit(vec![Change::Delete { kind: "app", id: "a".to_owned() }])
            .await
            .expect("written");
        drop(store);
        let (_store, rows) = Store::open(&place, "marathon").expect("it can be opened");
        assert_eq!(rows, [row("b", "2")]);
    }

    #[tokio::test]
    async fn a_database_has_one_writer_and_others_have_theirs() {
        let (_folder, place) = directory();
        let (_store, _) = Store::open(&place, "marathon").expect("it can be opened");
        let second = Store::open(&place, "marathon").expect_err("it is in use");
        assert!(second.to_string().contains("in use by another process"), "{second}");
        let (_other, _) = Store::open(&place, "chronos").expect("another database");
    }

    #[tokio::test]
    async fn a_newer_database_is_left_alone() {
        let (_folder, place) = directory();
        let Place::Directory(directory) = &place else { unreachable!() };
        let path = directory.folder().path().join("marathon.db");
        let connection = Connection::open(&path).expect("it can be made");
        connection.pragma_update(None, "user_version", 2).expect("it can be written");
        drop(connection);
        let error = Store::open(&place, "marathon").expect_err("it is newer");
        assert!(error.to_string().contains("has version 2"), "{error}");
    }

    #[tokio::test]
    async fn what_is_no_database_is_named() {
        let (_folder, place) = directory();
        let Place::Directory(directory) = &place else { unreachable!() };
        directory.folder().write("marathon.db", &[b'x'; 5000]).expect("it can be written");
        let error = Store::open(&place, "marathon").expect_err("it is no database");
        assert!(error.to_string().contains("marathon.db: move it away"), "{error}");
    }
}
