//! A populated world, a valid request for each operation, and meaningful values.

use longshore_wire_ecs::host::Reported;
use serde_json::{Value, json};

use super::super::{DOCKER, World, says, text};

/// Minimal meaningful values for structures. For the others the required members suffice.
pub(super) fn of(structure: &str) -> Option<Value> {
    Some(match structure {
        "Attribute" => json!({"name": "rack", "value": "a"}),
        "CapacityProviderStrategyItem" => json!({"capacityProvider": "FARGATE"}),
        "ContainerDefinition" => json!({"name": "app", "image": "busybox", "memory": 64}),
        "ContainerDependency" => json!({"containerName": "side", "condition": "START"}),
        "ContainerOverride" => json!({"name": "app"}),
        "ContainerRestartPolicy" => json!({"enabled": false}),
        "DeploymentAlarms" => json!({"enable": false}),
        "DeploymentCircuitBreaker" => json!({"enable": true}),
        "DeploymentController" => json!({"type": "ECS"}),
        "DeploymentEarlySuccessCriteria" => json!({"enable": false}),
        "DockerVolumeConfiguration" => json!({"scope": "task"}),
        "EnvironmentFile" => json!({"type": "s3", "value": "arn:aws:s3:::bucket/vars.env"}),
        "ExecuteCommandConfiguration" => {
            json!({"logging": "OVERRIDE", "logConfiguration": {"s3BucketName": "b"}})
        }
        "ExecuteCommandLogConfiguration" => json!({"s3BucketName": "b"}),
        "EphemeralStorage" => json!({"sizeInGiB": 30}),
        "HealthCheck" => json!({"command": ["CMD", "true"]}),
        "KeyValuePair" => json!({"name": "A", "value": "1"}),
        "LogConfiguration" => json!({"logDriver": "json-file"}),
        "MountPoint" => json!({"sourceVolume": "data", "containerPath": "/data"}),
        "PlacementConstraint" => json!({"type": "memberOf", "expression": "attribute:rack == r1"}),
        "PlacementStrategy" => json!({"type": "spread", "field": "host"}),
        "PlatformDevice" => json!({"id": "gpu-1", "type": "GPU"}),
        "PortMapping" => json!({"containerPort": 80}),
        "Resource" => json!({"name": "CPU", "type": "INTEGER", "integerValue": 1024}),
        "ResourceRequirement" => json!({"type": "GPU", "value": "1"}),
        "Secret" => {
            json!({"name": "S", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/s"})
        }
        "ServiceConnectConfiguration" => json!({"enabled": false}),
        "ClusterSetting" => json!({"name": "containerInsights", "value": "enabled"}),
        "Tag" => json!({"key": "team", "value": "a"}),
        "TaskDefinitionPlacementConstraint" => {
            json!({"type": "memberOf", "expression": "attribute:rack == r1"})
        }
        "ThresholdConfiguration" => json!({"type": "COUNT", "value": 5}),
        "Tmpfs" => json!({"containerPath": "/tmp", "size": 64}),
        "Ulimit" => json!({"name": "nofile", "softLimit": 10, "hardLimit": 100}),
        "Volume" => json!({"name": "data"}),
        _ => return None,
    })
}

/// A control plane with two of most things.
pub(super) struct Town {
    pub(super) world: World,
    names: Value,
}

impl Town {
    pub(super) fn new() -> Self {
        let mut world = World::new();
        world.ok("CreateCluster", &json!({"clusterName": "other"}));
        world.ok("CreateCluster", &json!({"clusterName": "gone"}));
        world.ok("DeleteCluster", &json!({"cluster": "gone"}));
        let hosts = [world.host(4096, 4096), world.host(4096, 4096)];
        for (host, rack) in hosts.iter().zip(["r1", "r2"]) {
            let attribute = json!({"name": "rack", "value": rack, "targetId": host});
            world.ok("PutAttributes", &json!({"attributes": [attribute]}));
        }
        for family in ["web", "old", "ended"] {
            world.define(family, 100);
        }
        for name in ["old:1", "ended:1"] {
            world.ok("DeregisterTaskDefinition", &json!({"taskDefinition": name}));
        }
        let tags = json!([{"key": "a", "value": "b"}]);
        let service =
            json!({"serviceName": "s", "taskDefinition": "web", "desiredCount": 1, "tags": tags});
        world.ok("CreateService", &service);
        let daemon =
            json!({"serviceName": "d", "taskDefinition": "web:1", "schedulingStrategy": "DAEMON"});
        world.ok("CreateService", &daemon);
        world.now = world.now + 60_000;
        world.tick_at(world.now);
        let started = json!({"taskDefinition": "web", "containerInstances": [hosts[0]], "startedBy": "me", "tags": tags});
        let started = text(&world.ok("StartTask", &started)["tasks"][0]["taskArn"]);
        world.report(&hosts[0], says(&started, Reported::Running));
        let stopped = world.run("web");
        world.ok("StopTask", &json!({"task": stopped}));
        world.ok("UpdateService", &json!({"service": "d", "forceNewDeployment": true}));
        let cluster = "arn:aws:ecs:us-east-1:123456789012:cluster/default";
        world.ok("TagResource", &json!({"resourceArn": cluster, "tags": tags}));
        let of =
            |world: &mut World, body: Value| text(&world.ok("ListTasks", &body)["taskArns"][0]);
        let task = of(&mut world, json!({"serviceName": "s"}));
        world.ok("PutAccountSetting", &json!({"name": "awsvpcTrunking", "value": "enabled"}));
        let shown = world.ok("DescribeServices", &json!({"services": ["s"]}))["services"][0].take();
        let names = json!({
            "host": hosts[0], "task": started, "serviceTask": task,
            "deployment": shown["currentServiceDeployment"],
            "revision": shown["currentServiceRevisions"][0]["arn"],
            "cluster": cluster,
        });
        Self { world, names }
    }

    /// A copy to experiment in.
    pub(super) fn copy(&self) -> World {
        let mut world = World::of(self.world.control.clone());
        world.now = self.world.now;
        world
    }

    /// A request that succeeds.
    pub(super) fn base(&self, operation: &str) -> Value {
        let named = bases(&self.names)[operation].take();
        if named.is_null() { json!({}) } else { named }
    }
}

/// Requests by operation; operations that are not listed need no members.
fn bases(of: &Value) -> Value {
    let (host, task, cluster) = (&of["host"], &of["task"], &of["cluster"]);
    let tasks = [&of["serviceTask"]];
    let container = super::samples::of("ContainerDefinition");
    let side = json!({"name": "side", "image": "busybox", "memory": 64});
    json!({
        "CreateCluster": {"clusterName": "n", "capacityProviders": ["FARGATE"]},
        "CreateService": {"serviceName": "n", "taskDefinition": "web", "desiredCount": 1},
        "DeleteAccountSetting": {"name": "awsvpcTrunking"},
        "DeleteAttributes": {"attributes": [{"name": "rack", "targetId": host}]},
        "DeleteCluster": {"cluster": "other"},
        "DeleteService": {"service": "s", "force": true},
        "DeleteTaskDefinitions": {"taskDefinitions": ["old:1"]},
        "DeregisterContainerInstance": {"containerInstance": host, "force": true},
        "DeregisterTaskDefinition": {"taskDefinition": "web:1"},
        "DescribeContainerInstances": {"containerInstances": [host]},
        "DescribeServiceDeployments": {"serviceDeploymentArns": [of["deployment"]]},
        "DescribeServiceRevisions": {"serviceRevisionArns": [of["revision"]]},
        "DescribeServices": {"services": ["s"]},
        "DescribeTaskDefinition": {"taskDefinition": "web:1"},
        "DescribeTasks": {"tasks": [task]},
        "GetTaskProtection": {"cluster": "default", "tasks": tasks},
        "ListAttributes": {"targetType": "container-instance"},
        "ListServiceDeployments": {"service": "d"},
        "ListServicesByNamespace": {"namespace": "n"},
        "ListTagsForResource": {"resourceArn": cluster},
        "PutAccountSetting": {"name": "containerInsights", "value": "enabled"},
        "PutAccountSettingDefault": {"name": "containerInsights", "value": "enabled"},
        "PutAttributes": {"attributes": [{"name": "rack", "value": "r9", "targetId": host}]},
        "PutClusterCapacityProviders": {
            "cluster": "default", "capacityProviders": ["FARGATE"], "defaultCapacityProviderStrategy": [],
        },
        "RegisterContainerInstance": {
            "totalResources": [super::samples::of("Resource")], "attributes": [{"name": DOCKER}],
        },
        "RegisterTaskDefinition": {
            "family": "n", "containerDefinitions": [container, side], "volumes": [{"name": "data"}],
        },
        "RunTask": {"taskDefinition": "web"},
        "StartTask": {"taskDefinition": "web", "containerInstances": [host]},
        "StopTask": {"task": task},
        "TagResource": {"resourceArn": cluster, "tags": [{"key": "a", "value": "b"}]},
        "UntagResource": {"resourceArn": cluster, "tagKeys": ["a"]},
        "UpdateCluster": {"cluster": "default"},
        "UpdateClusterSettings": {
            "cluster": "default", "settings": [super::samples::of("ClusterSetting")],
        },
        "UpdateContainerInstancesState": {"containerInstances": [host], "status": "DRAINING"},
        "UpdateService": {"service": "s"},
        "UpdateTaskProtection": {"cluster": "default", "tasks": tasks, "protectionEnabled": true},
    })
}
