//! A client that follows the cluster through its events, and a queue that nobody reads.

use std::collections::BTreeMap;

use longshore_control::Input;
use longshore_events::{Answer, Call, Input as BusInput, Refusal, Request};
use longshore_wire_ecs::{eventbridge, sqs};
use serde_json::{Value, json};

use crate::world::World;

const ORIGIN: &str = "http://localhost";
const FOLLOWED: &str = "http://localhost/123456789012/followed";

/// What the follower knows.
#[derive(Debug, Default)]
pub(crate) struct Follower {
    /// The greatest version in any event, by ARN.
    seen: BTreeMap<String, i64>,
    /// Number of messages in the last answer; `None` while none has arrived.
    last: Option<usize>,
}

impl Follower {
    /// Forgets the last answer after a restart.
    pub(crate) fn start_over(&mut self) {
        self.last = None;
    }

    /// The greatest version seen for an ARN.
    pub(crate) fn version(&self, arn: &str) -> Option<i64> {
        self.seen.get(arn).copied()
    }

    fn note(&mut self, event: &Value) {
        let detail = &event["detail"];
        for member in ["taskArn", "containerInstanceArn"] {
            let Some(arn) = detail[member].as_str() else { continue };
            let version = detail["version"].as_i64().expect("events of records have a version");
            let held = self.seen.entry(arn.to_owned()).or_default();
            *held = version.max(*held);
            return;
        }
    }
}

impl World {
    fn ask_bus(&mut self, request: Request) {
        let (call, realm) = (Call(1), self.realm.clone());
        self.tell(Input::Bus(BusInput::Call { call, realm, request }));
    }

    fn ask_sqs(&mut self, operation: &str, body: &Value) {
        let request =
            sqs::Request::parse(operation, body.to_string().as_bytes()).expect("it parses");
        self.ask_bus(Request::Sqs { origin: ORIGIN.into(), request });
    }

    fn ask_events(&mut self, operation: &str, body: &Value) {
        let request = eventbridge::Request::parse(operation, body.to_string().as_bytes());
        self.ask_bus(Request::EventBridge(request.expect("it parses")));
    }

    /// Routes all ECS events to two queues, one of which is never read.
    pub(crate) fn follow(&mut self) {
        let short = json!({"MessageRetentionPeriod": "60"});
        self.ask_sqs("CreateQueue", &json!({"QueueName": "followed"}));
        self.ask_sqs("CreateQueue", &json!({"QueueName": "ignored", "Attributes": short}));
        let rule = json!({"Name": "all", "EventPattern": "{\"source\":[\"aws.ecs\"]}"});
        self.ask_events("PutRule", &rule);
        let target = |name: &str| json!({"Id": name, "Arn": format!("arn:aws:sqs:us-east-1:123456789012:{name}")});
        let targets = json!([target("followed"), target("ignored")]);
        self.ask_events("PutTargets", &json!({"Rule": "all", "Targets": targets}));
    }

    /// Receives some messages from the queue.
    pub(crate) fn receive(&mut self) {
        self.tally.count("calls", "ReceiveMessage");
        let body =
            json!({"QueueUrl": FOLLOWED, "MaxNumberOfMessages": 10, "VisibilityTimeout": 30});
        self.ask_sqs("ReceiveMessage", &body);
    }

    /// Reads until the queue is empty; messages in flight become visible again after their timeout.
    pub(crate) fn drain_queue(&mut self) {
        self.pass(31_000);
        loop {
            self.follower.last = None;
            self.receive();
            self.pass(2_000);
            if self.follower.last == Some(0) {
                return;
            }
        }
    }

    /// Handles an answer of the bus. Received messages are deleted, most of the time.
    pub(crate) fn bus_answered(&mut self, reply: Result<Answer, Refusal>) {
        let body = match reply {
            Ok(Answer::EventBridge(answer)) => answer.to_json(),
            Ok(Answer::Sqs(answer)) => answer.to_json(),
            Err(refusal) => {
                return self.tally.count("refusals", format!("of the bus: {refusal:?}"));
            }
        };
        let body: Value = serde_json::from_slice(&body).expect("an answer is JSON");
        let empty = body.as_object().is_some_and(serde_json::Map::is_empty);
        let Some(messages) = body["Messages"].as_array() else {
            if empty {
                self.follower.last = Some(0);
            }
            return;
        };
        let mut entries = Vec::new();
        for (number, message) in messages.iter().enumerate() {
            self.tally.count("events", "received");
            let text = message["Body"].as_str().unwrap_or_default();
            let event: Value = serde_json::from_str(text).expect("an event is JSON");
            self.tally.count("events", event["detail-type"].as_str().unwrap_or_default());
            self.follower.note(&event);
            entries
                .push(json!({"Id": number.to_string(), "ReceiptHandle": message["ReceiptHandle"]}));
        }
        self.follower.last = Some(messages.len());
        let lost = self.stormy && self.chance.one_in(20);
        if !entries.is_empty() && !lost {
            self.ask_sqs("DeleteMessageBatch", &json!({"QueueUrl": FOLLOWED, "Entries": entries}));
        }
    }
}
