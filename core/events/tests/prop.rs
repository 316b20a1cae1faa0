//! Properties of queues under random use: nothing is lost, and a hidden message has a single
//! receiver.

use std::collections::BTreeMap;

use longshore_events::{Answer, Bus, Call, Change, Input, Key, Output, Records, Request, audit};
use longshore_machine::{Machine, Timestamp};
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::sqs;
use proptest::prelude::*;
use serde_json::{Value, json};

const QUEUE: &str = "http://h/123456789012/q";
const VISIBILITY_S: u64 = 3;

#[derive(Clone, Debug)]
enum Step {
    Send {
        delay_s: u64,
    },
    Receive {
        count: u64,
    },
    Poll {
        wait_s: u64,
    },
    /// Deletes one of the received messages by its last handle.
    Delete(usize),
    /// Changes the visibility timeout of one of them.
    Hide {
        nth: usize,
        timeout_s: u64,
    },
    HangUp,
    Wait {
        ms: u64,
    },
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..3_u64).prop_map(|delay_s| Step::Send { delay_s }),
        4 => (1..=10_u64).prop_map(|count| Step::Receive { count }),
        2 => (1..=5_u64).prop_map(|wait_s| Step::Poll { wait_s }),
        3 => any::<usize>().prop_map(Step::Delete),
        1 => (any::<usize>(), 0..6_u64).prop_map(|(nth, timeout_s)| Step::Hide { nth, timeout_s }),
        1 => Just(Step::HangUp),
        4 => (1..4_000_u64).prop_map(|ms| Step::Wait { ms }),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 1..120)
}

/// A received message: its last handle, and until when it is hidden.
#[derive(Clone, Debug)]
struct Held {
    handle: String,
    until: Timestamp,
}

struct World {
    bus: Bus,
    now: Timestamp,
    calls: u64,
    rows: BTreeMap<Key, Change>,
    /// Messages sent and not deleted, with the number of receives.
    sent: BTreeMap<String, u32>,
    held: BTreeMap<String, Held>,
    waiting: Vec<Call>,
    answers: BTreeMap<Call, Result<Value, String>>,
}

impl World {
    fn new() -> Self {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let (rows, sent, held) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let bus = Bus::new(5);
        let (waiting, answers) = (Vec::new(), BTreeMap::new());
        let mut world = Self { bus, now, calls: 0, rows, sent, held, waiting, answers };
        let attributes = json!({ "VisibilityTimeout": VISIBILITY_S.to_string() });
        world
            .ask("CreateQueue", json!({ "QueueName": "q", "Attributes": attributes }))
            .expect("it is made");
        world
    }

    fn start(&mut self, operation: &str, body: &Value) -> Call {
        self.calls += 1;
        let call = Call(self.calls);
        let realm = Realm::new("us-east-1", "123456789012");
        let request = sqs::Request::parse(operation, body.to_string().as_bytes()).expect("parses");
        let request = Request::Sqs { origin: "http://h".into(), request };
        self.tell(Input::Call { call, realm, request });
        call
    }

    fn ask(&mut self, operation: &str, body: Value) -> Result<Value, String> {
        let call = self.start(operation, &body);
        self.answers.remove(&call).expect("it is answered at once")
    }

    fn tell(&mut self, input: Input) {
        let mut out = Vec::new();
        self.bus.step(self.now, input, &mut out);
        self.take(out);
    }

