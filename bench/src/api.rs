//! The ECS API under load: 5,000 simulated instances, eight clients, durable storage.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::http::Connection;
use crate::program::Program;
use crate::{report, report_beside};

const CLIENTS: usize = 8;
const SECONDS: u64 = 4;

/// Sends one request repeatedly from all clients and counts the answers per second.
pub(crate) fn rate(host: &str, operation: &'static str, bodies: Vec<String>) -> Result<f64> {
    let stop = Arc::new(AtomicBool::new(false));
    let count = Arc::new(AtomicU64::new(0));
    let bodies = Arc::new(bodies);
    let began = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (stop, count, bodies, host) =
                (stop.clone(), count.clone(), bodies.clone(), host.to_owned());
            std::thread::spawn(move || -> Result<()> {
                let mut connection = Connection::open(&host)?;
                let requests: Vec<Vec<u8>> =
                    bodies.iter().map(|body| connection.prepare(operation, body)).collect();
                for request in requests.iter().cycle().skip(client) {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    connection.send(request)?;
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            })
        })
        .collect();
    std::thread::sleep(Duration::from_secs(SECONDS));
    stop.store(true, Ordering::Relaxed);
    let seconds = began.elapsed().as_secs_f64();
    for client in clients {
        client.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let count = count.load(Ordering::Relaxed) as f64;
    Ok(count / seconds)
}

pub(crate) fn run() -> Result<()> {
    let program = Program::start(5000, "simulated")?;
    let mut connection = Connection::open(&program.ecs)?;
    let definition = r#"{"family":"bench","containerDefinitions":[{"name":"main","image":"x","cpu":10,"memory":10}]}"#;
    connection.call("RegisterTaskDefinition", definition)?;
    // Startup work, such as the bridge's first reading of all instances, is not measured.
    std::thread::sleep(Duration::from_secs(1));
    let run = r#"{"taskDefinition":"bench","count":10}"#.to_owned();
    let used = program.processor_s()?;
    let calls = rate(&program.ecs, "RunTask", vec![run])?;
    let used = program.processor_s()? - used;
    report_beside(
        "RunTask count=10, tasks/s",
        &format!("{:.0}", calls * 10.0),
        "50000",
        "fakecloud 145, moto 1,060, winterbaume 105,840",
    );

    let held = connection.call("DescribeClusters", "{}")?;
    let count = |name: &str| held["clusters"][0][name].as_f64().unwrap_or_default();
    let tasks = (count("runningTasksCount") + count("pendingTasksCount")).max(1.0);
    report("  processor time a task", &format!("{:.0} us", used * 1e6 / tasks), "");
    let instances = connection.call("ListContainerInstances", "{}")?;
    let arns = instances["containerInstanceArns"].as_array().context("there are instances")?;
    let bodies = arns
        .iter()
        .map(|arn| format!(r#"{{"taskDefinition":"bench","containerInstances":[{arn}]}}"#));
    let calls = rate(&program.ecs, "StartTask", bodies.collect())?;
    report_beside(
        "StartTask, calls/s",
        &format!("{calls:.0}"),
        "10000",
        "at 1,000: fakecloud 12,008, moto 348, winterbaume 19,483",
    );

    let tasks = connection.call("ListTasks", "{}")?;
    let body = format!(r#"{{"tasks":{}}}"#, tasks["taskArns"]);
    let calls = rate(&program.ecs, "DescribeTasks", vec![body])?;
    report_beside(
        "DescribeTasks of 100, calls/s",
        &format!("{calls:.0}"),
        "5000",
        "at 1,000: fakecloud 1,162, moto 5, winterbaume 8,953",
    );
    let described = connection.call("DescribeClusters", "{}")?;
    let held = &described["clusters"][0];
    let resident = program.resident_kib()? / 1024;
    report("  tasks held at the end", &held["runningTasksCount"].to_string(), "");
    report("  resident then", &format!("{resident} MiB"), "");
    Ok(())
}
