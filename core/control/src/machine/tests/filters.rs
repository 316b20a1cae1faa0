//! List filters, identifiers, and parameters that cannot be combined.

use longshore_wire_ecs::ErrorCode;
use serde_json::{Value, json};

use super::{World, text};

#[test]
fn filters_of_tasks_that_cannot_be_combined_are_refused() {
    let mut world = World::new();
    let host = world.host(1024, 1024);
    for other in [
        json!({"containerInstance": host}),
        json!({"family": "web"}),
        json!({"serviceName": "s"}),
        json!({"launchType": "EC2"}),
        json!({"daemonName": "d"}),
    ] {
        let mut body = other;
        body["startedBy"] = json!("me");
        let refusal = world.refused("ListTasks", &body);
        assert_eq!(
            (refusal.code, &*refusal.message),
            (ErrorCode::InvalidParameter, "cannot specify startedBy with other arguments"),
            "{body}"
        );
    }
    let refusal = world.refused("ListTasks", &json!({"family": "web", "serviceName": "s"}));
    assert_eq!(
        (refusal.code, &*refusal.message),
        (ErrorCode::InvalidParameter, "cannot specify both family and serviceName")
    );
    for body in [
        json!({"startedBy": "me", "desiredStatus": "STOPPED"}),
        json!({"startedBy": "me", "cluster": "default"}),
        json!({"family": "web", "containerInstance": host, "launchType": "EC2"}),
    ] {
        world.ok("ListTasks", &body);
    }
}

#[test]
fn there_are_no_tasks_of_managed_daemons() {
    let mut world = World::new();
    world.host(1024, 1024);
    world.run("web");
    assert_eq!(world.ok("ListTasks", &json!({"daemonName": "d"}))["taskArns"], json!([]));
}

/// `arn` in another partition, region and account.
fn elsewhere(arn: &str) -> [String; 3] {
    [("arn:aws:", "arn:aws-cn:"), ("us-east-1", "us-east-2"), ("123456789012", "000000000000")]
        .map(|(of, another)| arn.replacen(of, another, 1))
}

#[test]
fn an_arn_of_another_partition_region_or_account_names_nothing_here() {
    let mut world = World::new();
    let host = world.host(4096, 4096);
    let task = world.run("web");
    let service = json!({"serviceName": "s", "taskDefinition": "web", "desiredCount": 0});
    let service = text(&world.ok("CreateService", &service)["service"]["serviceArn"]);
    let cluster = "arn:aws:ecs:us-east-1:123456789012:cluster/default";
    let definition = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1";
    let missing = |reply: &Value| reply["failures"][0]["reason"].clone();
    for foreign in elsewhere(cluster) {
        let refusal = world.refused("ListTasks", &json!({"cluster": foreign}));
        assert_eq!(refusal.code, ErrorCode::ClusterNotFound, "{foreign}");
        let reply = world.ok("DescribeClusters", &json!({"clusters": [foreign]}));
        assert_eq!(missing(&reply), "MISSING", "{foreign}");
    }
    for foreign in elsewhere(definition) {
        let body = json!({"taskDefinition": foreign});
        assert_eq!(world.refused("DescribeTaskDefinition", &body).code, ErrorCode::Client);
        assert_eq!(world.refused("RunTask", &body).code, ErrorCode::Client, "{foreign}");
    }
    for foreign in elsewhere(&task) {
        let reply = world.ok("DescribeTasks", &json!({"tasks": [foreign]}));
        assert_eq!(missing(&reply), "MISSING", "{foreign}");
        let refusal = world.refused("StopTask", &json!({"task": foreign}));
        assert_eq!(refusal.message, "The referenced task was not found.", "{foreign}");
    }
    for foreign in elsewhere(&host) {
        let body = json!({"containerInstances": [foreign]});
        assert_eq!(missing(&world.ok("DescribeContainerInstances", &body)), "MISSING");
        let body = json!({"containerInstance": foreign});
        assert_eq!(world.ok("ListTasks", &body)["taskArns"], json!([]), "{foreign}");
    }
    for foreign in elsewhere(&service) {
        let reply = world.ok("DescribeServices", &json!({"services": [foreign]}));
        assert_eq!(missing(&reply), "MISSING", "{foreign}");
        let refusal = world.refused("DeleteService", &json!({"service": foreign}));
        assert_eq!(refusal.code, ErrorCode::ServiceNotFound, "{foreign}");
    }
}

