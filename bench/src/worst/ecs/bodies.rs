//! The worst bodies: those that make each operation search, compare or return the most.

use serde_json::{Value, json};

use super::town::Town;
use super::{Case, refused, taken};

/// Maximum size of a body in bytes, without what encloses a list.
pub(super) const BODY_BYTES: usize = longshore_wire_ecs::limits::BODY_BYTES_MAX - 4_096;

pub(super) const CASES: &[Case] = &[
    refused(
        "CreateCluster: settings and providers",
        "at most 20 capacity providers",
        |_, round| {
            let mut body = json!({"clusterName": format!("new{round}"), "tags": tags(50)});
            body["settings"] = settings(10_000);
            body["capacityProviders"] = json!(vec!["FARGATE"; 30_000]);
            body["defaultCapacityProviderStrategy"] =
                json!(vec![json!({"capacityProvider": "FARGATE"}); 20]);
            Ok(body)
        },
    ),
    refused("DeleteCluster", "cannot be deleted", |_, _| Ok(json!({"cluster": "default"}))),
    taken("DeleteCluster: an empty one", |_, round| Ok(json!({"cluster": format!("c{round}")}))),
    taken("DescribeClusters: the largest, 100 times", |_, _| {
        let include = ["ATTACHMENTS", "CONFIGURATIONS", "SETTINGS", "STATISTICS", "TAGS"];
        Ok(json!({"clusters": vec!["default"; 100], "include": include}))
    }),
    taken("DescribeClusters: include", |_, _| Ok(json!({"include": vec!["TAGS"; BODY_BYTES / 7]}))),
    taken("ListClusters: a page far behind", |_, _| Ok(json!({"nextToken": token('c', "zzzz")}))),
    refused("UpdateCluster: settings", "settings can have", |_, _| {
        Ok(json!({"cluster": "c10", "settings": settings(BODY_BYTES / 60)}))
    }),
    refused("UpdateClusterSettings: settings", "settings can have", |_, _| {
        Ok(json!({"cluster": "c11", "settings": settings(BODY_BYTES / 60)}))
    }),
    refused("PutClusterCapacityProviders", "at most 20 capacity providers", |_, _| {
        let strategy = json!(vec![json!({"capacityProvider": "FARGATE"}); 20]);
        let providers = vec!["FARGATE_SPOT"; BODY_BYTES / 16];
        Ok(
            json!({"cluster": "c12", "capacityProviders": providers, "defaultCapacityProviderStrategy": strategy}),
        )
    }),
    taken("DescribeCapacityProviders", |_, _| {
        Ok(json!({"capacityProviders": vec!["x".repeat(10_000); 100]}))
    }),
    refused("RegisterContainerInstance: attributes", "At most 500 attributes", |_, _| {
        let one = |number| json!({"name": format!("ecs.{number}"), "value": "x"});
        let attributes: Vec<Value> = (0..BODY_BYTES / 40).map(one).collect();
        Ok(json!({"cluster": "other", "attributes": attributes}))
    }),
    refused("RegisterContainerInstance: resources", "at most 20 entries", |_, _| {
        let one = |number| json!({"name": format!("R{number}"), "type": "STRINGSET", "stringSetValue": ["x"]});
        let resources: Vec<Value> = (0..BODY_BYTES / 70).map(one).collect();
        Ok(json!({"cluster": "other", "totalResources": resources}))
    }),
    taken("DescribeContainerInstances: a full one, 100 times", |town, _| {
        let include = ["TAGS", "CONTAINER_INSTANCE_HEALTH"];
        Ok(json!({"containerInstances": vec![&town.instances[0]; 100], "include": include}))
    }),
    taken("DescribeContainerInstances: 100", |town, _| {
        Ok(json!({"containerInstances": town.instances[..100]}))
    }),
    taken("ListContainerInstances: none match", |_, _| {
        Ok(json!({"filter": "attribute:same == other"}))
    }),
    taken("ListContainerInstances: a regex of people", |_, _| {
        Ok(
            json!({"filter": "attribute:own1 =~ 'a+1-0*[0-9]*[13579]+[xy]' or attribute:same =~ '(not|other).*'"}),
        )
    }),
    refused("ListContainerInstances: the worst regex", "take too long", |_, _| {
        Ok(json!({"filter": regex(1_990)}))
    }),
    refused("ListContainerInstances: a regex over groups", "take too long", |_, _| {
        Ok(json!({"filter": format!("task:group =~ '{}[xy]'", "(.*g)*".repeat(300))}))
    }),
    taken("UpdateContainerInstancesState: a full one", |town, round| {
        let status = ["DRAINING", "ACTIVE"][round % 2];
        Ok(json!({"containerInstances": town.instances[..10], "status": status}))
    }),
    taken("PutAttributes: on a full instance", |town, round| {
        Ok(json!({"attributes": attributes(town, round)}))
    }),
    taken("DeleteAttributes: on a full instance", |town, round| {
        Ok(json!({"attributes": attributes(town, round)}))
    }),
    taken("ListAttributes: none match", |_, _| {
        Ok(json!({"targetType": "container-instance", "attributeName": "nobody-has-it"}))
    }),
    taken("ListAttributes: a page far behind", |town, _| {
        let last = town.instances.iter().max().cloned().unwrap_or_default();
        let token = token('a', &format!("{last} own0"));
        Ok(json!({"targetType": "container-instance", "nextToken": token}))
    }),
    taken("RegisterTaskDefinition: environment and secrets", |_, _| {
        let variable = |number| json!({"name": format!("E{number}"), "value": ""});
        let secret = |number| json!({"name": format!("S{number}"), "valueFrom": "x"});
        let environment: Vec<Value> = (0..900).map(variable).collect();
        let secrets: Vec<Value> = (0..900).map(secret).collect();
        let container = json!({"name": "app", "image": "x", "memory": 6, "environment": environment, "secrets": secrets});
        Ok(json!({"family": "worst", "containerDefinitions": [container]}))
    }),
    taken("RegisterTaskDefinition: ports", |_, _| {
        let port = |number| json!({"containerPort": number, "hostPort": number});
        let ports: Vec<Value> = (1..1_600).map(port).collect();
        let container = json!({"name": "app", "image": "x", "memory": 6, "portMappings": ports});
        Ok(json!({"family": "ports", "containerDefinitions": [container]}))
    }),
    taken("RegisterTaskDefinition: volumes and mounts", |_, _| {
        let volume = |number| json!({"name": format!("v{number}")});
        let mount = |number| json!({"sourceVolume": format!("v{number}"), "containerPath": "/"});
        let volumes: Vec<Value> = (0..800).map(volume).collect();
        let mounts: Vec<Value> = (0..800).map(mount).collect();
        let container = json!({"name": "app", "image": "x", "memory": 6, "mountPoints": mounts});
        Ok(json!({"family": "mounts", "containerDefinitions": [container], "volumes": volumes}))
    }),
    taken("RegisterTaskDefinition: dependencies", |_, _| {
        let on = |to| json!({"containerName": format!("c{to}"), "condition": "START"});
        let container = |number: usize| {
            let on: Vec<Value> =
                (0..number).cycle().take(if number == 0 { 0 } else { 110 }).map(on).collect();
            json!({"name": format!("c{number}"), "image": "x", "memory": 6, "dependsOn": on})
        };
        let containers: Vec<Value> = (0..10).map(container).collect();
        Ok(json!({"family": "depends", "containerDefinitions": containers}))
    }),
    taken("RegisterTaskDefinition: constraints", |_, _| {
        let constraints = vec![json!({"type": "memberOf", "expression": regex(1_990)}); 10];
        let container = json!({"name": "app", "image": "x", "memory": 6});
        Ok(
            json!({"family": "constraints", "containerDefinitions": [container], "placementConstraints": constraints}),
        )
    }),
    taken("DescribeTaskDefinition", |_, _| {
        Ok(json!({"taskDefinition": "worst", "include": ["TAGS"]}))
    }),
    taken("DescribeTaskDefinition: of a family with many revisions", |_, _| {
        Ok(json!({"taskDefinition": "many"}))
    }),
    taken("DeregisterTaskDefinition", |_, _| Ok(json!({"taskDefinition": "constraints:1"}))),
    taken("ListTaskDefinitions: DESC", |_, _| Ok(json!({"sort": "DESC"}))),
    taken("ListTaskDefinitions: few match", |_, _| {
        Ok(
            json!({"familyPrefix": "many", "status": "ACTIVE", "nextToken": token('d', "many 00000002")}),
        )
    }),
    taken("ListTaskDefinitions: a page far behind", |_, _| {
        Ok(json!({"nextToken": token('d', "zzzz 00000001")}))
    }),
    taken("ListTaskDefinitionFamilies: INACTIVE", |_, _| Ok(json!({"status": "INACTIVE"}))),
    taken("RunTask: a new kind", |_, round| {
        Ok(json!({"taskDefinition": "small", "count": 10, "group": format!("new{round}")}))
    }),
    taken("RunTask: five spreads", |_, round| {
        let spread = |field: &str| json!({"type": "spread", "field": format!("attribute:{field}")});
        let strategy: Vec<Value> =
            ["same", "own1", "own2", "ecs.availability-zone", "own3"].map(spread).into();
        Ok(
            json!({"taskDefinition": "small", "count": 10, "placementStrategy": strategy, "group": format!("spread{}", round / 2)}),
        )
    }),
    taken("RunTask: random after spreads", |_, round| {
        let spread = |field: &str| json!({"type": "spread", "field": format!("attribute:{field}")});
        let strategy = json!([spread("same"), spread("own1"), json!({"type": "random"})]);
        Ok(
            json!({"taskDefinition": "small", "count": 10, "placementStrategy": strategy, "group": format!("random{}", round / 2)}),
        )
    }),
    refused("RunTask: the worst regex", "take too long", |_, round| {
        let constraints = vec![json!({"type": "memberOf", "expression": regex(1_980 + round)}); 10];
        Ok(json!({"taskDefinition": "small", "count": 10, "placementConstraints": constraints}))
    }),
    taken("RunTask: fits nowhere", |_, _| {
        let long = format!("attribute:same == {} or attribute:same == b", "x".repeat(1_900));
        let constraints = json!([{"type": "memberOf", "expression": long}]);
        Ok(json!({"taskDefinition": "small", "placementConstraints": constraints}))
    }),
    taken("RunTask: overrides", |_, round| {
        let variable = |number| json!({"name": format!("E{number}"), "value": "x"});
        let environment: Vec<Value> = (0..200).map(variable).collect();
        let overrides =
            json!({"containerOverrides": [{"name": "app", "environment": environment}]});
        Ok(
            json!({"taskDefinition": "worst", "count": 10, "overrides": overrides, "tags": tags(50), "clientToken": format!("t{round}")}),
        )
    }),
    taken("StartTask: overrides", |town, _| {
        let variable = |number| json!({"name": format!("E{number}"), "value": "x"});
        let environment: Vec<Value> = (0..200).map(variable).collect();
        let overrides =
            json!({"containerOverrides": [{"name": "app", "environment": environment}]});
        Ok(
            json!({"taskDefinition": "small", "containerInstances": town.instances[..10], "overrides": overrides}),
        )
    }),
    taken("StopTask", |town, round| {
        Ok(json!({"task": town.tasks[round], "reason": "x".repeat(BODY_BYTES)}))
    }),
    taken("DescribeTasks", |town, _| Ok(json!({"tasks": town.tasks[..100], "include": ["TAGS"]}))),
    taken("ListTasks: of a family without tasks", |_, _| Ok(json!({"family": "f1"}))),
    taken("ListTasks: of an instance and a service", |town, _| {
        Ok(json!({"containerInstance": town.instances[0], "family": "small"}))
    }),
];

/// Tags of maximum length.
pub(super) fn tags(count: usize) -> Value {
    let one = |number| json!({"key": format!("{number:0>128}"), "value": "v".repeat(256)});
    (0..count).map(one).collect()
}

fn settings(count: usize) -> Value {
    let one = |number| json!({"name": format!("containerInsights{number}"), "value": "enabled"});
    (0..count).map(one).collect()
}

/// The token of a page that starts after a key.
fn token(list: char, key: &str) -> String {
    let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{list}{hex}")
}

/// Ten attributes on a full instance and others.
fn attributes(town: &Town, round: usize) -> Value {
    let one = |number: usize| {
        let (id, value) = (&town.instances[number], format!("v{round}"));
        json!({"name": "own8", "value": value, "targetId": id, "targetType": "container-instance"})
    };
    (0..10).map(one).collect()
}

/// An expression of that many characters that causes backtracking over the longest values.
pub(super) fn regex(chars: usize) -> String {
    let one = "attribute:own1 =~ '(a|a|aa)*(a|b)*(.?.?.?a)*[xy]' or ";
    let text = one.repeat((chars - 60) / one.len());
    let last = "attribute:same == ";
    format!("{text}{last}{}", "y".repeat(chars - text.len() - last.len()))
}
