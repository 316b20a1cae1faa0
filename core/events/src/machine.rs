//! The bus as a machine: what it may be told, what it may ask for, and in which order things happen.

use std::sync::Arc;

use longshore_machine::{Ids, Machine, Timestamp};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::{eventbridge, sqs};
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::queue::Queue;
use crate::record;
use crate::state::{Rule, RuleIndex, State};
use crate::{admit, deliver, receive};

/// Names one call, so that its reply finds the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Call(pub u64);

/// What a client may ask.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Request {
    /// Of EventBridge.
    EventBridge(eventbridge::Request),
    /// Of SQS.
    Sqs {
        /// What the URLs of queues begin with, such as `http://localhost:8080`: where the caller sees us.
        origin: Str,
        /// What is asked.
        request: sqs::Request,
    },
}

/// What the bus may be told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Input {
    /// A client calls.
    Call {
        /// To answer to.
        call: Call,
        /// Whose resources it is about.
        realm: Realm,
        /// What is asked.
        request: Request,
    },
    /// The client of a call hung up: what it waits for is for others.
    Abandoned(Call),
    /// Something happened.
    Published {
        /// Where.
        realm: Realm,
        /// What.
        event: Event,
    },
    /// Whether anybody follows the bus of a realm beside its rules.
    Followed {
        /// Where.
        realm: Realm,
        /// From now on every event there is told.
        followed: bool,
    },
}

/// The answer to a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Of EventBridge.
    EventBridge(eventbridge::Response),
    /// Of SQS.
    Sqs(sqs::Response),
}

/// The refusal of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// By EventBridge.
    EventBridge(eventbridge::Error),
    /// By SQS.
    Sqs(sqs::Error),
}

/// What the bus may ask for.
#[derive(Clone, Debug)]
pub enum Output {
    /// Answer a call.
    Reply(Call, Result<Answer, Refusal>),
    /// Store a record, or forget it.
    Change(Change),
    /// Tell those who follow the bus of a realm. Nothing is kept for them.
    Event(Realm, Arc<Event>),
}

/// Names a stored record. In this order changes of one commit are written: messages first, then what removes many.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A rule by realm and name.
    Rule(Realm, Str),
    /// A message by queue and place.
    Message(ResourceId, u64),
    /// The messages of a queue.
    Messages(ResourceId),
    /// A queue, and all its messages.
    Queue(ResourceId),
}

/// A record to store.
#[derive(Clone, Debug)]
pub enum Change {
    /// A rule with its targets.
    Rule(Arc<record::Rule>),
    /// A queue.
    Queue(Arc<record::Queue>),
    /// A message.
    Message(Arc<record::Message>),
    /// Forget the messages of a queue whose place is below this one.
    Purge(ResourceId, u64),
    /// Forget a record.
    Forget(Key),
}

impl Change {
    /// The record that it is about.
    pub fn key(&self) -> Key {
        match self {
            Self::Rule(rule) => Key::Rule(rule.realm.clone(), rule.name.clone()),
            Self::Queue(queue) => Key::Queue(queue.id),
            Self::Message(message) => Key::Message(message.queue, message.place),
            Self::Purge(queue, _) => Key::Messages(*queue),
            Self::Forget(key) => key.clone(),
        }
    }
}

/// All stored records, as they are read back at start.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "one list for each kind of record")]
pub struct Records {
    pub rules: Vec<record::Rule>,
    pub queues: Vec<record::Queue>,
    pub messages: Vec<record::Message>,
}

/// EventBridge and SQS in the small.
#[derive(Clone, Debug)]
pub struct Bus {
    pub(crate) state: State,
    pub(crate) ids: Ids,
}

impl Bus {
    /// A bus that knows nothing yet; ids come from `seed`.
    pub fn new(seed: u128) -> Self {
        Self { state: State::default(), ids: Ids::new(seed) }
    }

    /// A bus that continues from stored records. Messages that were in flight are delivered again.
    ///
    /// # Errors
    /// Names the first record that contradicts the others.
    pub fn load(seed: u128, records: Records) -> Result<Self, String> {
        let mut bus = Self::new(seed);
        let state = &mut bus.state;
        for record in records.rules {
            let (realm, name) = (record.realm.clone(), record.name.clone());
            let rule = Rule::new(Arc::new(record)).map_err(|why| format!("rule {name}: {why}"))?;
            state.realm(&realm).rules.insert(name, rule);
        }
        for regional in state.realms.values_mut() {
            regional.index = RuleIndex::of(&regional.rules);
        }
        for record in records.queues {
            let (id, name) = (record.id, record.name.clone());
            let twin = state.realm(&record.realm).queues.insert(name.clone(), id);
            if twin.is_some() {
                return Err(format!("there are two queues {name}"));
            }
            state.queues.insert(id, Queue::new(Arc::new(record)));
        }
        for message in records.messages {
            let id = message.queue;
            let queue = state
                .queues
                .get_mut(&id)
                .ok_or_else(|| format!("message {} has no queue", message.id))?;
            // What was delayed counts as delayed until the first alarm.
            queue.put(Arc::new(message), Timestamp::default());
        }
        let ids: Vec<ResourceId> = state.queues.keys().copied().collect();
        for id in ids {
            state.set_alarm(id);
        }
        Ok(bus)
    }

    /// What it knows.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether somebody may want events of this kind. Ask before building one: most have no audience.
    pub fn wants(&self, realm: &Realm, source: &str, detail_type: &str) -> bool {
        let regional = self.state.realms.get(realm);
        self.state.followed.contains(realm)
            || regional
                .is_some_and(|regional| regional.candidates(source, detail_type).next().is_some())
    }

    /// Takes an event to those who follow, and to where rules send it.
    pub fn publish(&mut self, now: Timestamp, realm: &Realm, event: &Event, out: &mut Vec<Output>) {
        if self.state.followed.contains(realm) {
            out.push(Output::Event(realm.clone(), Arc::new(event.clone())));
        }
        deliver::event(self, now, realm, event, out);
    }
}

impl Machine for Bus {
    type Input = Input;
    type Output = Output;

    fn step(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Call { call, realm, request } => match request {
                Request::EventBridge(request) => {
                    let reply = admit::eventbridge(self, now, &realm, request, out);
                    let reply = reply.map(Answer::EventBridge).map_err(Refusal::EventBridge);
                    out.push(Output::Reply(call, reply));
                }
                Request::Sqs { origin, request } => {
                    admit::sqs(self, now, admit::Caller { call, realm, origin }, request, out);
                }
            },
            Input::Abandoned(call) => {
                if let Some(id) = self.state.polls.remove(&call) {
                    if let Some(queue) = self.state.queues.get_mut(&id) {
                        queue.abandon(call);
                    }
                    self.state.set_alarm(id);
                }
            }
            Input::Published { realm, event } => self.publish(now, &realm, &event, out),
            Input::Followed { realm, followed: true } => drop(self.state.followed.insert(realm)),
            Input::Followed { realm, followed: false } => drop(self.state.followed.remove(&realm)),
        }
    }

    fn tick(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        while let Some((at, id)) = self.state.alarms.first().copied().filter(|(at, _)| *at <= now) {
            receive::settle(self, now, id, out);
            let next = self.state.queues.get(&id).and_then(|queue| queue.alarm);
            // Each look ends what was due: an alarm that stays would ring for ever.
            assert!(next != Some(at), "the alarm of queue {id} has not moved");
        }
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.state.alarms.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests;
