//! Properties of FIFO queues under random use and restarts: messages of a group arrive in order,
//! none while an earlier one is hidden; duplicates sent within five minutes are dropped, and
//! nothing else is lost.

use std::collections::BTreeMap;

use longshore_events::{Answer, Bus, Call, Change, Input, Key, Output, Records, Request, audit};
use longshore_machine::{Machine, Timestamp};
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::sqs;
use proptest::prelude::*;
use serde_json::{Value, json};

const QUEUE: &str = "http://h/123456789012/q.fifo";
const VISIBILITY_MS: u64 = 3_000;
const REMEMBERED_MS: u64 = 300_000;

#[derive(Clone, Debug)]
enum Step {
    Send { group: u8, id: u8 },
    Receive { count: u64, hides: bool },
    Delete(usize),
    Hide { nth: usize, timeout_s: u64 },
    Wait { ms: u64 },
    Purge,
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0..3_u8, 0..40_u8).prop_map(|(group, id)| Step::Send { group, id }),
        5 => (1..=10_u64, any::<bool>()).prop_map(|(count, hides)| Step::Receive { count, hides }),
        4 => any::<usize>().prop_map(Step::Delete),
        2 => (any::<usize>(), 0..6_u64).prop_map(|(nth, timeout_s)| Step::Hide { nth, timeout_s }),
        4 => (1..4_000_u64).prop_map(|ms| Step::Wait { ms }),
        1 => (60_000..200_000_u64).prop_map(|ms| Step::Wait { ms }),
        1 => Just(Step::Purge),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 1..100)
}

/// The model of a message in the queue.
#[derive(Clone, Debug)]
struct Sent {
    body: String,
    group: u8,
    /// Its last receipt handle, and until when it is hidden.
    held: Option<(String, Timestamp)>,
}

struct World {
    bus: Bus,
    now: Timestamp,
    calls: u64,
    rows: BTreeMap<Key, Change>,
    /// In sending order.
    sent: Vec<Sent>,
    /// Remembered ids: when they expire, and the answer they got.
    ids: BTreeMap<u8, (Timestamp, Value)>,
    purged: Option<Timestamp>,
    last_number: String,
}

impl World {
    fn new() -> Self {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let (rows, ids) = (BTreeMap::new(), BTreeMap::new());
        let (bus, sent, last_number) = (Bus::new(5), Vec::new(), String::new());
        let mut world = Self { bus, now, calls: 0, rows, sent, ids, purged: None, last_number };
        let attributes = json!({ "FifoQueue": "true", "VisibilityTimeout": "3" });
        world
            .ask("CreateQueue", json!({ "QueueName": "q.fifo", "Attributes": attributes }))
            .expect("made");
        world
    }

    fn ask(&mut self, operation: &str, body: Value) -> Result<Value, String> {
        self.calls += 1;
        let call = Call(self.calls);
        let realm = Realm::new("us-east-1", "123456789012");
        let request = sqs::Request::parse(operation, body.to_string().as_bytes()).expect("parses");
        let request = Request::Sqs { origin: "http://h".into(), request };
        let mut out = Vec::new();
        self.bus.step(self.now, Input::Call { call, realm, request }, &mut out);
        self.take(out).expect("it is answered at once")
    }

