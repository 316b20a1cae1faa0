//! The event feed, over HTTP and through the command line.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};

use longshore_wire_ecs::feed::{self, Frame};
use serde_json::{Value, json};

use crate::http::{self, Stream};
use crate::server::{DEADLINE, Home, Server, until};

const PATH: &str = "/longshore/v1/events";
const SIMULATED: [&str; 4] = ["--instances", "1", "--instance-runtime", "1=simulated"];

/// A reader of the feed.
struct Reader {
    stream: Stream,
    frames: feed::Reader,
}

impl Reader {
    fn open(server: &Server, query: &str) -> Self {
        let stream = Stream::get(&server.ecs, &format!("{PATH}{query}"));
        Self { stream: stream.expect("it is a feed"), frames: feed::Reader::default() }
    }

    /// The next frame; `None` once the feed has ended.
    fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.frames.next_frame().expect("it is a feed") {
                return Some(frame);
            }
            self.frames.push(&self.stream.chunk()?);
        }
    }

    fn event(&mut self) -> Value {
        let frame = self.next().expect("the feed goes on");
        serde_json::from_str(&frame.data).expect("an event is JSON")
    }
}

/// The error of a rejected feed.
fn refused(server: &Server, query: &str) -> (u16, String) {
    match Stream::get(&server.ecs, &format!("{PATH}{query}")) {
        Ok(_) => panic!("it is a feed: {query}"),
        Err(reply) => (reply.status, reply.text()),
    }
}

/// Puts custom events on the bus, with a detail of that size.
fn put(server: &Server, count: usize, bytes: usize) {
    let entry = json!({"Source": "my.app", "DetailType": "Hello", "Detail": json!({"pad": "x".repeat(bytes)}).to_string()});
    let body = json!({"Entries": vec![entry; count]}).to_string();
    let headers =
        [("X-Amz-Target", "AWSEvents.PutEvents"), ("Content-Type", "application/x-amz-json-1.1")];
    let reply = http::post(&server.ecs, "/", &headers, body.as_bytes()).expect("it is answered");
    assert_eq!((reply.status, &reply.json()["FailedEntryCount"]), (200, &json!(0)));
}

/// Runs a short task.
fn brief(server: &Server) -> String {
    let environment = json!([{"name": "LONGSHORE_SIM_RUN_MS", "value": "50"}, {"name": "LONGSHORE_SIM_EXIT_CODE", "value": "3"}]);
    let container =
        json!({"name": "main", "image": "none", "memory": 6, "environment": environment});
    let body = json!({"family": "brief", "containerDefinitions": [container]});
    server.ecs("RegisterTaskDefinition", &body);
    server.run("brief")
}

/// The running command, with its output lines.
struct Followed {
    child: Child,
    lines: Receiver<String>,
}

impl Followed {
    /// Starts the command, and waits until the server knows about it: later events are not missed.
    fn start(server: &Server, words: &[&str]) -> Self {
        let mut child = command(server, words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let (tell, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                // The test may have finished already.
                let _ = tell.send(line);
            }
        });
        Self { child, lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(DEADLINE).expect("there is another line")
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent =
            Command::new("kill").args([name, &id]).status().expect("there is a kill command");
        assert!(sent.success());
    }

