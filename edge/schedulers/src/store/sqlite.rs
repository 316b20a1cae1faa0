//! Rows in one `SQLite` file, written by one thread.

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

/// Opens the database `name`, or makes it, and reads all its rows.
pub(super) fn open(place: &Place, name: &'static str) -> Result<(Store, Vec<Row>), StoreError> {
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
        return Err(StoreError::TooNew { place, found, known: VERSION });
    }
    create(&connection).map_err(failed)?;
    let rows = read(&connection).map_err(failed)?;
    let (asked, inbox) = mpsc::channel(WAITING_MAX);
    let thread = std::thread::Builder::new().name(format!("{name}-storage"));
    let thread = thread.spawn(move || write(connection, inbox, lock));
    let thread =
        thread.map_err(|source| StoreError::Create { path: PathBuf::from(&place), source })?;
    let writer = Some(Writer::Thread(thread));
    Ok((Store { place, asked: Some(asked), writer }, rows))
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
        Err(TryLockError::WouldBlock) => {
            return Err(StoreError::InUse { place, flag: "--data-dir" });
        }
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
        for asked in group {
            // Whoever waited may be gone.
            let _ = asked.done.send(failed.clone().map_or(Ok(()), Err));
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
