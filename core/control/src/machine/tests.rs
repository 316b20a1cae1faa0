//! The local ECS as seen by clients and agents: calls and reports in; replies, records and orders
//! out.

mod arns;
mod clusters;
mod definitions;
mod events;
mod filters;
mod gone;
mod gpus;
mod instances;
mod machines;
mod model;
mod services;
mod settings;
mod storage;
mod tasks;
mod work;

use std::collections::{BTreeMap, BTreeSet};

use longshore_machine::{Machine, Timestamp};
use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::host::{
    ContainerReport, Generation, Health, Order, Reported, StopCause, TaskReport,
};
use longshore_wire_ecs::{ApiError, Request, limits};
use serde_json::{Value, json};

use super::{CallId, Change, Control, Input, Key, Output, Reply};
use crate::audit;

/// The attribute that every task definition requires.
const DOCKER: &str = "com.amazonaws.ecs.capability.docker-remote-api.1.18";

/// The attribute that a task definition with a health check requires.
const HEALTH: &str = "ecs.capability.container-health-check";

/// A control plane, its clock, its store, and the outputs of its last step.
struct World {
    control: Control,
    now: Timestamp,
    realm: Realm,
    calls: u64,
    /// What the last step changed.
    changes: Vec<Change>,
    /// What the last step ordered.
    orders: Vec<Order>,
    /// What the event bus has answered.
    bus_replies: Vec<Result<longshore_events::Answer, longshore_events::Refusal>>,
    told: Vec<std::sync::Arc<longshore_events::Event>>,
    /// What a storage backend would hold.
    store: BTreeMap<Key, Change>,
    generations: BTreeMap<ResourceId, Generation>,
}

impl World {
    /// A world with the cluster `default` and the task definition `web` of 512 CPU units and 128
    /// MiB.
    fn new() -> Self {
        let mut world = Self::of(Control::new(7));
        world.ok("CreateCluster", &json!({}));
        world.define("web", 512);
        world
    }

    fn of(control: Control) -> Self {
        Self {
            control,
            now: Timestamp::from_millis(1_700_000_000_000),
            realm: Realm::new("us-east-1", "123456789012"),
            calls: 0,
            changes: Vec::new(),
            orders: Vec::new(),
            bus_replies: Vec::new(),
            told: Vec::new(),
            store: BTreeMap::new(),
            generations: BTreeMap::new(),
        }
    }

    fn define(&mut self, family: &str, cpu: u32) {
        let container = json!({"name": "app", "image": "busybox", "cpu": cpu, "memory": 128});
        self.ok(
            "RegisterTaskDefinition",
            &json!({"family": family, "containerDefinitions": [container]}),
        );
    }

    fn call(&mut self, operation: &str, body: &Value) -> Result<Value, ApiError> {
        let request = Request::parse(operation, body.to_string().as_bytes())?;
        self.calls += 1;
        let (call, realm) = (CallId(self.calls), self.realm.clone());
        let mut replies = self.step(Input::Call { call, realm, request });
        assert_eq!(replies.len(), 1, "a call is answered once");
        let (answered, reply) = replies.remove(0);
        assert_eq!(answered, call);
        reply.map(|reply| serde_json::from_slice(&reply.into_json()).expect("a reply is JSON"))
    }

    fn ok(&mut self, operation: &str, body: &Value) -> Value {
        match self.call(operation, body) {
            Ok(reply) => reply,
            Err(error) => panic!("{operation} {body}: {error}"),
        }
    }

    fn refused(&mut self, operation: &str, body: &Value) -> ApiError {
        match self.call(operation, body) {
            Ok(reply) => panic!("{operation} {body}: {reply}"),
            Err(error) => error,
        }
    }

    fn step(&mut self, input: Input) -> Vec<(CallId, Result<Reply, ApiError>)> {
        let mut out = Vec::new();
        self.control.step(self.now, input, &mut out);
        self.take_in(out)
    }

    fn tick_at(&mut self, now: Timestamp) {
        self.now = now;
        let mut out = Vec::new();
        self.control.tick(now, &mut out);
        assert!(self.take_in(out).is_empty(), "time answers no calls");
    }

    /// Sorts the outputs of a step and checks the invariants.
    fn take_in(&mut self, out: Vec<Output>) -> Vec<(CallId, Result<Reply, ApiError>)> {
        let mut replies = Vec::new();
        (self.changes, self.orders) = (Vec::new(), Vec::new());
        for output in out {
            match output {
                Output::Reply(call, reply) => replies.push((call, reply)),
                // The bus has its own tests for what it stores.
                Output::Change(Change::Bus(_)) => {}
                Output::Change(change) => self.changes.push(change),
                Output::Order(order) => self.orders.push(order),
                Output::BusReply(_, reply) => self.bus_replies.push(reply),
                Output::Event(_, event) => self.told.push(event),
                Output::Rules(..) => {}
            }
        }
        let mut named = BTreeSet::new();
        for change in &self.changes {
            let key = key(change);
            assert!(named.insert(key.clone()), "{key:?} is named twice in one step");
            match change {
                Change::Forget(_) => drop(self.store.remove(&key)),
                _ => drop(self.store.insert(key, change.clone())),
            }
        }
        for order in &self.orders {
            let last = self.generations.insert(order.instance, order.generation);
            assert!(
                last < Some(order.generation),
                "{last:?} is followed by {:?}",
                order.generation
            );
        }
        let violations = audit(self.control.state());
        assert!(violations.is_empty(), "{violations:?}");
        replies
    }

