//! Message move tasks of dead-letter queues.

use serde_json::json;

use super::*;

fn with_dead_letters() -> World {
    let mut world = World::new();
    world.queue("dead", json!({}));
    let policy = json!({ "deadLetterTargetArn": arn("dead"), "maxReceiveCount": 1 }).to_string();
    for name in ["one", "two"] {
        let attributes = json!({ "RedrivePolicy": policy, "VisibilityTimeout": "0" });
        world.queue(name, attributes);
        world.send(name, name);
        world.receive(name);
        assert!(world.receive(name).is_empty());
    }
    world
}

fn start(destination: Option<&str>, rate: Option<u32>) -> Value {
    let mut ask = json!({ "SourceArn": arn("dead") });
    if let Some(queue) = destination {
        ask["DestinationArn"] = json!(arn(queue));
    }
    if let Some(rate) = rate {
        ask["MaxNumberOfMessagesPerSecond"] = json!(rate);
    }
    ask
}

fn last(world: &mut World) -> Value {
    world.sqs("ListMessageMoveTasks", json!({ "SourceArn": arn("dead") }))["Results"][0].clone()
}

#[test]
fn messages_go_back_to_where_they_came_from() {
    let mut world = with_dead_letters();
    let handle = world.sqs("StartMessageMoveTask", start(None, None))["TaskHandle"].clone();
    assert!(handle.is_string());
    for name in ["one", "two"] {
        assert_eq!(world.receive(name)[0].0, name);
    }
    let task = last(&mut world);
    assert_eq!(
        (&task["Status"], &task["ApproximateNumberOfMessagesMoved"]),
        (&json!("COMPLETED"), &json!(2))
    );
    assert_eq!(
        (&task["ApproximateNumberOfMessagesToMove"], task.get("TaskHandle")),
        (&json!(2), None)
    );
    assert_eq!(task.get("DestinationArn"), None);
}

#[test]
fn messages_go_elsewhere_at_a_rate_until_the_task_is_cancelled() {
    let mut world = with_dead_letters();
    for number in 0..8 {
        world.send("dead", &number.to_string());
    }
    world.queue("elsewhere", json!({}));
    let handle =
        world.sqs("StartMessageMoveTask", start(Some("elsewhere"), Some(1)))["TaskHandle"].clone();
    world.wait(2_500);
    assert_eq!(world.receive("elsewhere").len(), 3);
    let task = last(&mut world);
    assert_eq!((&task["Status"], &task["TaskHandle"]), (&json!("RUNNING"), &handle));
    let second = world.try_sqs("StartMessageMoveTask", start(None, None));
    assert_eq!(second, Err("InvalidParameterValue"));
    let cancel = json!({ "TaskHandle": handle });
    let moved = world.sqs("CancelMessageMoveTask", cancel.clone());
    assert_eq!(moved["ApproximateNumberOfMessagesMoved"], 3);
    assert_eq!(last(&mut world)["Status"], "CANCELLED");
    assert_eq!(world.try_sqs("CancelMessageMoveTask", cancel), Err("InvalidParameterValue"));
    world.wait(5_000);
    assert!(world.receive("elsewhere").is_empty());
}

#[test]
fn a_task_with_nowhere_to_go_fails_and_says_why() {
    let mut world = with_dead_letters();
    world.sqs("DeleteQueue", json!({ "QueueUrl": url("one") }));
    world.sqs("StartMessageMoveTask", start(None, None));
    let task = last(&mut world);
    assert_eq!(
        (&task["Status"], &task["FailureReason"]),
        (&json!("FAILED"), &json!("AWS.SimpleQueueService.NonExistentQueue"))
    );
    // Nothing is lost.
    assert_eq!(world.receive("dead").len(), 2);
    world.wait(60_000);
    world.sqs("PurgeQueue", json!({ "QueueUrl": url("dead") }));
    world.send("dead", "nobody's");
    world.sqs("StartMessageMoveTask", start(None, None));
    assert_eq!(last(&mut world)["FailureReason"], "CouldNotDetermineMessageSource");
}

#[test]
fn tasks_that_cannot_be_are_refused() {
    let mut world = with_dead_letters();
    world.queue("other", json!({}));
    world.queue("other.fifo", json!({ "FifoQueue": "true" }));
    for (ask, code) in [
        (json!({}), "MissingParameter"),
        (json!({ "SourceArn": arn("nowhere") }), "ResourceNotFoundException"),
        (json!({ "SourceArn": arn("other") }), "InvalidParameterValue"),
        (start(Some("nowhere"), None), "ResourceNotFoundException"),
        (start(Some("dead"), None), "InvalidParameterValue"),
        (start(Some("other.fifo"), None), "InvalidParameterValue"),
        (start(None, Some(0)), "InvalidParameterValue"),
        (start(None, Some(501)), "InvalidParameterValue"),
    ] {
        assert_eq!(world.try_sqs("StartMessageMoveTask", ask.clone()), Err(code), "{ask}");
    }
    let list = json!({ "SourceArn": arn("dead"), "MaxResults": 11 });
    assert_eq!(world.try_sqs("ListMessageMoveTasks", list), Err("InvalidParameterValue"));
    let handle = json!({ "TaskHandle": "foobared" });
    assert_eq!(world.try_sqs("CancelMessageMoveTask", handle), Err("InvalidParameterValue"));
}

#[test]
fn the_latest_ten_tasks_are_known() {
    let mut world = with_dead_letters();
    for _ in 0..12 {
        world.sqs("StartMessageMoveTask", start(None, None));
    }
    let ask = json!({ "SourceArn": arn("dead"), "MaxResults": 10 });
    let tasks = world.sqs("ListMessageMoveTasks", ask)["Results"].clone();
    assert_eq!(tasks.as_array().map(Vec::len), Some(10));
    let queue = world.bus.state().queues.values().find(|queue| &*queue.record.name == "dead");
    assert_eq!(queue.map(|queue| queue.moves.len()), Some(10));
}
