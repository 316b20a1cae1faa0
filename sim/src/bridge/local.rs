//! The real local ECS in the place of the model of Amazon's: its control plane, disk, hosts and the network between them, as in
//! [`crate::World`], under the clock of the bridges.
//!
//! A question of a bridge becomes the calls that `edge/client` would make, page by page, and their replies the answer that it
//! would give. `Cloud` mirrors what is stored, so that whatever is checked against the model is checked against this as well.

mod asking;
mod faults;
mod reading;

use std::collections::BTreeMap;

use longshore_control::{Change, InstanceStatus, Key, Reply};
use longshore_events::Event;
use longshore_machine::Timestamp;
use longshore_replica::{Failure, Instance, News};
use longshore_wire_ecs::ApiError;
use serde_json::{Value, json};

use self::asking::Asking;
use super::api;
use super::cloud::Needs;
use super::master::Sent;
use super::world::World;
use crate::World as Ecs;
use crate::clients::Purpose;
use crate::world::Outside;

/// The cluster that bridges use.
const CLUSTER: &str = "default";

/// A local ECS, and the questions that it is answering.
#[derive(Debug)]
pub(super) struct Local {
    ecs: Ecs,
    asking: BTreeMap<u64, Asking>,
    made: u64,
}

impl Local {
    /// One with an empty cluster and a few task definitions. Every other account has chosen short ARNs.
    pub(super) fn new(seed: u64, now: Timestamp) -> Self {
        let mut ecs = Ecs::followed(seed, now);
        ecs.stormy = true;
        ecs.call("CreateCluster", &json!({"clusterName": CLUSTER}), Purpose::Must);
        // Only every third seed is run with a local ECS.
        if (seed / 3).is_multiple_of(2) {
            for name in ["containerInstanceLongArnFormat", "taskLongArnFormat"] {
                let body = json!({"name": name, "value": "disabled"});
                ecs.call("PutAccountSetting", &body, Purpose::Must);
            }
        }
        let mut local = Self { ecs, asking: BTreeMap::new(), made: 0 };
        for family in faults::FAMILIES {
            local.define(family);
        }
        local
    }

    /// When something is due next.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        self.ecs.next_at()
    }

    /// Whether anybody could be asked anything.
    fn is_up(&self) -> bool {
        self.ecs.control.is_some()
    }

    /// The next call of a question.
    fn go_on(&mut self, mut asking: Asking) {
        let Some((operation, body)) = asking.next_call() else { return };
        self.made += 1;
        self.asking.insert(self.made, asking);
        self.ecs.call(operation, &body, Purpose::Bridge(self.made));
    }
}

impl World {
    /// Does something to the local ECS, if that is what there is, and takes in what it leads to.
    fn with_local(&mut self, act: impl FnOnce(&mut Local)) {
        let now = self.now;
        let Some(local) = &mut self.local else { return };
        local.ecs.now = now;
        act(local);
        let outside = local.ecs.outside();
        self.take_in(outside);
    }

    /// The local ECS does what is due.
    pub(super) fn step_local(&mut self) {
        self.with_local(|local| local.ecs.step());
    }

    fn take_in(&mut self, outside: Outside) {
        let Outside { replies, broken, events, changes } = outside;
        for change in changes {
            self.is_stored(&change);
        }
        self.cloud.events.extend(events.iter().filter_map(|event| news(event)));
        self.tell();
        for (number, reply) in replies {
            self.replied(number, reply);
        }
        for number in broken {
            let asking = self.local.as_mut().and_then(|local| local.asking.remove(&number));
            if let Some(asking) = asking {
                let unsure = Failure::Unsure("the control plane crashed".to_owned());
                self.tally.count("failures", "a reply was lost in a crash");
                self.has_answered(&asking, Err(unsure));
            }
        }
    }

