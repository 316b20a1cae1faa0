//! Measures what SPEC.md promises, most of it against the real program: `cargo xtask bench [start|place|api|launch|services|filter|hold]`.
//!
//! Each measurement but that of the placement engine starts a `longshore` of its own, release build, with durable storage where it counts, and drives it
//! over loopback HTTP with plain threads. Machines are noisy: figures are to be compared within one run.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command line program prints")]

mod api;
mod filter;
mod hold;
mod http;
mod launch;
mod place;
mod program;
mod services;
mod start;

use anyhow::{Result, bail};

/// What can be measured.
const NAMES: [&str; 7] = ["start", "place", "api", "launch", "services", "filter", "hold"];

fn main() -> Result<()> {
    let which: Vec<String> = std::env::args().skip(1).collect();
    let all = which.is_empty();
    for name in &which {
        if !NAMES.contains(&name.as_str()) {
            bail!("there is no bench {name:?}: choose from {}", NAMES.join(", "));
        }
    }
    let wanted = |name: &str| all || which.iter().any(|one| one == name);
    println!("{:<44} {:>12} {:>14}", "measurement", "figure", "budget");
    if wanted("start") {
        start::run()?;
    }
    if wanted("place") {
        place::run()?;
    }
    if wanted("api") {
        api::run()?;
    }
    if wanted("launch") {
        launch::run()?;
    }
    if wanted("services") {
        services::run()?;
    }
    if wanted("filter") {
        filter::run()?;
    }
    if wanted("hold") {
        hold::run()?;
    }
    Ok(())
}

/// One line of the report.
fn report(what: &str, figure: &str, budget: &str) {
    println!("{what:<44} {figure:>12} {budget:>14}");
}
