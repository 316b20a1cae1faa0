//! What is stored, and what comes of it after a restart.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::*;
use crate::{Key, Records};

fn again<T: Serialize + DeserializeOwned>(record: &T) -> T {
    serde_json::from_str(&serde_json::to_string(record).expect("it is JSON")).expect("it is one")
}

/// What a disk would hold after these changes, written and read back as JSON.
fn stored(changes: &[Change]) -> Records {
    let mut rows: BTreeMap<Key, Change> = BTreeMap::new();
    for change in changes {
        match change {
            Change::Purge(queue, below) => rows.retain(
                |key, _| !matches!(key, Key::Message(of, place) if of == queue && place < below),
            ),
            Change::Forget(Key::Queue(queue)) => rows.retain(|key, _| match key {
                Key::Message(of, _) | Key::Queue(of) => of != queue,
                _ => true,
            }),
            Change::Forget(key) => drop(rows.remove(key)),
            other => drop(rows.insert(other.key(), other.clone())),
        }
    }
    let mut records = Records::default();
    for change in rows.into_values() {
        match change {
            Change::Rule(rule) => records.rules.push(again(&*rule)),
            Change::Queue(queue) => records.queues.push(again(&*queue)),
            Change::Message(message) => records.messages.push(again(&*message)),
            other => panic!("{other:?} is no row"),
        }
    }
    records
}

fn restarted(world: &World) -> World {
    let bus = Bus::load(2, stored(&world.changes)).expect("the records agree");
    let violations = audit(&bus);
    assert!(violations.is_empty(), "{violations:?}");
    World { now: world.now, changes: world.changes.clone(), ..World::with(bus) }
}

#[test]
fn messages_queues_and_rules_outlive_a_restart() {
    let mut world = World::new();
    world.queue("q", json!({ "VisibilityTimeout": "9" }));
    world.rule("r", &json!({ "source": ["aws.ecs"] }), "q");
    world.send("q", "in flight");
    world.send("q", "deleted");
    let received = world.receive("q");
    world.delete("q", &received[1].1);
    let late = json!({ "QueueUrl": url("q"), "MessageBody": "late", "DelaySeconds": 60 });
    world.sqs("SendMessage", late);
    let mut world = restarted(&world);
    assert_eq!(world.attribute("q", "VisibilityTimeout"), "9");
    // What was in flight is delivered again; what was deleted is not.
    let again = world.receive("q");
    assert_eq!(again.iter().map(|(body, _)| &**body).collect::<Vec<_>>(), ["in flight"]);
    assert_eq!(world.attribute("q", "ApproximateNumberOfMessagesDelayed"), "1");
    world.wait(60_000);
    world.publish("ECS Task State Change", &json!({}));
    assert_eq!(world.receive("q").len(), 3);
}

#[test]
fn work_done_before_a_restart_can_be_acknowledged_after_it() {
    let mut world = World::new();
    world.queue("q", json!({}));
    world.send("q", "m");
    let handle = world.receive("q")[0].1.clone();
    let mut world = restarted(&world);
    world.delete("q", &handle);
    assert!(world.receive("q").is_empty());
}

#[test]
fn what_is_purged_or_deleted_with_its_queue_is_gone_after_a_restart() {
    let mut world = World::new();
    for name in ["purged", "deleted"] {
        world.queue(name, json!({}));
        world.send(name, "m");
    }
    world.sqs("PurgeQueue", json!({ "QueueUrl": url("purged") }));
    world.sqs("DeleteQueue", json!({ "QueueUrl": url("deleted") }));
    world.send("purged", "after");
    let mut world = restarted(&world);
    assert_eq!(world.receive("purged")[0].0, "after");
    assert!(world.try_sqs("ReceiveMessage", json!({ "QueueUrl": url("deleted") })).is_err());
}

#[test]
fn records_that_contradict_each_other_are_refused() {
    let mut world = World::new();
    world.queue("q", json!({}));
    world.send("q", "m");
    let mut records = stored(&world.changes);
    records.queues.clear();
    let why = Bus::load(1, records).expect_err("a message without a queue");
    assert!(why.contains("has no queue"), "{why}");
}
