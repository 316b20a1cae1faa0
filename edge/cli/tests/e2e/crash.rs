//! After `kill -9`: acknowledged changes are there, running tasks are adopted, exit codes are
//! known, nothing runs twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::framework::Framework;
use crate::server::{Home, Server, call, until};

#[test]
fn a_process_that_still_runs_is_adopted_and_can_be_stopped() {
    let home = Home::new();
    let mut server = Server::start(&home, &[]);
    server.define("long", &format!("echo run >>{}; exec sleep 600", home.path("runs").display()));
    let arn = server.run("long");
    let before = server.wait(&arn, "RUNNING");
    until("the command began", || (home.lines("runs").len() == 1).then_some(()));
    let pid = home.pid(&arn).expect("the launching shell writes it before the command begins");

    server.kill();
    assert!(home.runs(pid), "a process does not end with the program");
    let server = Server::start(&home, &[]);
    let after = server.wait(&arn, "RUNNING");
    for same in ["taskArn", "startedAt", "containerInstanceArn"] {
        assert_eq!(after[same], before[same]);
    }
    assert_eq!(home.pid(&arn), Some(pid));
    assert!(home.runs(pid));

    server.ecs("StopTask", &json!({"task": arn, "reason": "enough"}));
    let stopped = server.wait(&arn, "STOPPED");
    assert_eq!(
        (&stopped["stopCode"], &stopped["stoppedReason"]),
        (&json!("UserInitiated"), &json!("enough"))
    );
    assert_eq!(stopped["containers"][0]["exitCode"], 143);
    assert!(!home.runs(pid));
    assert_eq!(home.lines("runs"), ["run"]);
}

#[test]
fn a_process_that_ended_meanwhile_is_stopped_with_its_exit_code() {
    let home = Home::new();
    let mut server = Server::start(&home, &[]);
    let gate = home.path("gate");
    server
        .define("short", &format!("until test -e {}; do sleep 0.05; done; exit 7", gate.display()));
    let arn = server.run("short");
    server.wait(&arn, "RUNNING");
    let pid = until("its process id is known", || home.pid(&arn));

    server.kill();
    fs::write(gate, "").expect("the directory can be written");
    until("the process ended", || (!home.runs(pid)).then_some(()));
    let server = Server::start(&home, &[]);
    let task = server.wait(&arn, "STOPPED");
    assert_eq!(task["containers"][0]["exitCode"], 7, "{task}");
    assert_eq!(task["stopCode"], "EssentialContainerExited");
}

/// Runs a task to its end, kills the program, and restores the database to when the task had the
/// status `then`, as if the program had been killed before it could store the rest. Returns the
/// task as described afterwards, and how often its command ran.
fn told_before_the_end_was_written(then: &str) -> (Value, usize) {
    let home = Home::new();
    let mut server = Server::start(&home, &[]);
    let (gate, runs) = (home.path("gate"), home.path("runs"));
    let script = format!(
        "echo run >>{}; until test -e {}; do sleep 0.05; done; exit 7",
        runs.display(),
        gate.display()
    );
    server.define("short", &script);
    let arn = server.run("short");
    server.wait(&arn, "RUNNING");
    // Nothing happens now, so nothing is written during the copy.
    let database: Vec<_> = ["longshore.db", "longshore.db-wal"]
        .map(|name| {
            (
                home.state().join(name),
                fs::read(home.state().join(name)).expect("the database is there"),
            )
        })
        .into();
    fs::write(gate, "").expect("the directory can be written");
    server.wait(&arn, "STOPPED");
    server.kill();
    for (path, bytes) in database {
        fs::write(path, bytes).expect("the directory can be written");
    }
    if then == "PENDING" {
        let sql = "UPDATE task SET record = json_set(record, '$.last_status', 'PENDING', \
                   '$.containers[0].last_status', 'PENDING', '$.started_at', NULL)";
        let connection = Connection::open(home.database()).expect("the database is whole");
        assert_eq!(connection.execute(sql, []).expect("records are JSON"), 1);
    }
    let server = Server::start(&home, &[]);
    let task = server.wait(&arn, "STOPPED");
    (task, home.lines("runs").len())
}

#[test]
fn an_end_that_was_not_written_down_is_found_again_with_its_exit_code() {
    let (task, runs) = told_before_the_end_was_written("RUNNING");
    assert_eq!(task["containers"][0]["exitCode"], 7, "{task}");
    assert_eq!(runs, 1);
}

#[test]
fn a_task_that_ran_before_even_its_start_was_written_down_does_not_run_again() {
    let (task, runs) = told_before_the_end_was_written("PENDING");
    assert_eq!(runs, 1, "{task}");
    assert_eq!(task["containers"][0]["exitCode"], 7, "{task}");
}

