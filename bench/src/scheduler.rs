//! One of the three schedulers, as a program of its own beside a `longshore dev`, which can be killed and started anew.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::http::Connection;
use crate::program::binary;

/// A scheduler that runs, killed on drop; what it stores stays until then.
pub(crate) struct Scheduler {
    words: Vec<String>,
    child: Child,
    said: Value,
    data: TempDir,
}

impl Scheduler {
    /// Starts it by these words, with a new data directory.
    pub(crate) fn start(words: &[&str]) -> Result<Self> {
        let data = TempDir::new()?;
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let (child, said) = launched(&words, &data)?;
        Ok(Self { words, child, said, data })
    }

    /// Kills it as a crash would, and starts it with what it has stored.
    pub(crate) fn crash(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        (self.child, self.said) = launched(&self.words, &self.data)?;
        Ok(())
    }

    /// A connection to what it says under that name.
    pub(crate) fn open(&self, name: &str) -> Result<Connection> {
        Connection::open(&self.address(name)?)
    }

    /// `host:port` of what it says under that name.
    pub(crate) fn address(&self, name: &str) -> Result<String> {
        let url = self.said[name].as_str().context("it says where it listens")?;
        Ok(url.trim_start_matches("http://").to_owned())
    }
}

fn launched(words: &[String], data: &TempDir) -> Result<(Child, Value)> {
    let mut child = Command::new(binary()?)
        .args(words)
        .arg("--json")
        .arg("--data-dir")
        .arg(data.path().join("state"))
        .env("XDG_STATE_HOME", data.path().join("notes"))
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("it has an output")?).read_line(&mut line)?;
    let said = serde_json::from_str(&line).with_context(|| format!("it said {line:?}"))?;
    Ok((child, said))
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something is so, and returns since `began`.
pub(crate) fn until(
    what: &str,
    began: Instant,
    patience: Duration,
    mut is_so: impl FnMut() -> Result<bool>,
) -> Result<Duration> {
    while !is_so()? {
        if began.elapsed() > patience {
            bail!("after {patience:?} still not: {what}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(began.elapsed())
}

/// A time for people: seconds, or milliseconds if it is short.
pub(crate) fn shown(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{:.0} ms", time.as_secs_f64() * 1e3)
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}
