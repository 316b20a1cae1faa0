//! The work that one request can cause is bounded, whatever it asks for.

use super::*;

/// An expression that exceeds the step limit of one request on three instances with a long value.
fn costly() -> String {
    let one = r"attribute:long =~ '(?:(?:a|a){60}d|.*)()\1[xy]' or ";
    format!("{}attribute:long == b", one.repeat(35))
}

/// Registers three instances with a long value.
fn with_long_values(world: &mut World) {
    for _ in 0..3 {
        let host = world.host(4096, 4096);
        let long = json!({"name": "long", "value": "a".repeat(128), "targetId": host});
        world.ok("PutAttributes", &json!({"attributes": [long]}));
    }
}

#[test]
fn expressions_that_take_too_long_are_refused() {
    let mut world = World::new();
    with_long_values(&mut world);
    let filtered = world.refused("ListContainerInstances", &json!({"filter": costly()}));
    assert_eq!(filtered.code, longshore_wire_ecs::ErrorCode::InvalidParameter);
    assert!(filtered.message.contains("take too long to evaluate on the 3 container instances"));
    let constraints = json!([{"type": "memberOf", "expression": costly()}]);
    let run = json!({"taskDefinition": "web", "placementConstraints": constraints});
    assert_eq!(world.refused("RunTask", &run), filtered);
    world.run("web");
}

#[test]
fn a_service_whose_constraints_take_too_long_says_so() {
    for scheduling in ["REPLICA", "DAEMON"] {
        let mut world = World::new();
        with_long_values(&mut world);
        let mut body =
            json!({"serviceName": "s", "taskDefinition": "web", "schedulingStrategy": scheduling});
        body["placementConstraints"] = json!([{"type": "memberOf", "expression": costly()}]);
        if scheduling == "REPLICA" {
            body["desiredCount"] = json!(1);
        }
        world.ok("CreateService", &body);
        let now = world.now + 1_000;
        world.tick_at(now);
        let service =
            world.ok("DescribeServices", &json!({"services": ["s"]}))["services"][0].take();
        let said = text(&service["events"][0]["message"]);
        assert!(said.contains("was unable to start a task"), "{said}");
        assert!(said.contains("take too long to evaluate"), "{said}");
    }
}

/// A list of `count` entries.
fn many(count: usize, one: impl Fn(usize) -> Value) -> Value {
    (0..count).map(one).collect()
}

/// Checks that a list of this length is accepted and that one more entry is rejected with this
/// message.
fn check(
    world: &mut World,
    operation: &str,
    most: usize,
    told: &str,
    body: &dyn Fn(usize) -> Value,
) {
    world.ok(operation, &body(most));
    let refused = world.refused(operation, &body(most + 1));
    assert!(refused.message.contains(told), "{operation}: {refused}");
}

/// Each list that a request may have, its maximum length, and the message for one more entry.
#[test]
fn lists_have_bounds() {
    let mut world = World::new();
    let setting = |_| json!({"name": "containerInsights", "value": "enabled"});
    let tag = |number| json!({"key": format!("k{number}"), "value": ""});
    let key = |number| json!(format!("k{number}"));
    let arn = "arn:aws:ecs:us-east-1:123456789012:cluster/default";
    check(
        &mut world,
        "UpdateClusterSettings",
        limits::CLUSTER_SETTINGS_MAX,
        "settings can have at most",
        &|count| json!({"cluster": "default", "settings": many(count, setting)}),
    );
    check(
        &mut world,
        "PutClusterCapacityProviders",
        limits::STRATEGY_PROVIDERS_MAX,
        "at most 20",
        &|count| json!({"cluster": "default", "capacityProviders": vec!["FARGATE"; count], "defaultCapacityProviderStrategy": []}),
    );
    check(
        &mut world,
        "TagResource",
        limits::TAGS_MAX,
        "at most 50 tags",
        &|count| json!({"resourceArn": arn, "tags": many(count, tag)}),
    );
    check(
        &mut world,
        "UntagResource",
        limits::TAGS_MAX,
        "at most 50 entries",
        &|count| json!({"resourceArn": arn, "tagKeys": many(count, key)}),
    );
}

