//! A Docker daemon that is unreachable, or fails some calls: containers that it cannot report are
//! not taken for gone.
//!
//! The daemon is the machine's own, behind a relay that can inject failures. Without a daemon, or
//! without the image of `conformance/docker_image.sh`, tests that need containers report on
//! standard error that they were skipped.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::http;
use crate::server::{Home, Server, refused_in, until};

const IMAGE: &str = "longshore/busybox:latest";
const SOCKET: &str = "/var/run/docker.sock";
/// Nobody listens there.
const NOWHERE: (&str, &str) = ("DOCKER_HOST", "tcp://127.0.0.1:1");

fn docker(words: &[&str]) -> Option<String> {
    let output = Command::new("docker").args(words).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether containers can run here; reports if not.
fn can_run() -> bool {
    let can = docker(&["image", "inspect", IMAGE]).is_some();
    if !can {
        // Bypasses the harness, which hides the output of passing tests. A failure is harmless.
        let _ =
            writeln!(std::io::stderr(), "skipped: no Docker daemon with the image {IMAGE} answers");
    }
    can
}

/// A relay to the daemon that can fail calls.
struct Relay {
    host: String,
    /// Requests whose path contains this are answered with 500.
    fails: Arc<Mutex<Option<&'static str>>>,
}

impl Relay {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let host = format!("tcp://{}", listener.local_addr().expect("it is bound"));
        let fails = Arc::new(Mutex::new(None));
        let shared = fails.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let fails = shared.clone();
                // A client that disconnects early does not matter.
                std::thread::spawn(move || drop(relay(client, &fails)));
            }
        });
        Self { host, fails }
    }

    fn fail(&self, path: Option<&'static str>) {
        *self.fails.lock().unwrap_or_else(PoisonError::into_inner) = path;
    }

    fn environment(&self) -> [(&str, &str); 1] {
        [("DOCKER_HOST", &self.host)]
    }
}

