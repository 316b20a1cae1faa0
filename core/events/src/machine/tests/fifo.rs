//! FIFO queues: order within groups, and deduplication.

use serde_json::json;

use super::*;
use crate::limits;

fn fifo(attributes: Value) -> World {
    let mut world = World::new();
    let mut all = json!({ "FifoQueue": "true" });
    for (name, value) in attributes.as_object().expect("attributes") {
        all[name] = value.clone();
    }
    world.queue("q.fifo", all);
    world
}

fn by_content() -> World {
    fifo(json!({ "ContentBasedDeduplication": "true" }))
}

fn message(group: &str, body: &str) -> Value {
    json!({ "QueueUrl": url("q.fifo"), "MessageBody": body, "MessageGroupId": group })
}

/// Sends messages; `a1` is a message of group `a`.
fn send_all(world: &mut World, bodies: &str) {
    for body in bodies.split(' ') {
        world.sqs("SendMessage", message(&body[..1], body));
    }
}

/// Receives up to `count` messages: their bodies and handles.
fn take(world: &mut World, count: usize, more: Value) -> (String, Vec<String>) {
    let mut ask = json!({ "QueueUrl": url("q.fifo"), "MaxNumberOfMessages": count });
    for (name, value) in more.as_object().expect("members") {
        ask[name] = value.clone();
    }
    let (bodies, handles): (Vec<_>, Vec<_>) =
        bodies(&world.sqs("ReceiveMessage", ask)).into_iter().unzip();
    (bodies.join(" "), handles)
}

fn hide(handle: &str, timeout_s: u32) -> Value {
    json!({ "QueueUrl": url("q.fifo"), "ReceiptHandle": handle, "VisibilityTimeout": timeout_s })
}

#[test]
fn messages_of_a_group_come_in_order_and_as_many_of_one_as_possible() {
    let mut world = by_content();
    send_all(&mut world, "a1 b1 a2 b2 a3 c1");
    assert_eq!(take(&mut world, 10, json!({})).0, "a1 a2 a3 b1 b2 c1");
}

#[test]
fn a_group_with_messages_in_flight_waits_and_others_are_served() {
    let mut world = by_content();
    send_all(&mut world, "a1 a2 a3 b1 c1");
    let (first, handles) = take(&mut world, 2, json!({}));
    assert_eq!(first, "a1 a2");
    // Messages waiting behind them count as visible.
    assert_eq!(world.attribute("q.fifo", "ApproximateNumberOfMessages"), "3");
    assert_eq!(world.attribute("q.fifo", "ApproximateNumberOfMessagesNotVisible"), "2");
    world.sqs("SendMessage", message("a", "a4"));
    world.delete("q.fifo", &handles[0]);
    assert_eq!(take(&mut world, 1, json!({})).0, "b1");
    world.delete("q.fifo", &handles[1]);
    assert_eq!(take(&mut world, 10, json!({})).0, "c1 a3 a4");
}

#[test]
fn groups_take_turns_also_when_nothing_is_hidden() {
    let mut world = by_content();
    send_all(&mut world, "a1 b1 b2 c1 a2");
    let shown = json!({ "VisibilityTimeout": 0 });
    assert_eq!(take(&mut world, 3, shown.clone()).0, "a1 a2 b1");
    assert_eq!(take(&mut world, 10, shown).0, "c1 a1 a2 b1 b2");
}

#[test]
fn messages_that_come_back_come_in_their_order() {
    let mut world = by_content();
    send_all(&mut world, "a1 a2 a3");
    take(&mut world, 10, json!({}));
    world.wait(30_000);
    assert_eq!(take(&mut world, 10, json!({})).0, "a1 a2 a3");
}

#[test]
fn what_stands_behind_a_message_in_flight_waits_and_what_stands_before_it_does_not() {
    let mut world = by_content();
    send_all(&mut world, "a1 a2 a3 b1");
    let (_, handles) = take(&mut world, 2, json!({}));
    world.sqs("ChangeMessageVisibility", hide(&handles[0], 0));
    // Its receipt is no longer valid.
    assert_eq!(
        world.try_sqs("ChangeMessageVisibility", hide(&handles[0], 9)),
        Err("InvalidParameterValue")
    );
    assert_eq!(take(&mut world, 10, json!({})).0, "b1 a1");
}

