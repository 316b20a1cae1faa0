//! Startup time, and resource usage when idle.

use std::time::Duration;

use anyhow::Result;

use crate::program::Program;
use crate::report_beside;

pub(crate) fn run() -> Result<()> {
    let mut times = Vec::new();
    let mut resident_kib = 0;
    for _ in 0..10 {
        let program = Program::start(3, "process")?;
        times.push(program.ready);
        std::thread::sleep(Duration::from_millis(300));
        resident_kib = resident_kib.max(program.resident_kib()?);
    }
    times.sort_unstable();
    let median = times[times.len() / 2].as_secs_f64() * 1000.0;
    report_beside(
        "start to ready, 3 instances, median of 10",
        &format!("{median:.0} ms"),
        "60 ms",
        "fakecloud 15 ms, winterbaume 6 ms",
    );
    report_beside(
        "resident when idle, most of 10",
        &format!("{:.1} MiB", mib(resident_kib)),
        "30 MiB",
        "fakecloud 55 MB, winterbaume 4 MB",
    );
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
