//! Runs of Blox's scheduler from fixed seeds, and proof that their promises can be broken.

use longshore_sim::blox::{Planted, run};

#[test]
fn promises_hold_whatever_goes_wrong() {
    let mut sum = (0, 0, 0, 0);
    for seed in 1..=40 {
        let tally =
            run(seed, 150, Planted::None).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        sum.0 += tally.started;
        sum.1 += tally.lost;
        sum.2 += tally.crashes;
        sum.3 += tally.deployments;
    }
    let (started, lost, crashes, deployments) = sum;
    assert!(started > 1_000 && lost > 50 && crashes > 100 && deployments > 200, "{sum:?}");
}

/// Whether some seed of a few breaks a promise whose text has these words.
fn breaks(planted: Planted, words: &str) -> bool {
    (1..=40).any(|seed| run(seed, 150, planted).is_err_and(|why| why.contains(words)))
}

#[test]
fn a_scheduler_that_forgets_its_starts_is_caught() {
    assert!(breaks(Planted::ForgetsStarts, "two tasks"));
}

#[test]
fn a_scheduler_that_takes_silence_for_no_is_caught() {
    assert!(breaks(Planted::LostMeansNotDone, "two tasks"));
}

#[test]
fn a_scheduler_that_never_stops_a_task_is_caught() {
    assert!(breaks(Planted::DropsStops, ""));
}
