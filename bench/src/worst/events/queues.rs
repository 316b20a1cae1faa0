//! Full queues.

use anyhow::{Context, Result};
use longshore_events::Request;
use serde_json::{Value, json};

use super::{Cases, World, arn, of_sqs, url};

/// Number of messages in a full queue.
const MESSAGES: usize = 500_000;
/// Number of messages in flight.
const IN_FLIGHT: usize = 120_000;
/// Number of queues in an account and region.
const QUEUES: usize = 100_000;

/// The contents of a queue.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Standard,
    /// Each message in its own group.
    Groups,
    /// All messages in one group.
    OneGroup,
}

impl Kind {
    fn queue(self) -> &'static str {
        if self == Self::Standard { "q" } else { "q.fifo" }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Groups => "FIFO, 500,000 groups",
            Self::OneGroup => "FIFO, one group",
        }
    }

    fn entry(self, number: usize) -> Value {
        let mut entry = json!({ "Id": (number % 10).to_string(), "MessageBody": "m" });
        if self != Self::Standard {
            let group = if self == Self::Groups { number } else { 0 };
            entry["MessageGroupId"] = json!(format!("g{group}"));
            entry["MessageDeduplicationId"] = json!(format!("d{number}"));
        }
        entry
    }
}

/// A queue with that many messages, and its dead-letter queue.
fn full(kind: Kind, messages: usize, retention_s: u32) -> Result<World> {
    let mut world = World::new();
    let is_fifo = kind != Kind::Standard;
    let dead = if is_fifo { "dead.fifo" } else { "dead" };
    let mut attributes = json!({ "MessageRetentionPeriod": retention_s.to_string() });
    if is_fifo {
        attributes["FifoQueue"] = json!("true");
    }
    world.sqs("CreateQueue", &json!({ "QueueName": dead, "Attributes": attributes }))?;
    world.sqs("CreateQueue", &json!({ "QueueName": kind.queue(), "Attributes": attributes }))?;
    for first in (0..messages).step_by(10) {
        let entries: Vec<Value> = (first..first + 10).map(|number| kind.entry(number)).collect();
        let ask = json!({ "QueueUrl": url(kind.queue()), "Entries": entries });
        world.sqs("SendMessageBatch", &ask)?;
    }
    Ok(world)
}

/// Receives that many messages; returns the last handles.
fn receive(world: &mut World, kind: Kind, messages: usize, hidden_s: u32) -> Result<Vec<String>> {
    let ask = json!({ "QueueUrl": url(kind.queue()), "MaxNumberOfMessages": 10, "VisibilityTimeout": hidden_s });
    let mut last = Value::Null;
    for _ in (0..messages).step_by(10) {
        last = world.sqs("ReceiveMessage", &ask)?;
    }
    let messages = last["Messages"].as_array().context("there are some")?;
    let handle = |message: &Value| message["ReceiptHandle"].as_str().unwrap_or_default().to_owned();
    Ok(messages.iter().map(handle).collect())
}

fn set(kind: Kind, name: &str, value: &Value) -> Result<Request> {
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    of_sqs(
        "SetQueueAttributes",
        &json!({ "QueueUrl": url(kind.queue()), "Attributes": { name: value } }),
    )
}

/// Operations on all messages of a queue.
fn whole(cases: &mut Cases<'_>, kind: Kind) -> Result<()> {
    let world = full(kind, MESSAGES, 1_209_600)?;
    let case = |world: &World, cases: &mut Cases<'_>, name: &str, request| {
        world.case(cases, &format!("{name}, {}", kind.word()), false, request)
    };
    let queue = json!({ "QueueUrl": url(kind.queue()) });
    case(&world, cases, "PurgeQueue", of_sqs("PurgeQueue", &queue)?)?;
    case(&world, cases, "DeleteQueue", of_sqs("DeleteQueue", &queue)?)?;
    let all = json!({ "QueueUrl": url(kind.queue()), "AttributeNames": ["All"] });
    case(&world, cases, "GetQueueAttributes", of_sqs("GetQueueAttributes", &all)?)?;
    let mut old = world.clone();
    old.now = old.now + 120_000;
    case(
        &old,
        cases,
        "SetQueueAttributes: all expire",
        set(kind, "MessageRetentionPeriod", &json!("60"))?,
    )?;
    let ask = json!({ "QueueUrl": url(kind.queue()), "MaxNumberOfMessages": 10, "AttributeNames": ["All"] });
    case(&world, cases, "ReceiveMessage", of_sqs("ReceiveMessage", &ask)?)?;
    spent(cases, kind, &world)
}

