//! A large local ECS: 5,000 instances, 10,000 services, over 100,000 tasks, and whatever else makes
//! a request expensive.

use anyhow::{Context, Result, anyhow, ensure};
use longshore_control::{CallId, Change, Control, Input, LastStatus, Output, Reply};
use longshore_events as events;
use longshore_machine::{Machine, Timestamp};
use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::host::{ContainerReport, Health, Order, Reported, TaskReport};
use longshore_wire_ecs::{ApiError, Request, eventbridge, sqs};
use serde_json::{Value, json};

/// Number of instances of the cluster `default`, and of the cluster `other`.
const INSTANCES: usize = 5_000;
const OTHER_INSTANCES: usize = 500;
/// Number of services of each of the two clusters, and of tasks of each service.
const SERVICES: usize = 4_900;
const TASKS: usize = 10;
/// Number of tasks of the service `large`, and of the overcrowded instance.
pub(crate) const LARGE: usize = 5_000;
/// Number of empty clusters.
const CLUSTERS: usize = 9_000;
/// Number of revisions of the family `many`; all but the first are INACTIVE.
const REVISIONS: usize = 20_000;

/// A control plane, and what its clients know about it.
pub(crate) struct Town {
    pub(crate) control: Control,
    pub(crate) now: Timestamp,
    realm: Realm,
    calls: u64,
    /// Ids of the instances of `default`; the first has thousands of tasks, and GPUs.
    pub(crate) instances: Vec<String>,
    /// Ids of running tasks of `default`.
    pub(crate) tasks: Vec<String>,
}

impl Town {
    /// Fills a control plane.
    pub(crate) fn new() -> Result<Self> {
        let mut town = Self {
            control: Control::new(1),
            now: Timestamp::from_millis(1_800_000_000_000),
            realm: Realm::new("us-east-1", "123456789012"),
            calls: 0,
            instances: Vec::new(),
            tasks: Vec::new(),
        };
        town.follow()?;
        for number in 0..CLUSTERS {
            town.call("CreateCluster", &json!({"clusterName": format!("c{number}")}))?;
        }
        town.define()?;
        for (cluster, count) in [("default", INSTANCES), ("other", OTHER_INSTANCES)] {
            town.call("CreateCluster", &json!({"clusterName": cluster}))?;
            for number in 0..count {
                town.register(cluster, number)?;
            }
        }
        town.crowd_one_instance()?;
        for cluster in ["default", "other"] {
            for number in 0..SERVICES {
                let body = json!({"cluster": cluster, "serviceName": format!("s{number}"), "taskDefinition": "small", "desiredCount": TASKS});
                town.call("CreateService", &body)?;
            }
        }
        let body =
            json!({"serviceName": "large", "taskDefinition": "small", "desiredCount": LARGE});
        town.call("CreateService", &body)?;
        town.pass(600_000);
        let asked = SERVICES * TASKS + 2 * LARGE;
        ensure!(town.tasks.len() >= asked, "{} tasks run, not {asked}", town.tasks.len());
        Ok(town)
    }

    /// Creates a queue and a rule, as `longshore dev` does for its Mesos master, so that events are
    /// built and delivered.
    fn follow(&mut self) -> Result<()> {
        let body = json!({"QueueName": "longshore"}).to_string();
        let request = sqs::Request::parse("CreateQueue", body.as_bytes());
        let request = request.map_err(|error| anyhow!("{error:?}"))?;
        self.bus(events::Request::Sqs { origin: "http://localhost".into(), request });
        let pattern = json!({"source": ["aws.ecs"]}).to_string();
        let target = json!({"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:123456789012:longshore"});
        for (operation, body) in [
            ("PutRule", json!({"Name": "longshore", "EventPattern": pattern})),
            ("PutTargets", json!({"Rule": "longshore", "Targets": [target]})),
        ] {
            let request = eventbridge::Request::parse(operation, body.to_string().as_bytes());
            let request = request.map_err(|error| anyhow!("{error:?}"))?;
            self.bus(events::Request::EventBridge(request));
        }
        Ok(())
    }

    fn bus(&mut self, request: events::Request) {
        let call =
            events::Input::Call { call: events::Call(1), realm: self.realm.clone(), request };
        self.control.step(self.now, Input::Bus(call), &mut Vec::new());
    }

    fn define(&mut self) -> Result<()> {
        for (family, memory) in [("small", 10), ("tiny", 6), ("many", 6)] {
            self.call("RegisterTaskDefinition", &definition(family, memory))?;
        }
        for number in 0..2_000 {
            self.call("RegisterTaskDefinition", &definition(&format!("f{number}"), 6))?;
        }
        for revision in 1..REVISIONS {
            self.call("RegisterTaskDefinition", &definition("many", 6))?;
            // The first one stays ACTIVE.
            let body = json!({"taskDefinition": format!("many:{}", revision + 1)});
            self.call("DeregisterTaskDefinition", &body)?;
        }
        Ok(())
    }

