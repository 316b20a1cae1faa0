//! Blox: an environment on many instances, the stream of changes, and a start after a crash.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::api::rate;
use crate::http::Connection;
use crate::program::Program;
use crate::report;
use crate::scheduler::{Scheduler, shown, until};

const INSTANCES: u32 = 5_000;
/// Figures beyond this are meaningless.
const PATIENCE: Duration = Duration::from_mins(5);
/// From the first change that a reader of the stream is told to the last one that counts.
const STREAMED: Duration = Duration::from_secs(5);

pub(crate) fn run() -> Result<()> {
    let program = Program::start(INSTANCES, "simulated")?;
    let mut ecs = Connection::open(&program.ecs)?;
    for _ in 0..2 {
        let definition = r#"{"family":"bench","containerDefinitions":[{"name":"main","image":"x","cpu":10,"memory":10}]}"#;
        ecs.call("RegisterTaskDefinition", definition)?;
    }
    let endpoint = format!("http://{}", program.ecs);
    let mut blox = Scheduler::start(&[
        "blox",
        "serve",
        "--endpoint",
        &endpoint,
        "--region",
        "us-east-1",
        "--make-queue",
        "--blox-listen",
        "127.0.0.1:0",
        "--cluster-state-listen",
        "127.0.0.1:0",
    ])?;
    let mut state = blox.open("clusterState")?;
    until("all instances are seen", Instant::now(), PATIENCE, || Ok(sees_all(&mut state)))?;
    let mut scheduler = blox.open("blox")?;
    let cluster = ecs.call("DescribeClusters", "{}")?["clusters"][0]["clusterArn"].take();
    let new =
        json!({"name": "e", "instanceGroup": {"cluster": cluster}, "taskDefinition": "bench:1"});
    scheduler.ask("POST", "/v1/environments", &new.to_string())?;
    report(
        "Blox: an environment on 5,000 instances, deployed",
        &shown(deploys(&mut scheduler)?),
        "10 s",
    );
    let change = json!({"taskDefinition": "bench:2"});
    scheduler.ask("PUT", "/v1/environments/e", &change.to_string())?;
    report("  its next deployment, rolling", &shown(deploys(&mut scheduler)?), "");
    let tasks = many(&mut state, "/v1/tasks?status=RUNNING")?;
    ensure!(tasks == INSTANCES as usize, "{tasks} tasks run");
    let began = Instant::now();
    blox.crash()?;
    let mut state = blox.open("clusterState")?;
    let took =
        until("all instances are known again", began, PATIENCE, || Ok(sees_all(&mut state)))?;
    report("  rebuilt after kill -9", &shown(took), "2 s");
    streams(&program, &blox.address("clusterState")?)
}

/// Whether all instances are in the list, which is refused until clusters were read.
fn sees_all(state: &mut Connection) -> bool {
    many(state, "/v1/instances").is_ok_and(|many| many == INSTANCES as usize)
}

/// How many entries a list has.
fn many(state: &mut Connection, path: &str) -> Result<usize> {
    Ok(state.read(path)?["items"].as_array().map_or(0, Vec::len))
}

/// Deploys what the environment says, and waits until that is completed.
fn deploys(scheduler: &mut Connection) -> Result<Duration> {
    let environment = scheduler.read("/v1/environments/e")?;
    let token = environment["deploymentToken"].as_str().context("an environment has a token")?;
    let began = Instant::now();
    let path = format!("/v1/environments/e/deployments?deploymentToken={token}");
    let deployment: serde_json::Value = serde_json::from_slice(&scheduler.ask("POST", &path, "")?)?;
    let id = deployment["id"].as_str().context("a deployment has an id")?;
    let path = format!("/v1/environments/e/deployments/{id}");
    until(
        "it is completed",
        began,
        PATIENCE,
        || Ok(scheduler.read(&path)?["status"] == "completed"),
    )
}

/// Changes that a reader of the stream is told, while tasks are started as fast as ECS takes them.
fn streams(program: &Program, state: &str) -> Result<()> {
    let mut stream = TcpStream::connect(state)?;
    write!(stream, "GET /v1/stream/tasks HTTP/1.1\r\nHost: {state}\r\n\r\n")?;
    let (told, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (counted, stopped) = (told.clone(), stop.clone());
    let reader = std::thread::spawn(move || {
        // A change is a line of JSON; lines of chunks and heads are not.
        for line in BufReader::with_capacity(1 << 20, stream).lines().map_while(Result::ok) {
            counted.fetch_add(u64::from(line.starts_with('{')), Ordering::Relaxed);
            if stopped.load(Ordering::Relaxed) {
                return;
            }
        }
    });
    let run = vec![r#"{"taskDefinition":"bench","count":10}"#.to_owned()];
    // What they made waits in the queue, longer than is measured.
    let tasks = rate(&program.ecs, "RunTask", run)?;
    let (before, began) = (told.load(Ordering::Relaxed), Instant::now());
    std::thread::sleep(STREAMED);
    let after = told.load(Ordering::Relaxed);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let rate = (after - before) as f64 / began.elapsed().as_secs_f64();
    report("  changes told to a reader of the stream, events/s", &format!("{rate:.0}"), "10000");
    ensure!(!reader.is_finished(), "the reader was cut off");
    report(
        "    while waiting: tasks that were run before, tasks/s",
        &format!("{:.0}", tasks * 10.0),
        "",
    );
    stop.store(true, Ordering::Relaxed);
    Ok(())
}
