//! Measures what SPEC.md promises, most of it against the real program: `cargo xtask bench` for all of it, or the names of some.
//!
//! Each measurement but that of the placement engine and of the worst requests starts a `longshore` of its own, release build, with durable storage where it counts, and drives it
//! over loopback HTTP with plain threads. Machines are noisy: figures are to be compared within one run.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command line program prints")]

mod api;
mod events;
mod filter;
mod first;
mod hold;
mod http;
mod launch;
mod place;
mod processes;
mod program;
mod services;
mod start;
mod worst;

use anyhow::{Result, bail};

/// One bench: its name, and how to run it.
type Bench = (&'static str, fn() -> Result<()>);

/// What can be measured, in order.
const BENCHES: [Bench; 11] = [
    ("start", start::run),
    ("place", place::run),
    ("api", api::run),
    ("launch", launch::run),
    ("events", events::run),
    ("processes", processes::run),
    ("services", services::run),
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

/// One line of the report.
fn report(what: &str, figure: &str, budget: &str) {
    println!("{what:<52} {figure:>12} {budget:>14}");
}

/// One line of the report, with what others reach. Their figures were measured on a machine of the same kind with the same
/// requests, in 2026: fakecloud, moto, and winterbaume, which keeps no instances and places nothing; those of Nomad and
/// Kubernetes are their own.
fn report_beside(what: &str, figure: &str, budget: &str, others: &str) {
    println!("{what:<52} {figure:>12} {budget:>14}   {others}");
}