/// Calls `RunTask` from four threads until the program is killed; returns the acknowledged tasks.
fn burst(server: &mut Server) -> BTreeSet<String> {
    let ecs = server.ecs.clone();
    let answered = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let body = json!({"taskDefinition": "burst", "count": 2});
                // The first call without an answer ends the loop.
                while let Ok(reply) = call(&ecs, "RunTask", &body) {
                    assert_eq!(reply.status, 200, "{}", reply.text());
                    let reply = reply.json();
                    let arns = reply["tasks"].as_array().into_iter().flatten();
                    let arns = arns.map(|task| {
                        task["taskArn"].as_str().expect("a task has an ARN").to_owned()
                    });
                    answered.lock().unwrap_or_else(PoisonError::into_inner).extend(arns);
                }
            });
        }
        std::thread::sleep(Duration::from_millis(300));
        server.kill();
    });
    answered.into_inner().expect("no thread panicked")
}

#[test]
fn every_task_of_a_burst_that_was_answered_for_is_there_and_none_runs_twice() {
    let home = Home::new();
    let mut server = Server::start(&home, &[]);
    // The working directory identifies a task.
    server.define("burst", &format!("pwd >>{}", home.path("runs").display()));
    let mut all = BTreeSet::new();
    for _ in 0..3 {
        let answered = burst(&mut server);
        assert!(!answered.is_empty());
        all.extend(answered);
        server = Server::start(&home, &[]);
    }
    let all: Vec<String> = all.into_iter().collect();
    until("every task is STOPPED", || {
        let mut stopped = 0;
        for some in all.chunks(100) {
            let reply = server.ecs("DescribeTasks", &json!({"tasks": some}));
            assert_eq!(reply["failures"], json!([]), "acknowledged tasks are lost");
            let tasks = reply["tasks"].as_array().expect("a list");
            stopped += tasks.iter().filter(|task| task["lastStatus"] == "STOPPED").count();
        }
        (stopped == all.len()).then_some(())
    });
    let mut runs: BTreeMap<String, usize> = BTreeMap::new();
    home.lines("runs").into_iter().for_each(|line| *runs.entry(line).or_default() += 1);
    runs.retain(|_, count| *count > 1);
    assert_eq!(runs, BTreeMap::new(), "tasks that ran more than once");
}

#[test]
fn a_task_of_a_framework_survives_and_is_told_to_the_framework_when_it_is_back() {
    let home = Home::new();
    let mut server = Server::start(&home, &[]);
    let info = json!({"name": "lasting", "failover_timeout": 600.0, "checkpoint": true});
    let mut framework = Framework::subscribe(&server.mesos, &info);
    let gate = home.path("gate");
    let script = |name: &str| format!("echo {name} >>{}; ", home.path("runs").display());
    framework.launch("meanwhile", &format!("{}sleep 0.5", script("meanwhile")));
    framework.launch(
        "later",
        &format!("{}until test -e {}; do sleep 0.05; done", script("later"), gate.display()),
    );
    framework.state("meanwhile", "TASK_RUNNING");
    framework.state("later", "TASK_RUNNING");

    server.kill();
    std::thread::sleep(Duration::from_millis(700));
    let server = Server::start(&home, &[]);
    let mut again = info.clone();
    again["id"] = json!({"value": framework.id});
    let id = framework.id.clone();
    let mut framework = Framework::subscribe(&server.mesos, &again);
    assert_eq!(framework.id, id);
    framework.state("meanwhile", "TASK_FINISHED");
    let mark = framework.mark();
    framework.must("RECONCILE", json!({"tasks": [{"task_id": {"value": "later"}}]}));
    framework.state_since(mark, "later", "TASK_RUNNING");
    fs::write(gate, "").expect("the directory can be written");
    framework.state_since(mark, "later", "TASK_FINISHED");
    let mut runs = home.lines("runs");
    runs.sort_unstable();
    assert_eq!(runs, ["later", "meanwhile"]);
    framework.must("TEARDOWN", Value::Null);
}

#[test]
fn a_program_that_is_asked_to_end_exits_with_0_and_leaves_tasks_running() {
    let home = Home::new();
    let mut server = Server::start(&home, &[]);
    server.define("long", "exec sleep 600");
    let arn = server.run("long");
    server.wait(&arn, "RUNNING");
    server.terminate();
    assert_eq!(server.ended(), Some(0), "{}", server.said());
    let pid = home.pid(&arn).expect("the launching shell wrote it");
    assert!(home.runs(pid));
    let server = Server::start(&home, &[]);
    server.wait(&arn, "RUNNING");
    assert_eq!(home.pid(&arn), Some(pid));
}