/// Messages that were received too often, and those that become visible at the same time.
fn spent(cases: &mut Cases<'_>, kind: Kind, world: &World) -> Result<()> {
    let mut world = world.clone();
    let few = if kind == Kind::OneGroup { 10 } else { IN_FLIGHT - 10 };
    let handles = receive(&mut world, kind, few, 100)?;
    let entry = |(number, handle): (usize, &String)| json!({ "Id": number.to_string(), "ReceiptHandle": handle, "VisibilityTimeout": 43_200 });
    let entries: Vec<Value> = handles.iter().enumerate().map(entry).collect();
    let ask = json!({ "QueueUrl": url(kind.queue()), "Entries": entries });
    for operation in ["ChangeMessageVisibilityBatch", "DeleteMessageBatch"] {
        world.case(
            cases,
            &format!("{operation}, {}", kind.word()),
            false,
            of_sqs(operation, &ask)?,
        )?;
    }
    let one = json!({ "QueueUrl": url(kind.queue()), "ReceiptHandle": handles[0], "VisibilityTimeout": 43_200 });
    for operation in ["ChangeMessageVisibility", "DeleteMessage"] {
        let name = format!("{operation}, {}", kind.word());
        world.case(cases, &name, false, of_sqs(operation, &one)?)?;
    }
    // All of them become visible at the same moment, and a receive is waiting.
    let mut later = world.clone();
    later.now = later.now + 99_500;
    let ask =
        json!({ "QueueUrl": url(kind.queue()), "MaxNumberOfMessages": 10, "WaitTimeSeconds": 20 });
    later.case(
        cases,
        &format!("ReceiveMessage: many come back, {}", kind.word()),
        false,
        of_sqs("ReceiveMessage", &ask)?,
    )?;
    let dead = if kind == Kind::Standard { "dead" } else { "dead.fifo" };
    let policy = json!({ "deadLetterTargetArn": arn(dead), "maxReceiveCount": 1 });
    world.now = world.now + 100_000;
    world.call(set(kind, "RedrivePolicy", &policy)?)?;
    world.case(
        cases,
        &format!("ReceiveMessage: dead letters, {}", kind.word()),
        false,
        of_sqs("ReceiveMessage", &ask)?,
    )
}

/// A large dead-letter queue that is redriven.
fn moving(cases: &mut Cases<'_>) -> Result<()> {
    let mut world = full(Kind::Standard, MESSAGES, 1_209_600)?;
    let policy = json!({ "deadLetterTargetArn": arn("q"), "maxReceiveCount": 1 }).to_string();
    let source = json!({ "QueueName": "source", "Attributes": { "RedrivePolicy": policy } });
    world.sqs("CreateQueue", &source)?;
    let ask = json!({ "SourceArn": arn("q"), "DestinationArn": arn("source") });
    world.case(cases, "StartMessageMoveTask", false, of_sqs("StartMessageMoveTask", &ask)?)
}