#[test]
fn an_arn_of_the_partition_of_the_region_is_known() {
    let mut world = World::new();
    world.realm.region = "cn-north-1".into();
    world.ok("CreateCluster", &json!({}));
    let arn = "arn:aws-cn:ecs:cn-north-1:123456789012:cluster/default";
    let reply = world.ok("DescribeClusters", &json!({"clusters": [arn]}));
    assert_eq!(reply["clusters"][0]["clusterArn"], arn);
}

#[test]
fn tags_of_what_there_is_not_are_refused_with_an_error_that_the_operation_declares() {
    let mut world = World::new();
    world.ok("CreateCluster", &json!({"clusterName": "gone"}));
    world.ok("DeleteCluster", &json!({"cluster": "gone"}));
    let id = "0123456789abcdef0123456789abcdef";
    let arn = |rest: &str| format!("arn:aws:ecs:us-east-1:123456789012:{rest}");
    for resource in [
        arn("cluster/none"),
        arn("task-definition/none:1"),
        arn(&format!("task/default/{id}")),
        arn(&format!("container-instance/default/{id}")),
        arn(&format!("task/none/{id}")),
        arn("service/default/none"),
        "arn:aws-cn:ecs:us-east-1:123456789012:cluster/default".to_owned(),
    ] {
        let refusal = world.refused("ListTagsForResource", &json!({"resourceArn": resource}));
        assert_eq!(refusal.code, ErrorCode::InvalidParameter, "{resource}: {refusal}");
        assert!(refusal.message.contains(&resource), "{refusal}");
        let body = json!({"resourceArn": resource, "tags": [{"key": "a", "value": "b"}]});
        assert_eq!(world.refused("TagResource", &body).code, ErrorCode::ResourceNotFound);
        let body = json!({"resourceArn": resource, "tagKeys": ["a"]});
        assert_eq!(world.refused("UntagResource", &body).code, ErrorCode::ResourceNotFound);
    }
    let inactive = json!({"resourceArn": arn("cluster/gone"), "tags": [], "tagKeys": []});
    for operation in ["ListTagsForResource", "TagResource", "UntagResource"] {
        let refusal = world.refused(operation, &inactive);
        assert_eq!(
            (refusal.code, &*refusal.message),
            (
                ErrorCode::InvalidParameter,
                "The specified cluster is inactive. Specify an active cluster and try again."
            ),
            "{operation}"
        );
    }
}

#[test]
fn a_spread_over_hosts_is_shown_as_one_over_instance_ids() {
    let mut world = World::new();
    let strategy = json!([{"type": "spread", "field": "host"}, {"type": "random"}]);
    let shown = json!([{"type": "spread", "field": "instanceId"}, {"type": "random"}]);
    let body = json!({"serviceName": "s", "taskDefinition": "web", "desiredCount": 0, "placementStrategy": strategy});
    assert_eq!(world.ok("CreateService", &body)["service"]["placementStrategy"], shown);
    let body = json!({"service": "s", "placementStrategy": []});
    assert_eq!(world.ok("UpdateService", &body)["service"]["placementStrategy"], json!([]));
    let body = json!({"service": "s", "placementStrategy": strategy});
    assert_eq!(world.ok("UpdateService", &body)["service"]["placementStrategy"], shown);
}

#[test]
fn fields_that_a_strategy_cannot_have_are_refused_in_the_words_of_ecs() {
    let mut world = World::new();
    world.host(1024, 1024);
    for (strategy, text) in [
        (json!({"type": "random", "field": "cpu"}), "random field should not be specified."),
        (
            json!({"type": "binpack", "field": "gpu"}),
            "binpack field 'gpu' is invalid. It should be one of [cpu,memory].",
        ),
    ] {
        let body = json!({"taskDefinition": "web", "placementStrategy": [strategy]});
        let refusal = world.refused("RunTask", &body);
        assert_eq!((refusal.code, &*refusal.message), (ErrorCode::InvalidParameter, text));
    }
}
