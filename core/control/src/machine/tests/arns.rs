//! Short ARNs: an account may choose them for what is made from then on, and a resource keeps its own for life.

use longshore_wire_ecs::ErrorCode;
use serde_json::{Value, json};

use super::storage::restarted;
use super::{Input, Reported, StopCause, World, ended, id, says, text};

const PREFIX: &str = "arn:aws:ecs:us-east-1:123456789012:";
const SETTINGS: [&str; 3] =
    ["containerInstanceLongArnFormat", "serviceLongArnFormat", "taskLongArnFormat"];

/// Sets the form of all kinds of ARNs.
fn choose(world: &mut World, value: &str) {
    for name in SETTINGS {
        world.ok("PutAccountSetting", &json!({"name": name, "value": value}));
    }
}

/// A world whose account wants short ARNs.
fn short_world() -> World {
    let mut world = World::new();
    choose(&mut world, "disabled");
    world
}

/// Whether it is a short ARN of a kind with an id of 36 characters.
fn is_short(arn: &str, kind: &str) -> bool {
    let id = arn.strip_prefix(&format!("{PREFIX}{kind}/"));
    id.is_some_and(|id| id.len() == 36 && id.split('-').count() == 5)
}

fn service(world: &mut World, more: &Value) -> Value {
    let mut body = json!({"serviceName": "api", "taskDefinition": "web", "desiredCount": 1});
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    world.ok("CreateService", &body)["service"].take()
}

#[test]
fn what_is_made_while_a_setting_is_disabled_has_a_short_arn() {
    for (setting, wanted) in [
        (SETTINGS[0], [true, false, false]),
        (SETTINGS[1], [false, true, false]),
        (SETTINGS[2], [false, false, true]),
    ] {
        let mut world = World::new();
        world.ok("PutAccountSettingDefault", &json!({"name": setting, "value": "disabled"}));
        let host = world.host(4096, 4096);
        let service = text(&service(&mut world, &json!({"desiredCount": 0}))["serviceArn"]);
        let task = world.run("web");
        let found = [
            is_short(&host, "container-instance"),
            service == format!("{PREFIX}service/api"),
            is_short(&task, "task"),
        ];
        assert_eq!(found, wanted, "{setting}");
    }
}

#[test]
fn every_answer_and_list_has_the_arn_that_a_resource_was_given() {
    let mut world = World::new();
    let (long_host, long_task) = (world.host(4096, 4096), world.run("web"));
    choose(&mut world, "disabled");
    let host = world.host(4096, 4096);
    let reply = world.start("web", &host);
    let task = text(&reply["tasks"][0]["taskArn"]);
    choose(&mut world, "enabled");
    assert!(is_short(&host, "container-instance") && is_short(&task, "task"));
    let shown = world.task(&task);
    assert_eq!((&shown["containerInstanceArn"], &shown["taskArn"]), (&json!(host), &json!(task)));
    let container = &shown["containers"][0];
    assert!(is_short(&text(&container["containerArn"]), "container"), "{container}");
    assert_eq!(container["taskArn"], json!(task));
    let sorted = |mut all: Vec<String>| {
        all.sort();
        all
    };
    for (operation, member, wanted) in [
        ("ListTasks", "taskArns", [&task, &long_task]),
        ("ListContainerInstances", "containerInstanceArns", [&host, &long_host]),
    ] {
        let mut found = Vec::new();
        let mut body = json!({"maxResults": 1});
        loop {
            let page = world.ok(operation, &body);
            found.extend(page[member].as_array().into_iter().flatten().map(text));
            if page["nextToken"].is_null() {
                break;
            }
            body["nextToken"] = page["nextToken"].clone();
        }
        assert_eq!(sorted(found), sorted(wanted.map(Clone::clone).to_vec()), "{operation}");
    }
    let on_it = world.ok("ListTasks", &json!({"containerInstance": host}));
    assert_eq!(on_it["taskArns"], json!([task]));
}

#[test]
fn either_form_and_the_id_alone_name_a_resource() {
    let mut world = short_world();
    let host = world.host(4096, 4096);
    service(&mut world, &json!({"desiredCount": 0}));
    let task = world.run("web");
    let (task_id, host_id) = (id(&task), id(&host));
    for given in [
        task.clone(),
        task_id.to_string(),
        task_id.uuid(),
        format!("{PREFIX}task/default/{task_id}"),
    ] {
        assert_eq!(world.task(&given)["taskArn"], json!(task), "{given}");
    }
    for given in
        [host.clone(), host_id.to_string(), format!("{PREFIX}container-instance/default/{host_id}")]
    {
        assert_eq!(world.instance(&given)["containerInstanceArn"], json!(host), "{given}");
        let started = world.start("web", &given);
        assert_eq!(started["tasks"][0]["containerInstanceArn"], json!(host), "{given}");
    }
    for given in
        ["api".to_owned(), format!("{PREFIX}service/api"), format!("{PREFIX}service/default/api")]
    {
        let reply = world.ok("DescribeServices", &json!({"services": [given]}));
        assert_eq!(reply["services"][0]["serviceArn"], json!(format!("{PREFIX}service/api")));
    }
    let absent = "0".repeat(32);
    let reply = world.ok("DescribeTasks", &json!({"tasks": [absent]}));
    assert_eq!(reply["failures"][0]["arn"], json!(format!("{PREFIX}task/{absent}")));
}

