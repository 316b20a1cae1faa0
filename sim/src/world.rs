//! The control plane, its disk, its hosts and the network between them, under one clock.
//!
//! A step handles what is due next: a message arrives, a commit is written, a container starts, a
//! client calls, or someone wakes up. The outputs of the control plane become a commit and are
//! released when it is written, as in the program. A crash loses what was not written, some of what
//! was written but not sent, and every message in transit.

mod faults;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use longshore_control::{CallId, Change, Control, Input, Output, Reply, audit};
use longshore_events as events;
use longshore_lifecycle::{ContainerRef, Event as HostEvent};
use longshore_machine::{Machine, Timestamp};
use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::host::{Order, TaskReport};
use longshore_wire_ecs::{ApiError, Request};
use serde_json::Value;

use crate::chance::Chance;
use crate::check;
use crate::clients::{Clients, Purpose};
use crate::disk::Disk;
use crate::follower::Follower;
use crate::host::{Asked, Host};
use crate::tally::Tally;

/// Something that is due at some time.
#[derive(Debug)]
enum Event {
    /// The oldest commit is written.
    Written,
    /// An order arrives over a connection.
    Order(u64, Order),
    /// An order arrives that the network delayed.
    LateOrder(u64, Order),
    /// A report arrives over a connection.
    Report(ResourceId, u64, TaskReport),
    /// An agent tries to connect.
    Connect(ResourceId),
    /// The control plane notices that a connection is gone.
    Lost(ResourceId, u64),
    /// Something happens to a container, unless its machine has restarted.
    Happened(ResourceId, u64, ContainerRef, HostEvent),
    /// A machine starts again.
    Boot(ResourceId),
    /// The control plane starts again.
    Restart,
    /// An action of the storm: a client call or a fault.
    Storm,
}

/// The outputs of one step of the control plane.
#[derive(Debug, Default)]
struct Commit {
    changes: Vec<Change>,
    orders: Vec<Order>,
    replies: Vec<(CallId, Result<Reply, ApiError>)>,
    bus_replies: Vec<Result<events::Answer, events::Refusal>>,
    events: Vec<Arc<events::Event>>,
}

/// What those outside are told of a control plane: bridges, which see it through its API and its events alone, and whoever
/// compares what they are told with what is stored.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    /// Replies to calls, by their numbers.
    pub(crate) replies: Vec<(u64, Result<Value, ApiError>)>,
    /// Calls whose replies were lost in a crash.
    pub(crate) broken: Vec<u64>,
    /// Events of the cluster, once they are stored.
    pub(crate) events: Vec<Arc<events::Event>>,
    /// Records that were stored.
    pub(crate) changes: Vec<Change>,
}

/// The whole simulation.
#[derive(Debug)]
pub struct World {
    pub(crate) now: Timestamp,
    pub(crate) realm: Realm,
    pub(crate) chance: Chance,
    pub(crate) control: Option<Control>,
    pub(crate) disk: Disk,
    pub(crate) hosts: BTreeMap<ResourceId, Host>,
    pub(crate) clients: Clients,
    pub(crate) follower: Follower,
    /// Counts of what happened.
    pub tally: Tally,
    seed: u64,
    incarnation: u64,
    connections: u64,
    queue: BTreeMap<(Timestamp, u64), Event>,
    queued: u64,
    commits: VecDeque<Commit>,
    /// When the last message over a link arrives; nothing on the link overtakes it. `true` is
    /// towards the host.
    links: BTreeMap<(ResourceId, bool), Timestamp>,
    last_write: Timestamp,
    calls: BTreeMap<CallId, Purpose>,
    called: u64,
    /// Whether clients and faults are active.
    pub(crate) stormy: bool,
    /// Number of steps of the control plane.
    steps: u64,
    /// Whether anyone outside follows it.
    is_followed: bool,
    outside: Outside,
}

impl World {
    /// A control plane with clusters and demanding clients.
    pub fn new(seed: u64) -> Self {
        let mut world = Self::empty(seed, Timestamp::from_millis(1_800_000_000_000));
        world.prepare();
        world
    }

    /// One with nothing, that someone outside follows.
    pub(crate) fn followed(seed: u64, now: Timestamp) -> Self {
        let mut world = Self::empty(seed, now);
        world.is_followed = true;
        world.follow_directly();
        world
    }

    fn empty(seed: u64, now: Timestamp) -> Self {
        Self {
            now,
            realm: Realm::new("us-east-1", "123456789012"),
            chance: Chance::new(seed),
            control: Some(Control::new(u128::from(seed))),
            disk: Disk::default(),
            hosts: BTreeMap::new(),
            clients: Clients::default(),
            follower: Follower::default(),
            tally: Tally::default(),
            seed,
            incarnation: 0,
            connections: 0,
            queue: BTreeMap::new(),
            queued: 0,
            commits: VecDeque::new(),
            links: BTreeMap::new(),
            last_write: Timestamp::default(),
            calls: BTreeMap::new(),
            called: 0,
            stormy: false,
            steps: 0,
            is_followed: false,
            outside: Outside::default(),
        }
    }

