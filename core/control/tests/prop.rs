//! Random clients and agents against the local ECS: whatever they do, its books balance.
//!
//! Safety is checked after every step: `audit` reports nothing, no instance holds more than it
//! registered, and neither versions nor generations decrease. Liveness is checked at the end: once
//! everything has been told to stop and has stopped, no resources are held, and once its time has
//! passed, nothing is kept.

#[path = "prop/services.rs"]
mod services;

use std::collections::BTreeMap;

use longshore_control::{CallId, Change, Control, Input, Output, Reply, audit};
use longshore_machine::{Machine, Timestamp};
use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::host::{
    ContainerReport, Generation, Health, Reported, StopCause, TaskReport,
};
use longshore_wire_ecs::{ApiError, Request};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use serde_json::{Value, json};

/// Family, CPU units, MiB and host port of the tasks that may run.
const FAMILIES: [(&str, u32, u32, Option<u16>); 3] =
    [("small", 100, 64, None), ("large", 1_500, 1_024, None), ("port", 0, 128, Some(8_080))];

/// An action of a client or an agent. Instances and tasks are identified by number, modulo how many
/// there are.
#[derive(Clone, Debug)]
enum Step {
    Register { cores: u32, gib: u32 },
    Connect(usize),
    Disconnect(usize),
    Run { family: usize, count: u8, token: Option<u8> },
    Start { family: usize, instance: usize },
    Stop(usize),
    Drain { instance: usize, drain: bool },
    Deregister { instance: usize, force: bool },
    PutAttribute { instance: usize, number: u8 },
    Redefine { family: usize, gone: u8 },
    Report { task: usize, status: Reported, cause: Option<StopCause> },
    Lie { task: usize, instance: usize },
    ChooseArns { kind: usize, short: bool },
    Pass { ms: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let some = || 0..64_usize;
    let family = || 0..FAMILIES.len();
    let status =
        prop_oneof![Just(Reported::Pending), Just(Reported::Running), Just(Reported::Stopped)];
    let cause = prop_oneof![
        Just(None),
        Just(Some(StopCause::EssentialContainerExited)),
        Just(Some(StopCause::FailedToStart("CannotStartContainerError: x".into()))),
        Just(Some(StopCause::Ordered)),
        Just(Some(StopCause::Lost)),
    ];
    prop_oneof![
        2 => (1..=4_u32, 1..=4_u32).prop_map(|(cores, gib)| Step::Register { cores, gib }),
        3 => some().prop_map(Step::Connect),
        1 => some().prop_map(Step::Disconnect),
        8 => (family(), 1..=4_u8, prop::option::of(0..3_u8))
            .prop_map(|(family, count, token)| Step::Run { family, count, token }),
        4 => (family(), some()).prop_map(|(family, instance)| Step::Start { family, instance }),
        4 => some().prop_map(Step::Stop),
        2 => (some(), any::<bool>()).prop_map(|(instance, drain)| Step::Drain { instance, drain }),
        2 => (some(), any::<bool>()).prop_map(|(instance, force)| Step::Deregister { instance, force }),
        1 => (some(), 0..12_u8).prop_map(|(instance, number)| Step::PutAttribute { instance, number }),
        2 => (family(), 1..6_u8).prop_map(|(family, gone)| Step::Redefine { family, gone }),
        12 => (some(), status, cause).prop_map(|(task, status, cause)| Step::Report { task, status, cause }),
        1 => (some(), some()).prop_map(|(task, instance)| Step::Lie { task, instance }),
        1 => (0..2_usize, any::<bool>()).prop_map(|(kind, short)| Step::ChooseArns { kind, short }),
        2 => (0..3_000_000_u64).prop_map(|ms| Step::Pass { ms }),
    ]
}

/// A control plane, what its clients know of it, and what it must not take back.
struct World {
    control: Control,
    now: Timestamp,
    calls: u64,
    /// ARNs of instances that may still be known.
    instances: Vec<String>,
    /// ARNs of tasks that may still be known, each with that of its instance.
    tasks: BTreeMap<String, String>,
    versions: BTreeMap<ResourceId, i64>,
    generations: BTreeMap<ResourceId, Generation>,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            control: Control::new(3),
            now: Timestamp::from_millis(1_700_000_000_000),
            calls: 0,
            instances: Vec::new(),
            tasks: BTreeMap::new(),
            versions: BTreeMap::new(),
            generations: BTreeMap::new(),
        };
        world.call("CreateCluster", &json!({})).expect("nothing is in the way");
        (0..FAMILIES.len()).for_each(|family| world.define(family));
        for instance in 0..2 {
            world.act(&Step::Register { cores: 2, gib: 2 });
            world.act(&Step::Connect(instance));
        }
        world
    }

    fn call(&mut self, operation: &str, body: &Value) -> Result<Value, ApiError> {
        let request = Request::parse(operation, body.to_string().as_bytes())?;
        self.calls += 1;
        let (call, realm) = (CallId(self.calls), Realm::new("us-east-1", "123456789012"));
        let reply = self.tell(Input::Call { call, realm, request });
        let json = reply.expect("a call is answered")?.into_json();
        Ok(serde_json::from_slice(&json).expect("a reply is JSON"))
    }

    fn tell(&mut self, input: Input) -> Option<Result<Reply, ApiError>> {
        let mut out = Vec::new();
        self.control.step(self.now, input, &mut out);
        self.take_in(out)
    }

    fn pass(&mut self, ms: u64) {
        self.now = self.now + ms;
        let mut out = Vec::new();
        self.control.tick(self.now, &mut out);
        assert!(self.take_in(out).is_none(), "time answers no calls");
        assert!(self.control.wake_at().is_none_or(|at| at > self.now), "what was due is done");
    }

    /// Checks that neither versions nor generations decrease; returns the reply, if any.
    fn take_in(&mut self, out: Vec<Output>) -> Option<Result<Reply, ApiError>> {
        let mut reply = None;
        for output in out {
            let (id, version) = match output {
                Output::Reply(_, given) => {
                    reply = Some(given);
                    continue;
                }
                Output::Order(order) => {
                    let last = self.generations.insert(order.instance, order.generation);
                    assert!(last < Some(order.generation), "{last:?}, then {:?}", order.generation);
                    continue;
                }
                Output::Change(Change::Instance(one)) => (one.id, one.version),
                Output::Change(Change::Task(one)) => {
                    self.tasks.insert(one.arn.to_string(), one.instance_arn.to_string());
                    (one.id, one.version)
                }
                Output::Change(_)
                | Output::BusReply(..)
                | Output::Event(..)
                | Output::Rules(..) => continue,
            };
            let last = self.versions.insert(id, version);
            assert!(last <= Some(version), "{id} had version {last:?} and has {version}");
        }
        reply
    }

    fn instance(&self, number: usize) -> Option<String> {
        let index = number.checked_rem(self.instances.len())?;
        self.instances.get(index).cloned()
    }

    fn task(&self, number: usize) -> Option<(String, String)> {
        let index = number.checked_rem(self.tasks.len())?;
        self.tasks.iter().nth(index).map(|(task, instance)| (task.clone(), instance.clone()))
    }

    /// Performs one step. Rejections are fine; `None` means that the step has nothing to act on.
    fn act(&mut self, step: &Step) -> Option<()> {
        match step {
            Step::Register { cores, gib } => self.register(*cores, *gib),
            Step::Connect(number) => {
                let instance = self.instance(*number)?;
                self.tell(Input::Connected(id(&instance)));
            }
            Step::Disconnect(number) => {
                let instance = self.instance(*number)?;
                self.tell(Input::Disconnected(id(&instance)));
            }
            Step::Run { family, count, token } => {
                let token = token.map(|token| format!("token-{token}"));
                let (family, ..) = FAMILIES[*family];
                let body = json!({"taskDefinition": family, "count": count, "clientToken": token});
                self.launch("RunTask", &body);
            }
            Step::Start { family, instance } => {
                let (family, ..) = FAMILIES[*family];
                let instance = self.instance(*instance)?;
                let body = json!({"taskDefinition": family, "containerInstances": [instance]});
                self.launch("StartTask", &body);
            }
            Step::Stop(number) => {
                let (task, _) = self.task(*number)?;
                self.call("StopTask", &json!({"task": task})).ok()?;
            }
            Step::Drain { instance, drain } => {
                let status = if *drain { "DRAINING" } else { "ACTIVE" };
                let body =
                    json!({"containerInstances": [self.instance(*instance)?], "status": status});
                self.call("UpdateContainerInstancesState", &body).ok()?;
            }
            Step::Deregister { instance, force } => {
                let body = json!({"containerInstance": self.instance(*instance)?, "force": force});
                self.call("DeregisterContainerInstance", &body).ok()?;
            }
            Step::PutAttribute { instance, number } => {
                let target = self.instance(*instance)?;
                let attribute =
                    json!({"name": format!("a{number}"), "value": "v", "targetId": target});
                self.call("PutAttributes", &json!({"attributes": [attribute]})).ok()?;
            }
            Step::Redefine { family, gone } => self.redefine(*family, *gone)?,
            Step::Report { task, status, cause } => {
                let (task, instance) = self.task(*task)?;
                self.report(&instance, &task, *status, cause.clone());
            }
            Step::Lie { task, instance } => {
                let ((task, _), instance) = (self.task(*task)?, self.instance(*instance)?);
                if self.tasks.get(&task) != Some(&instance) {
                    self.report(&instance, &task, Reported::Stopped, None);
                }
            }
            Step::ChooseArns { kind, short } => self.choose_arns(*kind, *short),
            Step::Pass { ms } => self.pass(*ms),
        }
        Some(())
    }

    /// Registers a revision of a family and deletes another.
    fn redefine(&mut self, family: usize, gone: u8) -> Option<()> {
        self.define(family);
        let gone = format!("{}:{gone}", FAMILIES[family].0);
        self.call("DeregisterTaskDefinition", &json!({"taskDefinition": gone})).ok()?;
        self.call("DeleteTaskDefinitions", &json!({"taskDefinitions": [gone]})).ok().map(drop)
    }

    /// Registers a revision of a family, identical to earlier ones.
    fn define(&mut self, family: usize) {
        let (family, cpu, memory, port) = FAMILIES[family];
        let ports = port.map(|port| json!({"containerPort": 80, "hostPort": port}));
        let ports: Vec<Value> = ports.into_iter().collect();
        let container = json!({"name": "app", "image": "x", "cpu": cpu, "memory": memory, "portMappings": ports});
        let body = json!({"family": family, "containerDefinitions": [container]});
        self.call("RegisterTaskDefinition", &body).expect("it is a good definition");
    }

    fn register(&mut self, cores: u32, gib: u32) {
        let number = |name: &str, value: u32| json!({"name": name, "integerValue": value});
        let body = json!({
            "totalResources": [number("CPU", cores * 1_024), number("MEMORY", gib * 1_024)],
            "attributes": [
                {"name": "com.amazonaws.ecs.capability.docker-remote-api.1.18"},
                {"name": "ecs.availability-zone", "value": format!("zone-{}", cores % 2)},
            ],
        });
        let reply = self.call("RegisterContainerInstance", &body).expect("there is room for more");
        self.instances.push(text(&reply["containerInstance"]["containerInstanceArn"]));
    }

    /// Chooses the form of ARNs of what is made from now on.
    fn choose_arns(&mut self, kind: usize, short: bool) {
        let name = ["taskLongArnFormat", "containerInstanceLongArnFormat"][kind];
        let value = if short { "disabled" } else { "enabled" };
        let body = json!({"name": name, "value": value});
        self.call("PutAccountSetting", &body).expect("it is a setting");
    }

    fn launch(&mut self, operation: &str, body: &Value) {
        let reply = self.call(operation, body).unwrap_or_default();
        for task in reply["tasks"].as_array().into_iter().flatten() {
            self.tasks.insert(text(&task["taskArn"]), text(&task["containerInstanceArn"]));
        }
    }

    fn report(&mut self, instance: &str, task: &str, status: Reported, cause: Option<StopCause>) {
        let container = ContainerReport {
            status,
            runtime_id: Some("runtime".into()),
            image_digest: None,
            exit_code: (status == Reported::Stopped).then_some(0),
            reason: None,
            bindings: Vec::new(),
            health: Health::Unknown,
        };
        let report = TaskReport {
            task: id(task),
            status,
            ran: status == Reported::Running || cause == Some(StopCause::EssentialContainerExited),
            containers: vec![container],
            pull_started_at: None,
            pull_stopped_at: None,
            execution_stopped_at: None,
            cause,
        };
        self.tell(Input::Reported(vec![(id(instance), vec![report])]));
    }

    /// Checks that what clients can see adds up, independently of the machine's own view.
    fn check(&mut self) {
        let violations = audit(self.control.state());
        assert!(violations.is_empty(), "{violations:?}");
        let mut held: BTreeMap<String, (i64, i64, usize)> = BTreeMap::new();
        for task in self.described_tasks() {
            if task["lastStatus"] == "STOPPED" {
                assert_eq!(task["desiredStatus"], "STOPPED");
                continue;
            }
            let on = held.entry(text(&task["containerInstanceArn"])).or_default();
            on.0 += decimal(&task["cpu"]);
            on.1 += decimal(&task["memory"]);
            on.2 += usize::from(text(&task["taskDefinitionArn"]).contains("/port:"));
        }
        for instance in self.described_instances() {
            let (cpu, memory, ports) =
                held.remove(&text(&instance["containerInstanceArn"])).unwrap_or_default();
            if instance["status"] == "INACTIVE" {
                assert_eq!((cpu, memory, ports), (0, 0, 0), "{instance}");
                continue;
            }
            for (name, taken) in [("CPU", cpu), ("MEMORY", memory)] {
                let (all, left) = (
                    resource(&instance, "registered", name),
                    resource(&instance, "remaining", name),
                );
                let (all, left) = (all["integerValue"].as_i64(), left["integerValue"].as_i64());
                assert!(left >= Some(0), "{instance}");
                assert_eq!(left.map(|left| left + taken), all, "{name} of {instance}");
            }
            let used = resource(&instance, "remaining", "PORTS");
            assert_eq!(used["stringSetValue"].as_array().map(Vec::len), Some(ports), "{instance}");
            assert!(ports <= 1, "two tasks have one port: {instance}");
        }
        assert!(held.is_empty(), "tasks are on instances that nobody knows: {held:?}");
    }

    /// All tasks that are still known; drops the others.
    fn described_tasks(&mut self) -> Vec<Value> {
        let asked: Vec<String> = self.tasks.keys().cloned().collect();
        let (found, missing) = self.described("DescribeTasks", "tasks", &asked);
        self.tasks.retain(|task, _| !missing.contains(task));
        found
    }

    /// All instances that are still known; drops the others.
    fn described_instances(&mut self) -> Vec<Value> {
        let asked = self.instances.clone();
        let (found, missing) =
            self.described("DescribeContainerInstances", "containerInstances", &asked);
        self.instances.retain(|instance| !missing.contains(instance));
        found
    }

    fn described(
        &mut self,
        operation: &str,
        member: &str,
        asked: &[String],
    ) -> (Vec<Value>, Vec<String>) {
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for some in asked.chunks(100) {
            let mut reply =
                self.call(operation, &json!({member: some})).expect("asking is always fine");
            found.extend(reply[member].as_array_mut().map(std::mem::take).unwrap_or_default());
            let failures = reply["failures"].as_array().into_iter().flatten();
            missing.extend(failures.map(|failure| text(&failure["arn"])));
        }
        (found, missing)
    }
}

