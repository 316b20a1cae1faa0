//! Schedulers that misbehave: one that never reads, never acknowledges, hangs up, or talks nonsense, beside one that
//! is served as if it were alone.
//!
//! The schedulers here that do not read are suppressed: offers do not expire, as in Mesos without `--offer_timeout`, so
//! that one which is offered everything keeps everything for as long as it is connected.

use std::time::Duration;

use serde_json::{Value, json};

use crate::framework::{self, Framework};
use crate::http;
use crate::server::{Home, Server, until};

/// Runs so many tasks to their end, one after another.
fn is_served(framework: &mut Framework, stem: &str, count: usize) {
    for number in 0..count {
        let task = format!("{stem}-{number}");
        framework.launch(&task, "true");
        framework.state(&task, "TASK_FINISHED");
    }
}

/// The names of the frameworks of a list of `/frameworks`.
fn names(server: &Server, list: &str) -> Vec<String> {
    let page = http::get(&server.mesos, "/frameworks").expect("the master answers").json();
    let frameworks = page[list].as_array().unwrap_or_else(|| panic!("no {list} in {page}"));
    frameworks
        .iter()
        .map(|framework| framework["name"].as_str().unwrap_or_default().to_owned())
        .collect()
}

fn has(server: &Server, list: &str, name: &str) -> Option<()> {
    names(server, list).iter().any(|own| own == name).then_some(())
}

#[test]
fn schedulers_that_never_read_do_not_stop_others() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let mut other = Framework::subscribe(&server.mesos, &json!({"name": "other"}));
    let deaf: Vec<_> = (0..20)
        .map(|number| {
            framework::subscribe_and_never_read(
                &server.mesos,
                &json!({"name": format!("deaf-{number}")}),
            )
        })
        .collect();
    until("all are subscribed", || {
        (names(&server, "frameworks").len() == deaf.len() + 1).then_some(())
    });
    is_served(&mut other, "task", 20);
    assert_eq!(
        names(&server, "frameworks").len(),
        deaf.len() + 1,
        "silence is no reason to be removed"
    );
}

#[test]
fn a_scheduler_that_lets_its_events_pile_up_is_cut_off_and_others_are_served() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let (deaf, id) = framework::subscribe_and_stop_reading(&server.mesos, &json!({"name": "deaf"}));
    let mut other = Framework::subscribe(&server.mesos, &json!({"name": "other"}));
    let mut rounds = 0;
    while has(&server, "frameworks", "deaf").is_some() {
        assert!(rounds < 40, "events pile up without a bound");
        let status = framework::reconcile_unknown(&server.mesos, &deaf, &id, 3_000);
        // It is cut off in the middle of a round, or between two.
        assert!(matches!(status, 202 | 400 | 403), "{status}");
        is_served(&mut other, &format!("round-{rounds}"), 1);
        rounds += 1;
    }
    until("it is removed: it has no failover timeout", || {
        has(&server, "completed_frameworks", "deaf")
    });
    is_served(&mut other, "after", 3);
    assert!(server.said().contains("does not read its events"), "{}", server.said());
}

#[test]
fn an_update_that_is_never_acknowledged_comes_again_and_others_are_served() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let mut silent = Framework::subscribe(&server.mesos, &json!({"name": "silent"}));
    silent.acknowledges = false;
    silent.launch("kept", "sleep 1; exit 3");
    let first = silent.state("kept", "TASK_RUNNING");
    silent.suppress();
    let since = silent.mark();
    let mut other = Framework::subscribe(&server.mesos, &json!({"name": "other"}));
    is_served(&mut other, "task", 10);
    // The first again, though the task has ended meanwhile: the next update waits for its acknowledgement.
    let again = silent.state_since(since, "kept", "TASK_RUNNING");
    assert_eq!(again["uuid"], first["uuid"]);
    silent.must(
        "ACKNOWLEDGE",
        json!({
            "agent_id": again["agent_id"], "task_id": again["task_id"], "uuid": again["uuid"],
        }),
    );
    let last = silent.state_since(silent.mark(), "kept", "TASK_FAILED");
    assert_ne!(last["uuid"], first["uuid"]);
}

