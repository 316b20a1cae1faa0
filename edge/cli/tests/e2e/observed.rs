//! Observability: a log line for every event, and metrics for Prometheus.

use serde_json::{Value, json};

use crate::framework::Framework;
use crate::http;
use crate::server::{Home, Server, until};

/// Runs a framework from start to end, with a task that ends by itself and one that ends with it.
fn a_life(server: &Server) {
    let info = json!({"name": "watched\u{1b}[31m", "failover_timeout": 600.0});
    let mut framework = Framework::subscribe(&server.mesos, &info);
    framework.launch("brief", "exit 3");
    framework.state("brief", "TASK_FAILED");
    framework.launch("long", "exec sleep 600");
    framework.state("long", "TASK_RUNNING");
    let mut again = info.clone();
    again["id"] = json!({"value": framework.id});
    framework.hang_up();
    until("it is away", || server.said().contains("framework disconnected").then_some(()));
    let framework = Framework::subscribe(&server.mesos, &again);
    framework.must("TEARDOWN", Value::Null);
    until("it is removed", || server.said().contains("framework removed").then_some(()));
}

#[test]
fn an_operator_is_told_of_frameworks_and_tasks_in_the_order_of_what_happened() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    a_life(&server);
    let said = server.said();
    let mut rest = said.as_str();
    for wanted in [
        "agent connected",
        "framework subscribed framework=",
        "framework launched a task",
        "framework's task is TASK_RUNNING",
        "framework's task is TASK_FAILED",
        "framework launched a task",
        "framework disconnected, waiting for it to return",
        "framework subscribed again",
        "framework removed, its tasks are being stopped",
    ] {
        let at = rest.find(wanted).unwrap_or_else(|| panic!("no {wanted:?} in its place: {said}"));
        rest = &rest[at + wanted.len()..];
    }
    assert!(!said.contains('\u{1b}'), "what others chose is escaped: {said}");
    assert!(said.contains(r#"name="watched\u{1b}[31m""#), "{said}");
    let failed = said.lines().find(|line| line.contains("TASK_FAILED")).expect("it is there");
    assert!(failed.contains("task=\"brief\"") && failed.contains("reason="), "{failed}");
}

#[test]
fn as_json_each_line_is_a_document_with_fields() {
    let home = Home::new();
    let server = Server::start(&home, &["--log-format", "json"]);
    a_life(&server);
    let said = server.said();
    let lines: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    let of = |message: &str| {
        let is = |line: &&Value| line["message"] == message || line["fields"]["message"] == message;
        lines.iter().find(is).unwrap_or_else(|| panic!("no {message}: {said}")).to_string()
    };
    let failed = of("framework's task is TASK_FAILED");
    for wanted in [r#""level":"INFO""#, "timestamp", "framework", "brief"] {
        assert!(failed.contains(wanted), "{wanted}: {failed}");
    }
}

/// The value of a metric.
fn value(page: &str, series: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in {page}")).parse().expect("it is a number")
}

#[test]
fn both_ports_have_figures_for_prometheus() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let mut framework = Framework::subscribe(&server.mesos, &json!({"name": "counted"}));
    framework.launch("brief", "true");
    framework.state("brief", "TASK_FINISHED");
    for address in [&server.ecs, &server.mesos] {
        let reply = http::get(address, "/metrics").expect("it answers");
        assert_eq!(reply.status, 200);
        let page = reply.text();
        assert!(page.ends_with("# EOF\n"), "{page}");
        for operation in ["SUBSCRIBE", "ACCEPT"] {
            let labels = format!("service=\"mesos\",operation=\"{operation}\",outcome=\"ok\"");
            let line = format!("longshore_api_calls_total{{{labels}}} 1\n");
            assert!(page.contains(&line), "no {line} in {page}");
        }
        assert!(value(&page, "longshore_storage_commits_total") >= 1.0);
        assert!(value(&page, "process_resident_memory_bytes") > 1e6);
        let stepped = "longshore_machine_step_seconds_count{machine=\"control\"}";
        assert!(value(&page, stepped) >= 1.0);
    }
    let ecs = http::get(&server.ecs, "/metrics").expect("it answers").text();
    assert!(ecs.contains("longshore_ecs_container_instances"), "{ecs}");
}
