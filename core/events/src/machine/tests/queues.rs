//! Queues: sending and receiving messages.

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use serde_json::json;

use super::*;
use crate::limits;
use crate::receive::put;
use crate::record::Message;

#[test]
fn a_message_is_hidden_once_received_and_gone_once_deleted() {
    let mut world = World::new();
    world.queue("q", json!({}));
    world.send("q", "hello");
    let received = world.receive("q");
    assert_eq!((received.len(), &*received[0].0), (1, "hello"));
    assert!(world.receive("q").is_empty());
    assert_eq!(world.attribute("q", "ApproximateNumberOfMessagesNotVisible"), "1");
    world.delete("q", &received[0].1);
    world.wait(60_000);
    assert!(world.receive("q").is_empty());
}

#[test]
fn a_message_that_is_not_deleted_comes_back() {
    let mut world = World::new();
    world.queue("q", json!({ "VisibilityTimeout": "5" }));
    world.send("q", "again");
    let first = world.receive("q");
    world.wait(4_999);
    assert!(world.receive("q").is_empty());
    world.wait(1);
    let second = world.receive("q");
    assert_ne!(first[0].1, second[0].1);
    // SQS accepts the older handle too.
    world.delete("q", &first[0].1);
    world.delete("q", &second[0].1);
    world.wait(5_000);
    assert!(world.receive("q").is_empty());
}

#[test]
fn visibility_can_be_changed_while_there_is_a_message() {
    let mut world = World::new();
    world.queue("q", json!({}));
    world.send("q", "m");
    let handle = world.receive("q")[0].1.clone();
    let change = |timeout: i32| json!({ "QueueUrl": url("q"), "ReceiptHandle": handle, "VisibilityTimeout": timeout });
    world.sqs("ChangeMessageVisibility", change(100));
    world.wait(99_000);
    assert!(world.receive("q").is_empty());
    world.sqs("ChangeMessageVisibility", change(0));
    // As in SQS, this also works on a message that is visible again.
    world.sqs("ChangeMessageVisibility", change(1));
    assert!(world.receive("q").is_empty());
    world.wait(1_000);
    assert_eq!(world.receive("q").len(), 1);
    world.delete("q", &handle);
    let gone = world.try_sqs("ChangeMessageVisibility", change(1));
    assert_eq!(gone, Err("InvalidParameterValue"));
}

#[test]
fn a_message_is_hidden_for_twelve_hours_at_most_since_it_was_received() {
    let mut world = World::new();
    world.queue("q", json!({}));
    world.send("q", "m");
    let handle = world.receive("q")[0].1.clone();
    let change = |timeout: i32| json!({ "QueueUrl": url("q"), "ReceiptHandle": handle, "VisibilityTimeout": timeout });
    world.sqs("ChangeMessageVisibility", change(43_200));
    world.wait(10_000);
    let beyond = world.try_sqs("ChangeMessageVisibility", change(43_191));
    assert_eq!(beyond, Err("InvalidParameterValue"));
    world.sqs("ChangeMessageVisibility", change(43_190));
    let entry = json!({ "Id": "a", "ReceiptHandle": handle, "VisibilityTimeout": 43_191 });
    let ask = json!({ "QueueUrl": url("q"), "Entries": [entry] });
    let answer = world.sqs("ChangeMessageVisibilityBatch", ask);
    assert_eq!(answer["Failed"][0]["Code"], "InvalidParameterValue");
}

#[test]
fn the_name_of_a_deleted_queue_is_free_after_a_minute() {
    let mut world = World::new();
    world.queue("q", json!({}));
    world.sqs("DeleteQueue", json!({ "QueueUrl": url("q") }));
    world.wait(59_999);
    let again = json!({ "QueueName": "q" });
    let refused = world.try_sqs("CreateQueue", again.clone());
    assert_eq!(refused, Err("AWS.SimpleQueueService.QueueDeletedRecently"));
    world.queue("other", json!({}));
    world.wait(1);
    world.sqs("CreateQueue", again);
}

