//! The bus as a state machine: its inputs, its outputs and their order.

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

/// Identifies a call, so that its reply reaches the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Call(pub u64);

/// A client's request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Request {
    /// An EventBridge request.
    EventBridge(eventbridge::Request),
    /// An SQS request.
    Sqs {
        /// Prefix of queue URLs, such as `http://localhost:8080`: the address at which the caller
        /// reaches us.
        origin: Str,
        /// The request itself.
        request: sqs::Request,
    },
    /// A `PutEvents` of EventBridge whose effects were computed outside the bus.
    Prepared(Box<Prepared>),
}

/// Inputs of the bus.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Input {
    /// A client sends a request.
    Call {
        /// The call to answer.
        call: Call,
        /// The account and region concerned.
        realm: Realm,
        /// The request.
        request: Request,
    },
    /// The client of a call hung up: messages go to others instead.
    Abandoned(Call),
    /// An event happened.
    Published {
        /// Where it happened.
        realm: Realm,
        /// The event.
        event: Event,
    },
    /// A realm gained its first follower or lost its last.
    Followed {
        /// The realm.
        realm: Realm,
        /// Whether its events are reported from now on.
        followed: bool,
    },
}

/// The answer to a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// From EventBridge.
    EventBridge(eventbridge::Response),
    /// From SQS.
    Sqs(sqs::Response),
}

/// A rejected call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// By EventBridge.
    EventBridge(eventbridge::Error),
    /// By SQS.
    Sqs(sqs::Error),
}

/// Outputs of the bus.
#[derive(Clone, Debug)]
pub enum Output {
    /// Answer a call.
    Reply(Call, Result<Answer, Refusal>),
    /// Store or delete a record.
    Change(Change),
    /// Send an event to the followers of a realm's bus. Nothing is stored for them.
    Event(Realm, Arc<Event>),
    /// The rules of a realm have changed; used to prepare calls.
    Rules(Realm, Arc<Rules>),
}

/// Key of a stored record. The changes of one commit are written in this order: messages first,
/// then bulk deletions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A rule by realm and name.
    Rule(Realm, Str),
    /// A message by queue and place.
    Message(ResourceId, u64),
    /// A sent message, by queue, deduplication scope and deduplication id.
    Deduplication(ResourceId, Str, Str),
    /// A message move task, by queue and number.
    Move(ResourceId, u64),
    /// The messages and deduplication records of a queue.
    Messages(ResourceId),
    /// A queue, and everything in it.
    Queue(ResourceId),
    /// A deleted queue by realm and name.
    Deleted(Realm, Str),
    /// A cluster event that has not reached all queues yet, by number.
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
    /// A message sent to a FIFO queue, for deduplication.
    Deduplication(Arc<record::Deduplication>),
    /// A message move task.
    Move(Arc<record::MoveTask>),
    /// A deleted queue.
    Deleted(Arc<record::DeletedQueue>),
    /// A cluster event that has not reached all queues yet.
    Pending(Arc<record::PendingEvent>),
    /// Delete the messages of a queue below this place, and all of its deduplication records.
    Purge(ResourceId, u64),
    /// Delete a record.
    Forget(Key),
}

impl Change {
    /// The key of the record concerned.
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

/// All stored records, as read at startup.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "one list per kind of record")]
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
    /// An empty bus; ids are derived from `seed`.
    pub fn new(seed: u128) -> Self {
        Self { state: State::default(), ids: Ids::new(seed) }
    }

    /// Restores a bus from stored records. Messages that were in flight are delivered again.
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
            // Delayed messages stay in the delayed index until the first alarm.
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

    /// The state of the bus.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether anybody may want events of this kind. Check before building one: most have no
    /// audience.
    pub fn wants(&self, realm: &Realm, source: &str, detail_type: &str) -> bool {
        let regional = self.state.realms.get(realm);
        let wanted = |rules: &Rules| rules.candidates(source, detail_type).next().is_some();
        self.state.followed.contains(realm)
            || regional.is_some_and(|regional| wanted(&regional.rules))
    }

    /// The rules of all realms, for preparing calls; changes arrive as [`Output::Rules`].
    pub fn rules(&self) -> impl Iterator<Item = (&Realm, &Arc<Rules>)> {
        self.state.realms.iter().map(|(realm, regional)| (realm, &regional.rules))
    }

    /// Delivers the events of one cluster step to followers and to the targets of rules, deferring
    /// what takes too much work.
    pub fn publish(&mut self, now: Timestamp, events: Vec<(Realm, Event)>, out: &mut Vec<Output>) {
        for (realm, event) in &events {
            self.tell(realm, event, out);
        }
        backlog::deliver(self, now, events, out);
    }

    /// Sends an event to followers.
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
        // Each queue is processed once per tick, so that a busy one does not starve the others.
        let due = self.state.alarms.range(..=(now, ResourceId(u128::MAX)));
        let due: BTreeSet<ResourceId> = due.take(QUEUES_AT_A_TIME).map(|(_, id)| *id).collect();
        for id in due {
            receive::settle(self, now, id, out);
            let queue = self.state.queues.get(&id);
            // Processing a queue must clear its alarm, or it would ring forever.
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

/// Queues processed per tick.
const QUEUES_AT_A_TIME: usize = 16;

/// The queue that a record refers to.
fn known<'a>(
    state: &'a mut State,
    queue: ResourceId,
    record: &impl std::fmt::Display,
) -> Result<&'a mut Queue, String> {
    state.queues.get_mut(&queue).ok_or_else(|| format!("{record} has no queue"))
}

#[cfg(test)]
mod tests;
