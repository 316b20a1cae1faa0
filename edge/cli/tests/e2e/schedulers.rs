//! Misbehaving schedulers: one that never reads, never acknowledges, hangs up, or sends garbage,
//! next to one that is served as if it were alone.
//!
//! Schedulers here that do not read are suppressed: offers do not expire, as in Mesos without
//! `--offer_timeout`, so one that is offered everything would hold it as long as it is connected.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::framework::{self, Framework};
use crate::http;
use crate::server::{Home, Server, until};

/// Runs that many tasks to their end, one after another.
fn is_served(framework: &mut Framework, stem: &str, count: usize) {
    for number in 0..count {
        let task = format!("{stem}-{number}");
        framework.launch(&task, "true");
        framework.state(&task, "TASK_FINISHED");
    }
}

/// The names of the frameworks in a list of `/frameworks`.
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

/// \[R7\]: as many answers as questions, in order.
#[test]
fn a_scheduler_reconciles_a_hundred_thousand_tasks_as_fast_as_it_reads_while_others_are_served() {
    const TASKS: usize = 100_000;
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let mut other = Framework::subscribe(&server.mesos, &json!({"name": "other"}));
    // An id that this master made: of one that may be older, nothing is said of unknown tasks right after a start.
    let info = json!({"name": "reconciler", "failover_timeout": 60.0});
    let id = json!({"value": Framework::subscribe(&server.mesos, &info).id});
    let info = json!({"name": "reconciler", "failover_timeout": 60.0, "id": id});
    let mut stream = framework::subscribe_in_protobuf(&server.mesos, &info);
    let before = server.resident_mib_max();
    assert_eq!(framework::reconcile_unknown(&server.mesos, &stream, &id, TASKS), 202);
    let reader = std::thread::spawn(move || {
        let mut answered = 0;
        while answered < TASKS {
            let record = stream.record().expect("the stream goes on while it is read");
            let wanted = framework::unknown(answered);
            let is_answer = record.windows(wanted.len()).any(|part| part == wanted.as_bytes());
            answered += usize::from(is_answer);
            if is_answer && answered % 20_000 == 0 {
                // Slower than it is written.
                std::thread::sleep(Duration::from_millis(500));
            }
        }
    });
    let mut rounds = 0;
    while !reader.is_finished() {
        is_served(&mut other, &format!("round-{rounds}"), 1);
        rounds += 1;
    }
    reader.join().expect("every answer came, in order");
    assert!(rounds > 1, "the other was served meanwhile");
    let more = server.resident_mib_max() - before;
    // The request has 24 MiB, is buffered once, and takes about as much again when decoded.
    assert!(more < 160, "{more} MiB more than before");
}

#[test]
fn a_scheduler_reconciles_five_thousand_tasks_in_json_and_is_not_cut_off() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let info = json!({"name": "reconciler"});
    let (mut stream, id) = framework::subscribe_and_stop_reading(&server.mesos, &info);
    assert_eq!(framework::reconcile_unknown(&server.mesos, &stream, &id, 5_000), 202);
    for number in 0..5_000 {
        let event = std::iter::from_fn(|| stream.record())
            .map(|record| serde_json::from_slice(&record).expect("events are JSON"))
            .find(|event: &Value| event["type"] == "UPDATE");
        let status = &event.expect("the stream goes on")["update"]["status"];
        assert_eq!(status["task_id"]["value"], json!(framework::unknown(number)));
    }
}

#[test]
fn a_scheduler_that_reads_nothing_of_what_waits_for_it_is_cut_off_and_others_are_served() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let (deaf, id) = framework::subscribe_and_stop_reading(&server.mesos, &json!({"name": "deaf"}));
    let mut other = Framework::subscribe(&server.mesos, &json!({"name": "other"}));
    let before = server.resident_mib_max();
    // More than the socket buffers hold.
    for _ in 0..10 {
        let status = framework::reconcile_unknown(&server.mesos, &deaf, &id, 10_000);
        assert!(matches!(status, 202 | 429), "{status}");
    }
    let asked = Instant::now();
    let mut rounds = 0;
    while has(&server, "frameworks", "deaf").is_some() {
        assert!(asked.elapsed() < Duration::from_mins(1), "it is never cut off");
        is_served(&mut other, &format!("round-{rounds}"), 1);
        rounds += 1;
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(asked.elapsed() > Duration::from_secs(20), "it had time to read");
    until("it is removed: it has no failover timeout", || {
        has(&server, "completed_frameworks", "deaf")
    });
    is_served(&mut other, "after", 3);
    let more = server.resident_mib_max() - before;
    assert!(more < 160, "{more} MiB more than before");
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
    // The first update again, though the task has ended since: the next one waits for its
    // acknowledgement.
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

/// A driver that speaks libprocess takes silence for a master that is not elected yet, and retries
/// forever.
#[test]
fn a_message_of_libprocess_is_answered_with_what_is_supported_and_the_operator_is_told_once() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    for message in ["internal.RegisterFrameworkMessage", "scheduler.Call"] {
        for _ in 0..3 {
            let path = format!("/master/mesos.{message}");
            let headers = [("Libprocess-From", "scheduler(1)@10.0.0.1:4711")];
            let reply = http::post(&server.mesos, &path, &headers, b"\x0a\x00");
            let reply = reply.expect("the master answers");
            assert_eq!(reply.status, 501);
            assert!(reply.text().contains("POST /api/v1/scheduler"), "{}", reply.text());
        }
    }
    let told = || server.said().matches("speaks libprocess").count();
    until("the operator is told", || (told() > 0).then_some(()));
    assert_eq!(told(), 1, "{}", server.said());
    assert_eq!(http::get(&server.mesos, "/master/elsewhere").expect("it answers").status, 404);
}
