//! A `longshore dev` to measure, and what runs beside it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;
use tempfile::TempDir;

/// A running program, killed on drop.
pub(crate) struct Program {
    child: Child,
    /// `host:port` of the ECS API.
    pub(crate) ecs: String,
    /// `host:port` of the Mesos master.
    pub(crate) mesos: String,
    /// The time from start to the line that reports ready.
    pub(crate) ready: Duration,
    _data: TempDir,
}

/// The program built with the same profile, next to this one.
pub(crate) fn binary() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let path = own.with_file_name("longshore");
    path.exists().then_some(path).context("`cargo xtask bench` builds it first")
}

impl Program {
    /// Starts it with simulated instances and durable storage.
    pub(crate) fn start(instances: u32, runtime: &str) -> Result<Self> {
        Self::start_with(instances, runtime, &[])
    }

    /// Like [`Self::start`], with more flags.
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

    /// CPU time used so far, in seconds. Less noisy than wall clock time.
    pub(crate) fn processor_s(&self) -> Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // Fields are counted from the end of the name, a bracket; ticks are hundredths of a second.
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
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
