//! Records of the event bus as rows.

use longshore_events::{Change, Key, Records};
use rusqlite::{Connection, Transaction, params};

use super::rows::{json, records};

/// Reads every record.
///
/// # Errors
/// Names table and row.
pub(super) fn load(connection: &Connection) -> Result<Records, String> {
    Ok(Records {
        rules: records(connection, "event_rule", "name")?,
        queues: records(connection, "queue", "name")?,
        messages: records(connection, "message", "queue || ':' || place")?,
    })
}

/// A number as the database has it.
fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Writes one change.
pub(super) fn write(transaction: &Transaction<'_>, change: &Change) -> rusqlite::Result<usize> {
    match change {
        Change::Rule(rule) => transaction
            .prepare_cached("INSERT OR REPLACE INTO event_rule VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![
                &*rule.realm.account,
                &*rule.realm.region,
                &*rule.name,
                &*rule.state,
                json(&**rule)
            ]),
        Change::Queue(queue) => transaction
            .prepare_cached("INSERT OR REPLACE INTO queue VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![
                queue.id.to_string(),
                &*queue.realm.account,
                &*queue.realm.region,
                &*queue.name,
                json(&**queue)
            ]),
        Change::Message(message) => transaction
            .prepare_cached("INSERT OR REPLACE INTO message VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![
                message.queue.to_string(),
                whole(message.place),
                whole(message.sent_at.millis()),
                json(&**message)
            ]),
        Change::Purge(queue, below) => transaction
            .prepare_cached("DELETE FROM message WHERE queue = ?1 AND place < ?2")?
            .execute(params![queue.to_string(), whole(*below)]),
        Change::Forget(key) => forget(transaction, key),
    }
}

/// Forgets what a key names.
pub(super) fn forget(transaction: &Transaction<'_>, key: &Key) -> rusqlite::Result<usize> {
    match key {
        Key::Rule(realm, name) => transaction
            .prepare_cached(
                "DELETE FROM event_rule WHERE account = ?1 AND region = ?2 AND name = ?3",
            )?
            .execute(params![&*realm.account, &*realm.region, &**name]),
        Key::Message(queue, place) => transaction
            .prepare_cached("DELETE FROM message WHERE queue = ?1 AND place = ?2")?
            .execute(params![queue.to_string(), whole(*place)]),
        Key::Messages(queue) => forget_messages(transaction, &queue.to_string()),
        Key::Queue(queue) => {
            let id = queue.to_string();
            forget_messages(transaction, &id)?;
            transaction.prepare_cached("DELETE FROM queue WHERE id = ?1")?.execute(params![id])
        }
    }
}

fn forget_messages(transaction: &Transaction<'_>, queue: &str) -> rusqlite::Result<usize> {
    transaction.prepare_cached("DELETE FROM message WHERE queue = ?1")?.execute(params![queue])
}
