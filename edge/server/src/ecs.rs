//! The local ECS as a service: the control plane's mailbox, its host, and the HTTP front.

mod access;
mod census;
mod front;
mod instances;
mod local;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use longshore_control::{CallId, Control, Input, Output, Reply};
use longshore_lifecycle::Input as HostInput;
use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::host::{Order, TaskReport};
use longshore_wire_ecs::{ApiError, ErrorCode, Request};
use tokio::sync::{mpsc, oneshot};

pub(crate) use access::text;
pub use access::{Access, Keys};
pub(crate) use front::{ERROR_TYPE, Front, REQUEST_ID, refusal, router};

use crate::drive::Host;
use crate::events::{BusCalls, BusHandle, Feed, RuleBook};
use crate::limits;
use crate::storage::{Commit, Release, Writer};

type Waiting = Arc<Mutex<Calls>>;

#[derive(Debug, Default)]
struct Calls {
    last: u64,
    waiting: BTreeMap<CallId, oneshot::Sender<Result<Reply, ApiError>>>,
}

fn lock(calls: &Waiting) -> std::sync::MutexGuard<'_, Calls> {
    // Each change is one insertion or removal: a panic elsewhere leaves no half of it.
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The way to the control plane, for everyone who is not it.
#[derive(Clone, Debug)]
pub struct ControlHandle {
    inputs: mpsc::Sender<Input>,
    calls: Waiting,
    bus_calls: BusCalls,
    rules: RuleBook,
    feed: Feed,
}

impl ControlHandle {
    /// The handle, the mailbox that it fills, and what the host needs to answer.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Input>) {
        let (inputs, inbox) = mpsc::channel(limits::MAILBOX_INPUTS_MAX);
        // The feed may outlive everybody who has something to say: it holds no way in of its own.
        let feed = Feed::new(inputs.downgrade());
        let (calls, bus_calls) = (Waiting::default(), BusCalls::default());
        (Self { inputs, calls, bus_calls, rules: RuleBook::default(), feed }, inbox)
    }

    /// Calls an operation and waits for its answer.
    ///
    /// # Errors
    /// The operation's own refusal, or `ServerException` when the control plane ends meanwhile.
    pub async fn call(&self, realm: Realm, request: Request) -> Result<Reply, ApiError> {
        let (reply, answer) = oneshot::channel();
        let call = {
            let mut calls = lock(&self.calls);
            calls.last += 1;
            let call = CallId(calls.last);
            calls.waiting.insert(call, reply);
            call
        };
        let gone = || ApiError::new(ErrorCode::Server, "The control plane is shutting down.");
        if self.inputs.send(Input::Call { call, realm, request }).await.is_err() {
            lock(&self.calls).waiting.remove(&call);
            return Err(gone());
        }
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    /// The way to the event bus, which lives with the control plane.
    pub(crate) fn bus(&self) -> BusHandle {
        BusHandle::new(self.inputs.clone(), self.bus_calls.clone(), self.rules.clone())
    }

    /// The rules of the event bus, for those who prepare calls.
    pub(crate) fn rules(&self) -> &RuleBook {
        &self.rules
    }

    /// The feed of events, for people.
    pub(crate) fn feed(&self) -> &Feed {
        &self.feed
    }

    /// The agent of an instance connected.
    pub(crate) async fn connected(&self, instance: ResourceId) {
        // A control plane that ends has no use for it.
        let _ = self.inputs.send(Input::Connected(instance)).await;
    }

    /// The agent of an instance went away.
    pub(crate) async fn disconnected(&self, instance: ResourceId) {
        // A control plane that ends has no use for it.
        let _ = self.inputs.send(Input::Disconnected(instance)).await;
    }

    /// The agents of instances report.
    pub(crate) async fn reported(&self, reports: Vec<(ResourceId, Vec<TaskReport>)>) {
        // A control plane that ends asks for full reports when it is back.
        let _ = self.inputs.send(Input::Reported(reports)).await;
    }
}

/// Where orders go: one mailbox for each instance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes {
    hosts: Arc<Mutex<BTreeMap<ResourceId, Route>>>,
    /// Instances whose agent is away.
    silent: Arc<Mutex<BTreeSet<ResourceId>>>,
}

