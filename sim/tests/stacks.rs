//! Stacks in storms, and what each planted mistake looks like.

use longshore_sim::stacks::{Fault, StacksRun};

/// What all storms together have to reach, or they show little.
const REACHED: [(&str, &str, u64); 9] = [
    ("reached", "a crash", 100),
    ("reached", "a fleet followed", 500),
    ("reached", "a fleet failed", 100),
    ("reached", "the end", 40),
    ("done", "CreateStack", 100),
    ("done", "UpdateStack", 300),
    ("done", "DeleteStack", 300),
    ("refused", "CreateStack", 100),
    ("refused", "UpdateStack", 300),
];

#[test]
fn a_stack_and_its_fleet_agree_whatever_happens() {
    let perform = |seed| {
        let run = StacksRun::of(seed);
        run.perform().unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"))
    };
    let tallies: Vec<_> = (1..=40).map(perform).collect();
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
    let mut runs = (1..=20).map(|seed| StacksRun { fault, ..StacksRun::of(seed) });
    runs.find_map(|run| run.perform().err()).unwrap_or_default()
}

#[test]
fn a_fleet_that_nobody_hears_of_is_noticed() {
    let found = found(Fault::NeverTells);
    assert!(found.starts_with("promise 2"), "{found}");
}

#[test]
fn a_word_that_comes_before_its_deed_is_noticed() {
    let found = found(Fault::TellsFirst);
    assert!(found.starts_with("promise 3"), "{found}");
}
