//! Records as rows.

use longshore_control::{Change, ContainerInstance, Key, Records, Service, TaskRow};
use longshore_wire_ecs::arn::{Realm, ResourceId};
use rusqlite::{Connection, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::places::Places;
use super::{account_rows, event_rows};

/// Reads every record.
///
/// # Errors
/// Names table and row.
pub(super) fn load(connection: &Connection) -> Result<Records, String> {
    Ok(Records {
        clusters: records(connection, "cluster", "name")?,
        instances: records(connection, "container_instance", "id")?,
        definitions: records(connection, "task_definition", "family || ':' || revision")?,
        tasks: records(connection, "task", "record ->> 'id'")?,
        services: records(connection, "service", "cluster || '/' || name")?,
        tokens: tokens(connection)?,
        families: account_rows::families(connection)?,
        settings: account_rows::settings(connection)?,
        bus: event_rows::load(connection)?,
    })
}

pub(super) fn records<T: DeserializeOwned>(
    connection: &Connection,
    table: &str,
    name: &str,
) -> Result<Vec<T>, String> {
    let failed = |error: rusqlite::Error| format!("table {table}: {error}");
    let mut statement =
        connection.prepare(&format!("SELECT {name}, record FROM {table}")).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let name: String = row.get(0).map_err(failed)?;
        let text = row
            .get_ref(1)
            .map_err(failed)?
            .as_str()
            .map_err(|error| format!("table {table}: {error}"))?;
        let record =
            serde_json::from_str(text).map_err(|error| format!("{table} {name}: {error}"))?;
        records.push(record);
    }
    Ok(records)
}

/// Maps records to rows, for tables in order of insertion.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) tasks: Places,
}

impl Known {
    /// Reads the maps.
    ///
    /// # Errors
    /// If a table cannot be read.
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        Ok(Self { tasks: Places::of_tasks(connection)? })
    }
}

type Tokens =
    Vec<(Realm, longshore_wire_ecs::Str, longshore_wire_ecs::Str, longshore_control::TokenUse)>;

fn tokens(connection: &Connection) -> Result<Tokens, String> {
    let failed = |error: rusqlite::Error| format!("table client_token: {error}");
    let sql = "SELECT region, account, cluster, token, usage FROM client_token";
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut tokens = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let text = |index: usize| row.get::<_, String>(index).map_err(failed);
        let usage =
            serde_json::from_str(&text(4)?).map_err(|error| format!("client_token: {error}"))?;
        tokens.push((Realm::new(text(0)?, text(1)?), text(2)?.into(), text(3)?.into(), usage));
    }
    Ok(tokens)
}

pub(super) fn json(record: &impl Serialize) -> String {
    serde_json::to_string(record)
        .expect("records are text, numbers, lists and maps with text for keys")
}

/// A change to be written. Its record is serialized already, to relieve the single writer thread.
#[derive(Debug)]
pub(super) struct Row {
    change: Change,
    /// Empty for deletions, and for the event bus, which has its own rows.
    record: String,
}

impl From<Change> for Row {
    fn from(change: Change) -> Self {
        let record = match &change {
            Change::Cluster(cluster) => json(&**cluster),
            Change::Instance(instance) => json(&**instance),
            Change::Definition(definition) => json(&**definition),
            Change::Task(task) => json(&TaskRow::from(&**task)),
            Change::Service(service) => json(&**service),
            Change::Token { usage, .. } => json(usage),
            Change::Family { .. } | Change::Setting { .. } | Change::Forget(_) | Change::Bus(_) => {
                String::new()
            }
        };
        Self { change, record }
    }
}

