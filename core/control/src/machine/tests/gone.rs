//! Deleted resources are forgotten, count against no limit and cannot pile up; reads create no
//! state.

use longshore_machine::Machine;

use super::*;
use crate::limits::{GONE_KEPT_MAX, INACTIVE_CLUSTER_VISIBLE_MS, ORPHANS_PER_STEP_MAX};
use crate::service::ServiceStatus;

const HOUR_MS: u64 = 60 * 60 * 1000;

impl World {
    /// Calls an operation without checking invariants, since there are too many calls.
    fn quickly(&mut self, operation: &str, body: &Value) -> Result<Value, ApiError> {
        let request = Request::parse(operation, body.to_string().as_bytes())?;
        self.calls += 1;
        let (call, realm) = (CallId(self.calls), self.realm.clone());
        let mut out = Vec::new();
        self.control.step(self.now, Input::Call { call, realm, request }, &mut out);
        let reply = out.into_iter().find_map(|output| match output {
            Output::Reply(_, reply) => Some(reply),
            _ => None,
        });
        let reply = reply.expect("a call is answered")?;
        Ok(serde_json::from_slice(&reply.into_json()).expect("a reply is JSON"))
    }

    /// Advances time until nothing is due.
    fn wait(&mut self, ms: u64) {
        let end = self.now + ms;
        while let Some(at) = self.control.wake_at().filter(|at| *at <= end) {
            self.tick_at(at.max(self.now));
        }
        self.tick_at(end);
    }
}

/// The read-only operations, each with a minimal body.
fn reads() -> Vec<(&'static str, Value)> {
    let arn = |rest: &str| format!("arn:aws:ecs:eu-west-3:210987654321:{rest}");
    vec![
        ("ListClusters", json!({})),
        ("DescribeClusters", json!({})),
        ("ListTaskDefinitions", json!({})),
        ("ListTaskDefinitionFamilies", json!({})),
        ("DescribeTaskDefinition", json!({"taskDefinition": "web"})),
        ("DeregisterTaskDefinition", json!({"taskDefinition": "web:1"})),
        ("ListContainerInstances", json!({})),
        ("DescribeContainerInstances", json!({"containerInstances": ["0".repeat(32)]})),
        ("ListAttributes", json!({"targetType": "container-instance"})),
        ("ListTasks", json!({})),
        ("DescribeTasks", json!({"tasks": ["0".repeat(32)]})),
        ("StopTask", json!({"task": "0".repeat(32)})),
        ("RunTask", json!({"taskDefinition": "web"})),
        ("StartTask", json!({"taskDefinition": "web", "containerInstances": ["0".repeat(32)]})),
        ("ListServices", json!({})),
        ("DescribeServices", json!({"services": ["s"]})),
        ("CreateService", json!({"serviceName": "s", "taskDefinition": "web", "desiredCount": 1})),
        ("UpdateService", json!({"service": "s"})),
        ("DeleteService", json!({"service": "s"})),
        ("DeleteCluster", json!({"cluster": "default"})),
        ("DescribeCapacityProviders", json!({})),
        ("ListAccountSettings", json!({})),
        ("ListTagsForResource", json!({"resourceArn": arn("cluster/default")})),
        ("TagResource", json!({"resourceArn": arn("task-definition/web:1"), "tags": []})),
        (
            "DescribeServiceRevisions",
            json!({"serviceRevisionArns": [arn("service-revision/default/s/1")]}),
        ),
        ("RegisterTaskDefinition", json!({"family": "web"})),
        ("CreateCluster", json!({"clusterName": "no such name"})),
    ]
}

#[test]
fn whoever_only_asks_about_an_account_and_region_makes_none() {
    let mut world = World::new();
    world.realm = Realm::new("eu-west-3", "210987654321");
    for (operation, body) in reads() {
        // Most are rejected.
        let _ = world.call(operation, &body);
        assert_eq!(world.control.state().realms.len(), 1, "{operation} made a realm");
    }
}

#[test]
fn a_deleted_cluster_is_forgotten_after_an_hour_and_its_region_with_it() {
    let mut world = World::new();
    world.realm = Realm::new("eu-west-3", "210987654321");
    world.ok("CreateCluster", &json!({"clusterName": "prod"}));
    world.ok("DeleteCluster", &json!({"cluster": "prod"}));
    assert_eq!(
        world.ok("DeleteCluster", &json!({"cluster": "prod"}))["cluster"]["status"],
        "INACTIVE"
    );
    world.wait(INACTIVE_CLUSTER_VISIBLE_MS - 1);
    let described = world.ok("DescribeClusters", &json!({"clusters": ["prod"]}));
    assert_eq!(described["clusters"][0]["status"], "INACTIVE");
    world.wait(1);
    let described = world.ok("DescribeClusters", &json!({"clusters": ["prod"]}));
    assert_eq!(described["failures"][0]["reason"], "MISSING");
    assert_eq!(world.control.state().realms.len(), 1, "the region is empty, and kept");
    let stored = world.store.keys().filter(|key| matches!(key, Key::Cluster(..))).count();
    assert_eq!((stored, world.control.wake_at()), (1, None), "the other one is left");
}

