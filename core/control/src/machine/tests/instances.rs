//! Container instances: registering, draining and deregistering them, and the orders to their
//! agents.

use longshore_machine::Machine;
use longshore_wire_ecs::ErrorCode;
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::host::{Desired, Reported};
use serde_json::json;

use super::{World, id, says};
use crate::limits::INACTIVE_INSTANCE_VISIBLE_MS;
use crate::machine::Input;

#[test]
fn an_agent_that_connects_gets_its_full_order() {
    let mut world = World::new();
    let host = world.register(1024, 1024);
    assert!(world.orders.is_empty());
    assert_eq!(world.instance(&host)["agentConnected"], json!(false));
    world.step(Input::Connected(id(&host)));
    let [order] = &*world.orders else { panic!("one order, not {:?}", world.orders) };
    assert_eq!((order.instance, order.full, order.tasks.len()), (id(&host), true, 0));
    assert_eq!(world.instance(&host)["agentConnected"], json!(true));
}

#[test]
fn an_agent_that_comes_back_is_told_what_it_should_have_and_what_was_running() {
    let mut world = World::new();
    let host = world.host(4096, 4096);
    let (running, pending, stopping) = (world.run("web"), world.run("web"), world.run("web"));
    world.report(&host, says(&running, Reported::Running));
    world.ok("StopTask", &json!({"task": stopping}));
    world.step(Input::Disconnected(id(&host)));
    assert!(world.orders.is_empty());
    assert_eq!(world.start("web", &host)["failures"][0]["reason"], "AGENT");
    world.step(Input::Connected(id(&host)));
    assert!(world.orders[0].full);
    for (task, desired, was_running) in [
        (&running, Desired::Running, true),
        (&pending, Desired::Running, false),
        (&stopping, Desired::Stopped, false),
    ] {
        let found = world.orders[0].tasks.iter().find(|ordered| ordered.spec.id == id(task));
        let ordered = found.expect("the order is full");
        assert_eq!((ordered.desired, ordered.was_running), (desired, was_running));
    }
}

#[test]
fn generations_of_orders_rise_for_each_instance() {
    let mut world = World::new();
    let host = world.host(4096, 4096);
    let mut generations = vec![world.orders[0].generation];
    for _ in 0..3 {
        let task = world.run("web");
        generations.push(world.orders[0].generation);
        world.ok("StopTask", &json!({"task": task}));
        generations.push(world.orders[0].generation);
        world.step(Input::Connected(id(&host)));
        generations.push(world.orders[0].generation);
    }
    assert!(generations.windows(2).all(|pair| pair[0] < pair[1]), "{generations:?}");
}

#[test]
fn a_draining_instance_keeps_its_tasks_and_takes_no_new_ones() {
    let mut world = World::new();
    let host = world.host(1024, 1024);
    let task = world.run("web");
    let body = json!({"containerInstances": [host], "status": "DRAINING"});
    let drained = world.ok("UpdateContainerInstancesState", &body);
    assert_eq!(drained["containerInstances"][0]["status"], "DRAINING");
    assert!(world.orders.is_empty());
    assert_eq!(world.task(&task)["desiredStatus"], "RUNNING");
    assert_eq!(world.start("web", &host)["failures"][0]["reason"], "INACTIVE");
    assert_eq!(
        world.refused("RunTask", &json!({"taskDefinition": "web"})).code,
        ErrorCode::InvalidParameter
    );
    assert_eq!(world.remaining(&host, "CPU"), 512);
}

#[test]
fn a_deregistration_by_force_ends_the_tasks_and_orders_the_host_to_have_none() {
    let mut world = World::new();
    let host = world.host(1024, 1024);
    let task = world.run("web");
    world.report(&host, says(&task, Reported::Running));
    let refused = world.refused("DeregisterContainerInstance", &json!({"containerInstance": host}));
    assert_eq!(refused.code, ErrorCode::InvalidParameter);
    let reply =
        world.ok("DeregisterContainerInstance", &json!({"containerInstance": host, "force": true}));
    assert_eq!(reply["containerInstance"]["status"], "INACTIVE");
    let [order] = &*world.orders else { panic!("one order, not {:?}", world.orders) };
    assert_eq!((order.instance, order.full, order.tasks.len()), (id(&host), true, 0));
    let ended = world.task(&task);
    assert_eq!(
        (&ended["lastStatus"], &ended["stopCode"]),
        (&json!("STOPPED"), &json!("UserInitiated"))
    );
    world.report(&host, says(&task, Reported::Running));
    assert!(world.changes.is_empty(), "what its host still says is too late");
    let cluster = &world.ok("DescribeClusters", &json!({}))["clusters"][0];
    assert_eq!(
        (&cluster["registeredContainerInstancesCount"], &cluster["runningTasksCount"]),
        (&json!(0), &json!(0))
    );
}

