//! Runs the simulation for any number of steps: `cargo xtask sim --seed 7 --steps 1000000`.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command-line program prints")]

use clap::Parser;
use longshore_sim::{Run, regressions};

/// Simulate storms of faults over the local ECS, each followed by a quiet period.
#[derive(Debug, Parser)]
#[command(name = "longshore-sim")]
struct Cli {
    /// Seed of all random choices
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Total number of steps
    #[arg(long, default_value_t = 100_000)]
    steps: u64,
    /// Number of steps in each storm
    #[arg(long, default_value_t = 4_000)]
    storm: u64,
}

fn main() {
    let Cli { seed, steps, storm } = Cli::parse();
    let kept = regressions();
    for run in &kept {
        run.perform();
    }
    println!("{} runs that once failed pass", kept.len());
    println!("{}", Run { seed, steps, storm }.perform());
}
