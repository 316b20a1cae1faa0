//! Tasks as plain processes: the time from placement to RUNNING, and starts per second.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::Value;

use crate::http::Connection;
use crate::program::Program;
use crate::report_beside;

/// Number of tasks started one after another.
const ALONE: usize = 60;
/// Number of tasks started together.
const TOGETHER: usize = 50;
/// Timeout for a task to start.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn run() -> Result<()> {
    let program = Program::start(3, "process")?;
    let mut connection = Connection::open(&program.ecs)?;
    let definition = r#"{"family":"bench","containerDefinitions":[{"name":"main","image":"x","cpu":1,"memory":6,"command":["sleep","60"]}]}"#;
    connection.call("RegisterTaskDefinition", definition)?;
    let mut alone = Vec::new();
    for _ in 0..ALONE {
        let began = Instant::now();
        let task = start(&mut connection, 1)?;
        until_running(&mut connection, &task, began)?;
        alone.push(began.elapsed());
        stop(&mut connection, &task)?;
        std::thread::sleep(Duration::from_millis(20));
    }
    alone.sort_unstable();
    let ms = alone[alone.len() / 2].as_secs_f64() * 1000.0;
    report_beside(
        "RunTask to RUNNING, processes, median",
        &format!("{ms:.1} ms"),
        "10 ms",
        "containers: docker run 209 ms, fakecloud 258 ms",
    );
    let mut best = f64::MAX;
    for _ in 0..3 {
        std::thread::sleep(Duration::from_secs(1));
        let began = Instant::now();
        let mut tasks = Vec::new();
        while tasks.len() < TOGETHER {
            tasks.extend(start(&mut connection, 10)?);
        }
        until_running(&mut connection, &tasks, began)?;
        best = best.min(began.elapsed().as_secs_f64());
        stop(&mut connection, &tasks)?;
    }
    let rate = f64::from(u32::try_from(TOGETHER)?) / best;
    report_beside(
        "50 tasks together, processes, tasks/s",
        &format!("{rate:.0}"),
        "500",
        "containers: docker run 9, ministack 6",
    );
    Ok(())
}

/// Starts tasks, and returns their ARNs.
fn start(connection: &mut Connection, count: usize) -> Result<Vec<Value>> {
    let body = format!(r#"{{"taskDefinition":"bench","count":{count}}}"#);
    let started = connection.call("RunTask", &body)?;
    let tasks = started["tasks"].as_array().cloned().unwrap_or_default();
    if tasks.len() != count {
        bail!("not all tasks were placed: {}", started["failures"]);
    }
    Ok(tasks.into_iter().map(|task| task["taskArn"].clone()).collect())
}

fn until_running(connection: &mut Connection, tasks: &[Value], began: Instant) -> Result<()> {
    let body = format!(r#"{{"tasks":{}}}"#, Value::from(tasks));
    loop {
        let described = connection.call("DescribeTasks", &body)?;
        let tasks = described["tasks"].as_array().cloned().unwrap_or_default();
        if tasks.iter().all(|task| task["lastStatus"] == "RUNNING") {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            bail!("tasks do not run: {described}");
        }
        // Polling without a pause would distort the measurement.
        std::thread::sleep(Duration::from_micros(500));
    }
}

fn stop(connection: &mut Connection, tasks: &[Value]) -> Result<()> {
    for task in tasks {
        connection.call("StopTask", &format!(r#"{{"task":{task}}}"#))?;
    }
    Ok(())
}
