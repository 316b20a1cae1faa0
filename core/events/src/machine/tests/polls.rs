//! Long polling, and dead-letter queues.

use serde_json::json;

use super::*;

fn poll(world: &mut World, queue: &str) -> Call {
    world.start("ReceiveMessage", json!({ "QueueUrl": url(queue), "WaitTimeSeconds": 20 }))
}

fn received(world: &mut World, call: Call) -> Option<Vec<String>> {
    let answer = sqs_value(world.reply(call)?).expect("it is no error");
    Some(bodies(&answer).into_iter().map(|(body, _)| body).collect())
}

#[test]
fn a_receive_waits_for_a_message() {
    let mut world = World::new();
    world.queue("q", json!({}));
    let call = poll(&mut world, "q");
    world.wait(10_000);
    assert_eq!(received(&mut world, call), None);
    world.send("q", "here");
    assert_eq!(received(&mut world, call), Some(vec!["here".to_owned()]));
}

#[test]
fn a_receive_that_waited_in_vain_is_answered_with_nothing() {
    let mut world = World::new();
    world.queue("q", json!({ "ReceiveMessageWaitTimeSeconds": "3" }));
    let call = world.start("ReceiveMessage", json!({ "QueueUrl": url("q") }));
    world.wait(2_999);
    assert_eq!(received(&mut world, call), None);
    world.wait(1);
    assert_eq!(received(&mut world, call), Some(Vec::new()));
    assert_eq!(world.bus.wake_at(), None);
}

#[test]
fn those_who_wait_are_served_in_their_order_and_one_message_goes_to_one() {
    let mut world = World::new();
    world.queue("q", json!({}));
    let (first, second) = (poll(&mut world, "q"), poll(&mut world, "q"));
    world.send("q", "one");
    assert_eq!(received(&mut world, first).map(|bodies| bodies.len()), Some(1));
    assert_eq!(received(&mut world, second), None);
    world.send("q", "two");
    assert_eq!(received(&mut world, second), Some(vec!["two".to_owned()]));
}

#[test]
fn a_caller_that_hung_up_swallows_no_message() {
    let mut world = World::new();
    world.queue("q", json!({}));
    let call = poll(&mut world, "q");
    world.tell(Input::Abandoned(call));
    world.send("q", "kept");
    assert_eq!(received(&mut world, call), None);
    assert_eq!(world.receive("q").len(), 1);
    // Abandoning an unknown call is harmless.
    world.tell(Input::Abandoned(Call(99)));
}

#[test]
fn a_message_that_becomes_visible_wakes_who_waits() {
    let mut world = World::new();
    world.queue("q", json!({ "VisibilityTimeout": "4" }));
    world.send("q", "m");
    world.receive("q");
    let call = poll(&mut world, "q");
    world.wait(4_000);
    assert_eq!(received(&mut world, call), Some(vec!["m".to_owned()]));
    let call = poll(&mut world, "q");
    let late = json!({ "QueueUrl": url("q"), "MessageBody": "d", "DelaySeconds": 2 });
    world.sqs("SendMessage", late);
    assert_eq!(received(&mut world, call), None);
    world.wait(2_000);
    assert_eq!(received(&mut world, call), Some(vec!["d".to_owned()]));
}

#[test]
fn who_waits_for_a_queue_that_is_deleted_is_told() {
    let mut world = World::new();
    world.queue("q", json!({}));
    let call = poll(&mut world, "q");
    world.sqs("DeleteQueue", json!({ "QueueUrl": url("q") }));
    let reply = world.reply(call).expect("it is answered");
    assert_eq!(sqs_value(reply), Err("AWS.SimpleQueueService.NonExistentQueue"));
}

fn with_dead_letters() -> World {
    let mut world = World::new();
    world.queue("dead", json!({}));
    let policy = json!({ "deadLetterTargetArn": arn("dead"), "maxReceiveCount": 2 }).to_string();
    world.queue("q", json!({ "RedrivePolicy": policy, "VisibilityTimeout": "1" }));
    world
}

#[test]
fn a_message_received_too_often_becomes_a_dead_letter() {
    let mut world = with_dead_letters();
    world.send("q", "poison");
    for _ in 0..2 {
        assert_eq!(world.receive("q").len(), 1);
        world.wait(1_000);
    }
    assert!(world.receive("q").is_empty());
    let ask = json!({ "QueueUrl": url("dead"), "AttributeNames": ["All"] });
    let message = &world.sqs("ReceiveMessage", ask)["Messages"][0];
    assert_eq!(message["Body"], "poison");
    assert_eq!(message["Attributes"]["DeadLetterQueueSourceArn"], arn("q"));
    // The sent timestamp is preserved.
    assert_eq!(message["Attributes"]["SentTimestamp"], "1800000000000");
}

#[test]
fn a_dead_letter_wakes_who_waits_for_it_and_not_who_waits_for_its_source() {
    let mut world = with_dead_letters();
    world.send("q", "poison");
    world.receive("q");
    world.wait(1_000);
    world.receive("q");
    let (source, dead) = (poll(&mut world, "q"), poll(&mut world, "dead"));
    world.wait(1_000);
    assert_eq!(received(&mut world, source), None);
    assert_eq!(received(&mut world, dead), Some(vec!["poison".to_owned()]));
}

#[test]
fn a_dead_letter_queue_must_exist_and_agree() {
    let mut world = with_dead_letters();
    let set = |queue: &str| {
        let policy = json!({ "deadLetterTargetArn": arn(queue), "maxReceiveCount": 1 }).to_string();
        json!({ "QueueUrl": url("q"), "Attributes": { "RedrivePolicy": policy } })
    };
    world.queue("closed", json!({ "RedriveAllowPolicy": "{\"redrivePermission\":\"denyAll\"}" }));
    for queue in ["nowhere", "q", "closed"] {
        let refused = world.try_sqs("SetQueueAttributes", set(queue));
        assert_eq!(refused, Err("InvalidParameterValue"), "{queue}");
    }
    world.sqs("SetQueueAttributes", set("dead"));
    let sources = world.sqs("ListDeadLetterSourceQueues", json!({ "QueueUrl": url("dead") }));
    assert_eq!(sources["queueUrls"], json!([url("q")]));
}

#[test]
fn without_its_dead_letter_queue_a_message_goes_on_being_delivered() {
    let mut world = with_dead_letters();
    world.sqs("DeleteQueue", json!({ "QueueUrl": url("dead") }));
    world.send("q", "m");
    for _ in 0..5 {
        assert_eq!(world.receive("q").len(), 1);
        world.wait(1_000);
    }
}
