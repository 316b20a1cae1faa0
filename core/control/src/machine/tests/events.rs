//! Events about tasks and instances.

use longshore_events::{Answer, Call, Input as BusInput, Request};
use longshore_wire_ecs::host::Reported;
use longshore_wire_ecs::{eventbridge, sqs};
use serde_json::{Value, json};

use super::{World, says};
use crate::machine::Input;

const QUEUE: &str = "http://localhost/123456789012/q";

fn ask(world: &mut World, request: Request) -> Value {
    let call = BusInput::Call { call: Call(1), realm: world.realm.clone(), request };
    world.step(Input::Bus(call));
    let reply = world.bus_replies.pop().expect("it is answered");
    let body = match reply.expect("it is no error") {
        Answer::EventBridge(answer) => answer.to_json(),
        Answer::Sqs(answer) => answer.to_json(),
    };
    serde_json::from_slice(&body).expect("it is JSON")
}

fn ask_sqs(world: &mut World, operation: &str, body: &Value) -> Value {
    let request = sqs::Request::parse(operation, body.to_string().as_bytes()).expect("it parses");
    ask(world, Request::Sqs { origin: "http://localhost".into(), request })
}

fn ask_events(world: &mut World, operation: &str, body: &Value) -> Value {
    let request =
        eventbridge::Request::parse(operation, body.to_string().as_bytes()).expect("it parses");
    ask(world, Request::EventBridge(request))
}

/// A world with a rule that sends every ECS event to one queue.
fn followed() -> World {
    let mut world = World::new();
    ask_sqs(&mut world, "CreateQueue", &json!({ "QueueName": "q" }));
    let rule = json!({ "Name": "r", "EventPattern": "{\"source\":[\"aws.ecs\"]}" });
    ask_events(&mut world, "PutRule", &rule);
    let target = json!({ "Id": "q", "Arn": "arn:aws:sqs:us-east-1:123456789012:q" });
    ask_events(&mut world, "PutTargets", &json!({ "Rule": "r", "Targets": [target] }));
    world
}

/// Events received since the last call.
fn events(world: &mut World) -> Vec<Value> {
    let body = json!({ "QueueUrl": QUEUE, "MaxNumberOfMessages": 10 });
    let answer = ask_sqs(world, "ReceiveMessage", &body);
    let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
    let event = |message: &Value| {
        serde_json::from_str(message["Body"].as_str().unwrap_or_default()).expect("it is JSON")
    };
    messages.iter().map(event).collect()
}

#[test]
fn a_task_is_told_as_a_describe_call_would_show_it() {
    let mut world = followed();
    let host = world.host(1024, 1024);
    events(&mut world);
    let task = world.run("web");
    let told = events(&mut world);
    let kinds: Vec<&str> = told.iter().filter_map(|event| event["detail-type"].as_str()).collect();
    assert_eq!(kinds, ["ECS Task State Change", "ECS Container Instance State Change"]);
    assert_eq!(told[1]["resources"], json!([host]));
    let (detail, shown) = (&told[0]["detail"], world.task(&task));
    assert_eq!(told[0]["resources"], json!([task]));
    for name in ["version", "lastStatus", "desiredStatus", "containerInstanceArn", "overrides"] {
        assert_eq!(detail[name], shown[name], "{name}");
    }
    assert_eq!(detail["createdAt"], "2023-11-14T22:13:20Z");
    assert!(detail["updatedAt"].is_string());
    for name in ["tags", "healthStatus"] {
        assert!(detail.get(name).is_none(), "{name}");
    }
    assert!(detail["containers"][0].get("healthStatus").is_none());
    world.report(&host, says(&task, Reported::Running));
    let told = events(&mut world);
    let running = told.last().expect("it is told");
    assert_eq!(running["detail"]["lastStatus"], "RUNNING");
    assert_eq!(running["detail"]["startedAt"], "2023-11-14T22:13:20Z");
}

#[test]
fn an_instance_is_told_with_what_it_has_left_and_whether_it_is_connected() {
    let mut world = followed();
    let host = world.register(1024, 1024);
    let told = events(&mut world);
    let detail = &told[0]["detail"];
    assert_eq!((told.len(), &detail["agentConnected"]), (1, &json!(false)));
    assert_eq!(detail["containerInstanceArn"], *host);
    assert!(detail["clusterArn"].is_string() && detail["registeredAt"].is_string());
    let cpu = json!({ "name": "CPU", "type": "INTEGER", "integerValue": 1024 });
    assert_eq!(detail["remainingResources"][0], cpu);
    assert!(detail.get("runningTasksCount").is_none());
    world.step(Input::Connected(super::id(&host)));
    let told = events(&mut world);
    assert_eq!(told[0]["detail"]["agentConnected"], json!(true));
    assert_eq!(told[0]["detail"]["version"], world.instance(&host)["version"]);
}

#[test]
fn nothing_is_told_that_nobody_wants() {
    let mut world = followed();
    ask_events(&mut world, "DisableRule", &json!({ "Name": "r" }));
    world.host(1024, 1024);
    world.run("web");
    assert!(events(&mut world).is_empty());
    let violations = longshore_events::audit(world.control.bus());
    assert!(violations.is_empty(), "{violations:?}");
}

#[test]
fn who_follows_the_bus_is_told_without_any_rule_and_until_nobody_follows() {
    let mut world = World::new();
    let host = world.host(1024, 1024);
    assert!(world.told.is_empty(), "nobody follows yet");
    let followed = |world: &World, followed| {
        Input::Bus(BusInput::Followed { realm: world.realm.clone(), followed })
    };
    let begin = followed(&world, true);
    world.step(begin);
    let task = world.run("web");
    let resources: Vec<&str> = world.told.iter().map(|event| &*event.resources[0]).collect();
    assert_eq!(resources, [&*task, &*host]);
    let end = followed(&world, false);
    world.step(end);
    world.report(&host, says(&task, Reported::Running));
    assert_eq!(world.told.len(), 2);
}