#[test]
fn characters_that_a_message_may_not_have_are_refused_wherever_they_stand() {
    let mut world = World::new();
    world.queue("q", json!({}));
    let text = |value: &str| json!({ "DataType": "String", "StringValue": value });
    let send =
        |name: &str, value: Value| json!({ "QueueUrl": url("q"), "MessageBody": "m", name: value });
    for (ask, code) in [
        (send("MessageBody", json!("a\u{0}")), "InvalidMessageContents"),
        (send("MessageBody", json!("a\u{fffe}")), "InvalidMessageContents"),
        (send("MessageAttributes", json!({ "a": text("b\u{1b}") })), "InvalidParameterValue"),
        (send("MessageAttributes", json!({ "a\u{0}": text("b") })), "InvalidParameterValue"),
        (
            send(
                "MessageAttributes",
                json!({ "a": { "DataType": "String.\u{0}", "StringValue": "b" } }),
            ),
            "InvalidParameterValue",
        ),
        (
            send("MessageSystemAttributes", json!({ "AWSTraceHeader": text("\u{0}") })),
            "InvalidParameterValue",
        ),
        (send("MessageGroupId", json!("a b")), "InvalidParameterValue"),
        (send("MessageGroupId", json!("")), "InvalidParameterValue"),
        (send("MessageGroupId", json!("g".repeat(129))), "InvalidParameterValue"),
        (json!({ "QueueUrl": url("q"), "Tags": { "a\u{0}": "b" } }), "InvalidParameterValue"),
    ] {
        let operation = if ask.get("Tags").is_some() { "TagQueue" } else { "SendMessage" };
        assert_eq!(world.try_sqs(operation, ask.clone()), Err(code), "{ask}");
    }
    for ask in [
        send("MessageBody", json!("tab\t line\n \u{fffd} \u{10ffff}")),
        send("MessageAttributes", json!({ "attr.1\u{f8}": text("\u{e4}") })),
        send("MessageGroupId", json!("!~".repeat(64))),
    ] {
        world.sqs("SendMessage", ask);
    }
}

#[test]
fn there_may_be_more_than_a_thousand_queues() {
    let mut world = World::new();
    for number in 0..1_001 {
        let ask = json!({ "QueueName": format!("q{number:04}") });
        let request = sqs::Request::parse("CreateQueue", ask.to_string().as_bytes());
        let request = Request::Sqs { origin: "http://h".into(), request: request.expect("parses") };
        let mut out = Vec::new();
        world.bus.step(world.now, Input::Call { call: Call(1), realm: realm(), request }, &mut out);
        assert!(out.iter().any(|one| matches!(one, Output::Reply(_, Ok(_)))), "{number}");
    }
    let all = world.sqs("ListQueues", json!({}));
    assert_eq!(all["QueueUrls"].as_array().map(Vec::len), Some(1_000));
    let page = world.sqs("ListQueues", json!({ "MaxResults": 1_000 }));
    let next = json!({ "MaxResults": 1_000, "NextToken": page["NextToken"] });
    assert_eq!(world.sqs("ListQueues", next)["QueueUrls"], json!([url("q1000")]));
}

#[test]
fn a_delayed_message_waits() {
    let mut world = World::new();
    world.queue("q", json!({ "DelaySeconds": "2" }));
    world.send("q", "delayed");
    let own = json!({ "QueueUrl": url("q"), "MessageBody": "own", "DelaySeconds": 0 });
    world.sqs("SendMessage", own);
    assert_eq!(world.receive("q").len(), 1);
    assert_eq!(world.attribute("q", "ApproximateNumberOfMessagesDelayed"), "1");
    world.wait(2_000);
    assert_eq!(world.receive("q")[0].0, "delayed");
}

#[test]
fn what_is_kept_too_long_expires_and_is_counted() {
    let mut world = World::new();
    world.queue("q", json!({ "MessageRetentionPeriod": "60" }));
    world.send("q", "old");
    world.wait(30_000);
    world.send("q", "young");
    world.wait(30_000);
    assert_eq!(world.receive("q").len(), 1);
    let losses = world.bus.state().losses(&realm(), "q").expect("it exists");
    assert_eq!((losses.expired, losses.dropped), (1, 0));
}

#[test]
fn creating_a_queue_twice_is_the_same_unless_it_would_differ() {
    let mut world = World::new();
    world.queue("q", json!({ "VisibilityTimeout": "7" }));
    world.queue("q", json!({}));
    let other = json!({ "QueueName": "q", "Attributes": { "VisibilityTimeout": "8" } });
    assert_eq!(world.try_sqs("CreateQueue", other), Err("QueueAlreadyExists"));
    for (name, fifo) in [("q", json!("true")), ("q.fifo", Value::Null)] {
        let attributes = if fifo.is_null() { json!({}) } else { json!({ "FifoQueue": fifo }) };
        let ask = json!({ "QueueName": format!("new-{name}"), "Attributes": attributes });
        assert_eq!(world.try_sqs("CreateQueue", ask), Err("InvalidParameterValue"), "{name}");
    }
}

