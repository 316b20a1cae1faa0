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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use longshore_events::{Bus, Call, Input, Output, Request};
    use longshore_machine::{Machine, Timestamp};
    use longshore_wire_ecs::arn::Realm;
    use longshore_wire_ecs::{eventbridge, sqs};

    use super::*;

    /// What the bus wants stored when a queue, a message and a rule are made.
    fn changes() -> Vec<Change> {
        let ask = |operation: &str, body: &str| Request::Sqs {
            origin: "http://h".into(),
            request: sqs::Request::parse(operation, body.as_bytes()).expect("it parses"),
        };
        let rule = br#"{"Name": "r", "EventPattern": "{\"source\":[\"a\"]}"}"#;
        let rule = eventbridge::Request::parse("PutRule", rule).expect("it parses");
        let mut bus = Bus::new(1);
        let mut out = Vec::new();
        for request in [
            ask("CreateQueue", r#"{"QueueName": "q"}"#),
            ask("SendMessage", r#"{"QueueUrl": "q", "MessageBody": "one"}"#),
            ask("SendMessage", r#"{"QueueUrl": "q", "MessageBody": "two"}"#),
            Request::EventBridge(rule),
        ] {
            let realm = Realm::new("us-east-1", "123456789012");
            let input = Input::Call { call: Call(1), realm, request };
            bus.step(Timestamp::from_millis(1_000), input, &mut out);
        }
        let change = |output| match output {
            Output::Change(change) => Some(change),
            Output::Reply(..) | Output::Event(..) => None,
        };
        out.into_iter().filter_map(change).collect()
    }

    fn written(connection: &mut Connection, changes: &[Change]) -> Records {
        let transaction = connection.transaction().expect("it begins");
        for change in changes {
            write(&transaction, change).expect("it is written");
        }
        transaction.commit().expect("it ends");
        load(connection).expect("what was written can be read")
    }

    #[test]
    fn what_the_bus_stores_comes_back_until_it_is_forgotten() {
        let mut connection = Connection::open_in_memory().expect("it opens");
        let schema = include_str!("../../migrations/0003.sql");
        connection.execute_batch(schema).expect("the tables can be made");
        let changes = changes();
        let records = written(&mut connection, &changes);
        let bodies: Vec<&str> = records.messages.iter().map(|message| &*message.body).collect();
        assert_eq!(bodies, ["one", "two"]);
        assert_eq!((records.rules.len(), records.queues.len()), (1, 1));
        let queue = records.queues[0].id;
        let renamed = Change::Rule(Arc::new(records.rules[0].clone()));
        let records = written(&mut connection, &[renamed, Change::Purge(queue, 1)]);
        assert_eq!((records.rules.len(), records.messages.len()), (1, 1));
        let forgotten = [Change::Forget(Key::Queue(queue)), Change::Forget(changes[3].key())];
        let records = written(&mut connection, &forgotten);
        let left = records.rules.len() + records.queues.len() + records.messages.len();
        assert_eq!(left, 0);
    }
}
