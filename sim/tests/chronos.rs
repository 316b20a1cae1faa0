//! A scheduler with Chronos's rules in storms, and what each planted mistake looks like. More seeds:
//! `cargo xtask sim --chronos --seeds 1000`.

use longshore_sim::chronos::{ChronosRun, Fault};

/// What all storms together have to reach, or they show little.
const REACHED: [(&str, &str, u64); 14] = [
    ("reached", "a crash", 200),
    ("reached", "a connection broke", 200),
    ("reached", "a task started", 600),
    ("reached", "a launch did nothing", 40),
    ("reached", "an update was lost", 300),
    ("reached", "a clock was set", 100),
    ("reached", "an agent was away", 100),
    ("reached", "an agent was gone", 30),
    ("reached", "a job was posted", 300),
    ("reached", "a message was lost", 80),
    ("reached", "the framework was removed", 20),
    ("reached", "a driver was started", 200),
    ("reached", "the end", 16),
    ("tasks", "TaskFinished", 400),
];

#[test]
fn no_run_is_doubled_or_lost_whatever_happens() {
    let perform = |seed| {
        let run = ChronosRun::of(seed);
        run.perform().unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"))
    };
    let tallies: Vec<_> = (1..=16).map(perform).collect();
    let short: Vec<String> = REACHED
        .into_iter()
        .filter_map(|(group, name, least)| {
            let count: u64 = tallies.iter().map(|tally| tally.of(group, name)).sum();
            (count < least).then(|| format!("{group}: {name}: {count} times, not {least}"))
        })
        .collect();
    assert!(short.is_empty(), "{short:#?}");
}

/// The promise that the first of some seeds finds broken.
fn found(fault: Fault) -> String {
    let mut runs = (1..=20).map(|seed| ChronosRun { fault, ..ChronosRun::of(seed) });
    runs.find_map(|run| run.perform().err()).unwrap_or_default()
}

#[test]
fn a_launch_before_its_commit_is_noticed() {
    let found = found(Fault::SaysFirst);
    assert!(found.starts_with("promise 1"), "{found}");
}

#[test]
fn a_commit_that_is_lost_is_noticed() {
    let found = found(Fault::ForgetsCommit);
    assert!(found.starts_with("promise"), "{found}");
}

#[test]
fn a_launch_that_is_said_twice_is_noticed() {
    let found = found(Fault::LaunchesTwice);
    assert!(found.starts_with("promise"), "{found}");
}

#[test]
fn ends_that_are_not_told_are_asked_for() {
    for seed in 1..=3 {
        let run = ChronosRun { fault: Fault::DropsEnds, ..ChronosRun::of(seed) };
        run.perform().unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
    }
}
