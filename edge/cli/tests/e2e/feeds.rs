//! A master that follows the events of its cluster, and its behaviour when they stop.

use std::time::Duration;

use serde_json::{Value, json};

use crate::framework::Framework;
use crate::http;
use crate::server::{Home, Master, Server, refused, until};

/// The name of the master's queue and rule in a local cluster.
const NAME: &str = "longshore-default";

/// Mesos writes all numbers of its metrics as doubles.
fn metric(mesos: &str, name: &str) -> f64 {
    let page = http::get(mesos, "/metrics/snapshot").expect("the master answers").json();
    page[name].as_f64().unwrap_or_else(|| panic!("no {name} in {page}"))
}

fn hears(mesos: &str) -> Option<()> {
    (metric(mesos, "longshore/events_arrive") > 0.0).then_some(())
}

/// Calls an operation of EventBridge or SQS, which must succeed.
fn aws(server: &Server, target: &str, body: &Value) -> Value {
    let headers = [("X-Amz-Target", target), ("Content-Type", "application/x-amz-json-1.1")];
    let reply = http::post(&server.ecs, "/", &headers, body.to_string().as_bytes());
    let reply = reply.expect("the program answers");
    assert_eq!(reply.status, 200, "{target} {body}: {}", reply.text());
    if reply.text().is_empty() { Value::Null } else { reply.json() }
}

fn queue_url(server: &Server) -> Value {
    aws(server, "AmazonSQS.GetQueueUrl", &json!({"QueueName": NAME}))["QueueUrl"].clone()
}

fn finishes(framework: &mut Framework, task: &str) {
    framework.launch(task, "true");
    framework.state(task, "TASK_FINISHED");
}

fn info() -> Value {
    json!({"name": "follower", "failover_timeout": 600.0})
}

#[test]
fn a_local_master_follows_events_while_a_framework_is_there() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let rules = || aws(&server, "AWSEvents.ListRules", &json!({}))["Rules"].clone();
    assert_eq!(rules(), json!([]), "nobody is there to be told");
    let mut framework = Framework::subscribe(&server.mesos, &info());
    until("events arrive", || hears(&server.mesos));
    assert_eq!(rules()[0]["State"], "ENABLED");
    let before = metric(&server.mesos, "longshore/events");
    finishes(&mut framework, "one");
    assert!(metric(&server.mesos, "longshore/events") > before);
}

#[test]
fn a_queue_that_is_deleted_is_made_again_and_nothing_is_lost_meanwhile() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let mut framework = Framework::subscribe(&server.mesos, &info());
    until("events arrive", || hears(&server.mesos));
    aws(&server, "AmazonSQS.DeleteQueue", &json!({"QueueUrl": queue_url(&server)}));
    finishes(&mut framework, "meanwhile");
    until("it says so", || server.said().contains("cannot receive events").then_some(()));
    // As with AWS, the name of a deleted queue is reserved for a minute.
    finishes(&mut framework, "in that minute");
    std::thread::sleep(Duration::from_secs(55));
    until("events arrive again", || hears(&server.mesos));
    finishes(&mut framework, "after");
    for why in ["NonExistentQueue", "QueueDeletedRecently"] {
        assert!(server.said().matches(why).count() <= 1, "{why} is said again: {}", server.said());
    }
}

#[test]
fn a_rule_that_is_switched_off_delays_and_loses_nothing() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let mut framework = Framework::subscribe(&server.mesos, &info());
    until("events arrive", || hears(&server.mesos));
    aws(&server, "AWSEvents.DisableRule", &json!({"Name": NAME}));
    finishes(&mut framework, "one");
    until("it says so", || server.said().contains("do not arrive").then_some(()));
    finishes(&mut framework, "two");
    aws(&server, "AWSEvents.EnableRule", &json!({"Name": NAME}));
    finishes(&mut framework, "three");
    until("events arrive again", || hears(&server.mesos));
}

#[test]
fn messages_that_are_no_events_are_told_of_and_harm_nobody() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let mut framework = Framework::subscribe(&server.mesos, &info());
    until("events arrive", || hears(&server.mesos));
    for body in
        ["hello", "{}", r#"{"detail-type":"ECS Task State Change","detail":{"version":"x"}}"#]
    {
        let message = json!({"QueueUrl": queue_url(&server), "MessageBody": body});
        aws(&server, "AmazonSQS.SendMessage", &message);
    }
    until("it says so", || server.said().contains("not an ECS event").then_some(()));
    finishes(&mut framework, "one");
    assert_eq!(hears(&server.mesos), Some(()));
}

#[test]
fn serve_makes_its_queue_or_takes_one_that_is_there() {
    let home = Home::new();
    let server = Server::start(&home, &["--without-events"]);
    let endpoint = format!("http://{}", server.ecs);
    let master = Master::start_with(&home, &endpoint, &["--make-queue"]);
    let mut framework = Framework::subscribe(&master.mesos, &info());
    until("events arrive", || hears(&master.mesos));
    finishes(&mut framework, "one");
    drop(framework);
    drop(master);
    let master = Master::start_with(&home, &endpoint, &["--queue", NAME]);
    let mut framework = Framework::subscribe(&master.mesos, &json!({"name": "another"}));
    until("events arrive", || hears(&master.mesos));
    finishes(&mut framework, "two");
}

#[test]
fn serve_reads_its_cluster_when_there_is_no_such_queue() {
    let home = Home::new();
    let server = Server::start(&home, &["--without-events"]);
    let endpoint = format!("http://{}", server.ecs);
    let master = Master::start_with(&home, &endpoint, &["--queue", "nowhere"]);
    let mut framework = Framework::subscribe(&master.mesos, &info());
    finishes(&mut framework, "one");
    until("it says so", || master.said().contains("cannot find the queue").then_some(()));
    assert_eq!(hears(&master.mesos), None);
    drop(server);
    let (code, said) = refused(&home, &["--queue", "q"]);
    assert_eq!(code, Some(2), "a local ECS makes its own queue: {said}");
}
