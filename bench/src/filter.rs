//! Selects instances by an expression of the cluster query language.

use std::time::Instant;

use anyhow::Result;

use crate::http::Connection;
use crate::program::Program;
use crate::report_beside;

const CALLS: usize = 200;

pub(crate) fn run() -> Result<()> {
    let program = Program::start(5_000, "simulated")?;
    let mut connection = Connection::open(&program.ecs)?;
    for (what, filter) in [
        (
            "filter that half of 5,000 instances meet",
            "attribute:ecs.availability-zone in [us-east-1a, us-east-1b]",
        ),
        (
            "filter with a regex that none meets",
            "attribute:ecs.availability-zone =~ us-.*-9[a-z]+ or agentConnected == false",
        ),
    ] {
        let body = format!(r#"{{"filter":"{filter}"}}"#);
        let request = connection.prepare("ListContainerInstances", &body);
        let mut times = Vec::with_capacity(CALLS);
        for _ in 0..CALLS {
            let began = Instant::now();
            connection.send(&request)?;
            times.push(began.elapsed());
        }
        times.sort_unstable();
        let median = times[CALLS / 2].as_secs_f64() * 1000.0;
        report_beside(what, &format!("{median:.2} ms"), "5 ms", "all others ignore the filter");
    }
    Ok(())
}