    /// A question has reached the local ECS.
    pub(super) fn asked_locally(&mut self, sent: &Sent, answers: bool) {
        let most = self.cloud.tasks.len() as u64;
        let asking = Asking::new(sent.clone(), answers);
        if !api::can_afford(&mut self.buckets, self.now, &sent.question, most) {
            self.tally.count("failures", "a bucket was empty");
            return self.has_answered(&asking, Err(Failure::Throttled));
        }
        if asking.is_done() {
            return self.has_answered(&asking, Ok(()));
        }
        self.ask_locally(asking);
    }

    fn ask_locally(&mut self, asking: Asking) {
        if self.local.as_ref().is_some_and(Local::is_up) {
            self.with_local(|local| local.go_on(asking));
        } else {
            let refused = Failure::NotDone("no connection: refused".to_owned());
            self.has_answered(&asking, Err(refused));
        }
    }

    fn replied(&mut self, number: u64, reply: Result<Value, ApiError>) {
        let asking = self.local.as_mut().and_then(|local| local.asking.remove(&number));
        let Some(mut asking) = asking else { return };
        match asking.hear(reply) {
            Ok(true) => self.has_answered(&asking, Ok(())),
            Ok(false) => self.ask_locally(asking),
            Err(failure) => self.has_answered(&asking, Err(failure)),
        }
    }

    /// A question is answered, and the answer goes on its way.
    fn has_answered(&mut self, asking: &Asking, outcome: Result<(), Failure>) {
        let answered = match outcome {
            Ok(()) => asking.answer(),
            Err(failure) => asking.sent.question.fails(failure),
        };
        if asking.answers {
            let delay = self.delay();
            self.answer(&asking.sent, delay, answered);
        }
    }

    /// A record is on the disk of the local ECS: that is what is true from now on.
    fn is_stored(&mut self, change: &Change) {
        let now = self.now;
        match change {
            Change::Task(task) if &*task.template.cluster == CLUSTER => {
                let json = Reply::Task(task.clone()).into_json();
                let told: Value = serde_json::from_slice(&json).unwrap_or_default();
                let needs = Needs {
                    cpu: task.template.needs.cpu,
                    memory_mib: task.template.needs.memory_mib,
                };
                let record = reading::task(&told["task"]);
                let (arn, launch) = (record.arn.clone(), record.started_by.clone());
                let (ran_at, stopped_at) = (task.started_at, task.stopped_at);
                let owners = api::owners_of(&record);
                let mut found = record.containers.iter().map(|container| container.healthy);
                if record.healthy == Some(false) || found.any(|one| one == Some(false)) {
                    self.is_found_unhealthy(&arn);
                }
                let is_new = self.cloud.stored(now, record, owners, needs, (ran_at, stopped_at));
                if is_new && let Some(launch) = &launch {
                    self.ledger.accepted(now, &self.cloud, &arn, launch);
                }
                if ran_at == Some(now) {
                    self.tally.count("reached", "a task ran");
                }
            }
            Change::Instance(one) if &*one.cluster == CLUSTER => {
                let instance = Instance {
                    arn: one.arn.clone(),
                    ec2_instance_id: one.ec2_instance_id.clone(),
                    active: one.status == InstanceStatus::Active,
                    connected: true,
                    cpu: one.registered.cpu,
                    memory_mib: one.registered.memory_mib,
                    attributes: (*one.attributes).clone(),
                    ..Instance::default()
                };
                let is_there = one.deregistered_at.is_none();
                self.cloud.is_registered(now, &one.arn, is_there.then_some(instance));
            }
            Change::Forget(Key::Task(id)) => self.cloud.forgotten(now, &id.to_string()),
            _ => {}
        }
    }
}

/// What an event tells a bridge.
fn news(event: &Event) -> Option<News> {
    let detail: Value = serde_json::from_str(&event.detail).unwrap_or_default();
    match &*event.detail_type {
        "ECS Task State Change" => Some(News::Task(reading::task(&detail))),
        "ECS Container Instance State Change" => {
            let at_ms = reading::milliseconds(&detail["updatedAt"]);
            Some(News::Instance(reading::instance(&detail), at_ms))
        }
        _ => None,
    }
}
