//! What stands in answers, beside their form.

use longshore_bridge::operator::{ReadModel, StatusView};
use longshore_machine::Timestamp;
use longshore_operator::{Asked, Call, OperatorCall, Request, event, page, prometheus, v1};
use longshore_wire_mesos::v1::TaskState;
use longshore_wire_mesos::v1::master::{Event, Response};
use longshore_wire_mesos::{Media, Message};
use serde_json::{Value, json};

use crate::fixture::{self, BUSY, FRAMEWORK, NOW};

fn page_of(model: &ReadModel, path: &str) -> Value {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let asked = Asked::of(path, Some(query)).expect("it is right").expect("it is a page");
    let mut body = Vec::new();
    page::render(&model.snapshot(), &asked, NOW, &[], &mut body).expect("it is written");
    serde_json::from_slice(&body).expect("it is JSON")
}

fn ids(page: &Value) -> Vec<&str> {
    let tasks = page["tasks"].as_array().expect("a list").iter();
    tasks.map(|task| task["id"].as_str().expect("an id")).collect()
}

/// \[P4\]
#[test]
fn tasks_are_sorted_by_their_first_status_and_cut() {
    let model = fixture::tasks();
    let newest_first = ["run1", "ok", "bad", "run2"];
    for query in ["", "?order=desc", "?order=sideways", "?limit=x"] {
        assert_eq!(ids(&page_of(&model, &format!("/tasks{query}"))), newest_first, "{query}");
    }
    for (query, wanted) in [
        ("?order=asc", &["run2", "bad", "ok", "run1"][..]),
        ("?limit=2&offset=1&order=asc", &["bad", "ok"]),
        ("?limit=1", &["run1"]),
        ("?limit=0", &[]),
        ("?task_id=ok", &["ok"]),
        ("?task_id=nosuch", &[]),
        ("?framework_id=nosuch", &[]),
    ] {
        assert_eq!(ids(&page_of(&model, &format!("/tasks{query}"))), wanted, "{query}");
    }
}

/// \[P4\]
#[test]
fn a_task_out_of_reach_stands_apart_and_holds_nothing() {
    let mut model = fixture::tasks();
    let status = fixture::status(TaskState::TaskUnreachable, 5.0, None);
    let status = StatusView { unreachable_at: Some(NOW), container: None, ..status };
    model.put_status(FRAMEWORK, "run1", status);
    assert_eq!(model.audit(), Vec::<String>::new());
    let state = page_of(&model, "/state");
    let framework = &state["frameworks"][0];
    assert_eq!(framework["tasks"].as_array().map(Vec::len), Some(1));
    assert_eq!(framework["unreachable_tasks"][0]["id"], "run1");
    // The other task, and the executor of its group.
    assert_eq!(framework["used_resources"]["cpus"], 0.2);
    let summary = page_of(&model, "/state-summary");
    assert_eq!(summary["frameworks"][0]["TASK_UNREACHABLE"], 1);
    assert_eq!(page_of(&model, "/metrics/snapshot")["master/tasks_unreachable"], 1.0);
}

/// \[P4\] \[P5\]
#[test]
fn a_summary_counts_by_framework_and_by_agent() {
    let summary = page_of(&fixture::tasks(), "/state-summary");
    let agents = summary["slaves"].as_array().expect("a list");
    let busy = agents.iter().find(|agent| agent["id"] == BUSY).expect("it is there");
    for one in [busy, &summary["frameworks"][0]] {
        for (state, tasks) in [("RUNNING", 2), ("FINISHED", 1), ("FAILED", 1), ("LOST", 0)] {
            assert_eq!(one[format!("TASK_{state}")], tasks, "{state}");
        }
    }
    assert_eq!(busy["framework_ids"], json!([FRAMEWORK]));
    assert_eq!(summary["frameworks"][0]["slave_ids"], json!([BUSY]));
    assert_eq!(busy["used_resources"]["ports"], "[31000-31001]");
}

/// \[P6\]
#[test]
fn metrics_are_the_same_for_prometheus_and_each_name_stands_once_together() {
    let model = fixture::tasks();
    let mut text = Vec::new();
    prometheus(&model.snapshot(), NOW, &[], &mut text).expect("it is written");
    let text = String::from_utf8(text).expect("it is text");
    for line in [
        "mesos_master_tasks_running 2",
        "mesos_master_uptime_secs 60",
        "mesos_allocator_quota_limit{role=\"batch\",resource=\"mem\"} 1024",
        "mesos_master_framework_tasks_terminal_task_failed{framework=\"golden\",framework_id=\"<master-id>-0000\"} 1",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}");
    }
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let unique: std::collections::BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(names.len(), unique.len());
    let json = page_of(&model, "/metrics/snapshot");
    let lines = text.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(json.as_object().map(serde_json::Map::len), Some(lines));
}

