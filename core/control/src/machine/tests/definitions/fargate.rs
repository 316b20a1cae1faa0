//! Definitions that require Fargate register only if Fargate would accept them.

use serde_json::{Value, json};

use super::{merged, refusal, registered};

/// A definition that Fargate accepts.
fn on_fargate(patch: &Value) -> Value {
    let valid = json!({
        "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512",
        "executionRoleArn": "arn:aws:iam::123456789012:role/pulls",
    });
    merged(valid, patch)
}

fn log(driver: &str, options: &Value) -> Value {
    json!({"logConfiguration": {"logDriver": driver, "options": options}})
}

#[test]
fn what_fargate_takes_is_registered() {
    let logs = log("awslogs", &json!({"awslogs-group": "g", "awslogs-stream-prefix": "p"}));
    let capabilities =
        json!({"linuxParameters": {"capabilities": {"add": ["SYS_PTRACE"], "drop": ["ALL"]}}});
    for (container, definition) in [
        (json!({}), json!({})),
        (logs, json!({})),
        (capabilities, json!({})),
        (json!({"stopTimeout": 120, "privileged": false}), json!({"pidMode": "task"})),
        (json!({}), json!({"cpu": ".5 vCPU", "memory": "1 GB"})),
        (json!({}), json!({"cpu": "32768", "memory": "249856"})),
        (json!({}), json!({"ephemeralStorage": {"sizeInGiB": 200}})),
        (json!({}), json!({"volumes": [{"name": "scratch"}]})),
    ] {
        let shown = registered(&container, &on_fargate(&definition));
        assert_eq!(
            shown["compatibilities"],
            json!(["EC2", "MANAGED_INSTANCES", "FARGATE"]),
            "{container} {definition}"
        );
        assert_eq!(shown["requiresCompatibilities"], json!(["FARGATE"]));
    }
}

#[test]
fn task_level_settings_that_fargate_lacks_are_refused_in_its_words() {
    let sizes = "No Fargate configuration exists for given values: 256 CPU, 600 memory. See the Amazon ECS documentation for the valid values.";
    for (definition, text) in [
        (json!({"networkMode": "bridge"}), "Fargate only supports network mode ‘awsvpc’."),
        (json!({"networkMode": null}), "Fargate only supports network mode ‘awsvpc’."),
        (json!({"networkMode": "host"}), "Fargate only supports network mode ‘awsvpc’."),
        (json!({"cpu": null}), "Fargate requires that 'cpu' be defined at the task level."),
        (json!({"memory": null}), "Fargate requires that 'memory' be defined at the task level."),
        (json!({"memory": "600"}), sizes),
        (
            json!({"pidMode": "host"}),
            "Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for pidMode is 'task'.",
        ),
        (json!({"ipcMode": "host"}), "Fargate compatible task definitions do not support ipcMode"),
        (
            json!({"placementConstraints": [{"type": "memberOf", "expression": "attribute:a == b"}]}),
            "Fargate compatible task definitions do not support constraints",
        ),
        (
            json!({"volumes": [{"name": "data", "dockerVolumeConfiguration": {"scope": "task"}}]}),
            "Fargate compatible task definitions do not support dockerVolumeConfiguration",
        ),
        (
            json!({"volumes": [{"name": "data", "host": {"sourcePath": "/srv"}}]}),
            "Fargate compatible task definitions do not support sourcePath",
        ),
        (
            json!({"ephemeralStorage": {"sizeInGiB": 20}}),
            "EphemeralStorage size should be at least 21",
        ),
        (
            json!({"ephemeralStorage": {"sizeInGiB": 201}}),
            "EphemeralStorage size should be at most 200",
        ),
    ] {
        assert_eq!(refusal(&json!({}), &on_fargate(&definition)), text, "{definition}");
    }
}

#[test]
fn containers_that_fargate_cannot_run_are_refused_in_its_words() {
    for (container, text) in [
        (
            json!({"privileged": true}),
            "Fargate requires that the ‘privileged’ setting be ‘false’ at the container level.",
        ),
        (
            json!({"portMappings": [{"containerPort": 80, "hostPort": 8080}]}),
            "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
        ),
        (
            json!({"linuxParameters": {"devices": [{"hostPath": "/dev/fuse"}]}}),
            "Fargate compatible task definitions do not support devices",
        ),
        (
            json!({"linuxParameters": {"sharedMemorySize": 64}}),
            "Fargate compatible task definitions do not support sharedMemorySize",
        ),
        (
            json!({"linuxParameters": {"capabilities": {"add": ["NET_ADMIN"]}}}),
            "NET_ADMIN is not allowed on Fargate.",
        ),
        (
            json!({"resourceRequirements": [{"type": "GPU", "value": "1"}]}),
            "Tasks using the Fargate launch type do not support GPU resource requirements.",
        ),
        (
            json!({"stopTimeout": 121}),
            "Tasks using the Fargate launch type must have a stopTimeout of at most 120 seconds.",
        ),
    ] {
        assert_eq!(refusal(&container, &on_fargate(&json!({}))), text, "{container}");
        // It is still valid for EC2.
        let awsvpc = json!({"networkMode": "awsvpc"});
        if container.get("portMappings").is_none() {
            registered(&container, &awsvpc);
        }
    }
}

#[test]
fn log_drivers_that_fargate_cannot_use_are_refused_in_its_words() {
    let no_role = json!({"executionRoleArn": null});
    let nothing = json!({});
    let group = json!({"awslogs-group": "g"});
    for (container, definition, text) in [
        (
            log("json-file", &json!({})),
            &nothing,
            "json-file is not a valid log driver. Must be one of [awslogs,splunk,awsfirelens]",
        ),
        (
            log("awslogs", &group),
            &no_role,
            "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
        ),
        (
            log("awslogs", &group),
            &nothing,
            "Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs.",
        ),
    ] {
        assert_eq!(refusal(&container, &on_fargate(definition)), text, "{container}");
    }
}