#[test]
fn a_deleted_cluster_stays_as_long_as_something_names_it() {
    let mut world = World::new();
    let host = world.host(4096, 4096);
    let task = world.run("web");
    world.ok(
        "CreateService",
        &json!({"serviceName": "s", "taskDefinition": "web", "desiredCount": 0}),
    );
    world.ok("DeleteService", &json!({"service": "s", "force": true}));
    world.wait(1_000);
    world.report(&host, ended(&task, StopCause::EssentialContainerExited, Some(0)));
    world.ok("DeregisterContainerInstance", &json!({"containerInstance": host}));
    world.ok("DeleteCluster", &json!({"cluster": "default"}));
    world.wait(HOUR_MS - 2_000);
    assert_eq!(world.store.len(), 5, "cluster, definition, instance, task and service");
    world.wait(4_000);
    assert_eq!(world.store.len(), 1, "a definition stays: {:?}", world.store.keys());
    assert_eq!(world.control.wake_at(), None);
}

#[test]
fn a_cluster_that_is_made_anew_is_not_forgotten() {
    let mut world = World::new();
    for _ in 0..2 {
        world.ok("DeleteCluster", &json!({"cluster": "default"}));
        world.wait(HOUR_MS / 2);
        world.ok("CreateCluster", &json!({}));
        world.wait(HOUR_MS);
    }
    assert_eq!(
        world.ok("ListClusters", &json!({}))["clusterArns"].as_array().map(Vec::len),
        Some(1)
    );
}

#[test]
fn a_deleted_cluster_is_forgotten_after_a_restart_too() {
    let mut world = World::new();
    world.ok("CreateCluster", &json!({"clusterName": "prod"}));
    world.ok("DeleteCluster", &json!({"cluster": "prod"}));
    let mut world = super::storage::restarted(&world);
    world.wait(HOUR_MS);
    let described = world.ok("DescribeClusters", &json!({"clusters": ["prod"]}));
    assert_eq!(described["failures"][0]["reason"], "MISSING");
}

#[test]
fn deleted_clusters_count_against_no_limit_and_do_not_pile_up() {
    let mut world = World::new();
    for number in 0..limits::CLUSTERS_MAX - 1 {
        let body = json!({"clusterName": format!("c{number}")});
        world.quickly("CreateCluster", &body).expect("there is room");
    }
    let full = world.refused("CreateCluster", &json!({"clusterName": "more"}));
    assert!(full.message.contains("10,000 clusters"), "{full}");
    for number in 0..GONE_KEPT_MAX + 10 {
        world
            .quickly("DeleteCluster", &json!({"cluster": format!("c{number}")}))
            .expect("it is empty");
        let body = json!({"clusterName": format!("d{number}")});
        world.quickly("CreateCluster", &body).expect("there is room again");
    }
    let kept = world.control.state().clusters().count();
    assert_eq!(kept, limits::CLUSTERS_MAX + GONE_KEPT_MAX);
    assert_eq!(audit(world.control.state()), Vec::new());
}

#[test]
fn deregistered_instances_do_not_pile_up() {
    let mut world = World::new();
    let number = json!({"name": "CPU", "type": "INTEGER", "integerValue": 1});
    for _ in 0..GONE_KEPT_MAX + 10 {
        let made = world.quickly("RegisterContainerInstance", &json!({"totalResources": [number]}));
        let arn = made.expect("there is room")["containerInstance"]["containerInstanceArn"].clone();
        world
            .quickly("DeregisterContainerInstance", &json!({"containerInstance": arn}))
            .expect("it is known");
    }
    let state = world.control.state();
    let kept: usize = state.clusters().map(|cluster| cluster.instances.len()).sum();
    assert_eq!((kept, state.homes.len()), (GONE_KEPT_MAX, GONE_KEPT_MAX));
    assert_eq!(audit(state), Vec::new());
}

#[test]
fn deleted_services_do_not_pile_up() {
    let mut world = World::new();
    for number in 0..GONE_KEPT_MAX + 10 {
        let name = format!("s{number}");
        let body = json!({"serviceName": name, "taskDefinition": "web", "desiredCount": 0});
        world.quickly("CreateService", &body).expect("there is room");
        world.quickly("DeleteService", &json!({"service": name})).expect("it is known");
        world.now = world.now + 20;
        world.control.tick(world.now, &mut Vec::new());
    }
    let clusters = world.control.state().clusters();
    let kept = clusters.flat_map(|cluster| cluster.services.values());
    let kept: Vec<_> = kept.map(|known| known.record.status).collect();
    assert_eq!(kept, vec![ServiceStatus::Inactive; GONE_KEPT_MAX]);
    assert_eq!(audit(world.control.state()), Vec::new());
}

#[test]
fn tasks_of_a_deregistered_instance_end_a_bounded_number_at_a_time() {
    let mut world = World::new();
    world.define("tiny", 1);
    let host = world.host(1_048_576, 10_000_000);
    for _ in 0..ORPHANS_PER_STEP_MAX / 5 {
        world
            .quickly("RunTask", &json!({"taskDefinition": "tiny", "count": 10}))
            .expect("there is room");
    }
    world.ok("DeregisterContainerInstance", &json!({"containerInstance": host, "force": true}));
    let ended = world.changes.iter().filter(|change| matches!(change, Change::Task(_))).count();
    assert_eq!(ended, ORPHANS_PER_STEP_MAX);
    assert_eq!(world.orders.len(), 0, "the host is told once all have ended");
    let mut world = super::storage::restarted(&world);
    world.wait(100);
    let clusters = world.control.state().clusters();
    assert_eq!(clusters.map(|one| one.running_count + one.pending_count).sum::<i32>(), 0);
    assert!(world.control.wake_at() > Some(world.now), "it is over");
}
