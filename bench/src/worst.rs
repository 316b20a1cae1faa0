//! What the worst request costs: each operation of each port with the worst body that a client may send, at a large cluster.
//!
//! A machine does one thing at a time, so whatever one request costs, everybody waits for. Here each is given to the machine
//! itself, in this process, and the step is timed, in time of the processor; so are the ticks that follow, which do what the request led to. What others
//! do off the machine's thread (reading a body, writing an answer, storing) does not count.
//!
//! One module for each port: it fills a machine and has a table of cases. Bodies are the largest that pass the front, whether they
//! are taken or refused, for a refusal costs time, too.

mod ecs;
mod events;
mod mesos;

use std::time::Duration;

use anyhow::{Context, Result};
use longshore_machine::{Machine, Timestamp};

use crate::report;

/// What no request may cost its machine, and no tick that follows.
const BUDGET: Duration = Duration::from_millis(50);
/// How often each case is tried. The fastest counts: what makes the others slower is this machine, not the program.
const ROUNDS: usize = 3;
/// How long the time goes on after each request, in ms, for what it leads to.
const FOLLOW_MS: u64 = 1_000;

/// Measures all cases of a port.
type Port = fn(&mut Sheet) -> Result<()>;

/// The ports, and who measures them.
const PORTS: [(&str, Port); 3] =
    [("ecs", ecs::run), ("events", events::run), ("mesos", mesos::run)];

/// What was measured so far.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    port: &'static str,
    /// The longest step, and whose it is.
    longest: Option<(Duration, String)>,
    over: usize,
}

impl Sheet {
    /// Gives a machine the inputs of one case, round by round, and reports the longest step of the fastest round. `answered` looks
    /// at what the machine asks for at once, whether it is what the case is about.
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

    /// Reports what many steps take together.
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

/// How long a machine takes, in time of the processor, which others do not take away; and what it asks for.
fn timed<T>(what: impl FnOnce(&mut Vec<T>)) -> (Duration, Vec<T>) {
    let mut out = Vec::new();
    let began = processor_time();
    what(&mut out);
    (processor_time().saturating_sub(began), out)
}

/// Time of the processor that this thread has had.
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