    /// The exit code, and the messages on standard error.
    fn ended(mut self) -> (Option<i32>, String) {
        let status = until("it ends", || self.child.try_wait().expect("it is our child"));
        let mut said = String::new();
        let mut stderr = self.child.stderr.take().expect("it is piped");
        stderr.read_to_string(&mut said).expect("messages are text");
        (status.code(), said)
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(server: &Server, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_longshore"));
    command
        .arg("events")
        .args(words)
        .args(["--endpoint", &format!("http://{}", server.ecs)])
        .env_remove("AWS_ECS_CLUSTER")
        .env_remove("AWS_ACCESS_KEY_ID");
    command
}

/// Waits until the command reads: puts custom events on the bus until one of them appears.
fn heard(server: &Server, followed: &Followed) {
    until("it follows", || {
        put(server, 1, 1);
        followed.lines.recv_timeout(std::time::Duration::from_millis(100)).ok()
    });
    // Skips the remaining ones.
    while followed.lines.recv_timeout(std::time::Duration::from_millis(200)).is_ok() {}
}

#[test]
fn a_reader_is_told_the_life_of_a_task_as_the_api_shows_it() {
    let home = Home::new();
    let server = Server::start(&home, &SIMULATED);
    let mut reader = Reader::open(
        &server,
        "?pattern=%7B%22detail-type%22%3A%5B%22ECS%20Task%20State%20Change%22%5D%7D",
    );
    let task = brief(&server);
    let mut versions = Vec::new();
    let mut statuses = Vec::new();
    while statuses.last().is_none_or(|status| status != "STOPPED") {
        let event = reader.event();
        assert_eq!(event["resources"], json!([task]));
        assert_eq!(
            (&event["source"], &event["account"]),
            (&json!("aws.ecs"), &json!("000000000000"))
        );
        versions.push(event["detail"]["version"].as_i64().expect("a version"));
        statuses.push(event["detail"]["lastStatus"].as_str().expect("a status").to_owned());
        let shown = server.task(&task)["version"].as_i64().expect("a version");
        assert!(
            shown >= *versions.last().expect("one was pushed"),
            "nobody is told what is not stored"
        );
    }
    statuses.dedup();
    assert_eq!(statuses, ["PENDING", "RUNNING", "STOPPED"]);
    assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
}

#[test]
fn a_reader_of_a_cluster_is_told_of_no_other() {
    let home = Home::new();
    let server = Server::start(&home, &SIMULATED);
    let arn = "arn:aws:ecs:us-east-1:000000000000:cluster/default";
    let mut here = Reader::open(&server, &format!("?cluster={arn}"));
    let mut elsewhere = Reader::open(&server, "?cluster=other");
    put(&server, 1, 1);
    brief(&server);
    assert_eq!(here.event()["source"], "aws.ecs");
    server.ecs("CreateCluster", &json!({"clusterName": "other"}));
    let resources = json!([{"name": "CPU", "type": "INTEGER", "integerValue": 1}, {"name": "MEMORY", "type": "INTEGER", "integerValue": 1}]);
    let register = json!({"cluster": "other", "totalResources": resources});
    server.ecs("RegisterContainerInstance", &register);
    let event = elsewhere.event();
    let resource = event["resources"][0].as_str().expect("an ARN");
    assert!(resource.contains(":container-instance/other/"), "{resource}");
}

#[test]
fn what_cannot_be_followed_is_refused_with_the_reason() {
    let home = Home::new();
    let server = Server::start(&home, &SIMULATED);
    for (query, reason) in [
        ("?pattern=%7B", "the event pattern is not valid: "),
        ("?pattern=%7B%22source%22%3A%22aws.ecs%22%7D", "the event pattern is not valid: "),
        ("?cluster=a%20b", "neither the name of a cluster"),
        ("?cluster=arn:aws:ecs:eu-west-1:000000000000:cluster/a", "another account or region"),
        ("?patern=x", "unknown field `patern`"),
        ("?pattern=a&pattern=b", "duplicate field"),
    ] {
        let (status, said) = refused(&server, query);
        assert!(status == 400 && said.contains(reason), "{query}: {status} {said}");
    }
    let keys = Home::new();
    let server = Server::start(&keys, &["--instances", "1", "--access-key", "a:b"]);
    let (status, said) = refused(&server, "");
    assert!(status >= 400 && said.contains("Missing Authentication Token"), "{status} {said}");
    let followed = Followed::start(&server, &["--follow"]);
    let (code, said) = followed.ended();
    assert_eq!(code, Some(1), "{said}");
}

#[test]
fn only_so_many_can_follow_and_one_that_leaves_makes_room() {
    let home = Home::new();
    let server = Server::start(&home, &SIMULATED);
    let mut readers: Vec<Reader> = (0..64).map(|_| Reader::open(&server, "")).collect();
    let (status, said) = refused(&server, "");
    assert!(status == 503 && said.contains("64 readers"), "{status} {said}");
    put(&server, 1, 1);
    for reader in &mut readers {
        assert_eq!(reader.event()["detail-type"], "Hello");
    }
    readers.pop();
    until("there is room again", || Stream::get(&server.ecs, PATH).ok());
}

#[test]
fn a_reader_that_lags_is_told_so_and_holds_nobody_up() {
    let home = Home::new();
    let server = Server::start(&home, &SIMULATED);
    let mut slow = Reader::open(&server, "");
    let mut quick = Reader::open(&server, "");
    let sent = 70 * 9;
    let reads = std::thread::spawn(move || {
        let mut read = 0;
        while read < sent {
            read += match quick.next().expect("the feed goes on") {
                frame if frame.kind == feed::MISSED => panic!("{}", frame.data),
                _ => 1,
            };
        }
        quick.event()
    });
    for _ in 0..70 {
        put(&server, 9, 100_000);
    }
    let task = brief(&server);
    let event = reads.join().expect("a reader that reads misses nothing");
    assert_eq!(event["source"], "aws.ecs");
    let (mut read, mut missed) = (0, 0);
    loop {
        let frame = slow.next().expect("the feed goes on");
        let data: Value = serde_json::from_str(&frame.data).expect("it is JSON");
        if frame.kind == feed::MISSED {
            missed += data["missed"].as_u64().expect("a number");
        } else if data["source"] == "my.app" {
            read += 1;
        } else if data["resources"] == json!([task]) && data["detail"]["lastStatus"] == "STOPPED" {
            break;
        }
    }
    assert!(missed > 0, "it read {read}");
    assert_eq!(read + missed, sent, "what was not read was counted");
}

#[test]
fn the_feed_ends_with_the_program() {
    let home = Home::new();
    let mut server = Server::start(&home, &SIMULATED);
    let mut reader = Reader::open(&server, "");
    let followed = Followed::start(&server, &["--follow", "--all-clusters"]);
    heard(&server, &followed);
    server.terminate();
    while let Some(frame) = reader.next() {
        assert_ne!(frame.kind, feed::MISSED);
    }
    assert_eq!(server.ended(), Some(0));
    let (code, said) = followed.ended();
    assert_eq!(code, Some(1));
    assert!(said.contains("the feed has ended"), "{said}");
}

#[test]
fn events_follow_prints_a_task_from_pending_to_stopped() {
    let home = Home::new();
    let server = Server::start(&home, &SIMULATED);
    let people = Followed::start(&server, &["--follow", "--all-clusters"]);
    heard(&server, &people);
    let machines = Followed::start(&server, &["--follow", "--all-clusters", "--json"]);
    heard(&server, &machines);
    while people.lines.try_recv().is_ok() {}
    let task = brief(&server);
    let id = task.rsplit('/').next().expect("a split has a last part");
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let line = people.line();
        if line.contains(&format!("  task      {id}  ")) {
            let status = line.split_whitespace().nth(3).expect("a status").to_owned();
            if seen.last() != Some(&status) {
                seen.push(status);
            }
            if seen.len() == 3 {
                assert!(line.contains("exit code 3  Essential container in task exited"), "{line}");
            }
        }
    }
    assert_eq!(seen, ["PENDING", "RUNNING", "STOPPED"]);
    let stopped = until("the end is told", || {
        let event: Value = serde_json::from_str(&machines.line()).expect("a line is JSON");
        (event["detail"]["lastStatus"] == "STOPPED").then_some(event)
    });
    assert_eq!(stopped["resources"], json!([task]));
    people.signal("-INT");
    assert_eq!(people.ended(), (Some(0), String::new()));
    machines.signal("-TERM");
    assert_eq!(machines.ended(), (Some(0), String::new()));
}

#[test]
fn events_ends_quietly_when_nobody_reads_what_it_prints() {
    let home = Home::new();
    let server = Server::start(&home, &SIMULATED);
    let mut followed = command(&server, &["--follow", "--all-clusters"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    drop(followed.stdout.take());
    let status = until("it ends", || {
        put(&server, 1, 1);
        followed.try_wait().expect("it is our child")
    });
    assert_eq!(status.code(), Some(0));
}

#[test]
fn without_follow_it_is_what_the_cluster_still_knows() {
    let home = Home::new();
    let server = Server::start(&home, &SIMULATED);
    let task = brief(&server);
    server.wait(&task, "STOPPED");
    let output = command(&server, &["--json"]).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    let statuses: Vec<&str> =
        lines.iter().map(|line| line["status"].as_str().expect("a status")).collect();
    assert_eq!(statuses, ["joined", "created", "RUNNING", "STOPPED"]);
    let output = command(&server, &["--cluster", "none"]).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(3));
    let output = command(&server, &["--pattern", "{}"]).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(2), "a pattern needs --follow");
}
