//! GPUs: which task gets which, and what remains.

use longshore_wire_ecs::host::{Reported, StopCause};
use serde_json::{Value, json};

use super::{DOCKER, World, ended, id, says, text};
use crate::machine::Input;

/// An instance with two GPUs, and a task definition that wants `wanted` GPUs.
fn world(wanted: &str) -> (World, String) {
    let mut world = World::new();
    let number = |name: &str| json!({"name": name, "type": "INTEGER", "integerValue": 4096});
    let gpus = json!({"name": "GPU", "type": "STRINGSET", "stringSetValue": ["GPU-b", "GPU-a"]});
    let body = json!({
        "totalResources": [number("CPU"), number("MEMORY"), gpus], "attributes": [{"name": DOCKER}],
    });
    let host = world.ok("RegisterContainerInstance", &body);
    let host = text(&host["containerInstance"]["containerInstanceArn"]);
    world.step(Input::Connected(id(&host)));
    let container = json!({
        "name": "main", "image": "x", "memory": 10,
        "resourceRequirements": [{"type": "GPU", "value": wanted}],
    });
    let body = json!({"family": "learn", "containerDefinitions": [container]});
    world.ok("RegisterTaskDefinition", &body);
    (world, host)
}

fn run(world: &mut World) -> Value {
    world.ok("RunTask", &json!({"taskDefinition": "learn"}))
}

fn left(world: &mut World, host: &str) -> Value {
    let shown = world.instance(host);
    let all = shown["remainingResources"].as_array().cloned().unwrap_or_default();
    let gpus = all.into_iter().find(|one| one["name"] == "GPU");
    gpus.map(|one| one["stringSetValue"].clone()).unwrap_or_default()
}

#[test]
fn each_task_gets_gpus_of_its_own_until_none_is_left() {
    let (mut world, host) = world("1");
    assert_eq!(left(&mut world, &host), json!(["GPU-a", "GPU-b"]));
    let (first, second) = (run(&mut world), run(&mut world));
    let order = world.orders.last().expect("the second task was ordered");
    assert_eq!(order.tasks[0].spec.about.gpu_ids, [[longshore_wire_ecs::Str::from("GPU-b")]]);
    assert_eq!(first["tasks"][0]["containers"][0]["gpuIds"], json!(["GPU-a"]));
    assert_eq!(second["tasks"][0]["containers"][0]["gpuIds"], json!(["GPU-b"]));
    assert_eq!(left(&mut world, &host), json!([]));
    let third = run(&mut world);
    assert_eq!(third["failures"][0]["reason"], "RESOURCE:GPU");
    assert_eq!(third["failures"][0]["detail"], "0 GPUs are free.");
}

#[test]
fn a_gpu_is_free_again_once_its_task_has_stopped() {
    let (mut world, host) = world("2");
    let task = text(&run(&mut world)["tasks"][0]["taskArn"]);
    world.report(&host, says(&task, Reported::Running));
    assert_eq!(left(&mut world, &host), json!([]));
    world.report(&host, ended(&task, StopCause::EssentialContainerExited, Some(0)));
    assert_eq!(left(&mut world, &host), json!(["GPU-a", "GPU-b"]));
    let next = run(&mut world);
    assert_eq!(next["tasks"][0]["containers"][0]["gpuIds"], json!(["GPU-a", "GPU-b"]));
}

#[test]
fn a_requirement_is_a_whole_number_above_0() {
    let mut world = World::new();
    for value in ["0", "-1", "one", "", "1.5"] {
        let container = json!({
            "name": "main", "image": "x", "memory": 10,
            "resourceRequirements": [{"type": "GPU", "value": value}],
        });
        let body = json!({"family": "learn", "containerDefinitions": [container]});
        let refused = world.refused("RegisterTaskDefinition", &body);
        assert!(refused.message.contains("whole number above 0"), "{value}: {refused}");
    }
}

#[test]
fn what_comes_from_outside_is_named_in_full() {
    let mut world = World::new();
    for (member, value) in [
        ("environmentFiles", json!([{"type": "s3", "value": "bucket/a.env"}])),
        ("environmentFiles", json!([{"type": "file", "value": "arn:aws:s3:::bucket/a.env"}])),
        ("secrets", json!([{"name": "A"}])),
        ("secrets", json!([{"valueFrom": "/a"}])),
        ("secrets", json!([{"name": "TAKEN", "valueFrom": "/a"}])),
    ] {
        let environment = json!([{"name": "TAKEN", "value": "1"}]);
        let mut container =
            json!({"name": "main", "image": "x", "memory": 10, "environment": environment});
        container[member] = value;
        let body = json!({"family": "app", "containerDefinitions": [container]});
        world.refused("RegisterTaskDefinition", &body);
    }
}

#[test]
fn gpus_that_an_agent_registers_as_devices_are_given_to_tasks() {
    let (mut world, _) = world("1");
    let number = |name: &str| json!({"name": name, "type": "INTEGER", "integerValue": 4096});
    let device = |id: &str, kind: &str| json!({"id": id, "type": kind});
    let body = |devices: Value| {
        json!({
            "totalResources": [number("CPU"), number("MEMORY")], "attributes": [{"name": DOCKER}], "platformDevices": devices,
        })
    };
    let devices = json!([device("GPU-d", "GPU"), device("GPU-c", "GPU")]);
    let host = world.ok("RegisterContainerInstance", &body(devices));
    let host = text(&host["containerInstance"]["containerInstanceArn"]);
    assert_eq!(left(&mut world, &host), json!(["GPU-c", "GPU-d"]));
    for wrong in [json!([device("n", "NEURON_DEVICE")]), json!([device("", "GPU")])] {
        let refusal = world.refused("RegisterContainerInstance", &body(wrong));
        assert!(refusal.message.contains("platformDevices"), "{refusal}");
    }
}

#[test]
fn an_override_gives_a_container_other_gpus_than_its_definition() {
    let (mut world, host) = world("1");
    let start = |value: &str| {
        json!({"taskDefinition": "learn", "overrides": {"containerOverrides": [
            {"name": "main", "resourceRequirements": [{"type": "GPU", "value": value}]},
        ]}})
    };
    let task = world.ok("RunTask", &start("2"));
    let gpus = &task["tasks"][0]["containers"][0]["gpuIds"];
    assert_eq!(gpus, &json!(["GPU-a", "GPU-b"]), "{task}");
    assert_eq!(left(&mut world, &host), json!([]));
    for wrong in ["0", "x", "-1", ""] {
        let refused = world.refused("RunTask", &start(wrong));
        assert!(refused.message.contains("GPUs above 0"), "{wrong}: {refused}");
    }
}
