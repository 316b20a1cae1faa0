//! Task definitions: defaults, rejected content, and deregistration.

mod deletion;
mod fargate;

use longshore_wire_ecs::ErrorCode;
use serde_json::{Value, json};

use super::World;

/// Merges `patch` into `body` member by member; null removes a member.
fn merged(mut body: Value, patch: &Value) -> Value {
    let Value::Object(members) = patch else { return patch.clone() };
    for (name, value) in members {
        if value.is_null() {
            body.as_object_mut().expect("only objects are merged").remove(name);
        } else {
            body[name] = merged(body[name].take(), value);
        }
    }
    body
}

/// A definition with one container, patched with members of the container and of the definition.
fn body(container: &Value, definition: &Value) -> Value {
    let container = merged(json!({"name": "app", "image": "busybox", "memory": 64}), container);
    merged(json!({"family": "it", "containerDefinitions": [container]}), definition)
}

fn registered(container: &Value, definition: &Value) -> Value {
    let body = body(container, definition);
    World::new().ok("RegisterTaskDefinition", &body)["taskDefinition"].take()
}

/// The message of the `ClientException` for a definition.
fn refusal(container: &Value, definition: &Value) -> String {
    let error = World::new().refused("RegisterTaskDefinition", &body(container, definition));
    assert_eq!(error.code, ErrorCode::Client, "{error}");
    error.message
}

#[test]
fn what_a_container_leaves_out_is_filled_in() {
    let shown = registered(&json!({}), &json!({}));
    let expected = json!({
        "name": "app", "image": "busybox", "memory": 64, "cpu": 0, "essential": true, "portMappings": [], "environment": [],
        "mountPoints": [], "volumesFrom": [], "systemControls": [],
    });
    assert_eq!(shown["containerDefinitions"], json!([expected]));
    assert_eq!((&shown["volumes"], &shown["placementConstraints"]), (&json!([]), &json!([])));
    assert_eq!(shown.get("networkMode"), None, "ECS shows what was given");
}

#[test]
fn a_health_check_gets_its_defaults_unless_it_is_turned_off() {
    let check = json!({"command": ["CMD-SHELL", "true"]});
    let shown = registered(&json!({"healthCheck": check}), &json!({}));
    let expected =
        json!({"command": ["CMD-SHELL", "true"], "interval": 30, "timeout": 5, "retries": 3});
    assert_eq!(shown["containerDefinitions"][0]["healthCheck"], expected);
    let given = json!({"command": ["CMD", "true"], "interval": 7, "timeout": 3, "retries": 2, "startPeriod": 9});
    let shown = registered(&json!({"healthCheck": given}), &json!({}));
    assert_eq!(shown["containerDefinitions"][0]["healthCheck"], given);
    let off = json!({"command": ["NONE"]});
    let shown = registered(&json!({"healthCheck": off}), &json!({}));
    assert_eq!(shown["containerDefinitions"][0]["healthCheck"], off);
}

#[test]
fn a_host_port_that_is_left_out_is_the_container_port_where_containers_have_no_network_of_their_own()
 {
    for (mode, host_port) in [("bridge", 0), ("host", 80), ("awsvpc", 80)] {
        let ports = json!({"portMappings": [{"containerPort": 80}]});
        let shown = registered(&ports, &json!({"networkMode": mode}));
        let mapping = &shown["containerDefinitions"][0]["portMappings"][0];
        let expected = json!({"containerPort": 80, "hostPort": host_port, "protocol": "tcp"});
        assert_eq!(*mapping, expected, "{mode}");
    }
    for mode in ["host", "awsvpc"] {
        let ports = json!({"portMappings": [{"containerPort": 80, "hostPort": 81}]});
        assert_eq!(
            refusal(&ports, &json!({"networkMode": mode})),
            format!(
                "When networkMode={mode}, the host ports and container ports in port mappings must match."
            )
        );
    }
}

#[test]
fn the_host_port_that_was_filled_in_is_reserved_on_the_instance() {
    let mut world = World::new();
    let host = world.host(1024, 1024);
    let ports = json!({"portMappings": [{"containerPort": 80}]});
    world.ok("RegisterTaskDefinition", &body(&ports, &json!({"networkMode": "host"})));
    world.run("it");
    let instance = world.instance(&host);
    let remaining = instance["remainingResources"].as_array().expect("a list");
    let taken = remaining.iter().find(|one| one["name"] == "PORTS").expect("it has ports");
    assert_eq!(taken["stringSetValue"], json!(["80"]));
}

