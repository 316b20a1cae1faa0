//! Operators of the Mesos master: the stream of what happens, and the commands that ask it.

use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

use crate::framework::Framework;
use crate::http::{self, Stream};
use crate::server::{DEADLINE, Home, Server};

const JSON: &[(&str, &str)] =
    &[("Content-Type", "application/json"), ("Accept", "application/json")];

/// A stream of events for an operator.
struct Watcher {
    stream: Stream,
}

impl Watcher {
    fn subscribe(mesos: &str) -> (Self, Value) {
        let subscribe = br#"{"type":"SUBSCRIBE"}"#;
        let stream = Stream::open(mesos, "/api/v1", JSON, subscribe).expect("it is a stream");
        // [P1]
        assert_eq!(stream.id, "", "only schedulers have stream ids");
        let mut watcher = Self { stream };
        let first = watcher.event();
        assert_eq!(first["type"], "SUBSCRIBED", "{first}");
        assert_eq!(first["subscribed"]["heartbeat_interval_seconds"], 15.0);
        assert_eq!(watcher.event(), json!({"type": "HEARTBEAT"}));
        (watcher, first["subscribed"]["get_state"].clone())
    }

    fn event(&mut self) -> Value {
        let record = self.stream.record().expect("the stream goes on");
        serde_json::from_slice(&record).expect("events are JSON")
    }

    /// The events up to one of this type, without heartbeats.
    fn up_to(&mut self, kind: &str) -> Vec<Value> {
        let end = Instant::now() + DEADLINE;
        let mut events = Vec::new();
        while events.last().is_none_or(|last: &Value| last["type"] != kind) {
            assert!(Instant::now() < end, "{kind} never came: {events:#?}");
            events.extend(Some(self.event()).filter(|event| event["type"] != "HEARTBEAT"));
        }
        events
    }
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["type"].as_str()).collect()
}

/// Runs a command of the program against a master; its exit code, what it printed, and what it said.
fn longshore(server: &Server, words: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_longshore"))
        .args(words)
        .args(["--master", &format!("http://{}", server.mesos)])
        .env_remove("LONGSHORE_CREDENTIALS")
        .output()
        .expect("the binary runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn printed(server: &Server, words: &[&str]) -> String {
    let (code, printed, said) = longshore(server, words);
    assert_eq!((code, said.as_str()), (Some(0), ""), "{words:?}");
    printed
}

fn documents(server: &Server, words: &[&str]) -> Vec<Value> {
    let printed = printed(server, &[words, &["--json"]].concat());
    printed.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect()
}

#[test]
fn an_operator_is_told_what_happens() {
    let home = Home::new();
    let server = Server::start(&home, &["--instances", "1"]);
    let mut framework = Framework::subscribe(&server.mesos, &json!({"name": "one"}));
    // There is an offer, so that the agent is known before.
    let offer = framework.offer();
    let (mut watcher, state) = Watcher::subscribe(&server.mesos);
    let listed = |of: &str, what: &str| state[of][what].as_array().map(Vec::len);
    assert_eq!(listed("get_agents", "agents"), Some(1));
    assert_eq!(listed("get_frameworks", "frameworks"), Some(1));
    assert_eq!(listed("get_tasks", "tasks"), Some(0));
    framework.accept(&offer, "t1", "sleep 1000");
    framework.state("t1", "TASK_RUNNING");
    let added = watcher.up_to("TASK_ADDED");
    assert_eq!(types(&added), ["TASK_ADDED"]);
    let task = &added[0]["task_added"]["task"];
    assert_eq!((&task["task_id"]["value"], &task["state"]), (&json!("t1"), &json!("TASK_STAGING")));
    let updated = loop {
        let updated = watcher.up_to("TASK_UPDATED");
        assert_eq!(types(&updated), ["TASK_UPDATED"]);
        if updated[0]["task_updated"]["state"] == "TASK_RUNNING" {
            break updated;
        }
    };
    assert_eq!(updated[0]["task_updated"]["status"]["task_id"]["value"], "t1");
    // Another one sees the same from here on.
    let (mut later, state) = Watcher::subscribe(&server.mesos);
    assert_eq!(state["get_tasks"]["tasks"][0]["state"], "TASK_RUNNING");
    let second = Framework::subscribe(&server.mesos, &json!({"name": "two"}));
    for one in [&mut watcher, &mut later] {
        let events = one.up_to("FRAMEWORK_ADDED");
        let info = &events[0]["framework_added"]["framework"]["framework_info"];
        assert_eq!((types(&events), &info["name"]), (vec!["FRAMEWORK_ADDED"], &json!("two")));
    }
    // It need not come back, so it is gone with its connection.
    second.hang_up();
    let events = watcher.up_to("FRAMEWORK_REMOVED");
    assert_eq!(types(&events), ["FRAMEWORK_REMOVED"]);
    let teardown =
        json!({"type": "TEARDOWN", "teardown": {"framework_id": {"value": framework.id}}});
    let reply = http::post(&server.mesos, "/api/v1", JSON, teardown.to_string().as_bytes());
    assert_eq!(reply.expect("it is answered").status, 200);
    let events = watcher.up_to("FRAMEWORK_REMOVED");
    assert_eq!(types(&events), ["TASK_UPDATED", "FRAMEWORK_REMOVED"]);
    assert_eq!(events[0]["task_updated"]["state"], "TASK_KILLED");
}

#[test]
fn the_commands_list_what_the_master_knows() {
    let home = Home::new();
    let server = Server::start(&home, &["--instances", "2"]);
    let info = json!({"name": "one", "failover_timeout": 60.0});
    let mut framework = Framework::subscribe(&server.mesos, &info);
    framework.launch("t1", "sleep 1000");
    framework.state("t1", "TASK_RUNNING");
    framework.offer();
    let listed = documents(&server, &["frameworks"]);
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (&listed[0]["framework"], &listed[0]["name"]),
        (&json!(framework.id), &json!("one"))
    );
    assert_eq!((&listed[0]["tasks"], &listed[0]["connected"]), (&json!(1), &json!(true)));
    let table = printed(&server, &["frameworks"]);
    assert!(table.starts_with("FRAMEWORK") && table.contains("  one  "), "{table}");
    let agents = documents(&server, &["agents"]);
    let used = agents.iter().filter(|agent| agent["used"]["cpus"] == 0.1).count();
    assert_eq!((agents.len(), used), (2, 1), "{agents:?}");
    assert_eq!(printed(&server, &["agents"]).lines().count(), 3);
    let offers = documents(&server, &["offers"]);
    assert!(offers.iter().all(|offer| offer["framework"] == framework.id), "{offers:?}");
    assert!(!offers.is_empty());
    assert!(printed(&server, &["offers"]).starts_with("OFFER"));
    let roles = documents(&server, &["roles"]);
    assert_eq!((&roles[0]["role"], &roles[0]["weight"]), (&json!("*"), &json!(1.0)));
    assert!(printed(&server, &["roles"]).starts_with("ROLE"));
}