#[test]
fn a_stream_that_is_closed_abruptly_removes_the_framework_and_its_tasks() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let mut brief =
        Framework::subscribe(&server.mesos, &json!({"name": "brief", "failover_timeout": 0.0}));
    brief.launch("left", "exec sleep 600");
    brief.state("left", "TASK_RUNNING");
    brief.suppress();
    let arns = |status: &str| {
        server.ecs("ListTasks", &json!({"desiredStatus": status}))["taskArns"].clone()
    };
    let running = arns("RUNNING");
    let arn = running[0].as_str().expect("the task is one of the cluster's").to_owned();
    let pid = until("its process id is known", || home.pid(&arn));
    let mut other = Framework::subscribe(&server.mesos, &json!({"name": "other"}));

    brief.hang_up();
    until("the framework is removed", || has(&server, "completed_frameworks", "brief"));
    server.wait(&arn, "STOPPED");
    assert!(!home.runs(pid));
    assert_eq!(arns("RUNNING"), json!([]));
    assert_eq!(names(&server, "frameworks"), ["other"]);
    is_served(&mut other, "task", 3);
}

#[test]
fn a_framework_with_a_failover_timeout_keeps_its_tasks_and_its_place() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let info = json!({"name": "lasting", "failover_timeout": 600.0});
    let mut framework = Framework::subscribe(&server.mesos, &info);
    framework.launch("kept", "exec sleep 600");
    framework.state("kept", "TASK_RUNNING");
    let mut again = info.clone();
    again["id"] = json!({"value": framework.id});
    framework.hang_up();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(names(&server, "frameworks"), ["lasting"]);
    let mut framework = Framework::subscribe(&server.mesos, &again);
    framework.must("RECONCILE", json!({"tasks": [{"task_id": {"value": "kept"}}]}));
    framework.state("kept", "TASK_RUNNING");
    framework.must("TEARDOWN", Value::Null);
    until("the framework is removed", || has(&server, "completed_frameworks", "lasting"));
}

#[test]
fn calls_that_cannot_be_read_are_400_and_harm_nobody() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let mut other = Framework::subscribe(&server.mesos, &json!({"name": "other"}));
    let deep = r#"{"a":"#.repeat(50_000);
    let hostile = json!({"type": "TEARDOWN", "framework_id": {"value": format!("a b:/{}", "x".repeat(1_000))}}).to_string();
    let json: [&[u8]; 11] = [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"{}",
        br#"{"type": 7}"#,
        br#"{"type": "MAKE_TEA"}"#,
        br#"{"type": "SUBSCRIBE"}"#,
        br#"{"type": "SUBSCRIBE", "subscribe": {"framework_info": {"user": 7, "name": []}}}"#,
        deep.as_bytes(),
        hostile.as_bytes(),
    ];
    let protobuf: [&[u8]; 5] = [
        b"",
        b"\xff\xff\xff",
        b"\x08\x01\x12",
        b"\x10\x01\x12\x7f",
        b"\x08\x80\x80\x80\x80\x80\x01",
    ];
    let calls = json.iter().map(|body| ("application/json", body));
    for (media, body) in calls.chain(protobuf.iter().map(|body| ("application/x-protobuf", body))) {
        let reply = framework::call(&server.mesos, media, body);
        assert_eq!(
            reply.status,
            400,
            "{media} {:?}: {}",
            String::from_utf8_lossy(&body[..body.len().min(80)]),
            reply.text()
        );
        assert!(!reply.body.is_empty());
    }
    for media in ["text/plain", "application/octet-stream"] {
        assert_eq!(framework::call(&server.mesos, media, b"{}").status, 415);
    }
    is_served(&mut other, "task", 3);
}
