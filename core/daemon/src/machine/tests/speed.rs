//! What it costs: `cargo test --release -p longshore-daemon speed -- --ignored --nocapture`.
//!
//! Source: issue 11: an environment over 5,000 instances is deployed in under 10 s, and clients follow 10,000 changes a
//! second. Only the machine counts here.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "it measures, and tells what it measured"
)]

use std::time::Instant;

use longshore_replica::{LastStatus, TaskDetail};

use super::super::*;
use super::town::Town;

const INSTANCES: usize = 5_000;
const ROUNDS: i64 = 20;

#[test]
#[ignore = "it measures"]
fn speed() {
    let mut town = Town::new(INSTANCES);
    town.create("e", "d:1", "");
    let began = Instant::now();
    town.tells = false;
    town.deploy("e").expect("it can be deployed");
    println!(
        "deployed to {INSTANCES} instances: {:?} of the machine and its model",
        began.elapsed()
    );
    let tasks: Vec<Task> = town.tasks.values().cloned().collect();
    let mut inputs = Vec::new();
    for round in 0..ROUNDS {
        for task in &tasks {
            let status = if round % 2 == 0 { "RUNNING" } else { "PENDING" };
            let was = task.detail.as_deref().cloned().unwrap_or_default();
            let detail = TaskDetail { last_status: status.into(), ..was };
            let told = Task {
                last_status: LastStatus::parse(status),
                version: task.version + 10 + round,
                detail: Some(detail.into()),
                ..task.clone()
            };
            inputs.push(Input::Told(vec![News::Task(told)]));
        }
    }
    let (count, began) = (inputs.len(), Instant::now());
    let mut out = Vec::new();
    let mut bytes = 0;
    for input in inputs {
        town.daemon.step(Timestamp::from_millis(town.now), input, &mut out);
        for output in out.drain(..) {
            if let Output::Happened(Happened::Task(entity)) = output {
                let shown = crate::show_task(&entity);
                bytes += longshore_wire_blox::json::line(&shown).map_or(0, |line| line.len());
            }
        }
    }
    println!("{count} events, written down for readers ({bytes} bytes): {:?}", began.elapsed());
}