/// The longest messages.
fn long(cases: &mut Cases<'_>) -> Result<()> {
    let mut world = World::new();
    world.sqs("CreateQueue", &json!({ "QueueName": "q" }))?;
    let fifo = json!({ "FifoQueue": "true", "ContentBasedDeduplication": "true" });
    world.sqs("CreateQueue", &json!({ "QueueName": "q.fifo", "Attributes": fifo }))?;
    for queue in ["q", "q.fifo"] {
        let mut one = json!({ "QueueUrl": url(queue), "MessageBody": "\u{e4}".repeat(520_000), "MessageGroupId": "g" });
        let text = json!({ "DataType": "String", "StringValue": "v" });
        let attributes: serde_json::Map<String, Value> =
            (0..10).map(|n| (format!("{n}{}", "a".repeat(200)), text.clone())).collect();
        one["MessageAttributes"] = Value::Object(attributes.clone());
        world.case(
            cases,
            &format!("SendMessage: 1 MiB, {queue}"),
            false,
            of_sqs("SendMessage", &one)?,
        )?;
        let entry = |n: usize| {
            json!({ "Id": n.to_string(), "MessageBody": format!("{n}{}", "m".repeat(100_000)),
            "MessageGroupId": "g", "MessageAttributes": attributes })
        };
        let entries: Vec<Value> = (0..10).map(entry).collect();
        let ask = json!({ "QueueUrl": url(queue), "Entries": entries });
        world.case(
            cases,
            &format!("SendMessageBatch: 1 MiB, {queue}"),
            false,
            of_sqs("SendMessageBatch", &ask)?,
        )?;
        for n in 0..10 {
            one["MessageBody"] = json!(format!("{n}{}", "m".repeat(1_040_000)));
            world.sqs("SendMessage", &one)?;
        }
        let ask = json!({ "QueueUrl": url(queue), "MaxNumberOfMessages": 10, "AttributeNames": ["All"], "MessageAttributeNames": ["All"] });
        world.case(
            cases,
            &format!("ReceiveMessage: 10 MiB, {queue}"),
            false,
            of_sqs("ReceiveMessage", &ask)?,
        )?;
    }
    Ok(())
}

/// The maximum number of queues.
fn many(cases: &mut Cases<'_>) -> Result<()> {
    let mut world = World::new();
    let policy = json!({ "deadLetterTargetArn": arn("q000000"), "maxReceiveCount": 1 }).to_string();
    for number in 0..QUEUES {
        let attributes = if number == 0 { json!({}) } else { json!({ "RedrivePolicy": policy }) };
        let ask = json!({ "QueueName": format!("q{number:06}"), "Attributes": attributes });
        world.sqs("CreateQueue", &ask)?;
    }
    let tags: serde_json::Map<String, Value> =
        (0..50).map(|n| (format!("{n}{}", "k".repeat(120)), json!("v".repeat(256)))).collect();
    let first = url("q000000");
    for (operation, refused, body) in [
        ("ListQueues", false, json!({ "MaxResults": 1_000, "NextToken": "q090000" })),
        ("ListQueues: a prefix of none", false, json!({ "QueueNamePrefix": "q09999x" })),
        (
            "ListDeadLetterSourceQueues",
            false,
            json!({ "QueueUrl": first, "MaxResults": 1_000, "NextToken": "q090000" }),
        ),
        ("CreateQueue: one too many", true, json!({ "QueueName": "more", "tags": tags })),
        ("TagQueue", false, json!({ "QueueUrl": first, "Tags": tags })),
        (
            "UntagQueue",
            false,
            json!({ "QueueUrl": first, "TagKeys": tags.keys().collect::<Vec<_>>() }),
        ),
        ("ListQueueTags", false, json!({ "QueueUrl": first })),
        ("GetQueueUrl", false, json!({ "QueueName": "q000000" })),
        (
            "SetQueueAttributes: a long policy",
            false,
            json!({ "QueueUrl": first, "Attributes": { "Policy": format!("{{\"a\":\"{}\"}}", "x".repeat(32_000)) } }),
        ),
        (
            "AddPermission",
            false,
            json!({ "QueueUrl": first, "Label": "l", "AWSAccountIds": vec!["111111111111"; 1_000], "Actions": ["*"] }),
        ),
        ("RemovePermission", true, json!({ "QueueUrl": first, "Label": "l" })),
        ("ListMessageMoveTasks", false, json!({ "SourceArn": arn("q000000"), "MaxResults": 10 })),
        ("CancelMessageMoveTask", true, json!({ "TaskHandle": "x" })),
    ] {
        let name = operation.split(':').next().unwrap_or(operation);
        world.case(
            cases,
            &format!("{operation}, 100,000 queues"),
            refused,
            of_sqs(name, &body)?,
        )?;
    }
    Ok(())
}

pub(super) fn run(cases: &mut Cases<'_>) -> Result<()> {
    for kind in [Kind::Standard, Kind::Groups, Kind::OneGroup] {
        whole(cases, kind)?;
    }
    moving(cases)?;
    long(cases)?;
    many(cases)
}