#[test]
fn who_waits_for_a_group_is_served_when_it_is_free() {
    let mut world = by_content();
    send_all(&mut world, "a1");
    let (_, handles) = take(&mut world, 1, json!({}));
    let ask = json!({ "QueueUrl": url("q.fifo"), "WaitTimeSeconds": 20 });
    let call = world.start("ReceiveMessage", ask);
    world.sqs("SendMessage", message("a", "a2"));
    assert!(world.reply(call).is_none());
    world.delete("q.fifo", &handles[0]);
    let answer = sqs_value(world.reply(call).expect("it is answered")).expect("it is no error");
    assert_eq!(bodies(&answer)[0].0, "a2");
}

#[test]
fn a_receipt_that_has_expired_deletes_nothing() {
    let mut world = by_content();
    send_all(&mut world, "a1");
    let (_, handles) = take(&mut world, 1, json!({}));
    world.wait(30_000);
    let ask = json!({ "QueueUrl": url("q.fifo"), "ReceiptHandle": handles[0] });
    assert_eq!(world.try_sqs("DeleteMessage", ask), Err("InvalidParameterValue"));
    let (bodies, handles) = take(&mut world, 1, json!({}));
    assert_eq!(bodies, "a1");
    world.sqs("ChangeMessageVisibility", hide(&handles[0], 60));
    world.wait(59_999);
    world.delete("q.fifo", &handles[0]);
    // Deleting a message that is gone succeeds, as in a standard queue.
    world.delete("q.fifo", &handles[0]);
}

#[test]
fn what_is_sent_again_within_five_minutes_is_taken_and_not_kept() {
    let mut world = by_content();
    let first = world.sqs("SendMessage", message("a", "m"));
    let second = world.sqs("SendMessage", message("b", "m"));
    assert_eq!(first, second);
    let (bodies, handles) = take(&mut world, 10, json!({}));
    assert_eq!(bodies, "m");
    world.delete("q.fifo", &handles[0]);
    world.wait(limits::DEDUPLICATION_MS - 1);
    world.sqs("SendMessage", message("a", "m"));
    assert_eq!(take(&mut world, 10, json!({})).0, "");
    world.wait(1);
    let third = world.sqs("SendMessage", message("a", "m"));
    assert!(third["SequenceNumber"].as_str() > first["SequenceNumber"].as_str());
    assert_eq!(take(&mut world, 10, json!({})).0, "m");
}

#[test]
fn an_id_of_the_sender_counts_before_the_content() {
    let mut world = by_content();
    let with_id = |body: &str, id: &str| {
        let mut ask = message("a", body);
        ask["MessageDeduplicationId"] = json!(id);
        ask
    };
    world.sqs("SendMessage", with_id("same", "one"));
    world.sqs("SendMessage", with_id("same", "two"));
    world.sqs("SendMessage", with_id("other", "two"));
    world.sqs("SendMessage", message("a", "same"));
    // An explicit id equal to the digest of a body counts as that body's id.
    let digest = "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5";
    world.sqs("SendMessage", with_id("third", digest));
    assert_eq!(take(&mut world, 10, json!({})).0, "same same same");
}

#[test]
fn a_deduplication_scope_may_be_the_group() {
    let mut world =
        fifo(json!({ "ContentBasedDeduplication": "true", "DeduplicationScope": "messageGroup",
        "FifoThroughputLimit": "perMessageGroupId" }));
    for group in ["a", "b", "a"] {
        world.sqs("SendMessage", message(group, "m"));
    }
    assert_eq!(take(&mut world, 10, json!({})).0, "m m");
    assert_eq!(world.attribute("q.fifo", "FifoThroughputLimit"), "perMessageGroupId");
    assert_eq!(world.attribute("q.fifo", "DeduplicationScope"), "messageGroup");
}

