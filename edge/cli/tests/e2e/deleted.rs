//! `explain` for deleted services and deregistered definitions.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::server::{Home, Server};

fn explain(server: &Server, question: &[&str], first: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_longshore"))
        .args(first)
        .arg("explain")
        .args(question)
        .args(["--endpoint", &format!("http://{}", server.ecs)])
        .env_remove("AWS_ECS_CLUSTER")
        .output()
        .expect("the binary runs")
}

/// The exit code of `explain`, its JSON output, and its text output.
fn explained(server: &Server, question: &[&str]) -> (Option<i32>, Value, String) {
    let json = explain(server, question, &["--json"]);
    let people = explain(server, question, &[]);
    assert_eq!(json.status.code(), people.status.code());
    let text = [people.stdout, people.stderr].concat();
    let document = serde_json::from_slice(&json.stdout).unwrap_or_default();
    (people.status.code(), document, String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn explain_says_what_is_wrong_with_what_was_deleted() {
    let home = Home::new();
    let server = Server::start(&home, &["--instances", "1"]);
    server.define("small", "exec sleep 600");
    let service = json!({"serviceName": "web", "taskDefinition": "small", "desiredCount": 0});
    server.ecs("CreateService", &service);
    server.ecs("DeregisterTaskDefinition", &json!({"taskDefinition": "small:1"}));

    let wrong = "task definition small:1 is INACTIVE: it was deregistered";
    let (code, found, text) = explained(&server, &["--task-definition", "small:1"]);
    assert_eq!((code, &found["placed"]), (Some(1), &json!([])), "{text}");
    assert!(found["blocked"].as_str().unwrap_or_default().starts_with(wrong), "{found}");
    assert!(text.contains("0 of 1 task would be placed") && text.contains(wrong), "{text}");
    // ECS lets services that use it continue.
    let (code, found, text) = explained(&server, &["--service", "web"]);
    assert_eq!((code, found["placed"].as_array().map(Vec::len)), (Some(0), Some(1)), "{text}");
    assert!(found["note"].as_str().unwrap_or_default().starts_with(wrong), "{found}");
    assert!(text.contains("1 of 1 task would be placed") && text.contains(wrong), "{text}");

    server.ecs("DeleteTaskDefinitions", &json!({"taskDefinitions": ["small:1"]}));
    let (code, found, _) = explained(&server, &["--task-definition", "small:1"]);
    assert_eq!(code, Some(1));
    assert!(found["blocked"].to_string().contains("DELETE_IN_PROGRESS"), "{found}");

    server.ecs("DeleteService", &json!({"service": "web"}));
    let (code, found, text) = explained(&server, &["--service", "web"]);
    assert_eq!((code, &found["placed"]), (Some(1), &json!([])), "{text}");
    let blocked = found["blocked"].as_str().unwrap_or_default();
    assert!(blocked.ends_with("it was deleted and cannot start tasks"), "{found}");

    server.ecs("CreateCluster", &json!({"clusterName": "gone"}));
    server.ecs("DeleteCluster", &json!({"cluster": "gone"}));
    let (code, _, said) =
        explained(&server, &["--task-definition", "small:1", "--cluster", "gone"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("cluster gone is INACTIVE: it was deleted"), "{said}");
    let (code, _, said) =
        explained(&server, &["--task-definition", "small:1", "--cluster", "none"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("there is no cluster none"), "{said}");
}