    /// What those outside are told since they were last.
    pub(crate) fn outside(&mut self) -> Outside {
        std::mem::take(&mut self.outside)
    }

    /// A call of somebody outside is answered.
    pub(crate) fn replied(&mut self, number: u64, reply: Result<Value, ApiError>) {
        self.outside.replies.push((number, reply));
    }

    /// Events are told without a rule and a queue.
    fn follow_directly(&mut self) {
        let realm = self.realm.clone();
        self.tell(Input::Bus(events::Input::Followed { realm, followed: true }));
    }

    /// Lets clients and faults loose for `steps` steps of the control plane.
    pub fn storm(&mut self, steps: u64) {
        if !std::mem::replace(&mut self.stormy, true) {
            self.later(0, Event::Storm);
        }
        let end = self.steps + steps;
        while self.steps < end {
            self.step();
        }
        self.stormy = false;
    }

    /// Lets time pass without the storm.
    pub(crate) fn pass(&mut self, ms: u64) {
        let end = self.now + ms;
        while self.next_at().is_some_and(|at| at <= end) {
            self.step();
        }
        self.now = self.now.max(end);
    }

    /// When something is due next.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        let queued = self.queue.first_key_value().map(|((at, _), _)| *at);
        let control = self.control.as_ref().and_then(Control::wake_at);
        let hosts = self.hosts.values().filter_map(Host::wake_at).min();
        [queued, control, hosts].into_iter().flatten().min()
    }

    /// Handles what is due next.
    pub(crate) fn step(&mut self) {
        let Some(at) = self.next_at() else { return };
        self.now = self.now.max(at);
        let due = self.queue.first_key_value().is_some_and(|((at, _), _)| *at <= self.now);
        if due && let Some((_, event)) = self.queue.pop_first() {
            return self.take(event);
        }
        let sleepy =
            self.hosts.iter().find(|(_, host)| host.wake_at().is_some_and(|at| at <= self.now));
        if let Some(id) = sleepy.map(|(id, _)| *id) {
            self.tally.count("inputs", "a host wakes");
            return self.with_host(id, Host::tick);
        }
        self.tally.count("inputs", "the control plane wakes");
        let Some(control) = &mut self.control else { return };
        let mut out = Vec::new();
        control.tick(self.now, &mut out);
        assert!(control.wake_at().is_none_or(|at| at > self.now), "what was due is done");
        self.commit(out);
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Written => {
                if let Some(commit) = self.commits.pop_front() {
                    self.write(commit, true);
                }
            }
            Event::Order(connection, order) => self.order(connection, order, false),
            Event::LateOrder(connection, order) => self.order(connection, order, true),
            Event::Report(instance, connection, report) => {
                self.report(instance, connection, report);
            }
            Event::Connect(instance) => self.connect(instance),
            Event::Lost(instance, connection) => {
                let current = self.hosts.get(&instance).and_then(|host| host.connection);
                if current.is_none_or(|held| held == connection) {
                    self.tally.count("inputs", "an agent is away");
                    self.tell(Input::Disconnected(instance));
                }
            }
            Event::Happened(instance, boot, of, event) => {
                if self.hosts.get(&instance).is_some_and(|host| host.up && host.boot == boot) {
                    self.tally.count("inputs", "something becomes of a container");
                    self.with_host(instance, |host, now, chance| {
                        host.happened(now, of, event, chance)
                    });
                }
            }
            Event::Boot(instance) => {
                if let Some(host) = self.hosts.get_mut(&instance) {
                    host.up = true;
                    self.later(0, Event::Connect(instance));
                }
            }
            Event::Restart => self.restart(),
            Event::Storm if self.stormy => {
                self.rage();
                let pause = match self.chance.below(1_000) {
                    0 => 3_700_000,
                    1..20 => self.chance.below(90_000),
                    _ => self.chance.below(400),
                };
                self.later(pause, Event::Storm);
            }
            Event::Storm => {}
        }
    }

    fn later(&mut self, ms: u64, event: Event) {
        self.queued += 1;
        self.queue.insert((self.now + ms, self.queued), event);
    }

    /// Schedules an event in order: not before earlier ones on the same link.
    fn send(&mut self, link: (ResourceId, bool), event: Event) {
        let delay = if self.stormy { self.chance.delay_ms() } else { self.chance.below(20) };
        let last = self.links.entry(link).or_default();
        *last = (self.now + delay).max(*last);
        self.queued += 1;
        self.queue.insert((*last, self.queued), event);
    }

    /// An order arrives. The network keeps a copy of orders sent over a lost connection, and
    /// occasionally of others, and delivers it later, when the agent may have newer ones.
    fn order(&mut self, connection: u64, order: Order, late: bool) {
        let id = order.instance;
        let Some(host) = self.hosts.get(&id) else { return };
        let is_current = host.connection == Some(connection);
        let knows = host.up && connection > host.began_after;
        if !late && knows && (!is_current || self.chance.one_in(20)) {
            let delay = self.chance.delay_ms() * 3;
            self.later(delay, Event::LateOrder(connection, order.clone()));
        }
        if is_current && !late {
            self.tally.count("inputs", "an order arrives");
        } else if late && knows {
            self.tally.count("inputs", "an order arrives late");
        } else {
            return;
        }
        self.with_host(id, |host, now, chance| host.ordered(now, order, chance));
    }

    fn report(&mut self, instance: ResourceId, connection: u64, report: TaskReport) {
        if self.hosts.get(&instance).is_some_and(|host| host.connection == Some(connection)) {
            self.tally.count("inputs", "a report arrives");
            if self.chance.one_in(20) {
                self.tally.count("inputs", "a report arrives twice");
                self.tell(Input::Reported(vec![(instance, vec![report.clone()])]));
            }
            self.tell(Input::Reported(vec![(instance, vec![report])]));
        }
    }

    fn with_host(
        &mut self,
        id: ResourceId,
        what: impl FnOnce(&mut Host, Timestamp, &mut Chance) -> Vec<Asked>,
    ) {
        let Some(host) = self.hosts.get_mut(&id) else { return };
        let asked = what(host, self.now, &mut self.chance);
        let (boot, connection) = (host.boot, host.connection);
        for one in asked {
            match one {
                Asked::Later(ms, of, event) => self.later(ms, Event::Happened(id, boot, of, event)),
                Asked::Report(report) => match connection {
                    Some(connection) => {
                        self.send((id, false), Event::Report(id, connection, report));
                    }
                    // A full order will ask for it again.
                    None => self.tally.count("lost", "a report without a connection"),
                },
            }
        }
    }

    /// Passes an input to the control plane; it is lost if the control plane is down.
    pub(crate) fn tell(&mut self, input: Input) {
        let Some(control) = &mut self.control else {
            return self.tally.count("lost", "an input while the control plane is down");
        };
        let mut out = Vec::new();
        control.step(self.now, input, &mut out);
        self.commit(out);
    }

    /// Calls an operation; the reply arrives when its commit is written, if it ever is.
    pub(crate) fn call(&mut self, operation: &str, body: &Value, purpose: Purpose) {
        let request = Request::parse(operation, body.to_string().as_bytes());
        let request = request.unwrap_or_else(|error| panic!("{operation} {body}: {error}"));
        self.tally.count("calls", operation);
        self.called += 1;
        let (call, realm) = (CallId(self.called), self.realm.clone());
        self.calls.insert(call, purpose);
        self.tell(Input::Call { call, realm, request });
    }

    /// Checks the outputs of one step of the control plane and queues them for the disk.
    fn commit(&mut self, out: Vec<Output>) {
        self.steps += 1;
        self.audit();
        let mut commit = Commit::default();
        for output in out {
            match output {
                Output::Change(change) => commit.changes.push(change),
                Output::Order(order) => commit.orders.push(order),
                Output::Reply(call, reply) => commit.replies.push((call, reply)),
                Output::BusReply(_, reply) => commit.bus_replies.push(reply),
                Output::Event(_, event) => commit.events.push(event),
                Output::Rules(..) => {}
            }
        }
        let delay =
            if self.chance.one_in(50) { self.chance.below(500) } else { self.chance.below(3) };
        self.last_write = (self.now + delay).max(self.last_write);
        self.commits.push_back(commit);
        self.queued += 1;
        self.queue.insert((self.last_write, self.queued), Event::Written);
    }

    /// Runs after each step of a storm unless there is too much to check, and occasionally in the
    /// quiet, which breaks less.
    fn audit(&self) {
        let Some(control) = &self.control else { return };
        let crowded = self.disk.len() > 2_000;
        let every = if self.stormy { 1 } else { 32 } * if crowded { 16 } else { 1 };
        if self.steps.is_multiple_of(every) {
            let violations = audit(control.state());
            assert!(violations.is_empty(), "{violations:?}");
        }
        if self.steps.is_multiple_of(every * 128) {
            let violations = events::audit(control.bus());
            assert!(violations.is_empty(), "{violations:?}");
        }
    }

    /// Writes a commit, and releases its outputs unless the control plane has crashed.
    fn write(&mut self, commit: Commit, release: bool) {
        let new = check::new_tasks(&commit.changes);
        for change in commit.changes {
            check::follows(&self.disk, &change, &mut self.tally);
            if self.is_followed {
                self.outside.changes.push(change.clone());
            }
            self.disk.write(change);
        }
        check::placed(&self.disk, &new, &mut self.tally);
        if !release {
            return;
        }
        self.outside.events.extend(commit.events);
        for order in commit.orders {
            match self.hosts.get(&order.instance).and_then(|host| host.connection) {
                Some(connection) => {
                    self.send((order.instance, true), Event::Order(connection, order));
                }
                None => self.tally.count("lost", "an order to an agent that is away"),
            }
        }
        for (call, reply) in commit.replies {
            let Some(purpose) = self.calls.remove(&call) else { continue };
            self.answered(
                purpose,
                reply.map(|reply| {
                    serde_json::from_slice(&reply.into_json()).expect("a reply is JSON")
                }),
            );
        }
        for reply in commit.bus_replies {
            self.bus_answered(reply);
        }
    }
}
