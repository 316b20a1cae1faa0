//! Invalid requests, and what replies show.

use super::*;

#[test]
fn what_ecs_refuses_is_refused_in_its_words() {
    let (mut town, _) = Town::new(0);
    for (body, code, message) in [
        (
            json!({"serviceName": "s", "taskDefinition": "web"}),
            ErrorCode::InvalidParameter,
            "DesiredCount is missing",
        ),
        (
            json!({"serviceName": "s", "taskDefinition": "web", "desiredCount": -1}),
            ErrorCode::InvalidParameter,
            "DesiredCount can not be lesser than 0",
        ),
        (
            json!({"serviceName": "s", "taskDefinition": "web", "desiredCount": 1, "schedulingStrategy": "SOME"}),
            ErrorCode::InvalidParameter,
            "Scheduling strategy should be one of [REPLICA,DAEMON]",
        ),
        (
            json!({"serviceName": "s", "taskDefinition": "web", "desiredCount": 1, "launchType": "EC2", "capacityProviderStrategy": [{"capacityProvider": "x"}]}),
            ErrorCode::InvalidParameter,
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        ),
        (
            json!({"serviceName": "s", "taskDefinition": "none", "desiredCount": 1}),
            ErrorCode::Client,
            "TaskDefinition not found.",
        ),
        (
            json!({"serviceName": "s", "desiredCount": 1}),
            ErrorCode::Client,
            "TaskDefinition can not be blank.",
        ),
        (
            json!({"serviceName": "s", "taskDefinition": "web", "desiredCount": 1, "cluster": "none"}),
            ErrorCode::ClusterNotFound,
            "Cluster not found.",
        ),
        (
            json!({"serviceName": "s", "taskDefinition": "web", "desiredCount": 1, "clientToken": "x".repeat(37)}),
            ErrorCode::InvalidParameter,
            "idempotency token longer than 36.",
        ),
        (
            json!({"serviceName": "s", "taskDefinition": "web", "desiredCount": 1, "placementConstraints": [{"type": "distinctInstance", "expression": ""}]}),
            ErrorCode::InvalidParameter,
            "distinctInstance expression should not be specified.",
        ),
    ] {
        let refusal = town.world.refused("CreateService", &body);
        assert_eq!((refusal.code, &*refusal.message), (code, message), "{body}");
    }
}

#[test]
fn what_longshore_has_not_is_refused_and_not_ignored() {
    let (mut town, _) = Town::new(0);
    for extra in [
        json!({"loadBalancers": [{"targetGroupArn": "x"}]}),
        json!({"serviceRegistries": [{"registryArn": "x"}]}),
        json!({"serviceConnectConfiguration": {"enabled": true}}),
        json!({"volumeConfigurations": [{"name": "v"}]}),
        json!({"vpcLatticeConfigurations": [{"portName": "p"}]}),
        json!({"deploymentController": {"type": "CODE_DEPLOY"}}),
        json!({"deploymentController": {"type": "EXTERNAL"}}),
        json!({"deploymentConfiguration": {"strategy": "BLUE_GREEN"}}),
        json!({"deploymentConfiguration": {"alarms": {"enable": true, "rollback": true, "alarmNames": ["a"]}}}),
        json!({"launchType": "FARGATE"}),
    ] {
        let mut body = json!({"serviceName": "s", "taskDefinition": "web", "desiredCount": 1});
        let Value::Object(extra) = extra else { panic!("an object") };
        body.as_object_mut().expect("an object").extend(extra);
        let refusal = town.world.refused("CreateService", &body);
        assert_eq!(refusal.code, ErrorCode::UnsupportedFeature, "{body}");
    }
    let fine = json!({"serviceConnectConfiguration": {"enabled": false}, "loadBalancers": [], "deploymentController": {"type": "ECS"}});
    town.create(fine);
}

