//! Services from scratch: the time until all of their tasks run.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::http::Connection;
use crate::program::Program;
use crate::{report, report_beside};

const SERVICES: u64 = 1_000;
const TASKS: u64 = 100;
/// Results beyond this are meaningless.
const PATIENCE: Duration = Duration::from_mins(3);

pub(crate) fn run() -> Result<()> {
    let program = Program::start(1_000, "simulated")?;
    let mut connection = Connection::open(&program.ecs)?;
    let definition = r#"{"family":"bench","containerDefinitions":[{"name":"main","image":"x","cpu":10,"memory":10}]}"#;
    connection.call("RegisterTaskDefinition", definition)?;
    let began = Instant::now();
    for number in 0..SERVICES {
        let body = format!(
            r#"{{"serviceName":"s{number}","taskDefinition":"bench","desiredCount":{TASKS}}}"#
        );
        connection.call("CreateService", &body)?;
    }
    let created = began.elapsed();
    loop {
        ensure!(began.elapsed() < PATIENCE, "the services are not all up after {PATIENCE:?}");
        let clusters = connection.call("DescribeClusters", "{}")?;
        if clusters["clusters"][0]["runningTasksCount"] == SERVICES * TASKS {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let elapsed = began.elapsed();
    for number in 0..SERVICES {
        let body = format!(r#"{{"services":["s{number}"]}}"#);
        let service = connection.call("DescribeServices", &body)?["services"][0].take();
        ensure!(service["runningCount"] == TASKS, "a service is not as desired: {service}");
    }
    report("1,000 services created", &format!("{:.1} s", created.as_secs_f64()), "");
    report_beside(
        "  until 100,000 tasks of theirs run",
        &format!("{:.1} s", elapsed.as_secs_f64()),
        "20 s",
        "real machines: Nomad 1,500 to 3,750 tasks/s, Kubernetes 680 to 810 pods/s",
    );
    Ok(())
}
