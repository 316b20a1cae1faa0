//! Measures the figures promised in SPEC.md, mostly with the real program: `cargo xtask bench` for
//! all of them, or the names of some.
//!
//! Except for the placement engine and the worst requests, each benchmark starts a `longshore` of
//! its own, a release build with durable storage where it matters, and drives it over loopback HTTP
//! with plain threads. Machines are noisy: compare figures only within one run.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command line program prints")]

mod api;
mod blox;
mod chronos;
mod driver;
mod events;
mod filter;
mod first;
mod frameworks;
mod hold;
mod http;
mod launch;
mod marathon;
mod place;
mod processes;
mod program;
mod scheduler;
mod services;
mod start;
mod worst;

use anyhow::{Result, bail};

/// A benchmark: its name and function.
type Bench = (&'static str, fn() -> Result<()>);

/// All benchmarks, in order.
const BENCHES: [Bench; 16] = [
    ("start", start::run),
    ("place", place::run),
    ("api", api::run),
    ("launch", launch::run),
    ("frameworks", frameworks::run),
    ("driver", driver::run),
    ("events", events::run),
    ("processes", processes::run),
    ("services", services::run),
    ("marathon", marathon::run),
    ("chronos", chronos::run),
    ("blox", blox::run),
    ("filter", filter::run),
    ("first", first::run),
    ("worst", worst::run),
    ("hold", hold::run),
];

fn main() -> Result<()> {
    let which: Vec<String> = std::env::args().skip(1).collect();
    let names: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
    if let Some(name) = which.iter().find(|name| !names.contains(&name.as_str())) {
        bail!("there is no bench {name:?}: choose from {}", names.join(", "));
    }
    println!("{:<52} {:>12} {:>14}", "measurement", "figure", "budget");
    for (name, run) in BENCHES {
        if which.is_empty() || which.iter().any(|one| one == name) {
            run()?;
        }
    }
    Ok(())
}

/// Prints one line of the report.
fn report(what: &str, figure: &str, budget: &str) {
    println!("{what:<52} {figure:>12} {budget:>14}");
}

/// Prints one line of the report, with figures of other programs. Those of fakecloud, moto, and
/// winterbaume (which keeps no instances and places nothing) were measured with the same requests
/// on a machine of the same kind, in 2026; those of Nomad and Kubernetes are their own.
fn report_beside(what: &str, figure: &str, budget: &str, others: &str) {
    println!("{what:<52} {figure:>12} {budget:>14}   {others}");
}
