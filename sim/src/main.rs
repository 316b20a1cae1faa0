//! Runs the simulation for any number of steps: `cargo xtask sim --seed 7 --steps 1000000`.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command-line program prints")]

use clap::Parser;
use longshore_sim::bridge::{self, BridgeRun, Cluster};
use longshore_sim::chronos::ChronosRun;
use longshore_sim::{Run, regressions};

/// Simulate storms of faults over the local ECS, each followed by a quiet period.
#[derive(Debug, Parser)]
#[command(name = "longshore-sim")]
struct Cli {
    /// Seed of all random choices
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Total number of steps
    #[arg(long)]
    steps: Option<u64>,
    /// Number of steps in each storm
    #[arg(long, default_value_t = 4_000)]
    storm: u64,
    /// Simulate bridges over a model of Amazon's ECS, and over the local ECS
    #[arg(long)]
    bridge: bool,
    /// Simulate a scheduler with Chronos's rules over a model of a Mesos master
    #[arg(long, conflicts_with = "bridge")]
    chronos: bool,
    /// With --bridge or --chronos: number of seeds, from --seed on
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// With --bridge: "model" or "local", for the cluster that all seeds use; the local ECS for every third seed if it is not given
    #[arg(long, value_parser = |name: &str| Cluster::named(name).ok_or("either model or local"))]
    ecs: Option<Cluster>,
    /// With --bridge: print what happens on standard error
    #[arg(long)]
    trace: bool,
}

fn main() {
    let Cli { seed, steps, storm, bridge, chronos, seeds, ecs, trace } = Cli::parse();
    if chronos {
        return schedulers(seed, steps, seeds);
    }
    if bridge {
        let usual = BridgeRun::of(seed);
        let run = BridgeRun { steps: steps.unwrap_or(usual.steps), cluster: ecs, trace, ..usual };
        return bridges(run, seeds);
    }
    let kept = regressions();
    for run in &kept {
        run.perform();
    }
    println!("{} runs that once failed pass", kept.len());
    println!("{}", Run { seed, steps: steps.unwrap_or(100_000), storm }.perform());
}

/// Performs a run of a scheduler for each seed, all of them even if some fail.
fn schedulers(first: u64, steps: Option<u64>, seeds: u64) {
    let (mut failed, mut last) = (0, None);
    for seed in first..first.saturating_add(seeds) {
        let usual = ChronosRun::of(seed);
        let run = ChronosRun { steps: steps.unwrap_or(usual.steps), ..usual };
        match run.perform() {
            Ok(tally) => last = Some(tally),
            Err(wrong) => {
                failed += 1;
                println!("--chronos --seed {seed} --steps {}  # {wrong}", run.steps);
            }
        }
    }
    if let Some(tally) = last {
        println!("{tally}");
    }
    assert!(failed == 0, "{failed} runs failed");
}

/// Performs a run for each seed, all of them even if some fail.
fn bridges(first: BridgeRun, seeds: u64) {
    // Whoever looks into one run wants no other.
    let kept = if seeds > 1 { bridge::regressions() } else { Vec::new() };
    println!("{} runs that once failed, and {seeds} more", kept.len());
    let drawn = first.seed..first.seed.saturating_add(seeds);
    let drawn = drawn.map(|seed| BridgeRun { seed, ..first });
    let (mut failed, mut last) = (0, None);
    for run in kept.into_iter().chain(drawn) {
        match run.perform_with(bridge::Fault::None) {
            Ok(tally) => last = Some(tally),
            Err(violations) => {
                failed += 1;
                println!("{}  # {}", run.line(), violations[0]);
            }
        }
    }
    if let Some(tally) = last {
        println!("{tally}");
    }
    assert!(failed == 0, "{failed} runs failed");
}