    fn register(&mut self, cluster: &str, number: usize) -> Result<()> {
        let scalar = |name: &str, value: i32| json!({"name": name, "type": "INTEGER", "integerValue": value});
        let ports = json!({"name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22", "2375", "2376", "51678", "51679"]});
        let mut resources = vec![scalar("CPU", 1_000_000), scalar("MEMORY", 100_000_000), ports];
        if number == 0 {
            let gpus: Vec<String> = (0..64).map(|gpu| format!("GPU-{gpu:032}")).collect();
            resources.push(json!({"name": "GPU", "type": "STRINGSET", "stringSetValue": gpus}));
        }
        let pair = |name: String, value: String| json!({"name": name, "value": value});
        let zone = format!("us-east-1{}", ["a", "b", "c"][number % 3]);
        let mut attributes = vec![
            json!({"name": "com.amazonaws.ecs.capability.docker-remote-api.1.18"}),
            pair("ecs.availability-zone".into(), zone),
            pair("ecs.instance-type".into(), "m5.24xlarge".into()),
            pair("same".into(), "same".into()),
        ];
        // As many as Amazon's agent has, plus the maximum number of custom ones.
        let capability = |one| json!({"name": format!("ecs.capability.what-agents-can.{one}")});
        attributes.extend((0..50).map(capability));
        let own = |own: usize| pair(format!("own{own}"), format!("{own:a>100}-{number:08}"));
        attributes.extend((0..9).map(own));
        let body =
            json!({"cluster": cluster, "totalResources": resources, "attributes": attributes});
        let reply = self.call("RegisterContainerInstance", &body)?;
        let arn = reply["containerInstance"]["containerInstanceArn"].as_str();
        let id = arn.and_then(|arn| arn.rsplit('/').next()).context("an instance has an ARN")?;
        if cluster == "default" {
            self.instances.push(id.to_owned());
        }
        self.step(Input::Connected(ResourceId::parse(id).context("an id")?));
        Ok(())
    }

    /// Puts many tasks on one instance, each in a group of its own.
    fn crowd_one_instance(&mut self) -> Result<()> {
        for number in 0..LARGE {
            let group = format!("g{number:0>200}");
            let body = json!({"taskDefinition": "tiny", "containerInstances": [self.instances[0]], "group": group});
            self.call("StartTask", &body)?;
        }
        Ok(())
    }

    /// A request, prepared as an input.
    pub(crate) fn input(&mut self, operation: &str, body: &Value) -> Result<Input> {
        let request = Request::parse(operation, body.to_string().as_bytes())?;
        self.calls += 1;
        Ok(Input::Call { call: CallId(self.calls), realm: self.realm.clone(), request })
    }

    /// Calls an operation, which must succeed.
    pub(crate) fn call(&mut self, operation: &str, body: &Value) -> Result<Value> {
        let input = self.input(operation, body)?;
        let reply = self.step(input).context("a call is answered")?;
        let reply = reply.with_context(|| operation.to_owned())?;
        Ok(serde_json::from_slice(&reply.into_json())?)
    }

    /// Advances the clock.
    pub(crate) fn pass(&mut self, ms: u64) {
        let end = self.now + ms;
        while let Some(at) = self.control.wake_at().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            let mut out = Vec::new();
            self.control.tick(self.now, &mut out);
            self.take_in(out);
        }
        self.now = end;
    }

    fn step(&mut self, input: Input) -> Option<Result<Reply, ApiError>> {
        let mut out = Vec::new();
        self.control.step(self.now, input, &mut out);
        self.take_in(out)
    }

    /// Hosts carry out their orders at once.
    fn take_in(&mut self, out: Vec<Output>) -> Option<Result<Reply, ApiError>> {
        let mut reply = None;
        for output in out {
            match output {
                Output::Reply(_, given) => reply = Some(given),
                Output::Order(order) => self.obey(&order),
                Output::Change(Change::Task(task)) => {
                    let is_new = task.version == 1 && task.last_status == LastStatus::Pending;
                    if is_new && &*task.template.cluster == "default" {
                        self.tasks.push(task.id.to_string());
                    }
                }
                _ => {}
            }
        }
        reply
    }

    fn obey(&mut self, order: &Order) {
        let reports: Vec<TaskReport> =
            order.tasks.iter().map(|task| running(task.spec.id)).collect();
        if !reports.is_empty() {
            self.step(Input::Reported(vec![(order.instance, reports)]));
        }
    }
}

/// A host's report about a running task.
fn running(task: ResourceId) -> TaskReport {
    let container = ContainerReport {
        status: Reported::Running,
        runtime_id: Some("runtime".into()),
        image_digest: None,
        exit_code: None,
        reason: None,
        bindings: Vec::new(),
        health: Health::Unknown,
    };
    TaskReport {
        ran: true,
        task,
        status: Reported::Running,
        containers: vec![container],
        pull_started_at: None,
        pull_stopped_at: None,
        execution_stopped_at: None,
        cause: None,
    }
}

/// A task definition with one container.
pub(crate) fn definition(family: &str, memory: u32) -> Value {
    let container = json!({"name": "app", "image": "x", "memory": memory});
    json!({"family": family, "containerDefinitions": [container]})
}
