//! The bus, step by step.

mod backlog;
mod fifo;
mod follow;
mod moves;
mod permissions;
mod polls;
mod queues;
mod rules;
mod storage;

use longshore_machine::{Machine, Timestamp};
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::{eventbridge, sqs};
use serde_json::{Value, json};

use super::{Answer, Bus, Call, Change, Input, Output, Refusal, Request};
use crate::{Event, audit};

/// A bus with its own clock.
struct World {
    bus: Bus,
    now: Timestamp,
    calls: u64,
    changes: Vec<Change>,
    told: Vec<(Realm, std::sync::Arc<Event>)>,
    replies: Vec<(Call, Result<Answer, Refusal>)>,
}

fn realm() -> Realm {
    Realm::new("us-east-1", "123456789012")
}

fn url(queue: &str) -> String {
    format!("http://localhost:8080/123456789012/{queue}")
}

fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:us-east-1:123456789012:{queue}")
}

impl World {
    fn new() -> Self {
        Self::with(Bus::new(1))
    }

    fn with(bus: Bus) -> Self {
        let now = Timestamp::from_millis(1_800_000_000_000);
        Self { bus, now, calls: 0, changes: Vec::new(), told: Vec::new(), replies: Vec::new() }
    }

    fn tell(&mut self, input: Input) {
        let mut out = Vec::new();
        self.bus.step(self.now, input, &mut out);
        self.take(out);
    }

    fn take(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Change(change) => self.changes.push(change),
                Output::Reply(call, reply) => self.replies.push((call, reply)),
                Output::Event(realm, event) => self.told.push((realm, event)),
                Output::Rules(..) => {}
            }
        }
        let violations = audit(&self.bus);
        assert!(violations.is_empty(), "{violations:?}");
    }

    /// Advances the clock, alarm by alarm.
    fn wait(&mut self, ms: u64) {
        let until = self.now + ms;
        while let Some(at) = self.bus.wake_at().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            let mut out = Vec::new();
            self.bus.tick(self.now, &mut out);
            self.take(out);
        }
        self.now = until;
    }

    fn call(&mut self, request: Request) -> Call {
        self.calls += 1;
        let call = Call(self.calls);
        self.tell(Input::Call { call, realm: realm(), request });
        call
    }

    fn reply(&mut self, call: Call) -> Option<Result<Answer, Refusal>> {
        let at = self.replies.iter().position(|(known, _)| *known == call)?;
        Some(self.replies.swap_remove(at).1)
    }

    /// Starts an SQS call that may wait.
    fn start(&mut self, operation: &str, body: Value) -> Call {
        let request =
            sqs::Request::parse(operation, body.to_string().as_bytes()).expect("it parses");
        self.call(Request::Sqs { origin: "http://localhost:8080".into(), request })
    }

    fn try_sqs(&mut self, operation: &str, body: Value) -> Result<Value, &'static str> {
        let call = self.start(operation, body);
        sqs_value(self.reply(call).expect("it is answered at once"))
    }

    fn sqs(&mut self, operation: &str, body: Value) -> Value {
        self.try_sqs(operation, body).unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    fn try_events(&mut self, operation: &str, body: Value) -> Result<Value, &'static str> {
        let request =
            eventbridge::Request::parse(operation, body.to_string().as_bytes()).expect("it parses");
        let call = self.call(Request::EventBridge(request));
        match self.reply(call).expect("it is answered at once") {
            Ok(Answer::EventBridge(answer)) => {
                Ok(serde_json::from_slice(&answer.to_json()).expect("it is JSON"))
            }
            Err(Refusal::EventBridge(error)) => Err(error.code.name()),
            other => panic!("{other:?}"),
        }
    }

    fn events(&mut self, operation: &str, body: Value) -> Value {
        self.try_events(operation, body).unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    fn queue(&mut self, name: &str, attributes: Value) {
        self.sqs("CreateQueue", json!({ "QueueName": name, "Attributes": attributes }));
    }

    fn send(&mut self, queue: &str, body: &str) {
        self.sqs("SendMessage", json!({ "QueueUrl": url(queue), "MessageBody": body }));
    }

    /// Receives the messages that are available: body and receipt handle.
    fn receive(&mut self, queue: &str) -> Vec<(String, String)> {
        let ask =
            json!({ "QueueUrl": url(queue), "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0 });
        bodies(&self.sqs("ReceiveMessage", ask))
    }

    fn delete(&mut self, queue: &str, handle: &str) {
        self.sqs("DeleteMessage", json!({ "QueueUrl": url(queue), "ReceiptHandle": handle }));
    }

    fn attribute(&mut self, queue: &str, name: &str) -> String {
        let ask = json!({ "QueueUrl": url(queue), "AttributeNames": [name] });
        let answer = self.sqs("GetQueueAttributes", ask);
        answer["Attributes"][name].as_str().unwrap_or_default().to_owned()
    }

    fn rule(&mut self, name: &str, pattern: &Value, queue: &str) {
        self.events("PutRule", json!({ "Name": name, "EventPattern": pattern.to_string() }));
        let target = json!({ "Id": "queue", "Arn": arn(queue) });
        let answer = self.events("PutTargets", json!({ "Rule": name, "Targets": [target] }));
        assert_eq!(answer["FailedEntryCount"], 0, "{answer}");
    }

    fn publish(&mut self, detail_type: &str, detail: &Value) {
        let event = Event {
            id: "e".into(),
            source: "aws.ecs".into(),
            detail_type: detail_type.into(),
            time: self.now,
            resources: vec!["arn:aws:ecs:us-east-1:123456789012:task/default/1".into()],
            detail: detail.to_string().into(),
        };
        self.tell(Input::Published { realm: realm(), event });
    }
}

fn sqs_value(reply: Result<Answer, Refusal>) -> Result<Value, &'static str> {
    match reply {
        Ok(Answer::Sqs(answer)) => Ok(serde_json::from_slice(&answer.to_json()).expect("JSON")),
        Err(Refusal::Sqs(error)) => Err(error.code.query_name()),
        other => panic!("{other:?}"),
    }
}

fn bodies(answer: &Value) -> Vec<(String, String)> {
    let text =
        |message: &Value, member: &str| message[member].as_str().unwrap_or_default().to_owned();
    let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
    messages.iter().map(|message| (text(message, "Body"), text(message, "ReceiptHandle"))).collect()
}