/// Forwards one request and its answer, or fails it.
fn relay(mut client: TcpStream, fails: &Mutex<Option<&'static str>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if client.read(&mut byte)? == 0 {
            return Ok(());
        }
        head.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let path = text.split(' ').nth(1).unwrap_or_default();
    let failing = *fails.lock().unwrap_or_else(PoisonError::into_inner);
    if failing.is_some_and(|part| path.contains(part)) {
        let body = r#"{"message":"the daemon is not well"}"#;
        return write!(
            client,
            "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
    }
    let mut daemon = UnixStream::connect(SOCKET)?;
    // One request per connection, so that all are checked; an upgraded connection stays open.
    let is_upgrade = text.to_lowercase().contains("upgrade");
    daemon.write_all(&head[..head.len() - 2])?;
    daemon.write_all(if is_upgrade { b"\r\n" } else { b"Connection: close\r\n\r\n" })?;
    let (mut from, mut to) = (client.try_clone()?, daemon.try_clone()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let _ = std::io::copy(&mut daemon, &mut client);
    client.shutdown(Shutdown::Both)
}

/// The containers of an instance, removed on drop.
struct Containers {
    instance: String,
}

impl Containers {
    fn ids(&self) -> Vec<String> {
        let label = format!("label=longshore.instance={}", self.instance);
        let listed = docker(&["ps", "-aq", "--no-trunc", "--filter", &label]).unwrap_or_default();
        listed.lines().map(str::to_owned).collect()
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        for id in self.ids() {
            docker(&["rm", "-f", &id]);
        }
    }
}

const ONE: [&str; 4] = ["--runtime", "docker", "--instances", "1"];

/// The instance, and the id at the end of its ARN.
fn instance(server: &Server) -> (String, Value) {
    let listed = server.ecs("ListContainerInstances", &json!({}));
    let arn = listed["containerInstanceArns"][0].as_str().expect("there is one").to_owned();
    let described =
        server.ecs("DescribeContainerInstances", &json!({"containerInstances": [&arn]}));
    let id = arn.rsplit('/').next().expect("a split has a last part").to_owned();
    (id, described["containerInstances"][0].clone())
}

#[test]
fn containers_that_cannot_be_listed_are_not_lost_and_not_started_again() {
    if !can_run() {
        return;
    }
    let (home, relay) = (Home::new(), Relay::start());
    let mut server = Server::start_in(&home, &ONE, &relay.environment());
    let containers = Containers { instance: instance(&server).0 };
    let sleeper = json!({"name": "main", "image": IMAGE, "memory": 16, "command": ["sh", "-c", "exec sleep 600"], "stopTimeout": 2});
    let body = json!({"family": "long", "containerDefinitions": [sleeper]});
    server.ecs("RegisterTaskDefinition", &body);
    let service = json!({"serviceName": "keep", "taskDefinition": "long", "desiredCount": 1});
    server.ecs("CreateService", &service);
    let arn = until("the service has started its task", || {
        server.ecs("ListTasks", &json!({}))["taskArns"][0].as_str().map(str::to_owned)
    });
    let before = server.wait(&arn, "RUNNING");
    let runtime_id = before["containers"][0]["runtimeId"].as_str().expect("it runs").to_owned();

    server.kill();
    relay.fail(Some("/containers/json"));
    let server = Server::start_in(&home, &ONE, &relay.environment());
    assert_eq!(instance(&server).1["agentConnected"], false, "{}", server.said());
    let refused = server.ecs("RunTask", &json!({"taskDefinition": "long"}));
    assert_eq!(refused["failures"][0]["reason"], "AGENT", "{refused}");
    let id = arn.rsplit('/').next().expect("a split has a last part");
    let logs = http::get(&server.ecs, &format!("/longshore/v1/tasks/{id}/logs/main"));
    let logs = logs.expect("it answers");
    assert_eq!(logs.status, 503, "{}", logs.text());
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(server.task(&arn)["lastStatus"], "RUNNING", "nobody has told otherwise");

    relay.fail(None);
    until("the agent is connected", || {
        (instance(&server).1["agentConnected"] == true).then_some(())
    });
    std::thread::sleep(Duration::from_secs(1));
    let after = server.task(&arn);
    for same in ["lastStatus", "startedAt"] {
        assert_eq!(after[same], before[same]);
    }
    assert_eq!(after["containers"][0]["runtimeId"], *runtime_id);
    assert_eq!(server.ecs("ListTasks", &json!({}))["taskArns"], json!([arn]));
    assert_eq!(containers.ids(), [runtime_id]);
    let gone = json!({"service": "keep", "force": true});
    server.ecs("DeleteService", &gone);
    server.wait(&arn, "STOPPED");
    until("the container is removed", || containers.ids().is_empty().then_some(()));
}

#[test]
fn what_could_not_be_removed_is_removed_once_the_daemon_answers() {
    if !can_run() {
        return;
    }
    let (home, relay) = (Home::new(), Relay::start());
    let server = Server::start_in(&home, &ONE, &relay.environment());
    let containers = Containers { instance: instance(&server).0 };
    let brief =
        json!({"name": "main", "image": IMAGE, "memory": 16, "command": ["sh", "-c", "sleep 1"]});
    let body = json!({"family": "brief", "containerDefinitions": [brief]});
    server.ecs("RegisterTaskDefinition", &body);
    let arn = server.run("brief");
    server.wait(&arn, "RUNNING");
    relay.fail(Some("/containers/json"));
    server.wait(&arn, "STOPPED");
    // Longer than the first attempts at a removal.
    std::thread::sleep(Duration::from_secs(8));
    assert_eq!(containers.ids().len(), 1, "it cannot be listed, and so not be removed");
    relay.fail(None);
    until("the container is removed", || containers.ids().is_empty().then_some(()));
}

#[test]
fn a_missing_bridge_is_warned_of_once_for_all_instances() {
    if !can_run() {
        return;
    }
    let (home, relay) = (Home::new(), Relay::start());
    relay.fail(Some("/networks/bridge"));
    let server =
        Server::start_in(&home, &["--runtime", "docker", "--instances", "3"], &relay.environment());
    let said = server.said();
    assert_eq!(said.matches("metadata endpoint").count(), 1, "{said}");
    assert!(said.contains("the daemon is not well"), "{said}");
}

#[test]
fn without_a_daemon_the_program_says_where_it_looked_and_what_to_do() {
    let (code, said) = refused_in(&Home::new(), &ONE, &[NOWHERE]);
    assert_eq!(code, Some(1), "{said}");
    for part in [
        "no Docker daemon responds at tcp://127.0.0.1:1",
        "Start Docker",
        "DOCKER_HOST",
        "--runtime process",
    ] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
}

#[test]
fn instances_with_docker_do_not_become_others_because_the_daemon_is_away() {
    if !can_run() {
        return;
    }
    let home = Home::new();
    drop(Server::start(&home, &ONE));
    let guessed = ["--runtime", "auto", "--instances", "1"];
    let (code, said) = refused_in(&home, &guessed, &[NOWHERE]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("ran Docker containers before"), "{said}");
    // Only an explicit flag gives them up; and processes stay processes even if there is a daemon.
    let process = ["--runtime", "process", "--instances", "1"];
    drop(Server::start_in(&home, &process, &[NOWHERE]));
    let server = Server::start(&home, &guessed);
    server.define("here", "exec sleep 600");
    let arn = server.run("here");
    server.wait(&arn, "RUNNING");
    assert!(home.pid(&arn).is_some(), "it is a process");
    server.ecs("StopTask", &json!({"task": arn}));
    server.wait(&arn, "STOPPED");
}
