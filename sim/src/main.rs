//! Runs the simulation for as long as one likes: `cargo xtask sim --seed 7 --steps 1000000`.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command line program prints")]

use clap::Parser;
use longshore_sim::{Run, regressions};

/// A storm over the local ECS, and the quiet after it, over and over.
#[derive(Debug, Parser)]
#[command(name = "longshore-sim")]
struct Cli {
    /// What everything is drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Steps of storms in all
    #[arg(long, default_value_t = 100_000)]
    steps: u64,
    /// Steps of one storm
    #[arg(long, default_value_t = 4_000)]
    storm: u64,
}

fn main() {
    let Cli { seed, steps, storm } = Cli::parse();
    let kept = regressions();
    for run in &kept {
        run.perform();
    }
    println!("{} runs that once failed hold", kept.len());
    println!("{}", Run { seed, steps, storm }.perform());
}
