//! Services whose tasks run and exit.

use serde_json::{Value, json};

use crate::server::{Home, Server, until};

fn service(server: &Server) -> Value {
    server.ecs("DescribeServices", &json!({"services": ["s"]}))["services"][0].clone()
}

fn create(server: &Server) {
    server.define("dies", "exit 3");
    let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": false}});
    let body = json!({"serviceName": "s", "taskDefinition": "dies", "desiredCount": 1, "deploymentConfiguration": breaker});
    server.ecs("CreateService", &body);
}

#[test]
fn a_service_whose_tasks_keep_exiting_says_with_which_code() {
    let home = Home::new();
    let server = Server::start(&home, &["--instances", "1"]);
    create(&server);
    let told = until("the service says so", || {
        let events = service(&server)["events"].clone();
        let texts =
            events.as_array().into_iter().flatten().filter_map(|one| one["message"].as_str());
        texts.map(str::to_owned).find(|text| text.contains("keep exiting"))
    });
    assert!(told.contains("exited with code 3"), "{told}");
    assert_eq!(service(&server)["deployments"][0]["failedTasks"], 0, "as on AWS");
}

#[test]
fn with_the_flag_exits_trip_the_circuit_breaker() {
    let home = Home::new();
    let server = Server::start(&home, &["--instances", "1", "--breaker-counts-exits"]);
    create(&server);
    let failed = until("the deployment is given up", || {
        let deployment = service(&server)["deployments"][0].clone();
        (deployment["rolloutState"] == "FAILED").then_some(deployment)
    });
    assert_eq!(failed["rolloutStateReason"], "ECS deployment circuit breaker: tasks exited.");
}
