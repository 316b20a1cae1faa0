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
        deduplications: records(connection, "deduplication", "queue || ':' || id")?,
        moves: records(connection, "move_task", "queue || ':' || number")?,
        deleted_queues: records(connection, "deleted_queue", "name")?,
        pending: records(connection, "pending_event", "'' || number")?,
    })
}

/// A number as stored in the database.
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
        Change::Deduplication(sent) => transaction
            .prepare_cached("INSERT OR REPLACE INTO deduplication VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![sent.queue.to_string(), &*sent.scope, &*sent.id, json(&**sent)]),
        Change::Move(task) => transaction
            .prepare_cached("INSERT OR REPLACE INTO move_task VALUES (?1, ?2, ?3)")?
            .execute(params![task.queue.to_string(), whole(task.number), json(&**task)]),
        Change::Deleted(queue) => transaction
            .prepare_cached("INSERT OR REPLACE INTO deleted_queue VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![
                &*queue.realm.account,
                &*queue.realm.region,
                &*queue.name,
                json(&**queue)
            ]),
        Change::Pending(pending) => transaction
            .prepare_cached("INSERT OR REPLACE INTO pending_event VALUES (?1, ?2)")?
            .execute(params![whole(pending.number), json(&**pending)]),
        Change::Purge(queue, below) => {
            let queue = queue.to_string();
            forget_all(transaction, "deduplication", &queue)?;
            transaction
                .prepare_cached("DELETE FROM message WHERE queue = ?1 AND place < ?2")?
                .execute(params![queue, whole(*below)])
        }
        Change::Forget(key) => forget(transaction, key),
    }
}

/// Deletes the records that a key names.
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
        Key::Deduplication(queue, scope, id) => transaction
            .prepare_cached(
                "DELETE FROM deduplication WHERE queue = ?1 AND scope = ?2 AND id = ?3",
            )?
            .execute(params![queue.to_string(), &**scope, &**id]),
        Key::Move(queue, number) => transaction
            .prepare_cached("DELETE FROM move_task WHERE queue = ?1 AND number = ?2")?
            .execute(params![queue.to_string(), whole(*number)]),
        Key::Deleted(realm, name) => transaction
            .prepare_cached(
                "DELETE FROM deleted_queue WHERE account = ?1 AND region = ?2 AND name = ?3",
            )?
            .execute(params![&*realm.account, &*realm.region, &**name]),
        Key::Pending(number) => transaction
            .prepare_cached("DELETE FROM pending_event WHERE number = ?1")?
            .execute(params![whole(*number)]),
        Key::Messages(queue) => {
            let queue = queue.to_string();
            forget_all(transaction, "deduplication", &queue)?;
            forget_all(transaction, "message", &queue)
        }
        Key::Queue(queue) => {
            let id = queue.to_string();
            for table in ["message", "deduplication", "move_task"] {
                forget_all(transaction, table, &id)?;
            }
            transaction.prepare_cached("DELETE FROM queue WHERE id = ?1")?.execute(params![id])
        }
    }
}

/// Deletes the rows of a queue from a table.
fn forget_all(transaction: &Transaction<'_>, table: &str, queue: &str) -> rusqlite::Result<usize> {
    transaction
        .prepare_cached(&format!("DELETE FROM {table} WHERE queue = ?1"))?
        .execute(params![queue])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use longshore_events::record::{Deduplication, DeletedQueue, MoveTask, PendingEvent};
    use longshore_events::{Bus, Call, Input, Output, Request};
    use longshore_machine::{Machine, Timestamp};
    use longshore_wire_ecs::arn::{Realm, ResourceId};
    use longshore_wire_ecs::{eventbridge, sqs};

    use super::*;

    /// The changes when a queue, a message and a rule are created.
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
            Output::Reply(..) | Output::Event(..) | Output::Rules(..) => None,
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

    const UNTIL: Timestamp = Timestamp::from_millis(5);

    /// An empty database of the current version.
    fn database() -> Connection {
        let connection = Connection::open_in_memory().expect("it opens");
        for schema in
            [include_str!("../../migrations/0003.sql"), include_str!("../../migrations/0007.sql")]
        {
            connection.execute_batch(schema).expect("the tables can be made");
        }
        connection
    }

    fn sent(queue: ResourceId, scope: &str) -> Change {
        Change::Deduplication(Arc::new(Deduplication {
            queue,
            scope: scope.into(),
            id: "d".into(),
            message: ResourceId(3),
            sequence: 4,
            until: UNTIL,
        }))
    }

    fn task(queue: ResourceId, number: u64) -> Change {
        Change::Move(Arc::new(MoveTask {
            queue,
            number,
            id: ResourceId(number.into()),
            source: "s".into(),
            destination: None,
            rate: Some(1),
            status: "RUNNING".into(),
            failure: None,
            to_move: 1,
            moved: 0,
            started_at: UNTIL,
        }))
    }

    fn deleted() -> Change {
        let realm = Realm::new("us-east-1", "123456789012");
        Change::Deleted(Arc::new(DeletedQueue { realm, name: "q".into(), until: UNTIL }))
    }

    fn pending() -> Change {
        let event = longshore_events::Event {
            id: "e".into(),
            source: "aws.ecs".into(),
            detail_type: "t".into(),
            time: UNTIL,
            resources: Vec::new(),
            detail: "{}".into(),
        };
        let realm = Realm::new("us-east-1", "123456789012");
        Change::Pending(Arc::new(PendingEvent { number: 7, realm, event }))
    }

    #[test]
    fn what_fifo_queues_and_tasks_store_comes_back_until_it_is_forgotten() {
        let (queue, other) = (ResourceId(1), ResourceId(2));
        let mut connection = database();
        let all = [
            pending(),
            sent(queue, ""),
            sent(queue, "g"),
            sent(other, ""),
            task(queue, 1),
            task(other, 2),
            deleted(),
        ];
        let records = written(&mut connection, &all);
        assert_eq!((records.deduplications.len(), records.moves.len()), (3, 2));
        assert_eq!(records.deleted_queues[0].until, UNTIL);
        assert_eq!((records.pending[0].number, records.pending[0].event.time), (7, UNTIL));
        let forget = |change: &Change| Change::Forget(change.key());
        let some = [
            forget(&sent(queue, "g")),
            forget(&task(queue, 1)),
            forget(&deleted()),
            forget(&pending()),
        ];
        let records = written(&mut connection, &some);
        assert_eq!((records.deduplications.len(), records.moves.len()), (2, 1));
        assert!(records.deleted_queues.is_empty() && records.pending.is_empty());
        let rest = [Change::Purge(queue, 9), Change::Forget(Key::Queue(other))];
        let records = written(&mut connection, &rest);
        assert_eq!((records.deduplications.len(), records.moves.len()), (0, 0));
    }

    #[test]
    fn what_the_bus_stores_comes_back_until_it_is_forgotten() {
        let mut connection = database();
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
