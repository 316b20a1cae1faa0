//! Keeps copies of a command running, evenly over zones: `spread 127.0.0.1:5050 6 'sleep 60'`. Runs until it is killed.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command line program prints")]

use std::process::ExitCode;

use anyhow::Context;
use longshore_driver::{Status, driver};
use longshore_examples::spread::Spread;

fn main() -> anyhow::Result<ExitCode> {
    longshore_examples::log();
    let mut arguments = std::env::args().skip(1);
    let master = arguments.next().unwrap_or_else(|| "127.0.0.1:5050".to_owned());
    let copies = arguments.next().map_or(Ok(3), |copies| copies.parse()).context("COPIES")?;
    let command = arguments.next().unwrap_or_else(|| "sleep 60".to_owned());
    let spread = Spread::new(&command, copies, |zones| println!("{zones:?}"));
    let ended = driver(spread, Spread::info(), &master)?.run();
    Ok(if ended == Status::Stopped { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
