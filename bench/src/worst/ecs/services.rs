//! The worst bodies of services, tags and settings.

use serde_json::{Value, json};

use super::bodies::{BODY_BYTES, regex, tags};
use super::town::{LARGE, definition};
use super::{Case, refused, taken};

pub(super) const CASES: &[Case] = &[
    taken("CreateService: all it may say", |_, round| {
        let mut body = service(&format!("said{round}"), 0);
        body["tags"] = tags(50);
        body["clientToken"] = json!(format!("t{round}"));
        let ignored = json!([{"portName": "x".repeat(BODY_BYTES / 2)}]);
        body["serviceConnectConfiguration"] = json!({"enabled": false, "services": ignored});
        let alarms = vec!["a".repeat(255); 1_000];
        body["deploymentConfiguration"] =
            json!({"alarms": {"alarmNames": alarms, "enable": false, "rollback": false}});
        Ok(body)
    }),
    taken("CreateService: 5,000 tasks, five spreads", |_, round| {
        let spread = |field: &str| json!({"type": "spread", "field": format!("attribute:{field}")});
        let fields = ["same", "own1", "own2", "ecs.availability-zone", "own3"];
        let mut body = service(&format!("spread{round}"), LARGE);
        body["cluster"] = json!("other");
        body["placementStrategy"] = fields.map(spread).into();
        Ok(body)
    }),
    taken("CreateService: constraints", |_, round| {
        let mut body = service(&format!("constrained{round}"), 100);
        body["placementConstraints"] = constraints(round);
        Ok(body)
    }),
    taken("CreateService: DAEMON", |_, round| {
        let mut body = service(&format!("daemon{round}"), 0);
        body["desiredCount"] = Value::Null;
        body["schedulingStrategy"] = json!("DAEMON");
        Ok(body)
    }),
    taken("CreateService: DAEMON with constraints", |_, round| {
        let mut body = service(&format!("picky{round}"), 0);
        body["desiredCount"] = Value::Null;
        body["schedulingStrategy"] = json!("DAEMON");
        body["placementConstraints"] = constraints(round);
        Ok(body)
    }),
    taken("CreateService: fits nowhere", |_, round| {
        let mut body = service(&format!("homeless{round}"), 5_000);
        let expression = format!("attribute:same == {}", "x".repeat(1_900));
        body["placementConstraints"] = json!([{"type": "memberOf", "expression": expression}]);
        Ok(body)
    }),
    taken("UpdateContainerInstancesState: with DAEMON services", |town, round| {
        let status = ["DRAINING", "ACTIVE"][round % 2];
        Ok(json!({"containerInstances": town.instances[..10], "status": status}))
    }),
    taken("UpdateService: a new deployment of 5,000 tasks", |_, _| {
        Ok(json!({"service": "large", "forceNewDeployment": true}))
    }),
    taken("UpdateService: scaled in", |_, round| {
        Ok(json!({"service": "large", "desiredCount": 100 - round}))
    }),
    taken("DescribeServices: 10 times the largest", |_, _| {
        Ok(json!({"services": vec!["large"; 10], "include": ["TAGS"]}))
    }),
    taken("DescribeServices: what was said", |_, _| {
        Ok(json!({"services": vec!["said0"; 10], "include": ["TAGS"]}))
    }),
    taken("DeleteService: 5,000 tasks", |_, round| {
        let service = ["large", "s1", "s2"][round];
        Ok(json!({"service": service, "force": true}))
    }),
    taken("ListServices: DAEMON", |_, _| {
        Ok(json!({"schedulingStrategy": "DAEMON", "maxResults": 100}))
    }),
    taken("ListServicesByNamespace", |_, _| Ok(json!({"namespace": "x".repeat(BODY_BYTES)}))),
    taken("ListServiceDeployments: statuses", |_, _| {
        Ok(json!({"service": "s3", "status": vec!["STOPPED"; BODY_BYTES / 10]}))
    }),
    taken("DescribeServiceDeployments", |town, _| {
        let body = json!({"service": "s3", "cluster": "default"});
        let listed = town.call("ListServiceDeployments", &body)?;
        let arn = &listed["serviceDeployments"][0]["serviceDeploymentArn"];
        Ok(json!({"serviceDeploymentArns": vec![arn; 20]}))
    }),
    taken("DescribeServiceRevisions", |town, _| {
        let body = json!({"service": "s3", "cluster": "default"});
        let listed = town.call("ListServiceDeployments", &body)?;
        let arn = &listed["serviceDeployments"][0]["targetServiceRevisionArn"];
        Ok(json!({"serviceRevisionArns": vec![arn; 20]}))
    }),
    taken("GetTaskProtection", |town, _| {
        Ok(json!({"cluster": "default", "tasks": town.tasks[..100]}))
    }),
    taken("UpdateTaskProtection", |town, _| {
        let last = &town.tasks[town.tasks.len() - 10..];
        Ok(json!({"cluster": "default", "tasks": last, "protectionEnabled": true}))
    }),
    refused("TagResource: too many tags", "at most 50 tags", |_, _| {
        Ok(json!({"resourceArn": arn("cluster/default"), "tags": many_tags()}))
    }),
    taken("TagResource: a full instance", |town, round| {
        let id = &town.instances[0];
        let tag = json!({"key": "k", "value": round.to_string()});
        Ok(json!({"resourceArn": arn(&format!("container-instance/default/{id}")), "tags": [tag]}))
    }),
    refused("UntagResource", "at most 50 entries", |town, _| {
        let resource = arn("cluster/default");
        town.call("TagResource", &json!({"resourceArn": resource, "tags": tags(50)}))?;
        let keys: Vec<String> = (0..BODY_BYTES / 12).map(|key| format!("{key:08}")).collect();
        Ok(json!({"resourceArn": resource, "tagKeys": keys}))
    }),
    taken("ListTagsForResource", |_, _| Ok(json!({"resourceArn": arn("cluster/default")}))),
    refused("ListAccountSettings: no principal", "principalArn must be", |_, _| {
        Ok(json!({"effectiveSettings": true, "principalArn": "x".repeat(BODY_BYTES)}))
    }),
    taken("PutAccountSetting", |_, round| {
        let principal = format!("arn:aws:iam::123456789012:user/u{round}");
        Ok(json!({"name": "containerInsights", "value": "enabled", "principalArn": principal}))
    }),
    taken("DeleteTaskDefinitions: 10", |town, round| {
        let names: Vec<String> = (0..10).map(|number| format!("gone{round}-{number}")).collect();
        for name in &names {
            town.call("RegisterTaskDefinition", &definition(name, 10))?;
            town.call("DeregisterTaskDefinition", &json!({"taskDefinition": format!("{name}:1")}))?;
        }
        let names: Vec<String> = names.iter().map(|name| format!("{name}:1")).collect();
        Ok(json!({"taskDefinitions": names}))
    }),
    taken("DescribeClusters: as deleted definitions are looked for", |town, round| {
        let name = format!("going{round}:1");
        town.call("RegisterTaskDefinition", &definition(&name[..name.len() - 2], 10))?;
        town.call(
            "StartTask",
            &json!({"taskDefinition": name, "containerInstances": [town.instances[1]]}),
        )?;
        town.call("DeregisterTaskDefinition", &json!({"taskDefinition": name}))?;
        town.call("DeleteTaskDefinitions", &json!({"taskDefinitions": [name]}))?;
        town.pass(59_500);
        Ok(json!({}))
    }),
    taken("ListTasks: STOPPED ones of a service", |_, _| {
        Ok(json!({"desiredStatus": "STOPPED", "family": "f1"}))
    }),
    taken("DeregisterContainerInstance: 5,000 tasks", |town, round| {
        let instance = &town.instances[[0, 11, 12][round]];
        Ok(json!({"containerInstance": instance, "force": true}))
    }),
];

fn service(name: &str, desired: usize) -> Value {
    json!({"serviceName": name, "taskDefinition": "small", "desiredCount": desired})
}

fn constraints(round: usize) -> Value {
    let one = |number: usize| json!({"type": "memberOf", "expression": regex(1_900 + round + 3 * number)});
    (0..10).map(one).collect()
}

fn arn(resource: &str) -> String {
    format!("arn:aws:ecs:us-east-1:123456789012:{resource}")
}

fn many_tags() -> Value {
    let one = |number: usize| json!({"key": format!("k{number}"), "value": "v"});
    (0..BODY_BYTES / 30).map(one).collect()
}
