//! The wall clock is changed while the program runs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::framework::Framework;
use crate::http;
use crate::server::{Home, Server, until};

const DAY_S: f64 = 86_400.0;

/// The current time of this test's clock, in s.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs_f64()
}

fn created_at(server: &Server, arn: &str) -> f64 {
    server.task(arn)["createdAt"].as_f64().expect("a task has a time")
}

#[test]
fn a_clock_that_is_set_a_day_forward_ends_nothing_and_is_what_times_are_shown_by() {
    let home = Home::new();
    let server = Server::start(&home, &["--clock-step", "5=86400"]);
    server.define("brief", "exit 0");
    let over = server.run("brief");
    server.wait(&over, "STOPPED");
    let info = json!({"name": "away", "failover_timeout": 600.0});
    let mut framework = Framework::subscribe(&server.mesos, &info);
    let launched = now();
    framework.launch("kept", "exec sleep 600");
    framework.state("kept", "TASK_RUNNING");
    let running = server.ecs("ListTasks", &json!({}))["taskArns"][0].clone();
    let running = running.as_str().expect("there is one").to_owned();
    framework.hang_up();

    let shown = until("the clock is set", || {
        let shown = created_at(&server, &running);
        (shown - now() > DAY_S / 2.0).then_some(shown)
    });
    assert!((shown - launched - DAY_S).abs() < 30.0, "launched at {launched}, shown as {shown}");
    // Long enough for anything that is due by then.
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(server.task(&running)["lastStatus"], "RUNNING", "the failover is not over");
    let frameworks = http::get(&server.mesos, "/frameworks").expect("the master answers").json();
    assert_eq!(frameworks["frameworks"][0]["name"], "away");
    assert_eq!(server.task(&over)["lastStatus"], "STOPPED", "it is visible for an hour");

    server.define("later", "exec sleep 600");
    let later = created_at(&server, &server.run("later"));
    assert!((later - now() - DAY_S).abs() < 30.0, "{later} is not by the new clock");
    assert_eq!(server.said().matches("the clock of this machine was changed").count(), 1);
}
