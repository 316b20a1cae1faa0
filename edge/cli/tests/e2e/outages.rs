//! `longshore serve` in front of an endpoint that is down, slow, throttling or returns garbage:
//! frameworks get answers all the time, nothing is launched twice, and nothing is lost once the
//! endpoint is back.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::framework::{Framework, call, subscription};
use crate::http::get;
use crate::server::{Home, Master, Server, serve_refused, until};
use crate::weather::{Endpoint, Weather};

fn info() -> serde_json::Value {
    json!({"name": "weathered", "failover_timeout": 600.0, "checkpoint": true})
}

/// A cluster, an endpoint in front of it, and a master that knows only the endpoint.
fn standing(home: &Home) -> (Server, Endpoint, Master) {
    let server = Server::start(home, &[]);
    let endpoint = Endpoint::new(&server.ecs);
    let master = Master::start(home, &endpoint.url);
    (server, endpoint, master)
}

/// Number of occurrences of `what` in `said`.
fn times(said: &str, what: &str) -> usize {
    said.matches(what).count()
}

#[test]
fn while_the_endpoint_is_down_frameworks_are_told_to_come_again_and_the_operator_is_told_once() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let endpoint = Endpoint::new(&server.ecs);
    endpoint.is(Weather::Lost);
    let master = Master::start(&home, &endpoint.url);
    let reply = call(
        &master.mesos,
        "application/json",
        subscription(&info(), false).to_string().as_bytes(),
    );
    assert_eq!((reply.status, reply.text().as_str()), (503, "Master has not finished recovery"));
    until("it says so", || master.said().contains("cannot read the cluster yet").then_some(()));
    std::thread::sleep(Duration::from_secs(3));
    let said = master.said();
    assert_eq!(times(&said, "cannot read the cluster yet"), 1, "{said}");
    endpoint.is(Weather::Fair);
    let mut framework = Framework::subscribe(&master.mesos, &info());
    framework.launch("after", "true");
    framework.state("after", "TASK_FINISHED");
}

#[test]
fn a_start_whose_reply_is_lost_is_found_and_not_sent_again() {
    let home = Home::new();
    let (_server, endpoint, master) = standing(&home);
    let mut framework = Framework::subscribe(&master.mesos, &info());
    let foul = [
        ("reply-lost", Weather::ReplyLost),
        ("rubbish", Weather::Html),
        ("broken", Weather::Broken),
    ];
    for (number, (task, weather)) in foul.into_iter().enumerate() {
        endpoint.next("StartTask", &[weather]);
        framework.launch(task, &format!("echo {task} >>{}", home.path("runs").display()));
        until("it is sent", || (endpoint.asked("StartTask") == number + 1).then_some(()));
    }
    framework.state("reply-lost", "TASK_FINISHED");
    for never_heard_of in ["rubbish", "broken"] {
        let status = framework.ended(never_heard_of);
        assert_eq!(status["reason"], "REASON_INVALID_OFFERS", "{status}");
    }
    assert_eq!(endpoint.asked("StartTask"), foul.len());
    assert_eq!(home.lines("runs"), ["reply-lost"]);
}

/// A 503 does not reveal what was done, whatever its error name.
#[test]
fn a_start_that_is_answered_with_a_5xx_is_looked_for_and_never_called_an_error() {
    let home = Home::new();
    let (_server, endpoint, master) = standing(&home);
    let mut framework = Framework::subscribe(&master.mesos, &info());
    let foul = [("done", Weather::DoneUnavailable), ("not-done", Weather::Unavailable)];
    for (number, (task, weather)) in foul.into_iter().enumerate() {
        endpoint.next("StartTask", &[weather]);
        framework.launch(task, &format!("echo {task} >>{}", home.path("runs").display()));
        until("it is sent", || (endpoint.asked("StartTask") == number + 1).then_some(()));
    }
    framework.state("done", "TASK_FINISHED");
    let status = framework.ended("not-done");
    assert_eq!(status["reason"], "REASON_INVALID_OFFERS", "{status}");
    assert_eq!(endpoint.asked("StartTask"), foul.len());
    assert_eq!(home.lines("runs"), ["done"]);
}

