//! Runs commands, one a line of standard input: `printf 'true\nsleep 1\n' | batch 127.0.0.1:5050 [TRIES]`. Ends with 1 if one was given up.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command line program prints")]

use std::io::stdin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use longshore_driver::{Status, driver};
use longshore_examples::batch::{Batch, Report};

fn main() -> anyhow::Result<ExitCode> {
    longshore_examples::log();
    let mut arguments = std::env::args().skip(1);
    let master = arguments.next().unwrap_or_else(|| "127.0.0.1:5050".to_owned());
    let tries = arguments.next().map_or(Ok(3), |tries| tries.parse()).context("TRIES")?;
    let commands: Vec<String> = stdin().lines().collect::<Result<_, _>>()?;
    if commands.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let is_well = Arc::new(AtomicBool::new(true));
    let noticed = is_well.clone();
    let report = move |report: Report| {
        match &report {
            Report::Succeeded(job) => println!("succeeded  {}", job.command),
            Report::Failed(job, why) => println!("failed     {}: {why}", job.command),
            Report::GivenUp(job, why) => println!("given up   {}: {why}", job.command),
            Report::Error(why) => println!("error      {why}"),
        }
        if matches!(report, Report::GivenUp(..) | Report::Error(_)) {
            noticed.store(false, Ordering::SeqCst);
        }
    };
    let ended = driver(Batch::new(commands, tries, report), Batch::info(), &master)?.run();
    let is_well = ended == Status::Stopped && is_well.load(Ordering::SeqCst);
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
