//! What is stored, and what is restored after a restart.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::*;
use crate::{Key, Records, limits};

fn again<T: Serialize + DeserializeOwned>(record: &T) -> T {
    serde_json::from_str(&serde_json::to_string(record).expect("it is JSON")).expect("it is one")
}

/// What a disk would hold after these changes, after a round trip through JSON.
fn stored(changes: &[Change]) -> Records {
    let mut rows: BTreeMap<Key, Change> = BTreeMap::new();
    for change in changes {
        match change {
            Change::Purge(queue, below) => rows.retain(|key, _| match key {
                Key::Message(of, place) => of != queue || place >= below,
                Key::Deduplication(of, ..) => of != queue,
                _ => true,
            }),
            Change::Forget(Key::Queue(queue)) => rows.retain(|key, _| match key {
                Key::Message(of, _)
                | Key::Queue(of)
                | Key::Move(of, _)
                | Key::Deduplication(of, ..) => of != queue,
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
            Change::Deduplication(sent) => records.deduplications.push(again(&*sent)),
            Change::Move(task) => records.moves.push(again(&*task)),
            Change::Deleted(queue) => records.deleted_queues.push(again(&*queue)),
            Change::Pending(pending) => records.pending.push(again(&*pending)),
            other => panic!("{other:?} is no row"),
        }
    }
    records
}

pub(super) fn restarted(world: &World) -> World {
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
    // In-flight messages are delivered again; deleted ones are not.
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
fn the_name_of_a_deleted_queue_stays_taken_for_its_minute_after_a_restart() {
    let mut world = World::new();
    world.queue("q", json!({}));
    world.sqs("DeleteQueue", json!({ "QueueUrl": url("q") }));
    world.wait(30_000);
    let mut world = restarted(&world);
    let again = json!({ "QueueName": "q" });
    let refused = world.try_sqs("CreateQueue", again.clone());
    assert_eq!(refused, Err("AWS.SimpleQueueService.QueueDeletedRecently"));
    world.wait(30_000);
    world.sqs("CreateQueue", again);
    assert!(stored(&world.changes).deleted_queues.is_empty(), "nothing is left of it");
}

#[test]
fn what_was_sent_to_a_fifo_queue_is_remembered_after_a_restart_and_its_numbers_rise() {
    let mut world = World::new();
    world.queue("q.fifo", json!({ "FifoQueue": "true", "ContentBasedDeduplication": "true" }));
    let send = |body: &str| json!({ "QueueUrl": url("q.fifo"), "MessageBody": body, "MessageGroupId": "g" });
    let first = world.sqs("SendMessage", send("one"));
    let handle = world.receive("q.fifo")[0].1.clone();
    world.delete("q.fifo", &handle);
    let mut world = restarted(&world);
    let again = world.sqs("SendMessage", send("one"));
    assert_eq!(again, first, "it is the same message");
    assert!(world.receive("q.fifo").is_empty());
    // Afterwards the queue has no row but its own, and its numbers still increase.
    world.wait(limits::DEDUPLICATION_MS);
    let mut world = restarted(&world);
    let second = world.sqs("SendMessage", send("one"));
    assert!(second["SequenceNumber"].as_str() > first["SequenceNumber"].as_str());
}

#[test]
fn groups_keep_their_order_over_a_restart() {
    let mut world = World::new();
    world.queue("q.fifo", json!({ "FifoQueue": "true", "ContentBasedDeduplication": "true" }));
    for (group, body) in [("a", "a1"), ("b", "b1"), ("a", "a2"), ("a", "a3")] {
        world.sqs(
            "SendMessage",
            json!({ "QueueUrl": url("q.fifo"), "MessageBody": body, "MessageGroupId": group }),
        );
    }
    assert_eq!(world.receive("q.fifo").len(), 4);
    let mut world = restarted(&world);
    let bodies: Vec<String> = world.receive("q.fifo").into_iter().map(|(body, _)| body).collect();
    assert_eq!(bodies, ["a1", "a2", "a3", "b1"]);
}

#[test]
fn a_task_that_moves_messages_goes_on_after_a_restart() {
    let mut world = World::new();
    world.queue("dead", json!({}));
    let policy = json!({ "deadLetterTargetArn": arn("dead"), "maxReceiveCount": 1 }).to_string();
    world.queue("q", json!({ "RedrivePolicy": policy }));
    for body in ["one", "two", "three"] {
        world.send("dead", body);
    }
    let ask = json!({ "SourceArn": arn("dead"), "DestinationArn": arn("q"), "MaxNumberOfMessagesPerSecond": 1 });
    world.sqs("StartMessageMoveTask", ask);
    assert_eq!(world.receive("q").len(), 1);
    let mut world = restarted(&world);
    world.wait(2_000);
    let task =
        &world.sqs("ListMessageMoveTasks", json!({ "SourceArn": arn("dead") }))["Results"][0];
    assert_eq!(
        (&task["Status"], &task["ApproximateNumberOfMessagesMoved"]),
        (&json!("COMPLETED"), &json!(3))
    );
    assert_eq!(world.receive("q").len(), 3);
}

#[test]
fn a_rule_with_a_pattern_that_is_none_any_more_is_kept_and_matches_nothing() {
    let mut world = World::new();
    world.queue("q", json!({}));
    world.rule("r", &json!({ "source": ["aws.ecs"] }), "q");
    let mut records = stored(&world.changes);
    // Earlier versions accepted an address without a slash.
    let pattern = r#"{"source":["aws.ecs"],"detail":{"ip":[{"cidr":"10.0.0.1"}]}}"#;
    records.rules[0].pattern = pattern.into();
    let mut world = World::with(Bus::load(1, records).expect("it starts"));
    let shown = world.events("DescribeRule", json!({ "Name": "r" }));
    assert_eq!(shown["EventPattern"], pattern);
    world.publish("ECS Task State Change", &json!({ "ip": "10.0.0.1" }));
    assert!(world.receive("q").is_empty());
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
