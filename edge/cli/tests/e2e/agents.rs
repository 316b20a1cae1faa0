//! What instances tell of their tasks as Mesos agents.

use serde_json::{Value, json};

use crate::http;
use crate::server::{Home, Server, until};

/// Runs a command as a task of a framework would run, in a sandbox; returns the ARN.
fn run(server: &Server, id: &str, script: &str) -> String {
    let variable = |name: &str, value: &str| json!({"name": name, "value": value});
    let container = json!({
        "name": "main", "image": "none", "cpu": 1, "memory": 6, "stopTimeout": 5, "command": ["sh", "-c", script],
        "environment": [variable("MESOS_FRAMEWORK_ID", "f"), variable("MESOS_TASK_ID", id)],
        "mountPoints": [{"sourceVolume": "sandbox", "containerPath": "/mnt/mesos/sandbox"}],
    });
    let definition = json!({"family": id, "containerDefinitions": [container], "volumes": [{"name": "sandbox"}]});
    server.ecs("RegisterTaskDefinition", &definition);
    server.run(id)
}

/// What the only agent says of a task that is over.
fn told(server: &Server, id: &str) -> Option<Value> {
    let slaves = http::get(&server.mesos, "/slaves").expect("the master answers").json();
    let pid = slaves["slaves"][0]["pid"].as_str().expect("there is an agent").to_owned();
    let agent = pid.rsplit('@').next().expect("a split has a last part");
    let state = http::get(agent, "/state").expect("the agent answers").json();
    let both = |of: &Value, names: [&str; 2]| {
        let lists = names.map(|name| of[name].as_array().cloned().unwrap_or_default());
        lists.concat()
    };
    let frameworks = both(&state, ["frameworks", "completed_frameworks"]);
    let executors =
        frameworks.iter().flat_map(|one| both(one, ["executors", "completed_executors"]));
    let tasks = executors.flat_map(|one| both(&one, ["completed_tasks", "none"]));
    tasks.into_iter().find(|task| task["id"] == id)
}

#[test]
fn an_agent_tells_a_kill_of_tasks_that_were_to_stop_and_of_no_others() {
    let home = Home::new();
    let server = Server::start(&home, &["--instances", "1"]);
    let crashed = run(&server, "crashed", "kill -KILL $$");
    server.wait(&crashed, "STOPPED");
    let stopped = run(&server, "stopped", "exec sleep 600");
    server.wait(&stopped, "RUNNING");
    server.ecs("StopTask", &json!({"task": stopped}));
    server.wait(&stopped, "STOPPED");
    for (id, state) in [("crashed", "TASK_FAILED"), ("stopped", "TASK_KILLED")] {
        let task = until("the agent tells its end", || told(&server, id));
        assert_eq!(task["state"], state, "{task}");
    }
}