#[test]
fn a_queue_is_found_under_any_host_but_not_in_another_account() {
    let mut world = World::new();
    world.queue("q", json!({}));
    for address in ["https://sqs.us-east-1.amazonaws.com/123456789012/q", "http://h/queue/q", "q"] {
        let ask = json!({ "QueueUrl": address, "MessageBody": "m" });
        assert!(world.try_sqs("SendMessage", ask).is_ok(), "{address}");
    }
    let elsewhere = json!({ "QueueUrl": "http://h/999999999999/q", "MessageBody": "m" });
    let error = world.try_sqs("SendMessage", elsewhere);
    assert_eq!(error, Err("AWS.SimpleQueueService.NonExistentQueue"));
}

#[test]
fn queues_are_listed_in_pages() {
    let mut world = World::new();
    for name in ["a-1", "a-2", "a-3", "b"] {
        world.queue(name, json!({}));
    }
    let page = world.sqs("ListQueues", json!({ "QueueNamePrefix": "a-", "MaxResults": 2 }));
    assert_eq!(page["QueueUrls"].as_array().map(Vec::len), Some(2));
    let next = json!({ "QueueNamePrefix": "a-", "MaxResults": 2, "NextToken": page["NextToken"] });
    assert_eq!(world.sqs("ListQueues", next), json!({ "QueueUrls": [url("a-3")] }));
}

#[test]
fn a_purge_empties_a_queue_and_a_second_one_must_wait() {
    let mut world = World::new();
    world.queue("q", json!({}));
    world.send("q", "in flight");
    world.receive("q");
    world.send("q", "ready");
    let ask = json!({ "QueueUrl": url("q") });
    world.sqs("PurgeQueue", ask.clone());
    assert!(world.try_sqs("PurgeQueue", ask.clone()).is_err());
    world.wait(60_000);
    assert!(world.receive("q").is_empty());
    world.sqs("PurgeQueue", ask);
}

#[test]
fn a_batch_tells_entry_by_entry_what_became_of_it() {
    let mut world = World::new();
    world.queue("q", json!({ "MaximumMessageSize": "1024" }));
    let entries = json!([
        { "Id": "a", "MessageBody": "fine" },
        { "Id": "b", "MessageBody": "x".repeat(2_000) },
        { "Id": "c", "MessageBody": "bell \u{7}" },
    ]);
    let answer = world.sqs("SendMessageBatch", json!({ "QueueUrl": url("q"), "Entries": entries }));
    assert_eq!(answer["Successful"].as_array().map(Vec::len), Some(1));
    assert_eq!(answer["Failed"][0]["Code"], "InvalidParameterValue");
    assert_eq!(answer["Failed"][1]["Code"], "InvalidMessageContents");
    let entry = |id: &str| json!({ "Id": id, "MessageBody": "m" });
    for (entries, code) in [
        (vec![], "EmptyBatchRequest"),
        (vec![entry("a"), entry("a")], "BatchEntryIdsNotDistinct"),
        (vec![entry("no blanks")], "InvalidBatchEntryId"),
        ((0..11).map(|n| entry(&n.to_string())).collect(), "TooManyEntriesInBatchRequest"),
    ] {
        let ask = json!({ "QueueUrl": url("q"), "Entries": entries });
        let error = world.try_sqs("SendMessageBatch", ask).expect_err(code);
        assert!(error.ends_with(code), "{error}");
    }
}