#[test]
fn a_volume_that_says_nothing_of_itself_is_shown_with_an_empty_host() {
    let volumes = json!([{"name": "plain"}, {"name": "bound", "host": {"sourcePath": "/srv"}}]);
    let shown = registered(&json!({}), &json!({"volumes": volumes}));
    let expected = json!([
        {"name": "plain", "host": {}},
        {"name": "bound", "host": {"sourcePath": "/srv"}},
    ]);
    assert_eq!(shown["volumes"], expected);
}

#[test]
fn compatibilities_are_those_that_ecs_computes() {
    let awsvpc = json!({"networkMode": "awsvpc", "cpu": "256", "memory": "512"});
    let efs = json!([{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]);
    for (definition, expected) in [
        (json!({}), json!(["EXTERNAL", "EC2"])),
        (json!({"requiresCompatibilities": ["EC2"]}), json!(["EXTERNAL", "EC2"])),
        (json!({"cpu": "256", "memory": "512"}), json!(["EXTERNAL", "EC2"])),
        (json!({"volumes": efs}), json!(["EC2"])),
        (json!({"networkMode": "host"}), json!(["EXTERNAL", "EC2", "MANAGED_INSTANCES"])),
        (json!({"networkMode": "awsvpc"}), json!(["EC2", "MANAGED_INSTANCES"])),
        (awsvpc.clone(), json!(["EC2", "MANAGED_INSTANCES", "FARGATE"])),
        (merged(awsvpc.clone(), &json!({"memory": "600"})), json!(["EC2", "MANAGED_INSTANCES"])),
        (merged(awsvpc, &json!({"ipcMode": "host"})), json!(["EC2", "MANAGED_INSTANCES"])),
    ] {
        let shown = registered(&json!({}), &definition);
        assert_eq!(shown["compatibilities"], expected, "{definition}");
    }
}

#[test]
fn what_goes_with_another_network_mode_is_refused() {
    let awsvpc = json!({"networkMode": "awsvpc"});
    let host = json!({"networkMode": "host"});
    let none = json!({"networkMode": "none"});
    for (container, definition, text) in [
        (json!({"links": ["other"]}), &host, "Links are not supported when networkMode=host."),
        (
            json!({"hostname": "x"}),
            &awsvpc,
            "hostname is not supported on container when networkMode=awsvpc.",
        ),
        (
            json!({"dnsServers": ["10.0.0.2"]}),
            &awsvpc,
            "DNS servers are not supported on container when networkMode=awsvpc.",
        ),
        (
            json!({"extraHosts": [{"hostname": "a", "ipAddress": "10.0.0.1"}]}),
            &awsvpc,
            "Extra hosts are not supported on container when networkMode=awsvpc.",
        ),
        (
            json!({"portMappings": [{"containerPort": 80}]}),
            &none,
            "Port mappings are not allowed when networkMode is 'none'.",
        ),
    ] {
        assert_eq!(refusal(&container, definition), text);
    }
    let proxy = json!({"proxyConfiguration": {"containerName": "app"}});
    assert_eq!(
        refusal(&json!({}), &proxy),
        "APPMESH proxy configuration is only supported in networkMode=awsvpc"
    );
}

#[test]
fn containers_that_cannot_be_are_refused_in_the_words_of_ecs() {
    for (container, definition, text) in [
        (
            json!({"cpu": 300}),
            json!({"cpu": "256"}),
            "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
        ),
        (
            json!({"logConfiguration": {"logDriver": "awslogs"}}),
            json!({}),
            "Log driver awslogs requires options: awslogs-group",
        ),
        (
            json!({}),
            json!({"ephemeralStorage": {"sizeInGiB": 30}}),
            "Tasks using the EC2 launch type do not support EphemeralStorage.",
        ),
        (json!({}), json!({"pidMode": "pod"}), "pidMode should be one of [host,task]"),
        (json!({}), json!({"ipcMode": "pod"}), "ipcMode should be one of [host,task,none]"),
        (
            json!({}),
            json!({"runtimePlatform": {"cpuArchitecture": "M68K"}}),
            "cpuArchitecture should be one of [X86_64,ARM64]",
        ),
        (
            json!({}),
            json!({"trustedExecutionConfiguration": {"isolationMode": "x"}}),
            "trustedExecutionConfiguration is not supported by Longshore.",
        ),
        (
            json!({"resourceRequirements": [{"type": "GPU", "value": "1", "sharingStrategy": {}}]}),
            json!({}),
            "Container 'app': sharingStrategy is not supported by Longshore.",
        ),
    ] {
        assert_eq!(refusal(&container, &definition), text);
    }
}