    /// Registers an instance whose agent is not connected yet; returns its ARN.
    fn register(&mut self, cpu: u32, memory_mib: u32) -> String {
        let number = |name: &str, value: u32| json!({"name": name, "type": "INTEGER", "integerValue": value});
        let resources = [number("CPU", cpu), number("MEMORY", memory_mib)];
        let body = json!({"totalResources": resources, "attributes": [{"name": DOCKER}, {"name": HEALTH}]});
        text(
            &self.ok("RegisterContainerInstance", &body)["containerInstance"]["containerInstanceArn"],
        )
    }

    /// Registers an instance and connects its agent.
    fn host(&mut self, cpu: u32, memory_mib: u32) -> String {
        let arn = self.register(cpu, memory_mib);
        self.step(Input::Connected(id(&arn)));
        arn
    }

    /// Runs one task of a family; returns its ARN.
    fn run(&mut self, family: &str) -> String {
        let reply = self.ok("RunTask", &json!({"taskDefinition": family}));
        assert_eq!(reply["failures"], json!([]));
        text(&reply["tasks"][0]["taskArn"])
    }

    fn start(&mut self, family: &str, instance: &str) -> Value {
        self.ok("StartTask", &json!({"taskDefinition": family, "containerInstances": [instance]}))
    }

    fn report(&mut self, instance: &str, report: TaskReport) {
        self.step(Input::Reported(vec![(id(instance), vec![report])]));
    }

    fn task(&mut self, arn: &str) -> Value {
        self.ok("DescribeTasks", &json!({"tasks": [arn], "include": ["TAGS"]}))["tasks"][0].take()
    }

    fn instance(&mut self, arn: &str) -> Value {
        let body = json!({"containerInstances": [arn], "include": ["TAGS"]});
        self.ok("DescribeContainerInstances", &body)["containerInstances"][0].take()
    }

    fn remaining(&mut self, arn: &str, resource: &str) -> i64 {
        let instance = self.instance(arn);
        let all = instance["remainingResources"].as_array().expect("a list");
        let found = all.iter().find(|one| one["name"] == resource).expect("it has such a resource");
        found["integerValue"].as_i64().expect("a number")
    }
}

/// The key of the record that a change stores.
fn key(change: &Change) -> Key {
    match change {
        Change::Cluster(one) => Key::Cluster(one.realm.clone(), one.name.clone()),
        Change::Instance(one) => Key::Instance(one.id),
        Change::Definition(one) => {
            Key::Definition(one.realm.clone(), one.family.clone(), one.revision)
        }
        Change::Task(one) => Key::Task(one.id),
        Change::Service(one) => {
            Key::Service(one.realm.clone(), one.cluster.clone(), one.name.clone())
        }
        Change::Token { realm, cluster, token, .. } => {
            Key::Token(realm.clone(), cluster.clone(), token.clone())
        }
        Change::Family { realm, family, .. } => Key::Family(realm.clone(), family.clone()),
        Change::Setting { realm, principal, name, .. } => {
            Key::Setting(realm.clone(), principal.clone(), *name)
        }
        Change::Forget(key) => key.clone(),
        Change::Bus(change) => Key::Bus(change.key()),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// The id at the end of an ARN.
fn id(arn: &str) -> ResourceId {
    let last = arn.rsplit('/').next().unwrap_or_default();
    ResourceId::parse(last).unwrap_or_else(|| panic!("{arn} ends with no id"))
}

/// A report on a task with one container.
fn says(task: &str, status: Reported) -> TaskReport {
    TaskReport {
        task: id(task),
        status,
        ran: status == Reported::Running,
        containers: vec![ContainerReport {
            status,
            runtime_id: Some("runtime-1".into()),
            image_digest: None,
            exit_code: None,
            reason: None,
            bindings: Vec::new(),
            health: Health::Unknown,
        }],
        pull_started_at: None,
        pull_stopped_at: None,
        execution_stopped_at: None,
        cause: None,
    }
}

/// A report on a stopped task. It had been RUNNING if its essential container exited.
fn ended(task: &str, cause: StopCause, exit_code: Option<i32>) -> TaskReport {
    let mut report = says(task, Reported::Stopped);
    report.ran = cause == StopCause::EssentialContainerExited;
    report.cause = Some(cause);
    report.containers[0].exit_code = exit_code;
    report
}
