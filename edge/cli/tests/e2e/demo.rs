//! `longshore demo` as people and programs see it.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::terminal;

const DEMO: [&str; 5] = ["demo", "--ecs-listen", "127.0.0.1:0", "--mesos-listen", "127.0.0.1:0"];

fn lines_with<'l>(lines: &'l [String], part: &str) -> Vec<&'l String> {
    lines.iter().filter(|line| line.contains(part)).collect()
}

/// What the demo must have printed on any terminal.
fn assert_told(seen: &terminal::Seen) {
    assert_eq!(seen.code, Some(0), "{:#?}", seen.lines);
    assert_eq!(seen.wrapped, Vec::<String>::new());
    for once in [
        "UpdateService to web:2",
        "deployment of web:2 completed",
        "UpdateService to web:3",
        "rolling back to web:2",
        "deployment of web:3 failed",
        "RESOURCE:CPU",
        "have 8192 CPU units free",
        "6 of 6 tasks ended as expected",
    ] {
        let found = lines_with(&seen.lines, once).len();
        let wanted = if once.starts_with("deployment of web:2") { 1..=2 } else { 1..=1 };
        assert!(wanted.contains(&found), "{once}: {found} times in {:#?}", seen.lines);
    }
}

#[test]
fn on_a_terminal_no_line_wraps_and_the_table_stands_there_once() {
    for (columns, rows) in [(60, 24), (80, 24), (120, 40)] {
        let seen = terminal::run(columns, rows, &DEMO);
        assert_told(&seen);
        for task in ["hello-1", "hello-2", "hello-3", "count", "fails", "sleeper"] {
            let found = lines_with(&seen.lines, task);
            assert!(matches!(&*found, [_]), "{columns} columns: {found:#?}");
        }
        let sleeper = lines_with(&seen.lines, "sleeper")[0];
        assert!(sleeper.contains("STAGING > RUNNING > KILLED"), "{sleeper}");
    }
}

#[test]
fn on_a_terminal_that_is_too_small_for_the_table_it_is_a_log_of_lines_that_fit() {
    for (columns, rows) in [(40, 24), (80, 6)] {
        let seen = terminal::run(columns, rows, &DEMO);
        assert_eq!((seen.code, seen.wrapped), (Some(0), Vec::new()));
        assert!(lines_with(&seen.lines, "sleeper").len() >= 3, "{:#?}", seen.lines);
        assert!(lines_with(&seen.lines, "RUNS").is_empty(), "{:#?}", seen.lines);
    }
}

#[test]
fn as_json_it_has_fields_and_addresses() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_longshore"));
    command.args(DEMO).arg("--json").stdin(Stdio::null()).env_remove("AWS_ECS_ENDPOINT");
    let done = command.output().expect("the binary runs");
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let text = String::from_utf8(done.stdout).expect("JSON is text");
    let told: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    let first = |event: &str| {
        let found = told.iter().find(|one| one["event"] == event);
        found.unwrap_or_else(|| panic!("no {event} in {text}")).clone()
    };
    assert!(first("started")["mesos"].as_str().is_some_and(|url| url.starts_with("http://127.")));
    assert_eq!(first("launched")["state"], "TASK_STAGING");
    assert_eq!(first("refused")["reason"], "RESOURCE:CPU");
    assert_eq!(first("done")["ok"], true);
    assert!(told.iter().all(|one| one["seconds"].is_number() && one["event"].is_string()));
    let ended = told.iter().filter(|one| one["state"] == "TASK_FINISHED").count();
    assert_eq!(ended, 4, "{text}");
}