#[test]
fn a_deregistered_instance_is_described_for_an_hour() {
    let mut world = World::new();
    let host = world.host(1024, 1024);
    world.ok("DeregisterContainerInstance", &json!({"containerInstance": host}));
    assert_eq!(world.ok("ListContainerInstances", &json!({}))["containerInstanceArns"], json!([]));
    let due = world.now + INACTIVE_INSTANCE_VISIBLE_MS;
    assert_eq!(world.control.wake_at(), Some(due));
    world.tick_at(due - 1);
    assert_eq!(world.instance(&host)["status"], "INACTIVE");
    world.tick_at(due);
    let reply = world.ok("DescribeContainerInstances", &json!({"containerInstances": [host]}));
    assert_eq!(reply["failures"][0]["reason"], "MISSING");
}

#[test]
fn two_realms_never_see_each_other() {
    let mut world = World::new();
    let host = world.host(1024, 1024);
    let task = world.run("web");
    for realm in [Realm::new("us-east-1", "999999999999"), Realm::new("eu-west-1", "123456789012")]
    {
        world.realm = realm;
        assert_eq!(world.ok("ListClusters", &json!({}))["clusterArns"], json!([]));
        assert_eq!(world.ok("DescribeClusters", &json!({}))["failures"][0]["reason"], "MISSING");
        world.ok("CreateCluster", &json!({}));
        assert_eq!(world.ok("ListTasks", &json!({}))["taskArns"], json!([]));
        assert_eq!(
            world.ok("ListContainerInstances", &json!({}))["containerInstanceArns"],
            json!([])
        );
        assert_eq!(world.ok("ListTaskDefinitions", &json!({}))["taskDefinitionArns"], json!([]));
        assert_eq!(
            world.refused("RunTask", &json!({"taskDefinition": "web"})).code,
            ErrorCode::Client
        );
        let theirs = json!({"cluster": "arn:aws:ecs:us-west-2:123456789012:cluster/default"});
        assert_eq!(world.refused("ListTasks", &theirs).code, ErrorCode::ClusterNotFound);
        assert_eq!(
            world.ok("DescribeTasks", &json!({"tasks": [task]}))["failures"][0]["reason"],
            "MISSING"
        );
        assert_eq!(world.start_foreign(&host), "MISSING");
    }
}

impl World {
    /// Tries to start a task on an instance of another realm; returns the reason for the failure.
    fn start_foreign(&mut self, instance: &str) -> String {
        self.define("mine", 1);
        super::text(&self.start("mine", instance)["failures"][0]["reason"])
    }
}

#[test]
fn an_instance_that_registers_again_keeps_its_attributes_and_has_the_capabilities_that_it_has_now()
{
    let mut world = World::new();
    let host = world.register(1024, 1024);
    let own = json!([{"name": "stack", "value": "prod", "targetId": host}]);
    world.ok("PutAttributes", &json!({"attributes": own}));
    let number = |name: &str| json!({"name": name, "type": "INTEGER", "integerValue": 1024});
    let again = json!({
        "containerInstanceArn": host, "totalResources": [number("CPU"), number("MEMORY")],
        "attributes": [{"name": "ecs.capability.env-files.s3"}, {"name": "other"}],
    });
    world.ok("RegisterContainerInstance", &again);
    let shown = world.instance(&host);
    let names: Vec<&str> = shown["attributes"]
        .as_array()
        .map(|all| all.iter().filter_map(|one| one["name"].as_str()).collect())
        .unwrap_or_default();
    assert!(names.contains(&"stack") && names.contains(&"ecs.capability.env-files.s3"));
    assert!(!names.contains(&super::DOCKER) && !names.contains(&"other"), "{names:?}");
}
