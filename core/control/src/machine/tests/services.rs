//! Services through the API, with hosts that do what they are told, or do not.

mod checks;
mod configuration;
mod daemons;
mod deployments;
mod exits;
mod failures;
mod history;
mod instances;
mod life;
mod protection;
mod zones;

use std::collections::{BTreeMap, BTreeSet};

use longshore_machine::Machine;
use longshore_wire_ecs::ErrorCode;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::{Desired, Health, Reported, StopCause};
use serde_json::{Value, json};

use super::{World, ended, id, says, text};
use crate::announce::Announcement;
use crate::machine::Control;

/// The behaviour of a family's tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    /// They run.
    Run,
    /// They never run.
    FailToStart,
    /// They run and exit.
    Crash,
    /// They stay PENDING.
    Hang,
    /// They run but fail their health check.
    Sicken,
    /// They run and ignore being told to stop.
    Linger,
}

/// A world with hosts.
struct Town {
    world: World,
    /// The behaviour of each family; those not listed run.
    does: BTreeMap<String, Does>,
    /// Ids of running tasks.
    running: BTreeSet<ResourceId>,
    /// The most tasks that were not STOPPED at one time, and the fewest that were running.
    most: usize,
    fewest: usize,
}

impl Town {
    /// A cluster with `instances` instances of 4,096 CPU units and 4,096 MiB each, and the families
    /// `web` and `next` of 512 CPU units.
    fn new(instances: usize) -> (Self, Vec<String>) {
        let mut world = World::new();
        world.define("next", 512);
        let hosts = (0..instances).map(|_| world.host(4096, 4096)).collect();
        let town = Self {
            world,
            does: BTreeMap::new(),
            running: BTreeSet::new(),
            most: 0,
            fewest: usize::MAX,
        };
        (town, hosts)
    }

    fn create(&mut self, extra: Value) -> Value {
        let mut body = json!({"serviceName": "s", "taskDefinition": "web", "desiredCount": 2});
        let (Some(body_of), Value::Object(extra)) = (body.as_object_mut(), extra) else {
            panic!("objects")
        };
        body_of.extend(extra);
        self.world.ok("CreateService", &body)["service"].take()
    }

    fn update(&mut self, extra: Value) -> Value {
        let mut body = json!({"service": "s"});
        let (Some(body_of), Value::Object(extra)) = (body.as_object_mut(), extra) else {
            panic!("objects")
        };
        body_of.extend(extra);
        self.world.ok("UpdateService", &body)["service"].take()
    }

    fn service(&mut self) -> Value {
        self.named("s")
    }

    fn named(&mut self, name: &str) -> Value {
        let body = json!({"services": [name], "include": ["TAGS"]});
        self.world.ok("DescribeServices", &body)["services"][0].take()
    }

    /// The messages of the events, oldest first.
    fn events(&mut self) -> Vec<String> {
        let service = self.service();
        let events = service["events"].as_array().expect("a list");
        events.iter().rev().map(|event| text(&event["message"])).collect()
    }

    fn tasks(&mut self) -> Vec<String> {
        let listed = self.world.ok("ListTasks", &json!({"serviceName": "s"}));
        listed["taskArns"].as_array().expect("a list").iter().map(text).collect()
    }

    /// Advances time, with hosts behaving as each family says.
    fn pass(&mut self, ms: u64) {
        let end = self.world.now + ms;
        self.obey();
        while let Some(at) = self.world.control.wake_at().filter(|at| *at <= end) {
            let now = self.world.now.max(at);
            self.world.tick_at(now);
            self.obey();
            self.count();
        }
        self.world.tick_at(end);
        self.obey();
    }

    /// Waits three seconds, enough for a deployment of one wave.
    fn settle(&mut self) {
        self.pass(3_000);
    }

    fn count(&mut self) {
        let clusters = self.world.control.state().clusters();
        let live: usize =
            clusters.flat_map(|one| one.services.values()).map(|known| known.live.len()).sum();
        self.most = self.most.max(live);
        self.fewest = self.fewest.min(self.running.len());
    }

    fn obey(&mut self) {
        let orders = std::mem::take(&mut self.world.orders);
        for order in orders {
            for ordered in order.tasks {
                let does = self.does.get(&*ordered.spec.family).copied().unwrap_or(Does::Run);
                let (task, instance) = (ordered.spec.arn.to_string(), order.instance);
                match (ordered.desired, does) {
                    (Desired::Stopped, Does::Linger) => {}
                    (Desired::Stopped, _) => {
                        self.running.remove(&ordered.spec.id);
                        self.tell(instance, ended(&task, StopCause::Ordered, Some(143)));
                    }
                    (Desired::Running, Does::Hang) => {}
                    (Desired::Running, Does::FailToStart) => {
                        let why = StopCause::FailedToStart("CannotPullContainerError: x".into());
                        self.tell(instance, ended(&task, why, None));
                    }
                    (Desired::Running, does) => {
                        self.running.insert(ordered.spec.id);
                        let mut report = says(&task, Reported::Running);
                        if does == Does::Sicken {
                            report.containers[0].health = Health::Unhealthy;
                        }
                        self.tell(instance, report);
                        if does == Does::Crash {
                            self.running.remove(&ordered.spec.id);
                            let why = StopCause::EssentialContainerExited;
                            let mut report = ended(&task, why, Some(1));
                            report.containers[0].reason = Some("Killed by a test".into());
                            self.tell(instance, report);
                        }
                    }
                }
            }
        }
    }

    fn tell(&mut self, instance: ResourceId, report: longshore_wire_ecs::host::TaskReport) {
        let kept = std::mem::take(&mut self.world.orders);
        self.world.step(crate::machine::Input::Reported(vec![(instance, vec![report])]));
        self.world.orders = kept;
    }

    /// Ends a running task as if its container had exited.
    fn kill(&mut self, task: &str) {
        let instance = id(&text(&self.world.task(task)["containerInstanceArn"]));
        self.running.remove(&id(task));
        self.tell(instance, ended(task, StopCause::EssentialContainerExited, Some(1)));
    }
}

/// Running, pending and desired count.
fn counts(service: &Value) -> (i64, i64, i64) {
    let of = |name: &str| service[name].as_i64().expect("a number");
    (of("runningCount"), of("pendingCount"), of("desiredCount"))
}

/// The rollout states of the deployments, PRIMARY first.
fn rollouts(service: &Value) -> Vec<String> {
    let deployments = service["deployments"].as_array().expect("a list");
    deployments.iter().map(|one| text(&one["rolloutState"])).collect()
}