#[test]
fn what_an_instance_registers_has_bounds() {
    let mut world = World::new();
    let host = world.host(4096, 4096);
    let key = |number| json!(format!("k{number}"));
    let attribute = |number| json!({"name": format!("ecs.capability.{number}")});
    let resource = |number| json!({"name": format!("R{number}"), "integerValue": 1});
    let sets = |count| json!([{"name": "R", "stringSetValue": many(count, key)}]);
    check(
        &mut world,
        "RegisterContainerInstance",
        limits::INSTANCE_ATTRIBUTES_MAX,
        "At most 500 attributes",
        &|count| json!({"attributes": many(count, attribute)}),
    );
    check(
        &mut world,
        "RegisterContainerInstance",
        limits::INSTANCE_RESOURCES_MAX,
        "at most 20 entries",
        &|count| json!({"totalResources": many(count, resource)}),
    );
    check(
        &mut world,
        "RegisterContainerInstance",
        limits::RESOURCE_SET_ENTRIES_MAX,
        "at most 100 entries",
        &|count| json!({"totalResources": sets(count)}),
    );
    check(
        &mut world,
        "RegisterContainerInstance",
        limits::INSTANCE_TEXT_CHARS_MAX,
        "more than 255 characters",
        &|count| json!({"versionInfo": {"agentVersion": "v".repeat(count)}}),
    );
    assert_eq!(world.instance(&host)["status"], "ACTIVE");
}

#[test]
fn a_cluster_has_no_settings_that_ecs_has_not_and_no_configuration_without_bound() {
    let mut world = World::new();
    for (name, value) in [("containerInsights", "on"), ("containerInsight", "enabled")] {
        let settings = json!([{"name": name, "value": value}]);
        world.refused("CreateCluster", &json!({"clusterName": "new", "settings": settings}));
        world.refused("UpdateCluster", &json!({"cluster": "default", "settings": settings}));
    }
    let key = "k".repeat(limits::CLUSTER_CONFIGURATION_BYTES_MAX);
    let configuration = json!({"executeCommandConfiguration": {"kmsKeyId": key}});
    let refused = world
        .refused("UpdateCluster", &json!({"cluster": "default", "configuration": configuration}));
    assert!(refused.message.contains("at most 16384 bytes"), "{refused}");
}

#[test]
fn words_may_be_said_more_than_once() {
    let mut world = World::new();
    let body = json!({"include": vec!["TAGS"; 1_000]});
    assert_eq!(world.ok("DescribeClusters", &body)["clusters"][0]["tags"], json!([]));
    assert!(
        world.refused("DescribeClusters", &json!({"include": ["TAG"]})).message.contains("TAGS")
    );
}

#[test]
fn lists_page_whatever_their_order_is() {
    let mut world = World::new();
    for family in ["a", "a-b", "b"] {
        for _ in 0..3 {
            world.define(family, 1);
        }
    }
    world.ok("DeregisterTaskDefinition", &json!({"taskDefinition": "a:2"}));
    let pages =
        |world: &mut World, operation: &str, member: &str, mut body: Value| -> Vec<String> {
            let mut all = Vec::new();
            loop {
                let mut reply = world.ok(operation, &body);
                let some = reply[member].as_array().cloned().unwrap_or_default();
                all.extend(
                    some.iter()
                        .map(|one| text(one).rsplit('/').next().unwrap_or_default().to_owned()),
                );
                if reply["nextToken"].is_null() {
                    return all;
                }
                body["nextToken"] = reply["nextToken"].take();
            }
        };
    let all = ["a:1", "a:3", "a-b:1", "a-b:2", "a-b:3", "b:1", "b:2", "b:3", "web:1"];
    for size in [1, 2, 3, 100] {
        let listed = pages(
            &mut world,
            "ListTaskDefinitions",
            "taskDefinitionArns",
            json!({"maxResults": size}),
        );
        assert_eq!(listed, all, "{size}");
        let body = json!({"maxResults": size, "sort": "DESC"});
        let listed = pages(&mut world, "ListTaskDefinitions", "taskDefinitionArns", body);
        assert_eq!(listed, all.iter().rev().copied().collect::<Vec<_>>(), "{size}");
        for sort in ["ASC", "DESC"] {
            let body = json!({"maxResults": size, "sort": sort, "familyPrefix": "a-b"});
            let listed = pages(&mut world, "ListTaskDefinitions", "taskDefinitionArns", body);
            assert_eq!(listed.len(), 3, "{size}");
        }
        let body = json!({"maxResults": size, "familyPrefix": "a"});
        assert_eq!(pages(&mut world, "ListTaskDefinitionFamilies", "families", body), ["a", "a-b"]);
    }
}