/// An instance's resource, `registered` or `remaining`.
fn resource(instance: &Value, which: &str, name: &str) -> Value {
    let all = instance[format!("{which}Resources")].as_array();
    let found = all.into_iter().flatten().find(|one| one["name"] == name);
    found.cloned().unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn decimal(value: &Value) -> i64 {
    text(value).parse().expect("sizes of tasks are decimal numbers")
}

/// The id at the end of an ARN.
fn id(arn: &str) -> ResourceId {
    arn.rsplit('/').next().and_then(ResourceId::parse).expect("ARNs end with an id")
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 64,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("seeds"))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_books_balance_after_every_step(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for step in &steps {
            world.act(step);
            world.check();
        }
    }

    #[test]
    fn what_has_stopped_holds_nothing_and_is_forgotten(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for step in &steps {
            world.act(step);
        }
        world.check();
        for (task, instance) in world.tasks.clone() {
            world.call("StopTask", &json!({"task": task})).expect("it is known");
            world.report(&instance, &task, Reported::Stopped, Some(StopCause::Ordered));
        }
        world.check();
        for instance in world.described_instances() {
            prop_assert_eq!(&instance["pendingTasksCount"], &json!(0));
            prop_assert_eq!(&instance["runningTasksCount"], &json!(0));
        }
        world.pass(3_600_000);
        world.check();
        prop_assert!(world.tasks.is_empty());
        prop_assert_eq!(world.control.wake_at(), None);
    }
}