#[test]
fn the_same_token_gives_the_same_service_and_another_request_is_not_idempotent() {
    let (mut town, _) = Town::new(0);
    let body =
        json!({"serviceName": "s", "taskDefinition": "web", "desiredCount": 1, "clientToken": "t"});
    let first = town.world.ok("CreateService", &body);
    let again = town.world.ok("CreateService", &body);
    assert_eq!(first["service"]["deployments"][0]["id"], again["service"]["deployments"][0]["id"]);
    for body in [
        json!({"serviceName": "s", "taskDefinition": "web", "desiredCount": 1}),
        json!({"serviceName": "s", "taskDefinition": "web", "desiredCount": 2, "clientToken": "t"}),
    ] {
        let refusal = town.world.refused("CreateService", &body);
        assert_eq!(refusal.message, "Creation of service was not idempotent.");
    }
}

#[test]
fn services_are_listed_in_pages_of_ten_and_by_strategy() {
    let (mut town, _) = Town::new(0);
    for number in 0..12 {
        town.create(json!({"serviceName": format!("s{number:02}"), "desiredCount": 0}));
    }
    town.world.ok(
        "CreateService",
        &json!({"serviceName": "d", "taskDefinition": "web", "schedulingStrategy": "DAEMON"}),
    );
    let first = town.world.ok("ListServices", &json!({}));
    assert_eq!(first["serviceArns"].as_array().map(Vec::len), Some(10));
    let rest = town.world.ok("ListServices", &json!({"nextToken": first["nextToken"]}));
    assert_eq!(rest["serviceArns"].as_array().map(Vec::len), Some(3));
    assert!(rest["nextToken"].is_null());
    let daemons = town.world.ok("ListServices", &json!({"schedulingStrategy": "DAEMON"}));
    let arn = "arn:aws:ecs:us-east-1:123456789012:service/default/d";
    assert_eq!(daemons["serviceArns"], json!([arn]));
    let fargate = town.world.ok("ListServices", &json!({"launchType": "FARGATE"}));
    assert_eq!(fargate["serviceArns"], json!([]));
    let in_namespace = town.world.ok("ListServicesByNamespace", &json!({"namespace": "n"}));
    assert_eq!(in_namespace["serviceArns"], json!([]));
    for size in [0, 101] {
        town.world.refused("ListServices", &json!({"maxResults": size}));
    }
}

#[test]
fn services_are_described_by_name_and_arn_and_what_is_not_there_is_missing() {
    let (mut town, _) = Town::new(0);
    let arn = text(&town.create(json!({"desiredCount": 0}))["serviceArn"]);
    let reply = town.world.ok("DescribeServices", &json!({"services": ["s", arn, "none"]}));
    assert_eq!(reply["services"].as_array().map(Vec::len), Some(2));
    assert_eq!(reply["failures"][0]["reason"], "MISSING");
    assert!(text(&reply["failures"][0]["arn"]).ends_with(":service/default/none"));
    let many: Vec<String> = (0..11).map(|number| format!("s{number}")).collect();
    for body in [json!({"services": many}), json!({"services": []})] {
        assert_eq!(town.world.refused("DescribeServices", &body).code, ErrorCode::InvalidParameter);
    }
    let foreign = "arn:aws:ecs:us-east-1:123456789012:service/other/s";
    let refusal = town.world.refused("DeleteService", &json!({"service": foreign}));
    assert!(refusal.message.contains("Identifier is for cluster other"), "{}", refusal.message);
    let refusal = town.world.refused("DeleteService", &json!({"service": "none"}));
    assert_eq!(refusal.code, ErrorCode::ServiceNotFound);
    let refusal = town.world.refused("ListTasks", &json!({"serviceName": "none"}));
    assert_eq!(refusal.code, ErrorCode::ServiceNotFound);
}