fn read(body: &str, accept: &str) -> Request {
    let request = Request::read("POST", Some("application/json"), Some(accept), body.as_bytes());
    request.expect("it reads")
}

/// \[P2\]
#[test]
fn protobuf_says_what_json_says() {
    let view = fixture::tasks().snapshot();
    let answer = |of: &str| {
        let body = format!(r#"{{"type":"{of}"}}"#);
        let request = read(&body, "application/x-protobuf");
        let Call::Read(call) = request.call else { panic!("it reads") };
        let mut out = Vec::new();
        v1::answer(&view, call, request.media, NOW, &[], &mut out).expect("it is written");
        out
    };
    // As a genuine master answered.
    assert_eq!(answer("GET_HEALTH"), [0x08, 0x01, 0x12, 0x02, 0x08, 0x01]);
    let state = Response::decode(&*answer("GET_STATE")).expect("it is protobuf");
    let state = state.get_state.expect("set");
    let (tasks, agents) = (state.get_tasks.expect("set"), state.get_agents.expect("set"));
    assert_eq!((tasks.tasks.len(), tasks.completed_tasks.len(), agents.agents.len()), (2, 2, 2));
}

/// \[P1\]
#[test]
fn a_stream_begins_with_the_state_in_either_encoding() {
    let view = fixture::tasks().snapshot();
    for media in [Media::Json, Media::Protobuf] {
        // Once to count, once to send: a view does not change.
        let (mut counted, mut sent) = (Vec::new(), Vec::new());
        v1::subscribed(&view, media, &mut counted).expect("it is written");
        v1::subscribed(&view, media, &mut sent).expect("it is written");
        assert_eq!(counted, sent);
    }
    let mut first = Vec::new();
    v1::subscribed(&view, Media::Protobuf, &mut first).expect("it is written");
    let first = Event::decode(&*first).expect("it is protobuf").subscribed.expect("set");
    assert_eq!(first.heartbeat_interval_seconds, Some(15.0));
    assert_eq!(event::encode(&event::heartbeat(), Media::Json), br#"{"type":"HEARTBEAT"}"#);
    let gone = event::agent_removed(&BUSY.into());
    assert_eq!(
        event::encode(&gone, Media::Json),
        br#"{"type":"AGENT_REMOVED","agent_removed":{"agent_id":{"value":"<master-id>-S1"}}}"#
    );
}

#[test]
fn a_framework_that_came_back_says_since_when() {
    let mut model = fixture::empty();
    let mut framework = fixture::framework(FRAMEWORK, "golden");
    framework.reregistered_at = Timestamp::from_millis(1_700_000_001_000);
    model.put_framework(framework);
    let page = page_of(&model, "/frameworks?framework_id=<master-id>-0000");
    assert_eq!(page["frameworks"][0]["reregistered_time"], 1_700_000_001.0);
}

#[test]
fn whether_a_call_can_be_done_is_said_early() {
    let mut model = fixture::tasks();
    let status = |model: &ReadModel, body: &str| {
        let Call::Write(call) = read(body, "*/*").call else { panic!("it writes") };
        let checked = OperatorCall::check(&call, &model.snapshot());
        checked.map_or_else(|refusal| refusal.status, |()| 200)
    };
    let gone = r#"{"type":"MARK_AGENT_GONE","mark_agent_gone":{"agent_id":{"value":"nosuch"}}}"#;
    assert_eq!(status(&model, gone), 404);
    model.mark_gone(&"nosuch".into());
    assert_eq!(status(&model, gone), 200, "it may be said again");
    for (guarantee, force, wanted) in [(8.0, false, 400), (7.0, false, 200), (900.0, true, 200)] {
        // Another role has one of the eight already.
        let body = format!(
            r#"{{"type":"UPDATE_QUOTA","update_quota":{{"force":{force},"quota_configs":[{{"role":"huge",
                "guarantees":{{"cpus":{{"value":{guarantee}}}}}}}]}}}}"#
        );
        assert_eq!(status(&model, &body), wanted, "{guarantee}");
    }
    let stop = r#"{"type":"STOP_MAINTENANCE","stop_maintenance":{"machines":[{"hostname":"a"}]}}"#;
    assert_eq!(status(&model, stop), 400);
}
