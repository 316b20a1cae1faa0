//! Holds a million tasks: the memory used by each.

use std::time::Instant;

use anyhow::{Context, Result};

use crate::http::Connection;
use crate::program::Program;
use crate::report;

const CLIENTS: usize = 8;
const CALLS: usize = 100_000;
const TASKS: u64 = 1_000_000;

pub(crate) fn run() -> Result<()> {
    let program = Program::start(5_000, "simulated")?;
    let mut connection = Connection::open(&program.ecs)?;
    let definition = r#"{"family":"bench","containerDefinitions":[{"name":"main","image":"x","cpu":10,"memory":10}]}"#;
    connection.call("RegisterTaskDefinition", definition)?;
    let before = program.resident_kib()?;
    let began = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let host = program.ecs.clone();
            std::thread::spawn(move || -> Result<()> {
                let mut connection = Connection::open(&host)?;
                let run = connection.prepare("RunTask", r#"{"taskDefinition":"bench","count":10}"#);
                for _ in 0..CALLS / CLIENTS {
                    connection.send(&run)?;
                }
                Ok(())
            })
        })
        .collect();
    for client in clients {
        client.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
    }
    // The first connection was idle for too long.
    let clusters = Connection::open(&program.ecs)?.call("DescribeClusters", "{}")?;
    let counts = &clusters["clusters"][0];
    let count = |name: &str| counts[name].as_u64().context("clusters count their tasks");
    let held = count("runningTasksCount")? + count("pendingTasksCount")?;
    anyhow::ensure!(held == TASKS, "{held} tasks are held");
    let resident = program.resident_kib()?;
    report("1,000,000 tasks started in", &format!("{:.0} s", began.elapsed().as_secs_f64()), "");
    report("  resident then", &format!("{} MiB", resident / 1024), "2048 MiB");
    report("  for each task", &format!("{} B", (resident - before) * 1024 / TASKS), "");
    Ok(())
}
