//! The bus as a machine: what it may be told, what it may ask for, and in which order things happen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_machine::{Ids, Machine, Timestamp};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::{eventbridge, sqs};
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::prepare::Prepared;
use crate::queue::Queue;
use crate::record;
use crate::rules::{Rule, Rules};
use crate::state::State;
use crate::{admit, backlog, prepare, receive};

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
    /// Of EventBridge: `PutEvents`, of which it was worked out elsewhere what it leads to.
    Prepared(Box<Prepared>),
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
    /// The rules of a realm have changed: for those who prepare calls.
    Rules(Realm, Arc<Rules>),
}

/// Names a stored record. In this order changes of one commit are written: messages first, then what removes many.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A rule by realm and name.
    Rule(Realm, Str),
    /// A message by queue and place.
    Message(ResourceId, u64),
    /// What was sent to a queue, by queue, message group and deduplication id.
    Deduplication(ResourceId, Str, Str),
    /// A task that moves messages, by queue and number.
    Move(ResourceId, u64),
    /// The messages of a queue, and what is remembered of them.
    Messages(ResourceId),
    /// A queue, and all that is in it.
    Queue(ResourceId),
    /// A deleted queue by realm and name.
    Deleted(Realm, Str),
    /// An event of the cluster that has not reached all queues yet, by its number.
    Pending(u64),
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
    /// Something that was sent to a FIFO queue.
    Deduplication(Arc<record::Deduplication>),
    /// A task that moves messages.
    Move(Arc<record::MoveTask>),
    /// A queue that was deleted.
    Deleted(Arc<record::DeletedQueue>),
    /// An event of the cluster that has not reached all queues yet.
    Pending(Arc<record::PendingEvent>),
    /// Forget the messages of a queue whose place is below this one, and all that is remembered of what was sent there.
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
            Self::Deduplication(sent) => {
                Key::Deduplication(sent.queue, sent.scope.clone(), sent.id.clone())
            }
            Self::Move(task) => Key::Move(task.queue, task.number),
            Self::Deleted(queue) => Key::Deleted(queue.realm.clone(), queue.name.clone()),
            Self::Pending(pending) => Key::Pending(pending.number),
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
    pub deduplications: Vec<record::Deduplication>,
    pub moves: Vec<record::MoveTask>,
    pub deleted_queues: Vec<record::DeletedQueue>,
    pub pending: Vec<record::PendingEvent>,
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
        let mut rules = BTreeMap::<Realm, BTreeMap<Str, Arc<Rule>>>::new();
        for record in records.rules {
            let (realm, name) = (record.realm.clone(), record.name.clone());
            let rule = Arc::new(Rule::recalled(Arc::new(record)));
            rules.entry(realm).or_default().insert(name, rule);
        }
        for (realm, rules) in rules {
            state.realm(&realm).rules = Arc::new(Rules::new(0, rules));
        }
        for record in records.queues {
            let (id, name) = (record.id, record.name.clone());
            let twin = state.realm(&record.realm).queues.insert(name.clone(), id);
            if twin.is_some() {
                return Err(format!("there are two queues {name}"));
            }
            state.note_source(&record.realm, (&name, id), None, record.dead_letters());
            state.queues.insert(id, Queue::new(Arc::new(record)));
        }
        for message in records.messages {
            let queue = known(state, message.queue, &message.id)?;
            // What was delayed counts as delayed until the first alarm.
            queue.put(Arc::new(message), Timestamp::default());
        }
        for sent in records.deduplications {
            let queue = known(state, sent.queue, &sent.id)?;
            queue.next_place = queue.next_place.max(sent.sequence + 1);
            if let Some(fifo) = &mut queue.fifo {
                fifo.remember(Arc::new(sent));
            }
        }
        let mut moves = records.moves;
        moves.sort_by_key(|task| task.number);
        for task in moves {
            let queue = known(state, task.queue, &task.id)?;
            queue.move_at = task.is_running().then(Timestamp::default);
            queue.moves.push_back(Arc::new(task));
        }
        for gone in records.deleted_queues {
            state.freed.insert((gone.until, gone.realm.clone()));
            state.realm(&gone.realm).note_deleted(gone.name, gone.until);
        }
        let mut pending = records.pending;
        pending.sort_by_key(|pending| pending.number);
        for pending in pending {
            let rules = state.realm(&pending.realm).rules.clone();
            state.backlog.recall(pending, rules);
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
        let wanted = |rules: &Rules| rules.candidates(source, detail_type).next().is_some();
        self.state.followed.contains(realm)
            || regional.is_some_and(|regional| wanted(&regional.rules))
    }

    /// The rules of all realms, for those who prepare calls: what changes is told by [`Output::Rules`].
    pub fn rules(&self) -> impl Iterator<Item = (&Realm, &Arc<Rules>)> {
        self.state.realms.iter().map(|(realm, regional)| (realm, &regional.rules))
    }

    /// Takes the events of one step of the cluster to those who follow, and to where rules send them: at once, or a little later where
    /// that takes long.
    pub fn publish(&mut self, now: Timestamp, events: Vec<(Realm, Event)>, out: &mut Vec<Output>) {
        for (realm, event) in &events {
            self.tell(realm, event, out);
        }
        backlog::deliver(self, now, events, out);
    }

    /// Takes an event to those who follow.
    pub(crate) fn tell(&self, realm: &Realm, event: &Event, out: &mut Vec<Output>) {
        if self.state.followed.contains(realm) {
            out.push(Output::Event(realm.clone(), Arc::new(event.clone())));
        }
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
                Request::Prepared(prepared) => {
                    let reply = prepare::put_prepared(self, now, &realm, *prepared, out);
                    let reply = Answer::EventBridge(eventbridge::Response::PutEvents(reply));
                    out.push(Output::Reply(call, Ok(reply)));
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
            Input::Published { realm, event } => self.publish(now, vec![(realm, event)], out),
            Input::Followed { realm, followed: true } => drop(self.state.followed.insert(realm)),
            Input::Followed { realm, followed: false } => drop(self.state.followed.remove(&realm)),
        }
    }

    fn tick(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        // A queue is looked at once a tick: one that has much to do lets others go on in between.
        let due = self.state.alarms.range(..=(now, ResourceId(u128::MAX)));
        let due: BTreeSet<ResourceId> = due.take(QUEUES_AT_A_TIME).map(|(_, id)| *id).collect();
        for id in due {
            receive::settle(self, now, id, out);
            let queue = self.state.queues.get(&id);
            // Each look ends what was due: an alarm that stays would ring for ever.
            let rings = queue.is_some_and(|queue| {
                queue.left_over.is_none() && queue.alarm.is_some_and(|at| at <= now)
            });
            assert!(!rings, "the alarm of queue {id} has not moved");
        }
        backlog::go_on(self, now, out);
        admit::free_names(self, now, out);
        if self.state.trash.last_mut().is_some_and(|trash| !trash.drop_some()) {
            self.state.trash.pop();
        }
    }

    fn wake_at(&self) -> Option<Timestamp> {
        let work = !self.state.trash.is_empty() || !self.state.backlog.is_empty();
        let work = work.then(Timestamp::default);
        let alarm = self.state.alarms.first().map(|(at, _)| *at);
        let freed = self.state.freed.first().map(|(at, _)| *at);
        [work, alarm, freed].into_iter().flatten().min()
    }
}

/// Queues that are looked at in a tick.
const QUEUES_AT_A_TIME: usize = 16;

/// The queue that a record is about.
fn known<'a>(
    state: &'a mut State,
    queue: ResourceId,
    record: &impl std::fmt::Display,
) -> Result<&'a mut Queue, String> {
    state.queues.get_mut(&queue).ok_or_else(|| format!("{record} has no queue"))
}

#[cfg(test)]
mod tests;
