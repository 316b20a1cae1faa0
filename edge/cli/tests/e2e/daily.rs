//! Everyday commands: what runs and what does not and why, by any of the names of a task.

use std::process::Command;

use serde_json::{Value, json};

use crate::server::{Home, Server, until};
use crate::terminal;

const SIMULATED: [&str; 6] =
    ["--instances", "2", "--instance-runtime", "1=simulated", "--instance-runtime", "2=simulated"];

/// Runs a command of the program against a server; returns its exit code, standard output and
/// standard error.
fn longshore(server: &Server, words: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_longshore"))
        .args(words)
        .args(["--endpoint", &format!("http://{}", server.ecs)])
        .env_remove("AWS_ECS_CLUSTER")
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

fn id(arn: &str) -> &str {
    arn.rsplit('/').next().expect("a split has a last part")
}

/// Registers a simulated container with this environment.
fn simulate(server: &Server, family: &str, environment: &[(&str, &str)]) {
    let pair = |(name, value): &(&str, &str)| json!({"name": name, "value": value});
    let environment: Vec<Value> = environment.iter().map(pair).collect();
    let ports = json!([{"containerPort": 80}]);
    let container = json!({"name": "main", "image": "none", "memory": 6, "environment": environment, "portMappings": ports});
    server.ecs(
        "RegisterTaskDefinition",
        &json!({"family": family, "containerDefinitions": [container]}),
    );
}

fn run(server: &Server, family: &str, mesos: Option<&str>) -> String {
    let variable = json!({"name": "MESOS_TASK_ID", "value": mesos.unwrap_or_default()});
    let overrides = json!({"containerOverrides": [{"name": "main", "environment": [variable]}]});
    let mut body = json!({"taskDefinition": family});
    if mesos.is_some() {
        body["overrides"] = overrides;
    }
    let reply = server.ecs("RunTask", &body);
    reply["tasks"][0]["taskArn"].as_str().expect("a task has an ARN").to_owned()
}

#[test]
fn ps_says_why_a_task_stopped() {
    let home = Home::new();
    let server = Server::start(&home, &SIMULATED);
    simulate(&server, "fails", &[("LONGSHORE_SIM_RUN_MS", "1"), ("LONGSHORE_SIM_EXIT_CODE", "3")]);
    simulate(&server, "broken", &[("LONGSHORE_SIM_START_ERROR", "no such program")]);
    for family in ["fails", "broken"] {
        let task = run(&server, family, None);
        server.wait(&task, "STOPPED");
    }
    assert_eq!(printed(&server, &["ps", "-q"]), "");
    let all = printed(&server, &["ps", "--all"]);
    let line = |part: &str| all.lines().find(|line| line.contains(part)).unwrap_or_default();
    assert!(line("fails:1").ends_with("Essential container in task exited"), "{all}");
    assert!(line("fails:1").contains("  3  "), "{all}");
    assert!(line("broken:1").contains("CannotStartContainerError: no such program"), "{all}");
    let (code, _, said) = longshore(&server, &["logs", &line("broken:1")[..8]]);
    assert_eq!(code, Some(1), "it exists, and never had any output");
    assert!(said.contains("never started") && said.contains("no such program"), "{said}");
}

#[test]
fn a_task_that_is_stopping_is_listed_until_it_is_gone() {
    let home = Home::new();
    let server = Server::start(&home, &SIMULATED);
    simulate(&server, "slow", &[("LONGSHORE_SIM_STOP_MS", "3000")]);
    let task = run(&server, "slow", None);
    server.wait(&task, "RUNNING");
    printed(&server, &["stop", id(&task)]);
    let shown = printed(&server, &["ps"]);
    assert!(
        shown.contains(id(&task)) && shown.contains("stopping") || shown.contains("STOPPING"),
        "{shown}"
    );
    let only = printed(&server, &["ps", "-q", "--status", "stopping"]);
    assert_eq!(only.trim(), id(&task));
    until("it is gone", || (!printed(&server, &["ps"]).contains(id(&task))).then_some(()));
    assert!(printed(&server, &["ps", "--all"]).contains("  143  "));
}

#[test]
fn ps_selects_by_service_family_instance_and_status() {
    let home = Home::new();
    let server = Server::start(&home, &SIMULATED);
    simulate(&server, "one", &[]);
    simulate(&server, "two", &[]);
    let service = json!({"serviceName": "web", "taskDefinition": "two", "desiredCount": 2});
    server.ecs("CreateService", &service);
    let task = run(&server, "one", None);
    let task = server.wait(&task, "RUNNING");
    let arn = task["taskArn"].as_str().expect("a task has an ARN");
    let count = |words: &[&str]| printed(&server, &[&["ps", "-q"], words].concat()).lines().count();
    until("both of the service run", || (count(&["--status", "running"]) == 3).then_some(()));
    assert_eq!(count(&["--service", "web"]), 2);
    assert_eq!(count(&["--family", "one"]), 1);
    assert_eq!(count(&["--service", "web", "--family", "one"]), 0);
    assert_eq!(count(&["--status", "stopped"]), 0);
    let instance = task["containerInstanceArn"].as_str().expect("it is somewhere");
    let here = printed(&server, &["ps", "-q", "--instance", &id(instance)[..10]]);
    assert!(here.contains(id(arn)) && here.lines().count() < 3, "{here}");
    let (code, _, said) = longshore(&server, &["ps", "--instance", "i-none"]);
    assert_eq!(code, Some(3), "{said}");
    let (code, ..) = longshore(&server, &["ps", "--no-such-flag"]);
    assert_eq!(code, Some(2));
    let table = printed(&server, &["ps"]);
    assert!(table.contains("  web  "), "{table}");
    printed(&server, &["instances", "drain", "i-00000000000000002"]);
    let drained = printed(&server, &["instances"]);
    let line = drained.lines().find(|line| line.contains("i-00000000000000002"));
    assert!(line.is_some_and(|line| line.contains("DRAINING")), "{drained}");
}

#[test]
fn a_task_goes_by_its_arn_its_id_the_beginning_of_it_or_its_mesos_id() {
    let home = Home::new();
    let server = Server::start(&home, &SIMULATED);
    simulate(&server, "long", &[]);
    let tasks: Vec<String> =
        (0..4).map(|number| run(&server, "long", Some(&format!("web.{number}")))).collect();
    for task in &tasks {
        server.wait(task, "RUNNING");
    }
    for (number, task) in tasks.iter().enumerate() {
        let mesos = format!("web.{number}");
        let word = [task.as_str(), id(task), &id(task)[..12], &mesos][number];
        let shown = printed(&server, &["stop", word]);
        assert_eq!(shown.trim(), id(task), "{word}");
    }
    let (code, _, said) = longshore(&server, &["stop", "web.9"]);
    assert_eq!(code, Some(3));
    assert!(said.contains("there is no task web.9"), "{said}");
    let (code, _, said) = longshore(&server, &["stop", ""]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("could be any of 4 tasks"), "{said}");
}

#[test]
fn tables_fit_the_terminal_and_obey_no_name() {
    let home = Home::new();
    let server = Server::start(&home, &SIMULATED);
    simulate(&server, "a-family-with-quite-a-long-name", &[]);
    let task = run(
        &server,
        "a-family-with-quite-a-long-name",
        Some("\u{1b}]0;owned\u{7}\u{1b}[31mred\nline"),
    );
    server.wait(&task, "RUNNING");
    let endpoint = format!("http://{}", server.ecs);
    for columns in [60, 80, 120] {
        for words in [&["ps", "--all"][..], &["instances"], &["task-definitions"]] {
            let seen = terminal::run(columns, 24, &[words, &["--endpoint", &endpoint]].concat());
            assert_eq!((seen.code, &*seen.wrapped), (Some(0), &[][..]), "{words:?}");
            let lines = if words[0] == "instances" { 3 } else { 2 };
            assert_eq!(seen.lines.len(), lines, "{words:?} at {columns}: {:#?}", seen.lines);
        }
    }
    let whole = printed(&server, &["ps"]);
    assert!(whole.contains(r"\u{1b}]0;owned\u{7}\u{1b}[31mred\nline"), "{whole}");
    let (_, _, said) = longshore(&server, &["run", "a\u{1b}[31mb"]);
    assert!(!said.contains('\u{1b}'), "{said:?}");
}

#[test]
fn ps_shows_on_which_port_of_the_machine_a_container_is_reached() {
    let home = Home::new();
    let server = Server::start(&home, &["--instances", "1"]);
    let port = json!([{"containerPort": 18_431}]);
    let container = json!({"name": "main", "image": "none", "memory": 6, "command": ["sleep", "600"], "portMappings": port});
    server.ecs(
        "RegisterTaskDefinition",
        &json!({"family": "listens", "containerDefinitions": [container]}),
    );
    let task = run(&server, "listens", None);
    server.wait(&task, "RUNNING");
    let table = printed(&server, &["ps"]);
    assert!(table.contains("->18431/tcp"), "{table}");
}

#[test]
fn what_does_not_exist_is_named_and_ends_with_3() {
    let home = Home::new();
    let server = Server::start(&home, &SIMULATED);
    for (words, wanted) in [
        (&["ps", "--cluster", "none"][..], "there is no cluster none in us-east-1"),
        (&["ps", "--region", "eu-west-1"], "there is no cluster default in eu-west-1"),
        (&["run", "none"], "there is no task definition none in us-east-1"),
        (&["run", "none:7", "--env", "A=b"], "there is no task definition none:7"),
        (&["explain", "--task-definition", "none"], "there is no task definition none"),
        (&["explain", "--service", "none"], "there is no service none"),
        (&["logs", "0123456789abcdef0123456789abcdef"], "there is no task"),
        (
            &["stop", "0123456789abcdef0123456789abcdef"],
            "there is no task 0123456789abcdef0123456789abcdef",
        ),
    ] {
        let (code, _, said) = longshore(&server, words);
        assert_eq!(code, Some(3), "{words:?}: {said}");
        assert!(said.contains(wanted), "{words:?}: {said}");
    }
}
