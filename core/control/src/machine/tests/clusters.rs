//! Updating clusters and their capacity providers.

use std::sync::Arc;

use longshore_machine::{Machine, Timestamp};
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::host::{Reported, StopCause};
use longshore_wire_ecs::limits::CLUSTERS_MAX;
use longshore_wire_ecs::{ErrorCode, Request};
use serde_json::{Value, json};

use super::storage::restarted;
use super::{World, ended, says};
use crate::machine::{CallId, Change, Control, Input, Output};
use crate::record::Cluster;

#[test]
fn settings_and_configuration_of_a_cluster_change_by_name() {
    let mut world = World::new();
    let setting = |value: &str| json!([{"name": "containerInsights", "value": value}]);
    for (operation, value) in [("UpdateClusterSettings", "enabled"), ("UpdateCluster", "disabled")]
    {
        let body = json!({"cluster": "default", "settings": setting(value)});
        assert_eq!(world.ok(operation, &body)["cluster"]["settings"], setting(value));
    }
    let configuration = json!({"executeCommandConfiguration": {"logging": "NONE"}});
    let body = json!({"cluster": "default", "configuration": configuration});
    let reply = world.ok("UpdateCluster", &body);
    assert_eq!(reply["cluster"]["configuration"], configuration);
    assert_eq!(reply["cluster"]["settings"], setting("disabled"));
    let refusal = world.refused("UpdateCluster", &json!({"cluster": "none"}));
    assert_eq!(refusal.code, ErrorCode::ClusterNotFound);
    assert_eq!(world.refused("UpdateCluster", &json!({})).code, ErrorCode::InvalidParameter);
}

#[test]
fn a_cluster_names_the_capacity_providers_that_every_account_has() {
    let mut world = World::new();
    let strategy = json!([{"capacityProvider": "FARGATE", "weight": 1, "base": 1}]);
    let body = json!({"cluster": "default", "capacityProviders": ["FARGATE", "FARGATE_SPOT"], "defaultCapacityProviderStrategy": strategy});
    world.ok("PutClusterCapacityProviders", &body);
    let shown = world.ok("DescribeClusters", &json!({}))["clusters"][0].take();
    assert_eq!(shown["capacityProviders"], json!(["FARGATE", "FARGATE_SPOT"]));
    assert_eq!(shown["defaultCapacityProviderStrategy"], strategy);
    for body in [
        json!({"cluster": "default", "capacityProviders": ["mine"], "defaultCapacityProviderStrategy": []}),
        json!({"cluster": "default", "capacityProviders": [], "defaultCapacityProviderStrategy": strategy}),
        json!({"cluster": "default", "capacityProviders": []}),
    ] {
        let refusal = world.refused("PutClusterCapacityProviders", &body);
        assert_eq!(refusal.code, ErrorCode::InvalidParameter);
    }
}

#[test]
fn the_built_in_capacity_providers_are_described() {
    let mut world = World::new();
    let all = world.ok("DescribeCapacityProviders", &json!({}));
    assert_eq!(all["capacityProviders"].as_array().map(Vec::len), Some(2));
    let first = world.ok("DescribeCapacityProviders", &json!({"maxResults": 1}));
    let rest = json!({"maxResults": 1, "nextToken": first["nextToken"]});
    let rest = world.ok("DescribeCapacityProviders", &rest);
    assert_eq!(rest["capacityProviders"][0]["name"], "FARGATE_SPOT");
    let some = json!({"capacityProviders": ["FARGATE", "mine"]});
    let some = world.ok("DescribeCapacityProviders", &some);
    assert_eq!(some["capacityProviders"][0]["status"], "ACTIVE");
    assert_eq!(some["failures"][0]["reason"], "MISSING");
}

#[test]
fn a_new_cluster_has_every_setting_and_shows_it_when_asked() {
    let mut world = World::new();
    let insights = |value: &str| json!([{"name": "containerInsights", "value": value}]);
    let settings = |world: &mut World, include: Value| {
        world.ok("DescribeClusters", &json!({"include": include}))["clusters"][0]["settings"].take()
    };
    assert_eq!(settings(&mut world, json!(["SETTINGS"])), insights("disabled"));
    assert_eq!(settings(&mut world, json!([])), json!([]));
    let body = json!({"clusterName": "measured", "settings": insights("enhanced")});
    assert_eq!(world.ok("CreateCluster", &body)["cluster"]["settings"], insights("enhanced"));
}

#[test]
fn a_cluster_that_was_stored_without_settings_shows_them() {
    let mut world = World::new();
    let Some(Change::Cluster(record)) = world.store.values().next().cloned() else {
        panic!("a cluster is stored")
    };
    let mut old = serde_json::to_value(&*record).expect("a record is JSON");
    old["settings"] = json!([]);
    old.as_object_mut().expect("an object").remove("namespace");
    let old: Cluster = serde_json::from_value(old).expect("older records can be read");
    let held = world.store.values_mut().next().expect("it is stored still");
    *held = Change::Cluster(Arc::new(old));
    let mut world = restarted(&world);
    let shown = world.ok("DescribeClusters", &json!({"include": ["SETTINGS"]}));
    let expected = json!([{"name": "containerInsights", "value": "disabled"}]);
    assert_eq!(shown["clusters"][0]["settings"], expected);
}