#[test]
fn a_purge_forgets_what_was_sent() {
    let mut world = by_content();
    send_all(&mut world, "a1 b1");
    world.sqs("PurgeQueue", json!({ "QueueUrl": url("q.fifo") }));
    send_all(&mut world, "a1 b1");
    assert_eq!(take(&mut world, 10, json!({})).0, "a1 b1");
}

#[test]
fn messages_of_a_fifo_queue_need_a_group_and_an_id_and_have_no_delay_of_their_own() {
    let mut world = fifo(json!({ "DelaySeconds": "2" }));
    let with = |name: &str, value: Value| {
        let mut ask = message("a", "m");
        ask["MessageDeduplicationId"] = json!("id");
        ask[name] = value;
        ask
    };
    for (ask, code) in [
        (with("MessageGroupId", Value::Null), "MissingParameter"),
        (with("MessageGroupId", json!("a b")), "InvalidParameterValue"),
        (with("MessageDeduplicationId", Value::Null), "InvalidParameterValue"),
        (with("MessageDeduplicationId", json!("i".repeat(129))), "InvalidParameterValue"),
        (with("DelaySeconds", json!(2)), "InvalidParameterValue"),
    ] {
        assert_eq!(world.try_sqs("SendMessage", ask.clone()), Err(code), "{ask}");
        let mut entry = ask.clone();
        entry["Id"] = json!("one");
        let batch = json!({ "QueueUrl": url("q.fifo"), "Entries": [entry] });
        // A missing parameter fails the whole batch; one out of bounds fails only its entry.
        let refused = world.try_sqs("SendMessageBatch", batch);
        let missing = ask["MessageGroupId"].is_null() || ask["MessageDeduplicationId"].is_null();
        assert_eq!(refused.is_err(), missing, "{ask}");
    }
    // The queue's delay applies even to a message that asks for none.
    world.sqs("SendMessage", with("DelaySeconds", json!(0)));
    assert_eq!(take(&mut world, 10, json!({})).0, "");
    world.wait(2_000);
    assert_eq!(take(&mut world, 10, json!({})).0, "m");
    world.queue("q", json!({}));
    let standard =
        json!({ "QueueUrl": url("q"), "MessageBody": "m", "MessageDeduplicationId": "id" });
    assert_eq!(world.try_sqs("SendMessage", standard), Err("InvalidParameterValue"));
}

#[test]
fn a_batch_keeps_its_order_and_is_told_apart_entry_by_entry() {
    let mut world = by_content();
    let entry =
        |id: &str, body: &str| json!({ "Id": id, "MessageBody": body, "MessageGroupId": "g" });
    let entries = json!([entry("1", "x"), entry("2", "y"), entry("3", "x"), entry("4", "z")]);
    let ask = json!({ "QueueUrl": url("q.fifo"), "Entries": entries });
    let answer = world.sqs("SendMessageBatch", ask);
    let sent = answer["Successful"].as_array().expect("all of them");
    assert_eq!(sent.len(), 4);
    assert_eq!(sent[0]["SequenceNumber"], sent[2]["SequenceNumber"]);
    assert!(sent[1]["SequenceNumber"].as_str() < sent[3]["SequenceNumber"].as_str());
    assert_eq!(take(&mut world, 10, json!({})).0, "x y z");
}

#[test]
fn a_message_shows_its_group_its_id_and_its_number() {
    let mut world = by_content();
    let sent = world.sqs("SendMessage", message("g", "m"));
    let ask = json!({ "QueueUrl": url("q.fifo"), "AttributeNames": ["All"] });
    let attributes = world.sqs("ReceiveMessage", ask)["Messages"][0]["Attributes"].clone();
    assert_eq!(attributes["MessageGroupId"], "g");
    assert_eq!(attributes["SequenceNumber"], sent["SequenceNumber"]);
    let digest = "62c66a7a5dd70c3146618063c344e531e6d4b59e379808443ce962b3abd63c5a";
    assert_eq!(attributes["MessageDeduplicationId"], digest);
}