#[test]
fn a_service_has_tags_and_its_tasks_get_those_it_says() {
    let (mut town, _) = Town::new(1);
    let tags = json!([{"key": "team", "value": "a"}]);
    let arn = text(&town.create(json!({"tags": tags, "desiredCount": 1, "propagateTags": "SERVICE", "enableECSManagedTags": true}))["serviceArn"]);
    town.settle();
    let task = town.tasks().remove(0);
    let held = town.world.task(&task)["tags"].take();
    assert_eq!(
        held,
        json!([
            {"key": "aws:ecs:clusterName", "value": "default"},
            {"key": "aws:ecs:serviceName", "value": "s"},
            {"key": "team", "value": "a"},
        ])
    );
    let more = json!([{"key": "b", "value": "2"}]);
    town.world.ok("TagResource", &json!({"resourceArn": arn, "tags": more}));
    town.world.ok("UntagResource", &json!({"resourceArn": arn, "tagKeys": ["team"]}));
    assert_eq!(town.world.ok("ListTagsForResource", &json!({"resourceArn": arn}))["tags"], more);
    assert_eq!(town.service()["tags"], more);
    let without = town.world.ok("DescribeServices", &json!({"services": ["s"]}));
    assert_eq!(without["services"][0]["tags"], json!([]));
}

#[test]
fn zone_rebalancing_is_on_where_the_percents_leave_room_for_it() {
    let (mut town, _) = Town::new(0);
    let plain = town.create(json!({"serviceName": "a", "desiredCount": 0}));
    assert_eq!(plain["availabilityZoneRebalancing"], "ENABLED");
    let tight = json!({"serviceName": "b", "desiredCount": 0, "deploymentConfiguration": {"maximumPercent": 100}});
    assert_eq!(town.create(tight)["availabilityZoneRebalancing"], "DISABLED");
    let both = json!({"serviceName": "c", "taskDefinition": "web", "desiredCount": 0, "availabilityZoneRebalancing": "ENABLED", "deploymentConfiguration": {"maximumPercent": 100}});
    assert_eq!(town.world.refused("CreateService", &both).code, ErrorCode::InvalidParameter);
}

/// A family whose task definition has `count` constraints, which every instance meets.
fn constrained(town: &mut Town, family: &str, count: usize) {
    let constraint = json!({"type": "memberOf", "expression": "attribute:stack !exists"});
    let containers = json!([{"name": "main", "image": "x", "memory": 16}]);
    let body = json!({"family": family, "containerDefinitions": containers, "placementConstraints": vec![constraint; count]});
    town.world.ok("RegisterTaskDefinition", &body);
}

#[test]
fn the_constraints_of_the_task_definition_hold_for_the_tasks_of_a_service() {
    let (mut town, hosts) = Town::new(3);
    constrained(&mut town, "picky", 1);
    for host in &hosts[..2] {
        let attribute = json!({"name": "stack", "value": "test", "targetId": host});
        town.world.ok("PutAttributes", &json!({"attributes": [attribute]}));
    }
    town.create(json!({"serviceName": "s", "taskDefinition": "picky", "desiredCount": 3}));
    town.settle();
    let tasks = town.tasks();
    assert_eq!(tasks.len(), 3);
    for task in tasks {
        assert_eq!(town.world.task(&task)["containerInstanceArn"], *hosts[2]);
    }
}

#[test]
fn a_service_and_its_task_definition_have_ten_constraints_together() {
    let (mut town, _) = Town::new(1);
    let own = json!([{"type": "distinctInstance"}]);
    for (family, count) in [("nine", 9), ("ten", 10)] {
        constrained(&mut town, family, count);
    }
    let mut body = json!({"serviceName": "s", "taskDefinition": "ten", "desiredCount": 1, "placementConstraints": own});
    let refusal = town.world.refused("CreateService", &body);
    assert_eq!(refusal.message, "Maximum number of placement constraints is 10");
    body["taskDefinition"] = json!("nine");
    town.create(body);
    let refusal =
        town.world.refused("UpdateService", &json!({"service": "s", "taskDefinition": "ten"}));
    assert_eq!(refusal.message, "Maximum number of placement constraints is 10");
    let two = json!([{"type": "distinctInstance"}, {"type": "memberOf", "expression": "attribute:x !exists"}]);
    let refusal =
        town.world.refused("UpdateService", &json!({"service": "s", "placementConstraints": two}));
    assert_eq!(refusal.message, "Maximum number of placement constraints is 10");
}