#[test]
fn the_namespace_of_service_connect_is_kept_changed_and_taken_away() {
    let mut world = World::new();
    let defaults = |name: &str| json!({"namespace": name});
    let shown = |world: &mut World| {
        world.ok("DescribeClusters", &json!({"clusters": ["named"]}))["clusters"][0]
            .get("serviceConnectDefaults")
            .cloned()
    };
    let body = json!({"clusterName": "named", "serviceConnectDefaults": defaults("first")});
    let reply = world.ok("CreateCluster", &body);
    assert_eq!(reply["cluster"]["serviceConnectDefaults"], defaults("first"));
    assert_eq!(shown(&mut world), Some(defaults("first")));
    let mut world = restarted(&world);
    assert_eq!(shown(&mut world), Some(defaults("first")));
    let arn = "arn:aws:servicediscovery:us-east-1:123456789012:namespace/ns-1";
    world
        .ok("UpdateCluster", &json!({"cluster": "named", "serviceConnectDefaults": defaults(arn)}));
    world.ok("UpdateCluster", &json!({"cluster": "named"}));
    assert_eq!(shown(&mut world), Some(defaults(arn)));
    world.ok("UpdateCluster", &json!({"cluster": "named", "serviceConnectDefaults": defaults("")}));
    assert_eq!(shown(&mut world), None);
    for wrong in [json!({}), defaults("a/b"), defaults(&"x".repeat(1025))] {
        let body = json!({"cluster": "named", "serviceConnectDefaults": wrong});
        let refusal = world.refused("UpdateCluster", &body);
        assert_eq!(refusal.code, ErrorCode::InvalidParameter);
        assert!(refusal.message.contains("serviceConnectDefaults.namespace"), "{refusal}");
    }
}

#[test]
fn settings_and_configurations_that_a_cluster_cannot_have_are_refused() {
    let mut world = World::new();
    let execute = |how: Value| json!({"configuration": {"executeCommandConfiguration": how}});
    for (body, text) in [
        (
            json!({"settings": [{"name": "x", "value": "enabled"}]}),
            "name should be one of [containerInsights]",
        ),
        (
            json!({"settings": [{"name": "containerInsights", "value": "on"}]}),
            "value should be one of [enabled,disabled,enhanced]",
        ),
        (execute(json!({"logging": "SOME"})), "logging should be one of [NONE,DEFAULT,OVERRIDE]"),
        (
            execute(json!({"logging": "OVERRIDE", "logConfiguration": {}})),
            "A CloudWatch log group name or S3 bucket name must be specified when overriding the default log configuration.",
        ),
        (
            execute(json!({"logging": "DEFAULT", "logConfiguration": {"s3BucketName": "b"}})),
            "You must set logging to 'OVERRIDE' when you supply a log configuration.",
        ),
    ] {
        for (operation, name) in [("CreateCluster", "clusterName"), ("UpdateCluster", "cluster")] {
            let mut body = body.clone();
            body[name] = json!("default");
            let refusal = world.refused(operation, &body);
            assert_eq!(
                (refusal.code, &*refusal.message),
                (ErrorCode::InvalidParameter, text),
                "{operation} {body}"
            );
        }
    }
}

#[test]
fn capacity_providers_of_a_cluster_are_those_that_it_was_given() {
    let mut world = World::new();
    let asked = json!({"cluster": "default", "capacityProviders": ["FARGATE", "FARGATE_SPOT"]});
    let before = world.ok("DescribeCapacityProviders", &asked);
    assert_eq!(before["capacityProviders"], json!([]));
    assert_eq!(before["failures"].as_array().map(Vec::len), Some(2));
    let body = json!({"cluster": "default", "capacityProviders": ["FARGATE_SPOT"], "defaultCapacityProviderStrategy": []});
    world.ok("PutClusterCapacityProviders", &body);
    let after = world.ok("DescribeCapacityProviders", &json!({"cluster": "default"}));
    assert_eq!(after["capacityProviders"].as_array().map(Vec::len), Some(1));
    assert_eq!(after["capacityProviders"][0]["name"], "FARGATE_SPOT");
}

#[test]
fn a_task_that_is_stopping_is_not_counted_as_running() {
    let mut world = World::new();
    let host = world.host(1024, 1024);
    let task = world.run("web");
    world.report(&host, says(&task, Reported::Running));
    let running = |world: &mut World| {
        world.ok("DescribeClusters", &json!({}))["clusters"][0]["runningTasksCount"].take()
    };
    assert_eq!(running(&mut world), json!(1));
    world.ok("StopTask", &json!({"task": task}));
    assert_eq!(running(&mut world), json!(0));
    assert_eq!(world.task(&task)["lastStatus"], "STOPPING");
    let mut world = restarted(&world);
    assert_eq!(world.task(&task)["lastStatus"], "STOPPING");
    assert_eq!(running(&mut world), json!(0));
    world.report(&host, ended(&task, StopCause::Ordered, Some(143)));
    assert_eq!(world.task(&task)["lastStatus"], "STOPPED");
    assert_eq!(running(&mut world), json!(0));
}

#[test]
fn one_cluster_too_many_is_refused_with_an_error_that_the_operation_declares() {
    // No audit after each call: there are many.
    let mut control = Control::new(1);
    let mut create = |number: usize| {
        let body = json!({"clusterName": format!("c{number}")}).to_string();
        let request = Request::parse("CreateCluster", body.as_bytes()).expect("it can be read");
        let realm = Realm::new("us-east-1", "123456789012");
        let mut out = Vec::new();
        control.step(
            Timestamp::default(),
            Input::Call { call: CallId(1), realm, request },
            &mut out,
        );
        out.into_iter().find_map(|output| match output {
            Output::Reply(_, reply) => reply.err(),
            _ => None,
        })
    };
    let refusals: Vec<_> = (0..=CLUSTERS_MAX).filter_map(&mut create).collect();
    assert_eq!(refusals.len(), 1);
    assert_eq!(refusals[0].code, ErrorCode::Client);
    assert_eq!(create(0), None, "what is there is shown once more");
}