#[test]
fn a_framework_is_torn_down_by_the_beginning_of_its_id() {
    let home = Home::new();
    let server = Server::start(&home, &["--instances", "1"]);
    let info = json!({"name": "one", "failover_timeout": 60.0});
    let framework = Framework::subscribe(&server.mesos, &info);
    for (words, wanted) in [
        (&["frameworks", "teardown", "nobody"][..], 3),
        (&["frameworks", "teardown", ""], 3),
        (&["frameworks", "teardown"], 2),
        (&["frameworks", "--no-such-flag"], 2),
        (&["agents", "--credentials", "/no/such/file"], 1),
    ] {
        let (code, _, said) = longshore(&server, words);
        assert_eq!(code, Some(wanted), "{words:?}: {said}");
    }
    let torn = printed(&server, &["frameworks", "teardown", &framework.id[..10]]);
    assert_eq!(torn.trim(), framework.id);
    assert_eq!(documents(&server, &["frameworks"]), Vec::<Value>::new());
}

/// As a genuine master answers to paths that it does not know.
#[test]
fn the_master_has_no_files() {
    let home = Home::new();
    let server = Server::start(&home, &["--instances", "1"]);
    for path in ["browse", "read", "download"] {
        let none = http::get(&server.mesos, &format!("/files/{path}")).expect("it is answered");
        assert_eq!(
            (none.status, none.text()),
            (400, "Expecting 'path=value' in query.\n".to_owned())
        );
        let unknown = http::get(&server.mesos, &format!("/files/{path}?path=/no/such"));
        let unknown = unknown.expect("it is answered");
        assert_eq!((unknown.status, unknown.text()), (404, String::new()));
        assert_eq!(unknown.header("content-type"), Some("text/plain; charset=utf-8"));
    }
}

