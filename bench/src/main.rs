//! Measures what SPEC.md promises, most of it against the real program: `cargo xtask bench`, and
//! `cargo xtask bench [start|place|api|launch|events|processes]` for some of it.
//!
//! Each measurement but that of the placement engine starts a `longshore` of its own, release build, with durable storage where it counts, and drives it
//! over loopback HTTP with plain threads. Machines are noisy: figures are to be compared within one run.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command line program prints")]

mod api;
mod events;
mod http;
mod launch;
mod place;
mod processes;
mod program;
mod start;

use anyhow::{Result, bail};

const BENCHES: [&str; 6] = ["start", "place", "api", "launch", "events", "processes"];

fn main() -> Result<()> {
    let which: Vec<String> = std::env::args().skip(1).collect();
    let all = which.is_empty();
    for name in &which {
        if !BENCHES.contains(&name.as_str()) {
            bail!("there is no bench {name:?}: choose from {}", BENCHES.join(", "));
        }
    }
    let wanted = |name: &str| all || which.iter().any(|one| one == name);
    println!("{:<52} {:>12} {:>14}", "measurement", "figure", "budget");
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
    if wanted("events") {
        events::run()?;
    }
    if wanted("processes") {
        processes::run()?;
    }
    Ok(())
}

/// One line of the report.
fn report(what: &str, figure: &str, budget: &str) {
    println!("{what:<52} {figure:>12} {budget:>14}");
}
