//! Marathon's API: apps that converge, a deployment, a list of everything, and a start after a crash.
//!
//! The whole way is measured: definitions over HTTP, offers and updates of a Mesos master, tasks of the local ECS behind it, all durable.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;

use crate::http::Connection;
use crate::program::Program;
use crate::report;
use crate::scheduler::{Scheduler, shown, until};

const AGENTS: u32 = 5_000;
const APPS: usize = 1_000;
const INSTANCES: usize = 100;
/// Of one app that is deployed alone.
const DEPLOYED: usize = 1_000;
/// Figures beyond this are meaningless.
const PATIENCE: Duration = Duration::from_mins(5);
const LISTS: usize = 20;

pub(crate) fn run() -> Result<()> {
    deployment()?;
    apps()
}

fn scheduler(program: &Program) -> Result<Scheduler> {
    Scheduler::start(&["marathon", "--master", &program.mesos, "--marathon-listen", "127.0.0.1:0"])
}

fn app(id: &str, instances: usize) -> serde_json::Value {
    json!({"id": id, "cmd": "sleep 3600", "cpus": 0.01, "mem": 1, "instances": instances})
}

/// Waits for the end of all deployments.
fn settled(connection: &mut Connection, began: Instant) -> Result<Duration> {
    until("nothing is deployed any more", began, PATIENCE, || {
        Ok(connection.read("/v2/deployments")?.as_array().is_some_and(Vec::is_empty))
    })
}

/// One app of 1,000 instances, and its next version, while what runs keeps serving.
fn deployment() -> Result<()> {
    let program = Program::start(100, "simulated")?;
    let marathon = scheduler(&program)?;
    let mut connection = marathon.open("marathon")?;
    let began = Instant::now();
    connection.ask("POST", "/v2/apps", &app("/web", DEPLOYED).to_string())?;
    let took = settled(&mut connection, began)?;
    report("Marathon: 1,000 instances of an app deployed", &shown(took), "5 s");
    let began = Instant::now();
    connection.ask("PUT", "/v2/apps/web", &json!({"cmd": "sleep 7200"}).to_string())?;
    let took = settled(&mut connection, began)?;
    report("  and replaced by its next version", &shown(took), "");
    Ok(())
}

fn apps() -> Result<()> {
    let program = Program::start(AGENTS, "simulated")?;
    let mut marathon = scheduler(&program)?;
    let mut connection = marathon.open("marathon")?;
    let all: Vec<_> = (0..APPS).map(|number| app(&format!("/app-{number}"), INSTANCES)).collect();
    let began = Instant::now();
    connection.ask("PUT", "/v2/apps", &serde_json::Value::from(all).to_string())?;
    let took = settled(&mut connection, began)?;
    ensure!(is_running(&mut connection)?, "deployments have ended, and not all instances run");
    report("Marathon: 1,000 apps of 100, until all run", &shown(took), "60 s");
    let mut times = Vec::new();
    for _ in 0..LISTS {
        let began = Instant::now();
        connection.ask("GET", "/v2/apps", "")?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    report("  /v2/apps of all, median of 20", &shown(times[LISTS / 2]), "50 ms");
    let began = Instant::now();
    marathon.crash()?;
    let mut connection = marathon.open("marathon")?;
    let took = until("all is known again", began, PATIENCE, || is_running(&mut connection))?;
    report("  rebuilt after kill -9", &shown(took), "2 s");
    Ok(())
}

/// Whether each app has all its instances.
fn is_running(connection: &mut Connection) -> Result<bool> {
    let listed = connection.read("/v2/apps")?;
    let apps = listed["apps"].as_array().map_or(&[][..], Vec::as_slice);
    Ok(apps.len() == APPS && apps.iter().all(|app| app["tasksRunning"] == INSTANCES))
}