/// Orders by where they go.
#[derive(Default)]
struct Sorted {
    of_hosts: Vec<(mpsc::Sender<HostInput>, Order)>,
    /// There is one fleet; it takes what is for it together.
    of_fleet: Option<(mpsc::Sender<Vec<Order>>, Vec<Order>)>,
}

#[derive(Clone, Debug)]
enum Route {
    Host(mpsc::Sender<HostInput>),
    Fleet(mpsc::Sender<Vec<Order>>),
}

impl Routes {
    pub(crate) fn host(&self, instance: ResourceId, mailbox: mpsc::Sender<HostInput>) {
        self.add(instance, Route::Host(mailbox));
    }

    pub(crate) fn fleet(&self, instance: ResourceId, mailbox: mpsc::Sender<Vec<Order>>) {
        self.add(instance, Route::Fleet(mailbox));
    }

    /// Says whether orders reach an instance.
    pub(crate) fn silence(&self, instance: ResourceId, silent: bool) {
        let mut all = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        if silent {
            all.insert(instance);
        } else {
            all.remove(&instance);
        }
    }

    fn add(&self, instance: ResourceId, route: Route) {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner).insert(instance, route);
    }

    /// Delivers orders; blocks while the mailbox of a host is full. Hosts never wait for the control plane, so it
    /// empties. An order to an instance without an agent is dropped: it gets a full one when its agent connects.
    pub(crate) fn deliver(&self, orders: Vec<Order>) {
        let Sorted { of_hosts, of_fleet } = self.sort(orders);
        // A host that ended is as good as none.
        for (mailbox, order) in of_hosts {
            drop(mailbox.blocking_send(HostInput::Ordered(order)));
        }
        if let Some((mailbox, orders)) = of_fleet {
            drop(mailbox.blocking_send(orders));
        }
    }

    fn sort(&self, orders: Vec<Order>) -> Sorted {
        let silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sorted = Sorted::default();
        for order in orders.into_iter().filter(|order| !silent.contains(&order.instance)) {
            match hosts.get(&order.instance) {
                Some(Route::Host(mailbox)) => sorted.of_hosts.push((mailbox.clone(), order)),
                Some(Route::Fleet(mailbox)) => {
                    let fleet =
                        sorted.of_fleet.get_or_insert_with(|| (mailbox.clone(), Vec::new()));
                    fleet.1.push(order);
                }
                None => {}
            }
        }
        sorted
    }
}

/// Performs what the control plane asks for: commit, then answer and order.
pub(crate) struct ControlHost {
    calls: Waiting,
    bus_calls: BusCalls,
    rules: RuleBook,
    feed: Feed,
    pub(crate) writer: Writer,
}

impl ControlHost {
    pub(crate) fn new(handle: &ControlHandle, writer: Writer) -> Self {
        let ControlHandle { calls, bus_calls, rules, feed, .. } = handle.clone();
        Self { calls, bus_calls, rules, feed, writer }
    }
}

impl Host<Control> for ControlHost {
    type Error = std::convert::Infallible;

    async fn perform(&mut self, out: &mut Vec<Output>) -> Result<(), Self::Error> {
        let mut commit = Commit { changes: Vec::new(), releases: Vec::new() };
        {
            let mut calls = lock(&self.calls);
            for output in out.drain(..) {
                match output {
                    Output::Change(change) => commit.changes.push(change),
                    Output::Order(order) => commit.releases.push(Release::Order(order)),
                    Output::Event(realm, event) => {
                        commit.releases.push(Release::Event(self.feed.clone(), realm, event));
                    }
                    Output::Rules(realm, rules) => self.rules.put(realm, rules),
                    Output::BusReply(call, reply) => {
                        if let Some(to) = self.bus_calls.take(call) {
                            commit.releases.push(Release::BusReply(to, reply));
                        }
                    }
                    Output::Reply(call, reply) => {
                        if let Some(to) = calls.waiting.remove(&call) {
                            commit.releases.push(Release::Reply(to, reply));
                        }
                    }
                }
            }
        }
        if !commit.changes.is_empty() || !commit.releases.is_empty() {
            self.writer.commit(commit).await;
        }
        Ok(())
    }
}
