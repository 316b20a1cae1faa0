//! Container instances on one machine share its ports.

use longshore_wire_ecs::host::StopCause;
use serde_json::{Value, json};

use super::storage::restarted;
use super::{DOCKER, World, ended, id, text};
use crate::machine::Input;

const MACHINE: &str = "longshore.machine";

/// Registers an instance on a machine and connects its agent.
fn host(world: &mut World, machine: &str) -> String {
    let number = |name: &str| json!({"name": name, "type": "INTEGER", "integerValue": 4096});
    let body = json!({
        "totalResources": [number("CPU"), number("MEMORY")],
        "attributes": [{"name": DOCKER}, {"name": MACHINE, "value": machine}],
    });
    let reply = world.ok("RegisterContainerInstance", &body);
    let arn = text(&reply["containerInstance"]["containerInstanceArn"]);
    world.step(Input::Connected(id(&arn)));
    arn
}

fn define(world: &mut World, port: u16) {
    let mapping = json!({"containerPort": 80, "hostPort": port});
    let body = json!({"family": "listens", "containerDefinitions": [
        {"name": "main", "image": "x", "memory": 16, "portMappings": [mapping]},
    ]});
    world.ok("RegisterTaskDefinition", &body);
}

fn ports(world: &mut World, host: &str) -> Value {
    let instance = world.instance(host);
    let resources = instance["remainingResources"].as_array().expect("a list");
    resources.iter().find(|one| one["name"] == "PORTS").expect("it has ports")["stringSetValue"]
        .clone()
}

#[test]
fn a_port_is_given_once_on_a_machine_and_shown_as_taken_on_all_of_it() {
    let mut world = World::new();
    let (one, two) = (host(&mut world, "a"), host(&mut world, "a"));
    define(&mut world, 8080);
    let version = world.instance(&two)["version"].as_i64().expect("a number");
    let run = json!({"taskDefinition": "listens", "count": 2});
    let reply = world.ok("RunTask", &run);
    assert_eq!(reply["tasks"].as_array().map(Vec::len), Some(1), "{reply}");
    let on = text(&reply["tasks"][0]["containerInstanceArn"]);
    let failures = reply["failures"].as_array().expect("a list");
    assert!(failures.iter().all(|one| one["reason"] == "RESOURCE:PORTS"), "{reply}");
    let other = if on == one { &two } else { &one };
    let refused = failures.iter().find(|one| one["arn"] == **other).expect("both refuse");
    let detail = "The port 8080 is in use by another container instance on the same machine.";
    assert_eq!(refused["detail"], detail);
    for host in [&one, &two] {
        assert_eq!(ports(&mut world, host), json!(["8080"]));
    }
    // Followers of events must learn that the other instance has less than before.
    assert!(world.instance(other)["version"].as_i64() > Some(version));
    let named = world.start("listens", other);
    assert_eq!(named["failures"][0]["reason"], "RESOURCE:PORTS");
    let task = text(&reply["tasks"][0]["taskArn"]);
    world.report(&on, ended(&task, StopCause::EssentialContainerExited, Some(0)));
    for host in [&one, &two] {
        assert_eq!(ports(&mut world, host), json!([]));
    }
    assert_eq!(world.start("listens", other)["failures"], json!([]));
}

#[test]
fn what_is_taken_on_a_machine_is_taken_after_a_restart() {
    let mut world = World::new();
    let (one, two) = (host(&mut world, "a"), host(&mut world, "a"));
    define(&mut world, 8080);
    assert_eq!(world.start("listens", &one)["failures"], json!([]));
    let mut world = restarted(&world);
    world.step(Input::Connected(id(&two)));
    assert_eq!(world.start("listens", &two)["failures"][0]["reason"], "RESOURCE:PORTS");
}

#[test]
fn the_machine_is_what_the_agent_said_last_and_nobody_else_may_say_it() {
    let mut world = World::new();
    let (one, two) = (host(&mut world, "a"), host(&mut world, "a"));
    define(&mut world, 8080);
    assert_eq!(world.start("listens", &one)["failures"], json!([]));
    let attribute = json!({"name": MACHINE, "value": "b", "targetId": two});
    let refused = world.call("PutAttributes", &json!({"attributes": [attribute]}));
    assert!(refused.is_err(), "{refused:?}");
    let number = |name: &str| json!({"name": name, "type": "INTEGER", "integerValue": 4096});
    let again = json!({
        "containerInstanceArn": two,
        "totalResources": [number("CPU"), number("MEMORY")],
        "attributes": [{"name": DOCKER}, {"name": MACHINE, "value": "b"}],
    });
    world.ok("RegisterContainerInstance", &again);
    assert_eq!(world.start("listens", &two)["failures"], json!([]));
}