/// Writes one row.
pub(super) fn write(
    transaction: &Transaction<'_>,
    known: &mut Known,
    row: Row,
) -> rusqlite::Result<()> {
    let Row { change, record } = row;
    match &change {
        Change::Cluster(cluster) => transaction
            .prepare_cached("INSERT OR REPLACE INTO cluster VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![
                &*cluster.realm.account,
                &*cluster.realm.region,
                &*cluster.name,
                cluster.status.word(),
                record
            ])?,
        Change::Instance(instance) => write_instance(transaction, instance, record)?,
        Change::Definition(definition) => transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO task_definition VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                &*definition.realm.account,
                &*definition.realm.region,
                &*definition.family,
                definition.revision,
                definition.status.word(),
                record
            ])?,
        Change::Task(task) => write_task(transaction, known, task.id, record)?,
        Change::Service(service) => write_service(transaction, service, record)?,
        Change::Token { realm, cluster, token, .. } => transaction
            .prepare_cached("INSERT OR REPLACE INTO client_token VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![&*realm.account, &*realm.region, &**cluster, &**token, record])?,
        Change::Family { realm, family, last } => {
            account_rows::write_family(transaction, realm, family, *last)?
        }
        Change::Setting { realm, principal, name, value } => {
            account_rows::write_setting(transaction, realm, principal, *name, value)?
        }
        Change::Forget(key) => forget(transaction, known, key)?,
        Change::Bus(change) => event_rows::write(transaction, change)?,
    };
    Ok(())
}

fn write_task(
    transaction: &Transaction<'_>,
    known: &mut Known,
    id: ResourceId,
    mut record: String,
) -> rusqlite::Result<usize> {
    if let Some(place) = known.tasks.get(id) {
        pad(&mut record, 0);
        return transaction
            .prepare_cached("UPDATE task SET record = ?2 WHERE place = ?1")?
            .execute(params![place, record]);
    }
    pad(&mut record, TASK_ROOM);
    transaction
        .prepare_cached("INSERT INTO task (place, record) VALUES (?1, ?2)")?
        .execute(params![known.tasks.add(id), record])
}

/// Bytes that a new task record gets as room to grow; all task records are padded to a multiple.
const TASK_ROOM: usize = 96;

/// Pads a record with spaces, which JSON ignores. A row replaced by one of equal length stays in
/// place; a longer one would push its neighbours to other pages.
fn pad(record: &mut String, room: usize) {
    let length = (record.len() + room).next_multiple_of(TASK_ROOM);
    record.extend(std::iter::repeat_n(' ', length - record.len()));
}

fn write_instance(
    transaction: &Transaction<'_>,
    instance: &ContainerInstance,
    record: String,
) -> rusqlite::Result<usize> {
    let id = instance.id.to_string();
    transaction
        .prepare_cached("INSERT OR REPLACE INTO container_instance VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![id, &*instance.cluster, instance.status.word(), record])
}

fn write_service(
    transaction: &Transaction<'_>,
    service: &Service,
    record: String,
) -> rusqlite::Result<usize> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO service VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
        .execute(params![
            &*service.realm.account,
            &*service.realm.region,
            &*service.cluster,
            &*service.name,
            service.status.word(),
            service.desired_count,
            record
        ])
}

fn forget(transaction: &Transaction<'_>, known: &mut Known, key: &Key) -> rusqlite::Result<usize> {
    match key {
        Key::Cluster(realm, name) => transaction
            .prepare_cached("DELETE FROM cluster WHERE account = ?1 AND region = ?2 AND name = ?3")?
            .execute(params![&*realm.account, &*realm.region, &**name]),
        Key::Instance(id) => transaction
            .prepare_cached("DELETE FROM container_instance WHERE id = ?1")?
            .execute(params![id.to_string()]),
        Key::Definition(realm, family, revision) => transaction
            .prepare_cached("DELETE FROM task_definition WHERE account = ?1 AND region = ?2 AND family = ?3 AND revision = ?4")?
            .execute(params![&*realm.account, &*realm.region, &**family, revision]),
        Key::Task(id) => {
            let place = known.tasks.remove(*id);
            transaction.prepare_cached("DELETE FROM task WHERE place = ?1")?.execute(params![place])
        }
        Key::Service(realm, cluster, name) => transaction
            .prepare_cached("DELETE FROM service WHERE account = ?1 AND region = ?2 AND cluster = ?3 AND name = ?4")?
            .execute(params![&*realm.account, &*realm.region, &**cluster, &**name]),
        Key::Token(realm, cluster, token) => transaction
            .prepare_cached("DELETE FROM client_token WHERE account = ?1 AND region = ?2 AND cluster = ?3 AND token = ?4")?
            .execute(params![&*realm.account, &*realm.region, &**cluster, &**token]),
        Key::Family(realm, family) => account_rows::forget_family(transaction, realm, family),
        Key::Setting(realm, principal, name) => {
            account_rows::forget_setting(transaction, realm, principal, *name)
        }
        Key::Bus(key) => event_rows::forget(transaction, key),
    }
}
