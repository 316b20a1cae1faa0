//! The cost of the worst requests: each operation of each port with the worst body that a client
//! may send, at a large cluster.
//!
//! A machine does one thing at a time, so everybody waits for an expensive request. Here each is
//! given to the machine itself, in this process, and the CPU time of the step is measured; so is
//! that of the following ticks, which complete the request. Work outside the machine's thread
//! (reading a body, writing a response, storing) does not count.
//!
//! There is one module per port, which fills a machine and has a table of cases. Bodies are the
//! largest that pass the front end, whether accepted or rejected, since a rejection costs time,
//! too.

mod ecs;
mod events;
mod mesos;

use std::time::Duration;

use anyhow::{Context, Result};
use longshore_machine::{Machine, Timestamp};

use crate::report;

/// Maximum cost of a request to its machine, and of a tick that follows.
const BUDGET: Duration = Duration::from_millis(50);
/// Number of tries per case. The fastest counts: anything slower is due to this machine, not the
/// program.
const ROUNDS: usize = 3;
/// How long time continues after each request, in ms, to include its effects.
const FOLLOW_MS: u64 = 1_000;

/// Measures all cases of a port.
type Port = fn(&mut Sheet) -> Result<()>;

/// The ports and their benchmarks.
const PORTS: [(&str, Port); 3] =
    [("ecs", ecs::run), ("events", events::run), ("mesos", mesos::run)];

/// The results so far.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    port: &'static str,
    /// The longest step, with its name.
    longest: Option<(Duration, String)>,
    over: usize,
}

impl Sheet {
    /// Gives a machine the inputs of one case, round by round, and reports the longest step of the
    /// fastest round. `answered` checks from the immediate outputs that the case has the intended
    /// effect.
    pub(crate) fn measure<M: Machine>(
        &mut self,
        name: &str,
        machine: &mut M,
        now: &mut Timestamp,
        inputs: impl IntoIterator<Item = M::Input>,
        mut answered: impl FnMut(Vec<M::Output>) -> Result<()>,
    ) -> Result<()> {
        let (mut step, mut tick) = (Duration::MAX, Duration::MAX);
        for input in inputs {
            let (took, out) = timed(|out| machine.step(*now, input, out));
            step = step.min(took);
            answered(out).with_context(|| format!("{name} is not answered as it should be"))?;
            let (end, mut longest) = (*now + FOLLOW_MS, Duration::ZERO);
            while let Some(at) = machine.wake_at().filter(|at| *at <= end) {
                *now = at.max(*now);
                longest = longest.max(timed(|out| machine.tick(*now, out)).0);
            }
            tick = tick.min(longest);
        }
        self.note(name, step);
        if tick > step {
            self.note(&format!("{name}, what follows"), tick);
        }
        Ok(())
    }

    /// Reports the total time of many steps.
    fn total(&mut self, name: &str, time: Duration, budget: &str) {
        report(&format!("{} {name}", self.port), &ms(time), budget);
    }

    fn note(&mut self, name: &str, time: Duration) {
        let over = time > BUDGET;
        self.over += usize::from(over);
        if self.longest.as_ref().is_none_or(|(known, _)| *known < time) {
            self.longest = Some((time, name.to_owned()));
        }
        let budget = if over { "OVER 50 ms" } else { "50 ms" };
        report(&format!("{} {name}", self.port), &ms(time), budget);
    }
}

/// Runs a step of a machine; returns its CPU time, which others do not affect, and its outputs.
fn timed<T>(what: impl FnOnce(&mut Vec<T>)) -> (Duration, Vec<T>) {
    let mut out = Vec::new();
    let began = processor_time();
    what(&mut out);
    (processor_time().saturating_sub(began), out)
}

/// CPU time of this thread.
pub(crate) fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

pub(crate) fn run() -> Result<()> {
    let mut sheet = Sheet::default();
    for (port, run) in PORTS {
        sheet.port = port;
        run(&mut sheet)?;
    }
    if let Some((longest, name)) = &sheet.longest {
        report(&format!("the longest: {name}"), &ms(*longest), "50 ms");
        report("  cases that are over", &sheet.over.to_string(), "0");
    }
    Ok(())
}
