//! The first calls at 5,000 instances, with tasks spread over zones and instances, compared with
//! the same calls on a warm program.
//!
//! First the cost of a call in the control plane itself, in this process and in CPU time; then the
//! latency for eight clients of the program that do not wait until it has settled.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use longshore_control::{CallId, Control, Input, Output};
use longshore_machine::{Machine, Timestamp};
use longshore_wire_ecs::Request;
use longshore_wire_ecs::arn::{Realm, ResourceId};
use serde_json::{Value, json};

use crate::http::Connection;
use crate::program::Program;
use crate::report;

const INSTANCES: u32 = 5_000;
const CLIENTS: usize = 8;
/// Number of calls by all clients together that count as the first ones.
const CALLS: usize = 800;

fn body(group: &str) -> Value {
    let zones = json!({"type": "spread", "field": "attribute:ecs.availability-zone"});
    let instances = json!({"type": "spread", "field": "instanceId"});
    json!({"taskDefinition": "bench", "count": 10, "group": group, "placementStrategy": [zones, instances]})
}

fn definition() -> Value {
    let container = json!({"name": "main", "image": "x", "cpu": 10, "memory": 10});
    json!({"family": "bench", "containerDefinitions": [container]})
}

/// A control plane in this process.
struct Plane {
    control: Control,
    now: Timestamp,
    calls: u64,
}

impl Plane {
    /// Calls an operation; returns its answer and duration.
    fn call(&mut self, operation: &str, body: &Value) -> Result<(Value, Duration)> {
        let request = Request::parse(operation, body.to_string().as_bytes())?;
        self.calls += 1;
        let (call, realm) = (CallId(self.calls), Realm::new("us-east-1", "123456789012"));
        let mut out = Vec::new();
        let began = crate::worst::processor_time();
        self.control.step(self.now, Input::Call { call, realm, request }, &mut out);
        let took = crate::worst::processor_time().saturating_sub(began);
        let reply = out.into_iter().find_map(|output| match output {
            Output::Reply(_, reply) => Some(reply),
            _ => None,
        });
        let reply = reply.context("a call is answered")??;
        Ok((serde_json::from_slice(&reply.into_json())?, took))
    }

    /// A control plane with instances that have the attributes of those registered by `longshore
    /// dev`.
    fn new() -> Result<Self> {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let mut plane = Self { control: Control::new(1), now, calls: 0 };
        plane.call("CreateCluster", &json!({}))?;
        for number in 0..INSTANCES {
            let scalar = |name: &str| json!({"name": name, "integerValue": 1_000_000});
            let mut attributes = vec![
                json!({"name": "com.amazonaws.ecs.capability.docker-remote-api.1.18"}),
                json!({"name": "ecs.availability-zone", "value": format!("us-east-1{}", ["a", "b", "c"][number as usize % 3])}),
                json!({"name": "longshore.hostname", "value": format!("127.0.{}.{}", number / 256 + 1, number % 256)}),
            ];
            let capability = |one| json!({"name": format!("ecs.capability.of-an-agent.{one}")});
            attributes.extend((0..12).map(capability));
            let body = json!({"totalResources": [scalar("CPU"), scalar("MEMORY")], "attributes": attributes});
            let (made, _) = plane.call("RegisterContainerInstance", &body)?;
            let arn = made["containerInstance"]["containerInstanceArn"].as_str();
            let id = arn.and_then(|arn| ResourceId::parse(arn.rsplit('/').next()?));
            let connected = Input::Connected(id.context("an instance has an id")?);
            plane.control.step(now, connected, &mut Vec::new());
        }
        plane.call("RegisterTaskDefinition", &definition())?;
        Ok(plane)
    }
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

/// The cost of calls in the control plane: the fastest of three runs.
fn in_process() -> Result<()> {
    let groups = ["first", "second", "second"];
    let mut best = [Duration::MAX; 3];
    for _ in 0..3 {
        let mut plane = Plane::new()?;
        for (group, best) in groups.iter().zip(&mut best) {
            *best = plane.call("RunTask", &body(group))?.1.min(*best);
        }
    }
    report("the first RunTask at 5,000 instances, itself", &ms(best[0]), "2 ms");
    report("  the first of another group", &ms(best[1]), "2 ms");
    report("  the second of that group", &ms(best[2]), "");
    Ok(())
}

/// Makes the calls; returns their durations, sorted, and the total time.
fn burst(host: &str, group: &str) -> Result<(Vec<Duration>, Duration)> {
    let left = Arc::new(AtomicUsize::new(CALLS));
    let began = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (left, host, body) = (left.clone(), host.to_owned(), body(group).to_string());
            std::thread::spawn(move || -> Result<Vec<Duration>> {
                let mut connection = Connection::open(&host)?;
                let request = connection.prepare("RunTask", &body);
                let mut times = Vec::new();
                let more = |left: usize| left.checked_sub(1);
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok() {
                    let began = Instant::now();
                    connection.send(&request)?;
                    times.push(began.elapsed());
                }
                Ok(times)
            })
        })
        .collect();
    let mut times = Vec::with_capacity(CALLS);
    for client in clients {
        times.extend(client.join().map_err(|_| anyhow::anyhow!("a client panicked"))??);
    }
    let elapsed = began.elapsed();
    times.sort_unstable();
    Ok((times, elapsed))
}

pub(crate) fn run() -> Result<()> {
    in_process()?;
    let program = Program::start(INSTANCES, "simulated")?;
    let mut connection = Connection::open(&program.ecs)?;
    connection.call("RegisterTaskDefinition", &definition().to_string())?;
    for (what, wait) in [("the first 800 of eight callers", 0), ("800 more, when it is warm", 2)] {
        std::thread::sleep(Duration::from_secs(wait));
        let (times, elapsed) = burst(&program.ecs, "first")?;
        #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
        let rate = CALLS as f64 / elapsed.as_secs_f64();
        report(&format!("{what}, calls/s"), &format!("{rate:.0}"), "");
        report("  p99", &ms(times[CALLS * 99 / 100]), "");
    }
    Ok(())
}