    /// Stores the changes; returns the answer, if any.
    fn take(&mut self, out: Vec<Output>) -> Option<Result<Value, String>> {
        let mut answer = None;
        for output in out {
            match output {
                Output::Change(Change::Forget(key)) => drop(self.rows.remove(&key)),
                Output::Change(Change::Purge(_, below)) => self.rows.retain(|key, _| match key {
                    Key::Message(_, place) => *place >= below,
                    Key::Deduplication(..) => false,
                    _ => true,
                }),
                Output::Change(change) => drop(self.rows.insert(change.key(), change)),
                Output::Reply(_, Ok(Answer::Sqs(reply))) => {
                    answer = Some(Ok(serde_json::from_slice(&reply.to_json()).expect("JSON")));
                }
                Output::Reply(_, reply) => answer = Some(Err(format!("{reply:?}"))),
                Output::Event(..) | Output::Rules(..) => panic!("there are no rules"),
            }
        }
        let violations = audit(&self.bus);
        assert!(violations.is_empty(), "{violations:?}");
        answer
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

    fn is_hidden(&self, sent: &Sent) -> bool {
        sent.held.as_ref().is_some_and(|(_, until)| *until > self.now)
    }

    fn send(&mut self, group: u8, id: u8) {
        let body = format!("m{}", self.calls);
        let ask = json!({ "QueueUrl": QUEUE, "MessageBody": body, "MessageGroupId": format!("g{group}"),
            "MessageDeduplicationId": format!("d{id}") });
        let mut answer = self.ask("SendMessage", ask).expect("it is sent");
        answer.as_object_mut().expect("an object").remove("MD5OfMessageBody");
        match self.ids.get(&id) {
            Some((until, before)) if *until > self.now => assert_eq!(answer, *before),
            _ => {
                let number = answer["SequenceNumber"].as_str().expect("a number").to_owned();
                assert!(number > self.last_number, "{number} is not above {}", self.last_number);
                self.last_number = number;
                self.ids.insert(id, (self.now + REMEMBERED_MS, answer));
                self.sent.push(Sent { body, group, held: None });
            }
        }
    }

    fn receive(&mut self, count: u64, hides: bool) -> Vec<String> {
        let mut ask = json!({ "QueueUrl": QUEUE, "MaxNumberOfMessages": count });
        if !hides {
            ask["VisibilityTimeout"] = json!(0);
        }
        let answer = self.ask("ReceiveMessage", ask).expect("it is received");
        let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
        let hidden: Vec<bool> = self.sent.iter().map(|sent| self.is_hidden(sent)).collect();
        let mut taken = Vec::new();
        for message in &messages {
            let body = message["Body"].as_str().expect("a body");
            let at = self.sent.iter().position(|sent| sent.body == body);
            let at = at.expect("what is handed out was sent, and not deleted");
            assert!(!hidden[at], "{body} is with somebody else");
            let group = self.sent[at].group;
            for (earlier, sent) in self.sent[..at].iter().enumerate() {
                let same = sent.group == group;
                assert!(!same || taken.contains(&earlier), "{body} overtook {}", sent.body);
            }
            taken.push(at);
            let until = if hides { self.now + VISIBILITY_MS } else { self.now };
            let handle = message["ReceiptHandle"].as_str().expect("a handle").to_owned();
            self.sent[at].held = Some((handle, until));
        }
        messages
            .iter()
            .map(|message| message["Body"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// Picks one of the received messages.
    fn pick(&self, nth: usize) -> Option<(usize, String, bool)> {
        let held: Vec<_> = self
            .sent
            .iter()
            .enumerate()
            .filter_map(|(at, sent)| {
                Some((at, sent.held.as_ref()?.0.clone(), self.is_hidden(sent)))
            })
            .collect();
        held.get(nth.checked_rem(held.len())?).cloned()
    }

    fn perform(&mut self, step: &Step) {
        match step {
            Step::Send { group, id } => self.send(*group, *id),
            Step::Receive { count, hides } => drop(self.receive(*count, *hides)),
            Step::Delete(nth) => {
                let Some((at, handle, current)) = self.pick(*nth) else { return };
                let ask = json!({ "QueueUrl": QUEUE, "ReceiptHandle": handle });
                assert_eq!(self.ask("DeleteMessage", ask).is_ok(), current);
                if current {
                    self.sent.remove(at);
                }
            }
            Step::Hide { nth, timeout_s } => {
                let Some((at, handle, current)) = self.pick(*nth) else { return };
                let ask = json!({ "QueueUrl": QUEUE, "ReceiptHandle": handle, "VisibilityTimeout": timeout_s });
                assert_eq!(self.ask("ChangeMessageVisibility", ask).is_ok(), current);
                if current {
                    self.sent[at].held = Some((handle, self.now + timeout_s * 1_000));
                }
            }
            Step::Wait { ms } => self.wait(*ms),
            Step::Purge => {
                let can = self.purged.is_none_or(|at| self.now.since(at) >= 60_000);
                assert_eq!(self.ask("PurgeQueue", json!({ "QueueUrl": QUEUE })).is_ok(), can);
                if can {
                    self.purged = Some(self.now);
                    self.sent.clear();
                    self.ids.clear();
                }
            }
            Step::Restart => self.restart(),
        }
    }

    fn restart(&mut self) {
        let mut records = Records::default();
        for change in self.rows.values() {
            match change {
                Change::Queue(queue) => records.queues.push((**queue).clone()),
                Change::Message(message) => records.messages.push((**message).clone()),
                Change::Deduplication(sent) => records.deduplications.push((**sent).clone()),
                other => panic!("{other:?} is no row of this test"),
            }
        }
        self.bus = Bus::load(6, records).expect("the rows agree");
        // A restart forgets the last purge, and hides nothing.
        self.purged = None;
        for sent in &mut self.sent {
            if let Some((_, until)) = &mut sent.held {
                *until = self.now;
            }
        }
        self.wait(0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn messages_of_a_group_come_in_order_and_what_is_sent_twice_comes_once(steps in steps()) {
        let mut world = World::new();
        for step in &steps {
            world.perform(step);
        }
        // When nothing is hidden, all remaining messages arrive, group by group in order.
        world.wait(10_000);
        let mut left: Vec<String> = world.sent.iter().map(|sent| sent.body.clone()).collect();
        let mut received = Vec::new();
        for _ in 0..=left.len() {
            let bodies = world.receive(10, true);
            for body in &bodies {
                let at = world.sent.iter().position(|sent| sent.body == *body).expect("it was sent");
                let handle = world.sent[at].held.clone().expect("it was received").0;
                world.ask("DeleteMessage", json!({ "QueueUrl": QUEUE, "ReceiptHandle": handle })).expect("deleted");
                world.sent.remove(at);
            }
            received.extend(bodies);
        }
        left.sort();
        received.sort();
        prop_assert_eq!(left, received);
    }
}
