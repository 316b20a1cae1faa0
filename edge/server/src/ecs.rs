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
pub(crate) use front::{AMZ_JSON, ERROR_TYPE, Front, REQUEST_ID, refusal, router};

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
    // Each change is one insertion or removal, so a panic elsewhere cannot leave it half done.
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A handle to the control plane.
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
        // The feed may outlive all senders, so it holds only a weak one.
        let feed = Feed::new(inputs.downgrade());
        let (calls, bus_calls) = (Waiting::default(), BusCalls::default());
        (Self { inputs, calls, bus_calls, rules: RuleBook::default(), feed }, inbox)
    }

    /// Calls an operation and waits for its answer.
    ///
    /// # Errors
    /// The operation's own error, or `ServerException` if the control plane ends in the meantime.
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

    /// A handle to the event bus, which runs in the control plane.
    pub(crate) fn bus(&self) -> BusHandle {
        BusHandle::new(self.inputs.clone(), self.bus_calls.clone(), self.rules.clone())
    }

    /// The rules of the event bus, for preparing calls.
    pub(crate) fn rules(&self) -> &RuleBook {
        &self.rules
    }

    /// The event feed, for people.
    pub(crate) fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Reports that the agent of an instance connected.
    pub(crate) async fn connected(&self, instance: ResourceId) {
        // Fails only if the control plane is ending.
        let _ = self.inputs.send(Input::Connected(instance)).await;
    }

    /// Reports that the agent of an instance disconnected.
    pub(crate) async fn disconnected(&self, instance: ResourceId) {
        // Fails only if the control plane is ending.
        let _ = self.inputs.send(Input::Disconnected(instance)).await;
    }

    /// Delivers reports of agents.
    pub(crate) async fn reported(&self, reports: Vec<(ResourceId, Vec<TaskReport>)>) {
        // Fails only if the control plane is ending; it asks for full reports at its next start.
        let _ = self.inputs.send(Input::Reported(reports)).await;
    }
}

/// Destinations of orders: one mailbox per instance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes {
    hosts: Arc<Mutex<BTreeMap<ResourceId, Route>>>,
    /// Instances whose agent is disconnected.
    silent: Arc<Mutex<BTreeSet<ResourceId>>>,
}

/// Orders by destination.
#[derive(Default)]
struct Sorted {
    of_hosts: Vec<(mpsc::Sender<HostInput>, Order)>,
    /// There is one fleet, which takes all of its orders together.
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

    /// Forgets an instance that is gone.
    pub(crate) fn remove(&self, instance: ResourceId) {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner).remove(&instance);
        self.silence(instance, false);
    }

    /// Sets whether an instance is cut off from orders.
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

    /// Delivers orders; blocks while the mailbox of a host is full. Hosts never wait for the
    /// control plane, so it will drain. An order to an instance without an agent is dropped: it
    /// gets a full one when its agent connects.
    pub(crate) fn deliver(&self, orders: Vec<Order>) {
        let Sorted { of_hosts, of_fleet } = self.sort(orders);
        // Sending fails only if the host has ended.
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

/// Performs the outputs of the control plane: commits, then sends answers and orders.
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