#[test]
fn an_attempt_to_receive_that_is_made_again_is_given_the_same() {
    let mut world = by_content();
    send_all(&mut world, "a1 a2 b1");
    let attempt = |id: &str| json!({ "ReceiveRequestAttemptId": id });
    let first = take(&mut world, 2, attempt("one"));
    world.wait(29_000);
    let again = take(&mut world, 2, attempt("one"));
    assert_eq!(first, again);
    // That hid them again.
    world.wait(29_000);
    assert_eq!(take(&mut world, 2, attempt("two")).0, "b1");
    // Messages changed since are not returned again.
    world.delete("q.fifo", &first.1[0]);
    assert_eq!(take(&mut world, 2, attempt("one")).0, "");
    let bad = json!({ "QueueUrl": url("q.fifo"), "ReceiveRequestAttemptId": "a b" });
    assert_eq!(world.try_sqs("ReceiveMessage", bad), Err("InvalidParameterValue"));
}

#[test]
fn dead_letters_of_a_fifo_queue_go_to_one_and_free_their_group() {
    let mut world = World::new();
    let both = json!({ "FifoQueue": "true", "ContentBasedDeduplication": "true" });
    world.queue("dead.fifo", both.clone());
    world.queue("dead", json!({}));
    let policy = |queue: &str| {
        json!({ "deadLetterTargetArn": arn(queue), "maxReceiveCount": 1 }).to_string()
    };
    let mut attributes = both.clone();
    attributes["RedrivePolicy"] = json!(policy("dead"));
    let ask = json!({ "QueueName": "q.fifo", "Attributes": attributes });
    assert_eq!(
        world.try_sqs("CreateQueue", ask),
        Err("InvalidParameterValue"),
        "of the other kind"
    );
    attributes["RedrivePolicy"] = json!(policy("dead.fifo"));
    world.queue("q.fifo", attributes);
    send_all(&mut world, "a1 a2");
    assert_eq!(take(&mut world, 1, json!({ "VisibilityTimeout": 0 })).0, "a1");
    assert_eq!(take(&mut world, 1, json!({})).0, "a2");
    let ask = json!({ "QueueUrl": url("dead.fifo"), "AttributeNames": ["All"] });
    let dead = world.sqs("ReceiveMessage", ask)["Messages"][0].clone();
    assert_eq!((&dead["Body"], &dead["Attributes"]["MessageGroupId"]), (&json!("a1"), &json!("a")));
    assert_eq!(dead["Attributes"]["DeadLetterQueueSourceArn"], arn("q.fifo"));
}

#[test]
fn an_event_reaches_a_fifo_queue_in_the_group_of_its_target() {
    let mut world = by_content();
    world.queue("ids.fifo", json!({ "FifoQueue": "true" }));
    world.queue("letters", json!({}));
    world.events("PutRule", json!({ "Name": "r", "EventPattern": "{\"source\":[\"aws.ecs\"]}" }));
    let target = |id: &str, queue: &str| {
        json!({ "Id": id, "Arn": arn(queue), "InputPath": "$.detail",
        "SqsParameters": { "MessageGroupId": "g" }, "DeadLetterConfig": { "Arn": arn("letters") } })
    };
    let bare = json!({ "Id": "t", "Arn": arn("q.fifo") });
    let refused = world.try_events("PutTargets", json!({ "Rule": "r", "Targets": [bare] }));
    assert_eq!(refused, Err("ValidationException"));
    let targets = json!([target("content", "q.fifo"), target("ids", "ids.fifo")]);
    let answer = world.events("PutTargets", json!({ "Rule": "r", "Targets": targets }));
    assert_eq!(answer["FailedEntryCount"], 0, "{answer}");
    for n in [1, 2, 1] {
        world.publish("ECS Task State Change", &json!({ "n": n }));
    }
    assert_eq!(take(&mut world, 10, json!({})).0, "{\"n\":1} {\"n\":2}");
    // Nobody provides an id for a queue without content-based deduplication.
    assert_eq!(world.receive("letters").len(), 3);
}