/// An empty answer is no answer: it must not cause another registration of a definition or the loss
/// of an agent.
#[test]
fn an_answer_that_says_nothing_is_asked_for_again() {
    let home = Home::new();
    let (_server, endpoint, master) = standing(&home);
    let mut framework = Framework::subscribe(&master.mesos, &info());
    let nothing = [Weather::Empty; 3];
    endpoint.next("ListContainerInstances", &nothing);
    endpoint.next("DescribeContainerInstances", &nothing);
    endpoint.next("DescribeTaskDefinition", &nothing[..1]);
    endpoint.next("RegisterTaskDefinition", &nothing[..1]);
    let offer = framework.offer();
    framework.accept(&offer, "patient", "true");
    framework.state("patient", "TASK_FINISHED");
    let rescinded = framework.events().iter().any(|event| event["type"] == "RESCIND");
    assert!(!rescinded, "no agent was gone");
    assert_eq!(endpoint.asked("RegisterTaskDefinition"), 2);
}

#[test]
fn a_start_that_is_throttled_is_sent_again_until_it_is_taken() {
    let home = Home::new();
    let (_server, endpoint, master) = standing(&home);
    let mut framework = Framework::subscribe(&master.mesos, &info());
    endpoint.next("StartTask", &[Weather::Throttled; 3]);
    framework.launch("patient", &format!("echo run >>{}", home.path("runs").display()));
    framework.state("patient", "TASK_FINISHED");
    assert_eq!(endpoint.asked("StartTask"), 4);
    assert_eq!(home.lines("runs"), ["run"]);
}

/// One task runs throughout; its framework can reconcile it at any time, and learns about its end.
#[test]
fn nothing_is_lost_and_frameworks_are_answered_whatever_the_endpoint_answers() {
    let home = Home::new();
    let (_server, endpoint, master) = standing(&home);
    let mut framework = Framework::subscribe(&master.mesos, &info());
    let gate = home.path("gate");
    framework.launch(
        "lasting",
        &format!(
            "echo run >>{}; until test -e {}; do sleep 0.05; done; exit 4",
            home.path("runs").display(),
            gate.display()
        ),
    );
    framework.state("lasting", "TASK_RUNNING");
    let foul = [
        Weather::Lost,
        Weather::Throttled,
        Weather::Denied,
        Weather::Failing,
        Weather::Html,
        Weather::Mistyped,
        Weather::Broken,
        Weather::Empty,
        Weather::Silent,
    ];
    for weather in foul {
        endpoint.is(weather);
        std::thread::sleep(Duration::from_millis(700));
        let (mark, asked) = (framework.mark(), Instant::now());
        framework.must("RECONCILE", json!({"tasks": [{"task_id": {"value": "lasting"}}]}));
        framework.state_since(mark, "lasting", "TASK_RUNNING");
        assert!(asked.elapsed() < Duration::from_secs(1), "{weather:?}");
        assert_eq!(get(&master.mesos, "/health").expect("it listens").status, 200);
    }
    // It ends while the cluster cannot be reached.
    fs::write(gate, "").expect("the directory can be written");
    std::thread::sleep(Duration::from_millis(300));
    endpoint.is(Weather::Fair);
    let status = framework.state("lasting", "TASK_FAILED");
    assert_eq!(status["message"], "Command exited with status 4");
    framework.launch("next", "true");
    framework.state("next", "TASK_FINISHED");
    assert_eq!(home.lines("runs"), ["run"]);
    let said = master.said();
    assert!(times(&said, "\n") < 60, "the operator is not flooded: {said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn without_region_or_credentials_serve_says_what_to_set_and_ends() {
    let home = Home::new();
    let (code, said) = serve_refused(&home, &[], &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("no AWS region is configured: set AWS_REGION"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let (code, said) = serve_refused(&home, &[("AWS_REGION", "eu-west-1")], &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("no AWS credentials") && said.contains("AWS_PROFILE"), "{said}");
    assert_eq!(times(&said, "AWS_PROFILE") + times(&said, "WARN"), 1, "{said}");
}