#[test]
fn attributes_of_messages_are_kept_and_chosen_by_name() {
    let mut world = World::new();
    world.queue("q", json!({}));
    let text = |value: &str| json!({ "DataType": "String", "StringValue": value });
    let attributes = json!({ "team.name": text("blue"), "other": text("x") });
    let ask = json!({ "QueueUrl": url("q"), "MessageBody": "m", "MessageAttributes": attributes });
    world.sqs("SendMessage", ask);
    let ask = json!({ "QueueUrl": url("q"), "MessageAttributeNames": ["team.*"],
        "MessageSystemAttributeNames": ["ApproximateReceiveCount", "SentTimestamp"] });
    let message = &world.sqs("ReceiveMessage", ask)["Messages"][0];
    assert_eq!(message["MessageAttributes"], json!({ "team.name": text("blue") }));
    let system = json!({ "ApproximateReceiveCount": "1", "SentTimestamp": "1800000000000" });
    assert_eq!(message["Attributes"], system);
    for (name, value) in [
        ("AWS.x", text("a")),
        ("", text("a")),
        ("n", json!({ "DataType": "Number", "StringValue": "many" })),
        ("n", json!({ "DataType": "Colour", "StringValue": "red" })),
        ("n", json!({ "DataType": "Binary", "StringValue": "red" })),
    ] {
        let given = json!({ name: value });
        let ask = json!({ "QueueUrl": url("q"), "MessageBody": "m", "MessageAttributes": given });
        assert_eq!(world.try_sqs("SendMessage", ask), Err("InvalidParameterValue"), "{name}");
    }
}

#[test]
fn parameters_out_of_bounds_are_refused() {
    let mut world = World::new();
    world.queue("q", json!({}));
    let with = |name: &str, value: Value| json!({ "QueueUrl": url("q"), name: value });
    let set = |name: &str, value: &str| with("Attributes", json!({ name: value }));
    for (operation, body, code) in [
        ("ReceiveMessage", with("MaxNumberOfMessages", json!(11)), "InvalidParameterValue"),
        ("ReceiveMessage", with("WaitTimeSeconds", json!(21)), "InvalidParameterValue"),
        ("ReceiveMessage", with("AttributeNames", json!(["Colour"])), "InvalidAttributeName"),
        ("DeleteMessage", with("ReceiptHandle", json!("x")), "ReceiptHandleIsInvalid"),
        ("DeleteMessage", json!({ "QueueUrl": url("q") }), "MissingParameter"),
        ("SendMessage", json!({ "QueueUrl": url("q") }), "MissingParameter"),
        ("SendMessage", json!({ "MessageBody": "m" }), "MissingParameter"),
        ("GetQueueAttributes", with("AttributeNames", json!(["x"])), "InvalidAttributeName"),
        ("SetQueueAttributes", set("Colour", "red"), "InvalidAttributeName"),
        ("SetQueueAttributes", set("DelaySeconds", "-1"), "InvalidAttributeValue"),
        ("CreateQueue", json!({ "QueueName": "no blanks" }), "InvalidParameterValue"),
    ] {
        assert_eq!(world.try_sqs(operation, body.clone()), Err(code), "{operation} {body}");
    }
}

#[test]
fn tags_come_and_go() {
    let mut world = World::new();
    world.sqs("CreateQueue", json!({ "QueueName": "q", "tags": { "a": "1" } }));
    world.sqs("TagQueue", json!({ "QueueUrl": url("q"), "Tags": { "b": "2" } }));
    world.sqs("UntagQueue", json!({ "QueueUrl": url("q"), "TagKeys": ["a"] }));
    let tags = world.sqs("ListQueueTags", json!({ "QueueUrl": url("q") }));
    assert_eq!(tags, json!({ "Tags": { "b": "2" } }));
}

#[test]
fn a_queue_that_nobody_reads_drops_its_oldest_messages_and_counts_them() {
    let mut world = World::new();
    world.queue("q", json!({}));
    let (id, now) = (*world.bus.state.queues.keys().next().expect("there is one"), world.now);
    let body: Str = "x".repeat(limits::MESSAGE_BYTES_MAX).into();
    let fit = limits::QUEUE_BYTES_MAX / body.len();
    let queue = world.bus.state.queues.get_mut(&id).expect("it is known");
    let mut out = Vec::new();
    for number in 0..fit + 3 {
        let message_id = ResourceId(u128::try_from(number).expect("a small number"));
        let message = Message { body: body.clone(), ..Message::new(id, message_id, "me", now) };
        put(queue, now, message, &mut out);
    }
    assert_eq!((queue.kept.len(), queue.losses.dropped), (fit, 3));
    assert_eq!(queue.kept.keys().next(), Some(&3), "the oldest went");
    let forgotten = out.iter().filter(|one| matches!(one, Output::Change(Change::Forget(_))));
    assert_eq!(forgotten.count(), 3, "they are not stored any more either");
}
