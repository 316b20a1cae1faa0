//! Simulated changes of machines through the command line: additional instances, disconnected
//! agents, terminated instances.

use std::process::Command;

use serde_json::{Value, json};

use crate::server::{Home, Server, until};

/// Runs a command of the program against a server; returns its exit code, its output as JSON lines,
/// and its messages on standard error.
fn longshore(server: &Server, words: &[&str]) -> (Option<i32>, Vec<Value>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_longshore"))
        .arg("--json")
        .args(words)
        .args(["--endpoint", &format!("http://{}", server.ecs)])
        .env_remove("AWS_ECS_CLUSTER")
        .output()
        .expect("the binary runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    let lines = printed.lines().map(|line| serde_json::from_str(line).expect("it prints JSON"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), lines.collect(), said)
}

fn done(server: &Server, words: &[&str]) -> Vec<Value> {
    let (code, lines, said) = longshore(server, words);
    assert_eq!(code, Some(0), "{words:?}: {said}");
    lines
}

fn described(server: &Server, id: &str) -> Value {
    let body = json!({"containerInstances": [id]});
    server.ecs("DescribeContainerInstances", &body)["containerInstances"][0].clone()
}

#[test]
fn instances_are_added_with_a_type_and_attributes_and_take_tasks() {
    let home = Home::new();
    let server = Server::start(&home, &["--instances", "1", "--attribute", "stack=prod"]);
    let words = ["instances", "add", "2xt2.micro", "--attribute", "stack=test"];
    let added = done(&server, &words);
    assert_eq!(added.len(), 2);
    let id = added[0]["instance"].as_str().expect("an id");
    let instance = described(&server, id);
    assert_eq!(instance["agentConnected"], true);
    let filter =
        json!({"filter": "attribute:ecs.instance-type == t2.micro and attribute:stack == test"});
    let found = server.ecs("ListContainerInstances", &filter)["containerInstanceArns"].clone();
    assert_eq!(found.as_array().map(Vec::len), Some(2), "{found}");
    server.define("here", "exec sleep 600");
    let constraint = json!([{"type": "memberOf", "expression": "attribute:stack == test"}]);
    let run = json!({"taskDefinition": "here", "placementConstraints": constraint});
    let arn = server.ecs("RunTask", &run)["tasks"][0]["taskArn"].clone();
    server.wait(arn.as_str().expect("it was placed"), "RUNNING");
}

#[test]
fn while_an_agent_is_away_its_tasks_go_on_and_when_it_is_back_their_end_is_told() {
    let home = Home::new();
    let server = Server::start(&home, &["--instances", "1"]);
    let gate = home.path("gate");
    server
        .define("gated", &format!("until test -e {}; do sleep 0.05; done; exit 3", gate.display()));
    let arn = server.run("gated");
    let task = server.wait(&arn, "RUNNING");
    let instance = task["containerInstanceArn"].as_str().expect("it is somewhere").to_owned();
    done(&server, &["instances", "disconnect", &instance]);
    assert_eq!(described(&server, &instance)["agentConnected"], false);
    let refused = server.ecs("RunTask", &json!({"taskDefinition": "gated"}));
    assert_eq!(refused["failures"][0]["reason"], "AGENT", "{refused}");
    std::fs::write(&gate, "").expect("the directory can be written");
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(server.task(&arn)["lastStatus"], "RUNNING", "nobody has told otherwise");
    done(&server, &["instances", "connect", &instance]);
    let stopped = until("its end is told", || {
        let task = server.task(&arn);
        (task["lastStatus"] == "STOPPED").then_some(task)
    });
    assert_eq!(stopped["containers"][0]["exitCode"], 3);
}

#[test]
fn an_instance_that_dies_takes_its_tasks_with_it() {
    let home = Home::new();
    let server = Server::start(&home, &["--instances", "2"]);
    server.define("long", "exec sleep 600");
    let arn = server.run("long");
    let task = server.wait(&arn, "RUNNING");
    let pid = until("its process id is known", || home.pid(&arn));
    let instance = task["containerInstanceArn"].as_str().expect("it is somewhere").to_owned();
    done(&server, &["instances", "remove", &instance]);
    until("the process has ended", || (!home.runs(pid)).then_some(()));
    assert_eq!(server.task(&arn)["lastStatus"], "STOPPED");
    assert_eq!(described(&server, &instance)["status"], "INACTIVE");
    for action in ["remove", "drain", "connect"] {
        let (code, _, said) = longshore(&server, &["instances", action, "no-such-thing"]);
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains("there is no container instance no-such-thing"), "{said}");
    }
}

