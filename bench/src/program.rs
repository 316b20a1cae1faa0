//! A `longshore dev` of our own.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;
use tempfile::TempDir;

/// A program that runs until this is dropped.
pub(crate) struct Program {
    child: Child,
    /// `host:port` of the ECS API.
    pub(crate) ecs: String,
    /// `host:port` of the Mesos master.
    pub(crate) mesos: String,
    /// From start to the line that says ready.
    pub(crate) ready: Duration,
    _data: TempDir,
}

/// The program that was built with the same profile, beside this one.
fn binary() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let path = own.with_file_name("longshore");
    path.exists().then_some(path).context("`cargo xtask bench` builds it first")
}

impl Program {
    /// Starts it with simulated instances and durable storage.
    pub(crate) fn start(instances: u32, runtime: &str) -> Result<Self> {
        Self::start_with(instances, runtime, &[])
    }

    /// As [`Self::start`], with more flags.
    pub(crate) fn start_with(instances: u32, runtime: &str, more: &[&str]) -> Result<Self> {
        let data = TempDir::new()?;
        let began = Instant::now();
        let mut child = Command::new(binary()?)
            .args(["dev", "--json", "--runtime", runtime, "--instances", &instances.to_string()])
            .args(["--instance-cpu", "1000000", "--instance-memory", "100000000"])
            .args(["--ecs-listen", "127.0.0.1:0", "--mesos-listen", "127.0.0.1:0", "--data-dir"])
            .arg(data.path().join("state"))
            .env("XDG_STATE_HOME", data.path().join("notes"))
            .args(more)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("it has an output")?).read_line(&mut line)?;
        let ready = began.elapsed();
        let said: Value =
            serde_json::from_str(&line).with_context(|| format!("it said {line:?}"))?;
        let address = |name: &str| {
            said[name].as_str().unwrap_or_default().trim_start_matches("http://").to_owned()
        };
        Ok(Self { child, ecs: address("ecs"), mesos: address("mesos"), ready, _data: data })
    }

    /// Processor time that it has used, in seconds. Less noisy than the time on the clock.
    pub(crate) fn processor_s(&self) -> Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // Fields count from the name on, which ends with a bracket; ticks are hundredths of a second.
        let (_, fields) = stat.rsplit_once(')').context("a line of /proc names its process")?;
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: Result<Vec<f64>, _> = ticks.map(str::parse).collect();
        Ok(ticks?.iter().sum::<f64>() / 100.0)
    }

    /// Resident memory in KiB.
    pub(crate) fn resident_kib(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line =
            status.lines().find(|line| line.starts_with("VmRSS:")).context("VmRSS is told")?;
        Ok(line.split_whitespace().nth(1).context("VmRSS has a figure")?.parse()?)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
