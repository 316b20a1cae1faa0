//! Bridges over a model of Amazon's ECS: storms, and what each broken invariant looks like. More seeds:
//! `cargo xtask sim --bridge --seeds 1000`.

use longshore_sim::bridge::{BridgeRun, Fault, regressions};

/// Shorter than the storms of `cargo xtask sim`: tests are not optimised.
const STEPS: u64 = 120;

fn run(seed: u64) -> BridgeRun {
    BridgeRun { steps: STEPS, ..BridgeRun::of(seed) }
}

/// What fifty storms have to reach, or they show little.
const REACHED: [(&str, &str, u64); 22] = [
    ("reached", "a bridge crashed", 50),
    ("reached", "a task ran", 500),
    ("reached", "an outage of the cluster", 20),
    ("reached", "the end", 50),
    ("failures", "Unsure", 100),
    ("failures", "NotDone", 100),
    ("failures", "Throttled", 30),
    ("failures", "Refused", 3),
    ("inputs", "the feed is up", 50),
    ("inputs", "the feed is down", 10),
    ("asks", "ListTasks by startedBy", 20),
    ("asks", "StopTask", 100),
    ("operators", "done", 50),
    ("calls", "ACCEPT", 500),
    ("calls", "DECLINE", 500),
    ("calls", "KILL", 100),
    ("calls", "SUPPRESS", 20),
    ("calls", "RECONCILE", 100),
    ("events", "RESCIND", 100),
    ("updates", "TASK_DROPPED", 10),
    ("updates", "TASK_STARTING", 10),
    ("updates", "TASK_KILLING", 10),
];

#[test]
fn what_frameworks_are_told_is_true_and_nobody_waits_in_vain() {
    let tallies: Vec<_> = (1..=50).map(|seed| run(seed).perform()).collect();
    for (group, name, least) in REACHED {
        let count: u64 = tallies.iter().map(|tally| tally.of(group, name)).sum();
        assert!(count >= least, "{group}: {name} was reached {count} times only");
    }
}

#[test]
fn every_run_of_bridges_that_once_failed_holds() {
    for run in regressions() {
        run.perform();
    }
}

#[test]
fn one_seed_gives_one_run_of_bridges() {
    let tally = || run(7).perform().to_string();
    assert_eq!(tally(), tally());
}

/// A bridge that is broken in this way is noticed within some seeds, and by one of the checks that should.
fn is_noticed(fault: Fault, as_what: &[&str]) {
    for seed in 1..=40 {
        if let Err(violations) = BridgeRun::of(seed).perform_with(fault) {
            let is_right = as_what.iter().any(|text| violations[0].contains(text));
            assert!(is_right, "{fault:?} is noticed as {violations:?}");
            return;
        }
    }
    panic!("{fault:?} is not noticed");
}

#[test]
fn a_launch_that_is_started_under_two_ids_is_noticed() {
    is_noticed(Fault::StartsTwice, &["runs twice", "is live"]);
}

#[test]
fn a_launch_that_is_started_again_is_noticed() {
    is_noticed(Fault::StartsAgain, &["is started twice"]);
}

#[test]
fn an_end_that_is_never_told_is_noticed() {
    is_noticed(Fault::SwallowsEnds, &["was never told that task"]);
}

#[test]
fn a_task_that_the_bridge_does_not_see_is_noticed() {
    is_noticed(Fault::HidesTasks, &["who knows of", "is said to be"]);
}

#[test]
fn resources_that_are_offered_twice_are_noticed() {
    is_noticed(Fault::OffersTwice, &["are offered of"]);
}

#[test]
fn a_task_that_is_said_to_run_too_early_is_noticed() {
    is_noticed(Fault::RunsTooEarly, &["TASK_RUNNING, and"]);
}

#[test]
fn a_task_that_is_said_to_have_ended_too_early_is_noticed() {
    is_noticed(Fault::EndsTooEarly, &["has not stopped"]);
}

#[test]
fn an_update_that_is_not_repeated_is_noticed() {
    is_noticed(Fault::NeverRepeats, &["was not repeated"]);
}

#[test]
fn a_framework_that_is_offered_nothing_is_noticed() {
    is_noticed(Fault::Starves, &["is starved"]);
}

#[test]
fn reading_more_often_than_planned_is_noticed() {
    is_noticed(Fault::ReadsTooFast, &["read more often than planned"]);
}

#[test]
fn memory_that_is_never_given_back_is_noticed() {
    is_noticed(Fault::Leaks, &["leaks are left"]);
}
