//! An account's settings and deletions as rows.

use longshore_control::SettingName;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Realm;
use rusqlite::{Connection, Params, Row, Transaction, params};

/// Reads the rows of a query, each with `read`.
fn rows<T>(
    connection: &Connection,
    table: &str,
    sql: &str,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<Result<T, String>>,
) -> Result<Vec<T>, String> {
    let failed = |error: rusqlite::Error| format!("table {table}: {error}");
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        all.push(read(row).map_err(failed)?.map_err(|why| format!("{table}: {why}"))?);
    }
    Ok(all)
}

fn text(row: &Row<'_>, index: usize) -> rusqlite::Result<Str> {
    row.get::<_, String>(index).map(Str::from)
}

fn realm(row: &Row<'_>) -> rusqlite::Result<Realm> {
    Ok(Realm::new(text(row, 0)?, text(row, 1)?))
}

/// The highest revision of each family whose revisions have been deleted.
///
/// # Errors
/// Names table and row.
pub(super) fn families(connection: &Connection) -> Result<Vec<(Realm, Str, u32)>, String> {
    let sql = "SELECT region, account, family, last_revision FROM task_family";
    rows(connection, "task_family", sql, |row| Ok(Ok((realm(row)?, text(row, 2)?, row.get(3)?))))
}

/// Account settings.
///
/// # Errors
/// Names table and row.
pub(super) fn settings(
    connection: &Connection,
) -> Result<Vec<(Realm, Str, SettingName, Str)>, String> {
    let sql = "SELECT region, account, principal, name, value FROM account_setting";
    rows(connection, "account_setting", sql, |row| {
        let name = text(row, 3)?;
        let known = SettingName::parse(&name).ok_or_else(|| format!("no setting is called {name}"));
        let (realm, principal, value) = (realm(row)?, text(row, 2)?, text(row, 4)?);
        Ok(known.map(|name| (realm, principal, name, value)))
    })
}

fn execute(
    transaction: &Transaction<'_>,
    sql: &str,
    values: impl Params,
) -> rusqlite::Result<usize> {
    transaction.prepare_cached(sql)?.execute(values)
}

pub(super) fn write_family(
    transaction: &Transaction<'_>,
    realm: &Realm,
    family: &str,
    last: u32,
) -> rusqlite::Result<usize> {
    let sql = "INSERT OR REPLACE INTO task_family VALUES (?1, ?2, ?3, ?4)";
    execute(transaction, sql, params![&*realm.account, &*realm.region, family, last])
}

pub(super) fn forget_family(
    transaction: &Transaction<'_>,
    realm: &Realm,
    family: &str,
) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM task_family WHERE account = ?1 AND region = ?2 AND family = ?3";
    execute(transaction, sql, params![&*realm.account, &*realm.region, family])
}

pub(super) fn write_setting(
    transaction: &Transaction<'_>,
    realm: &Realm,
    principal: &str,
    name: SettingName,
    value: &str,
) -> rusqlite::Result<usize> {
    let sql = "INSERT OR REPLACE INTO account_setting VALUES (?1, ?2, ?3, ?4, ?5)";
    let (account, region) = (&*realm.account, &*realm.region);
    execute(transaction, sql, params![account, region, principal, name.word(), value])
}

pub(super) fn forget_setting(
    transaction: &Transaction<'_>,
    realm: &Realm,
    principal: &str,
    name: SettingName,
) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM account_setting WHERE account = ?1 AND region = ?2 AND principal = ?3 AND name = ?4";
    let (account, region) = (&*realm.account, &*realm.region);
    execute(transaction, sql, params![account, region, principal, name.word()])
}