#[test]
fn an_operator_has_more_logged_for_a_while() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let toggle = |query: &str| {
        let reply = http::get(&server.mesos, &format!("/logging/toggle{query}"));
        let reply = reply.expect("it is answered");
        (reply.status, reply.text())
    };
    assert_eq!(toggle(""), (200, "0\n".to_owned()));
    assert_eq!(toggle("?level=1").0, 400);
    assert_eq!(toggle("?level=1&duration=1mins"), (200, String::new()));
    assert_eq!(toggle(""), (200, "1\n".to_owned()));
    let ask = |body: &Value| {
        let json = [("Content-Type", "application/json")];
        let body = body.to_string();
        let reply = http::post(&server.mesos, "/api/v1", &json, body.as_bytes());
        let reply = reply.expect("it is answered");
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.text()
    };
    assert!(ask(&json!({"type": "GET_LOGGING_LEVEL"})).contains(r#""level":1"#));
    let set = json!({"level": 2, "duration": {"nanoseconds": 300_000_000}});
    assert_eq!(ask(&json!({"type": "SET_LOGGING_LEVEL", "set_logging_level": set})), "");
    crate::server::until("it is over", || (toggle("").1 == "0\n").then_some(()));
}

#[test]
fn a_browser_of_any_age_does_not_set_the_log_level_by_following_a_link() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let ask = |line: &str, header: &str| {
        let head = format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}");
        http::raw(&server.mesos, format!("{head}\r\n\r\n").as_bytes()).expect("it is answered")
    };
    let (old, path) = ("User-Agent: Mozilla/4.0", "/logging/toggle?level=1&duration=1mins");
    for header in [old, "Accept-Language: en", "Sec-Fetch-Site: none", "Referer: http://localhost/"]
    {
        assert_eq!(ask(&format!("GET {path}"), header).status, 403, "{header}");
    }
    let now = ask("GET /logging/toggle", old);
    assert_eq!((now.status, now.text()), (200, "0\n".to_owned()), "it may look");
    assert_eq!(ask(&format!("GET {path}"), "User-Agent: curl/8.5.0").status, 200);
    assert_eq!(ask("GET /logging/toggle", old).text(), "1\n");
    let post = ask("POST /logging/toggle?level=2&duration=1mins", old);
    assert_eq!(post.status, 200, "as every other change");
    assert_eq!(ask("GET /logging/toggle?level=1&duration=2days", "A: b").status, 400);
    assert_eq!(ask("GET /logging/toggle?level=9&duration=1mins", "A: b").status, 400);
}

/// The agents of a master by id: what `longshore agents` says of each.
fn standing(server: &Server) -> Vec<(String, String)> {
    let of = |agent: &Value, what: &str| agent[what].as_str().expect("it is text").to_owned();
    let agents = documents(server, &["agents"]);
    agents.iter().map(|agent| (of(agent, "agent"), of(agent, "status"))).collect()
}

#[test]
fn agents_are_taken_out_of_use_and_stay_so_when_the_master_is_started_again() {
    let home = Home::new();
    let mut server = Server::start(&home, &["--instances", "3"]);
    let info = json!({"name": "one", "failover_timeout": 60.0,
        "capabilities": [{"type": "PARTITION_AWARE"}]});
    let mut framework = Framework::subscribe(&server.mesos, &info);
    framework.launch("t1", "sleep 1000");
    let running = framework.state("t1", "TASK_RUNNING");
    let busy = running["agent_id"]["value"].as_str().expect("it has an agent").to_owned();
    let others: Vec<String> =
        standing(&server).into_iter().map(|(id, _)| id).filter(|id| *id != busy).collect();
    assert_eq!(others.len(), 2);
    let (code, _, said) = longshore(&server, &["agents", "drain", "nosuch"]);
    assert_eq!(code, Some(3), "{said}");
    printed(&server, &["agents", "drain", &busy[..12]]);
    let killed = framework.state("t1", "TASK_KILLED");
    assert_eq!(killed["reason"], "REASON_AGENT_DRAINING");
    printed(&server, &["agents", "deactivate", &others[0]]);
    printed(&server, &["agents", "gone", &others[1]]);
    let mut wanted =
        vec![(busy.clone(), "drained".to_owned()), (others[0].clone(), "deactivated".to_owned())];
    wanted.sort();
    let settled = |server: &Server| {
        crate::server::until("all agents are as they were decided to be", || {
            let mut seen = standing(server);
            seen.sort();
            (seen == wanted).then_some(())
        });
    };
    settled(&server);
    server.kill();
    let server = Server::start(&home, &["--instances", "3"]);
    settled(&server);
    for agent in [&busy, &others[0]] {
        printed(&server, &["agents", "activate", agent]);
    }
    assert!(standing(&server).iter().all(|(_, status)| status == "active"));
}
