//! Chronos's API: many jobs that are due at the same moment, and a start after a crash.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, anyhow};
use serde_json::json;

use crate::program::Program;
use crate::report;
use crate::scheduler::{Scheduler, shown, until};

const AGENTS: u32 = 1_000;
const JOBS: usize = 10_000;
const CLIENTS: usize = 8;
/// From the first post to the moment that all are due: longer than posting them takes.
const LEAD_S: u64 = 45;
/// Figures beyond this are meaningless.
const PATIENCE: Duration = Duration::from_mins(5);

pub(crate) fn run() -> Result<()> {
    let program = Program::start(AGENTS, "simulated")?;
    let words = ["chronos", "--master", &program.mesos, "--chronos-listen", "127.0.0.1:0"];
    let mut chronos = Scheduler::start(&words)?;
    let began = Instant::now();
    let due_s = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + LEAD_S;
    let address = chronos.address("chronos")?;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let address = address.clone();
            std::thread::spawn(move || posts(&address, client, due_s))
        })
        .collect();
    for client in clients {
        client.join().map_err(|_| anyhow!("a client panicked"))??;
    }
    report("Chronos: 10,000 jobs posted", &shown(began.elapsed()), "");
    let mut connection = chronos.open("chronos")?;
    until("the jobs are due", began, PATIENCE, || {
        Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() >= due_s)
    })?;
    let due = Instant::now();
    let took = until("all jobs have started", due, PATIENCE, || {
        let counters = connection.read("/metrics")?["counters"].take();
        Ok(counters["tasks.launched"]["count"] == JOBS)
    })?;
    report("  from the moment that all are due until all started", &shown(took), "60 s");
    let took = until("ECS runs them", due, PATIENCE, || {
        let clusters =
            crate::http::Connection::open(&program.ecs)?.call("DescribeClusters", "{}")?;
        Ok(clusters["clusters"][0]["runningTasksCount"] == JOBS)
    })?;
    report("  until ECS says that all run", &shown(took), "");
    let began = Instant::now();
    chronos.crash()?;
    let mut connection = chronos.open("chronos")?;
    let took = until("all jobs are known again", began, PATIENCE, || {
        let all = connection.read("/v1/scheduler/jobs/summary")?;
        Ok(all["jobs"].as_array().is_some_and(|jobs| jobs.len() == JOBS))
    })?;
    report("  rebuilt after kill -9", &shown(took), "2 s");
    Ok(())
}

/// Posts the share of one client.
fn posts(address: &str, client: usize, due_s: u64) -> Result<()> {
    let mut connection = crate::http::Connection::open(address)?;
    let start = jiff::Timestamp::from_second(i64::try_from(due_s)?)?;
    for number in (client..JOBS).step_by(CLIENTS) {
        let job = json!({
            "name": format!("job-{number}"), "command": "sleep 3600", "cpus": 0.01, "mem": 1, "disk": 1,
            "schedule": format!("R/{start}/PT24H"), "epsilon": "PT10M",
        });
        connection.ask("POST", "/v1/scheduler/iso8601", &job.to_string())?;
    }
    Ok(())
}
