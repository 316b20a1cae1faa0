//! Runs a few commands as Mesos tasks: `hello-framework 127.0.0.1:5050`, or `hello-framework ecs://default` without a master.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command line program prints")]

use std::process::ExitCode;

use longshore_driver::{Status, driver};
use longshore_examples::hello::{Hello, Job};

fn main() -> anyhow::Result<ExitCode> {
    let master = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:5050".to_owned());
    let jobs = (1..=5).map(|number| Job {
        name: format!("hello-{number}"),
        command: format!("echo hello from task {number}; sleep 1"),
        is_definition: false,
        cpus: 0.1,
        mem: 32.0,
        kill: false,
    });
    let hello = Hello::new(jobs.collect(), |news| println!("{news:?}"));
    let ended = driver(hello, Hello::info("hello-framework"), &master)?.run();
    Ok(if ended == Status::Stopped { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