#[test]
fn tasks_of_a_service_are_made_in_the_form_of_their_time() {
    let mut world = World::new();
    world.host(4096, 4096);
    choose(&mut world, "disabled");
    service(&mut world, &json!({"desiredCount": 1}));
    world.tick_at(world.now + 1_000);
    let tasks = world.ok("ListTasks", &json!({"serviceName": "api"}));
    let task = text(&tasks["taskArns"][0]);
    assert!(is_short(&task, "task"), "{task}");
    let shown = world.ok("DescribeServices", &json!({"services": ["api"]}));
    let told = text(&shown["services"][0]["events"][0]["message"]);
    assert!(told.contains(&format!("(task {})", id(&task).uuid())), "{told}");
    choose(&mut world, "enabled");
    world.ok("UpdateService", &json!({"service": "api", "desiredCount": 2}));
    world.tick_at(world.now + 60_000);
    let tasks = world.ok("ListTasks", &json!({"serviceName": "api"}));
    let tasks: Vec<String> = tasks["taskArns"].as_array().into_iter().flatten().map(text).collect();
    assert_eq!(tasks.iter().filter(|one| is_short(one, "task")).count(), 1, "{tasks:?}");
    assert_eq!(tasks.len(), 2);
}

#[test]
fn a_short_arn_outlives_restarts_and_the_instance_that_it_names() {
    let mut world = short_world();
    let host = world.host(4096, 4096);
    let task = world.run("web");
    choose(&mut world, "enabled");
    let before = world.task(&task);
    let mut world = restarted(&world);
    assert_eq!(world.task(&task), before);
    assert_eq!(world.instance(&host)["containerInstanceArn"], json!(host));
    world.step(Input::Connected(id(&host)));
    assert_eq!(&*world.orders[0].tasks[0].spec.arn, task);
    world.report(&host, says(&task, Reported::Running));
    world.ok("DeregisterContainerInstance", &json!({"containerInstance": host, "force": true}));
    world.report(&host, ended(&task, StopCause::Ordered, Some(0)));
    let mut world = restarted(&world);
    let shown = world.task(&task);
    assert_eq!((&shown["taskArn"], &shown["containerInstanceArn"]), (&json!(task), &json!(host)));
}

#[test]
fn what_has_a_short_arn_has_no_tags() {
    let mut world = short_world();
    let host = world.host(4096, 4096);
    let tags = json!([{"key": "a", "value": "b"}]);
    let refused = |world: &mut World, operation: &str, body: &Value, text: &str| {
        let refusal = world.refused(operation, body);
        let found = (refusal.code, &*refusal.message);
        assert_eq!(found, (ErrorCode::InvalidParameter, text), "{operation} {body}");
    };
    let enabled = "Long arn format must be enabled for tagging.";
    refused(&mut world, "RunTask", &json!({"taskDefinition": "web", "tags": tags}), enabled);
    refused(&mut world, "RegisterContainerInstance", &json!({"tags": tags}), enabled);
    let managed = json!({"taskDefinition": "web", "enableECSManagedTags": true});
    let text_of_managed = "Long arn format must be enabled for ECS managed tags.";
    refused(&mut world, "RunTask", &managed, text_of_managed);
    for (member, value, what) in [
        ("tags", tags.clone(), "add tags to the service"),
        ("enableECSManagedTags", json!(true), "work with ECS managed tags"),
        ("propagateTags", json!("SERVICE"), "propagate tags"),
    ] {
        let mut body = json!({"serviceName": "x", "taskDefinition": "web", "desiredCount": 0});
        body[member] = value;
        let text = format!(
            "The new ARN and resource ID format must be enabled to {what}. Opt in to the new format and try again."
        );
        refused(&mut world, "CreateService", &body, &text);
    }
    service(&mut world, &json!({"desiredCount": 0}));
    let task = world.run("web");
    for (kind, short, last) in [
        ("task", task.clone(), id(&task).to_string()),
        ("container instance", host.clone(), id(&host).to_string()),
        ("service", format!("{PREFIX}service/api"), "api".to_owned()),
    ] {
        let must = "Long arn format must be used for tagging operations";
        refused(&mut world, "TagResource", &json!({"resourceArn": short, "tags": tags}), must);
        let long = format!("{PREFIX}{}/default/{last}", kind.replace(' ', "-"));
        let text = format!(
            "The specified {kind} does not have the longArn format. Only {kind}s created after opting in will have the new format."
        );
        refused(&mut world, "TagResource", &json!({"resourceArn": long, "tags": tags}), &text);
    }
}

/// Source: clients of 2016, Blox's among them, send such words in lower case.
#[test]
fn lists_are_filtered_by_words_in_any_case() {
    let mut world = World::new();
    world.host(4096, 4096);
    world.run("web");
    service(&mut world, &json!({"desiredCount": 0}));
    for (operation, body, member) in [
        ("ListTasks", json!({"desiredStatus": "running"}), "taskArns"),
        ("ListTasks", json!({"launchType": "ec2"}), "taskArns"),
        ("ListContainerInstances", json!({"status": "active"}), "containerInstanceArns"),
        ("ListTaskDefinitions", json!({"status": "active", "sort": "desc"}), "taskDefinitionArns"),
        ("ListTaskDefinitionFamilies", json!({"status": "all"}), "families"),
        (
            "ListServices",
            json!({"schedulingStrategy": "replica", "launchType": "ec2"}),
            "serviceArns",
        ),
    ] {
        let reply = world.ok(operation, &body);
        assert_eq!(reply[member].as_array().map(Vec::len), Some(1), "{operation} {body}");
    }
    assert_eq!(world.ok("ListTasks", &json!({"desiredStatus": "stopped"}))["taskArns"], json!([]));
    world.refused("ListTasks", &json!({"desiredStatus": "walking"}));
}