    fn take(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Change(Change::Forget(key)) => drop(self.rows.remove(&key)),
                Output::Change(change) => drop(self.rows.insert(change.key(), change)),
                Output::Reply(call, Ok(Answer::Sqs(answer))) => {
                    let value: Value = serde_json::from_slice(&answer.to_json()).expect("JSON");
                    self.received(&value);
                    self.waiting.retain(|waiting| *waiting != call);
                    self.answers.insert(call, Ok(value));
                }
                Output::Reply(call, reply) => {
                    drop(self.answers.insert(call, Err(format!("{reply:?}"))));
                }
                Output::Event(..) | Output::Rules(..) => {
                    panic!("nobody follows, and there are no rules")
                }
            }
        }
        let violations = audit(&self.bus);
        assert!(violations.is_empty(), "{violations:?}");
    }

    /// Checks what was handed out, and remembers it.
    fn received(&mut self, answer: &Value) {
        for message in answer["Messages"].as_array().into_iter().flatten() {
            let body = message["Body"].as_str().expect("a body").to_owned();
            let count = self.sent.get_mut(&body);
            *count.expect("what is handed out was sent and not deleted") += 1;
            let handle = message["ReceiptHandle"].as_str().expect("a handle").to_owned();
            let until = self.now + VISIBILITY_S * 1_000;
            let held = Held { handle, until };
            if let Some(before) = self.held.insert(body.clone(), held) {
                assert!(before.until <= self.now, "{body} is with somebody else");
            }
        }
    }

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

    /// Picks one of the messages that were received and not deleted.
    fn pick(&self, nth: usize) -> Option<(String, Held)> {
        let nth = nth.checked_rem(self.held.len())?;
        self.held.iter().nth(nth).map(|(body, held)| (body.clone(), held.clone()))
    }

    fn perform(&mut self, step: &Step) {
        match step {
            Step::Send { delay_s } => {
                let body = format!("m{}", self.calls);
                // Before the call, since a waiting receive may get it at once.
                self.sent.insert(body.clone(), 0);
                let ask =
                    json!({ "QueueUrl": QUEUE, "MessageBody": body, "DelaySeconds": delay_s });
                self.ask("SendMessage", ask).expect("it is sent");
            }
            Step::Receive { count } => {
                let ask = json!({ "QueueUrl": QUEUE, "MaxNumberOfMessages": count });
                self.ask("ReceiveMessage", ask).expect("it is received");
            }
            Step::Poll { wait_s } => {
                let ask = json!({ "QueueUrl": QUEUE, "WaitTimeSeconds": wait_s });
                let call = self.start("ReceiveMessage", &ask);
                if !self.answers.contains_key(&call) {
                    self.waiting.push(call);
                }
            }
            Step::Delete(nth) => {
                let Some((body, held)) = self.pick(*nth) else { return };
                let ask = json!({ "QueueUrl": QUEUE, "ReceiptHandle": held.handle });
                self.ask("DeleteMessage", ask).expect("it is deleted");
                self.sent.remove(&body);
                self.held.remove(&body);
            }
            Step::Hide { nth, timeout_s } => {
                let Some((body, held)) = self.pick(*nth) else { return };
                let until = self.now + timeout_s * 1_000;
                // Before the call, since a waiting receive may get it at once. A visible message
                // can be hidden again.
                self.held.insert(body, Held { until, ..held.clone() });
                let ask = json!({ "QueueUrl": QUEUE, "ReceiptHandle": held.handle,
                    "VisibilityTimeout": timeout_s });
                self.ask("ChangeMessageVisibility", ask).expect("it is hidden");
            }
            Step::HangUp => {
                if let Some(call) = self.waiting.pop() {
                    self.tell(Input::Abandoned(call));
                }
            }
            Step::Wait { ms } => self.wait(*ms),
            Step::Restart => self.restart(),
        }
    }

    fn restart(&mut self) {
        let mut records = Records::default();
        for change in self.rows.values() {
            match change {
                Change::Queue(queue) => records.queues.push((**queue).clone()),
                Change::Message(message) => records.messages.push((**message).clone()),
                other => panic!("{other:?} is no row of this test"),
            }
        }
        self.bus = Bus::load(6, records).expect("the rows agree");
        self.waiting.clear();
        // Nothing is hidden any more.
        for held in self.held.values_mut() {
            held.until = self.now;
        }
        self.wait(0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_message_is_received_until_it_is_deleted_and_by_one_at_a_time(steps in steps()) {
        let mut world = World::new();
        for step in &steps {
            world.perform(step);
        }
        while let Some(call) = world.waiting.pop() {
            world.tell(Input::Abandoned(call));
        }
        // Every message that was not deleted shows up once more when nothing is hidden.
        world.wait(60_000);
        let before = world.sent.clone();
        for _ in 0..=before.len() / 10 {
            world.perform(&Step::Receive { count: 10 });
        }
        for (body, count) in &before {
            prop_assert_eq!(world.sent[body], count + 1, "{}", body);
        }
    }
}
