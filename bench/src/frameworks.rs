//! Many frameworks at rest, and many launches in a row: what a stream costs, and how soon an ACCEPT takes effect.

use std::io::{BufReader, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::launch::{Framework, launch_for, post};
use crate::program::Program;
use crate::report;

const FRAMEWORKS: usize = 5_000;
/// How long they are watched, in seconds: several heartbeats of each.
const REST_S: u64 = 20;
/// Fewer than the one instance has CPUs for: what is left has to be worth an offer.
const LAUNCHES: usize = 900;
/// Longer than the bench takes.
const RUN_MS: u64 = 3_600_000;

pub(crate) fn run() -> Result<()> {
    launches()?;
    rest()
}

/// From ACCEPT to `TASK_RUNNING`, which is after `StartTask` was answered.
fn launches() -> Result<()> {
    let program = Program::start(1, "simulated")?;
    let mut framework = Framework::subscribe(&program.mesos)?;
    let mut offer = framework.offer()?;
    let mut took = Vec::with_capacity(LAUNCHES);
    for number in 0..LAUNCHES {
        let began = Instant::now();
        framework.call(launch_for(&offer, number, RUN_MS, 0.0))?;
        framework.wait_state("TASK_RUNNING")?;
        took.push(began.elapsed());
        offer = framework.offer()?;
    }
    took.sort_unstable();
    let ms = |share: usize| format!("{:.1} ms", took[LAUNCHES * share / 1_000].as_secs_f64() * 1e3);
    report("ACCEPT to TASK_RUNNING, median of 900", &ms(500), "");
    report("ACCEPT to TASK_RUNNING, 99 of 100", &ms(990), "10 ms");
    Ok(())
}

/// Schedulers that want nothing but to stay.
fn rest() -> Result<()> {
    let program = Program::start(1, "simulated")?;
    let began = Instant::now();
    let mut streams = Vec::with_capacity(FRAMEWORKS);
    for _ in 0..FRAMEWORKS {
        streams.push(subscribe(&program.mesos)?);
    }
    report("5,000 frameworks subscribe in", &format!("{:.1} s", began.elapsed().as_secs_f64()), "");
    std::thread::sleep(Duration::from_secs(2));
    let (before, began) = (program.processor_s()?, Instant::now());
    let mut bytes = 0;
    while began.elapsed() < Duration::from_secs(REST_S) {
        bytes += drain(&mut streams)?;
        std::thread::sleep(Duration::from_millis(500));
    }
    if bytes == 0 {
        bail!("no heartbeat came");
    }
    let share = (program.processor_s()? - before) / began.elapsed().as_secs_f64();
    report("5,000 frameworks at rest, of one core", &format!("{:.1} %", share * 100.0), "10 %");
    report("  resident", &format!("{} MiB", program.resident_kib()? / 1024), "");
    Ok(())
}

/// A stream of a framework that wants no offers; reads of it do not wait.
fn subscribe(master: &str) -> Result<BufReader<TcpStream>> {
    let info = json!({"user": "root", "name": "rest", "failover_timeout": 0.0});
    let subscribe = json!({"framework_info": info, "suppressed_roles": ["*"]});
    let call = json!({"type": "SUBSCRIBE", "subscribe": subscribe});
    let (stream, _) = post(master, &call, None).context("a framework subscribes")?;
    stream.get_ref().set_nonblocking(true)?;
    Ok(stream)
}

/// Reads what has come, and how much that is.
fn drain(streams: &mut [BufReader<TcpStream>]) -> Result<usize> {
    let mut all = 0;
    let mut buffer = [0; 4096];
    for stream in streams {
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => bail!("a stream has ended"),
                Ok(read) => all += read,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(all)
}