#[test]
fn an_instance_gets_the_address_of_one_that_is_gone_and_an_id_of_its_own() {
    let home = Home::new();
    let server = Server::start(&home, &["--instances", "1"]);
    let mut known = Vec::new();
    for _ in 0..3 {
        let added = done(&server, &["instances", "add", "1"]);
        let id = added[0]["instance"].as_str().expect("an id").to_owned();
        let instance = described(&server, &id);
        let attributes = instance["attributes"].as_array().expect("a list").clone();
        let hostname = attributes.iter().find(|one| one["name"] == "longshore.hostname");
        assert_eq!(hostname.expect("it has one")["value"], "127.0.1.2");
        assert!(!known.contains(&instance["ec2InstanceId"]), "{known:?}");
        known.push(instance["ec2InstanceId"].clone());
        done(&server, &["instances", "remove", &id]);
        let (code, _, said) = longshore(&server, &["instances", "connect", &id]);
        assert_ne!(code, Some(0), "it is gone: {said}");
    }
}

#[test]
fn draining_is_an_ecs_call_and_explain_says_what_it_does() {
    let home = Home::new();
    let server = Server::start(&home, &["--instances", "2"]);
    server.define("small", "exec sleep 600");
    let listed = server.ecs("ListContainerInstances", &json!({}));
    let arns = listed["containerInstanceArns"].as_array().expect("a list").clone();
    let explain = ["explain", "--task-definition", "small", "--count", "3"];
    let spread = [&explain[..], &["--constraint", "distinctInstance"]].concat();
    let (code, lines, said) = longshore(&server, &spread);
    assert_eq!((code, lines[0]["placed"].as_array().map(Vec::len)), (Some(1), Some(2)), "{said}");
    done(&server, &["instances", "drain", arns[0].as_str().expect("an ARN")]);
    let (code, lines, said) = longshore(&server, &explain);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(lines[0]["funnel"][0], json!({"check": "are ACTIVE", "passed": 1}));
    let (code, _, said) = longshore(&server, &[&explain[..], &["--strategy", "pile"]].concat());
    assert_eq!(code, Some(2));
    assert!(said.contains("binpack:memory"), "{said}");
    assert_eq!(server.ecs("ListTasks", &json!({}))["taskArns"], json!([]), "nothing was started");
}

#[test]
fn explain_says_why_a_service_finds_no_place_for_its_last_task() {
    let home = Home::new();
    let server = Server::start(&home, &["--instances", "2"]);
    server.define("lone", "exec sleep 600");
    let distinct = json!([{"type": "distinctInstance"}]);
    let service = json!({"serviceName": "web", "taskDefinition": "lone", "desiredCount": 3, "placementConstraints": distinct});
    server.ecs("CreateService", &service);
    let web = json!({"services": ["web"]});
    until("two run, and the service says that the third does not fit", || {
        let service = server.ecs("DescribeServices", &web)["services"][0].clone();
        let events = service["events"].to_string();
        let told = events.contains("was unable to place a task");
        (service["runningCount"] == 2 && told).then_some(())
    });
    let (code, lines, said) = longshore(&server, &["explain", "--service", "web"]);
    assert_eq!(code, Some(1), "one task would find no home: {said}");
    assert_eq!(lines[0]["placed"], json!([]), "{}", lines[0]);
    let refused = lines[0]["refused"].as_array().expect("a list").clone();
    assert_eq!(refused.len(), 2, "{}", lines[0]);
    for one in refused {
        assert_eq!(one["obstacles"][0]["itWouldTake"], "no task of service:web", "{one}");
    }
    done(&server, &["instances", "add", "t3.micro"]);
    until("there is room for the third", || {
        (server.ecs("DescribeServices", &web)["services"][0]["runningCount"] == 3).then_some(())
    });
    let (code, _, said) = longshore(&server, &["explain", "--service", "none"]);
    assert_ne!(code, Some(0));
    assert!(said.contains("there is no service none"), "{said}");
}
