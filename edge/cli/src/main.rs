//! `longshore`: Apache Mesos frameworks, unmodified, on Amazon ECS.
//!
//! The only place that reads flags and environment, prints, and ends the process. Exit codes: 0 done, 1 it did not
//! work (the message says why), 2 the command line is wrong, 3 the thing asked for does not exist.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command line program prints")]

mod args;
mod dev;
mod hints;
mod master;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("longshore: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(args)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("longshore: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> anyhow::Result<ExitCode> {
    trace(args.verbose);
    match args.command {
        Command::Dev(dev) => dev::run(dev, args.json).await,
    }
}

/// Log lines go to standard error, so that standard output is what was asked for.
fn trace(verbose: bool) {
    let default = if verbose { "info,longshore=debug" } else { "warn" };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| default.into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
