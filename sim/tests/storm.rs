//! A few storms, each followed by a quiet period. For longer ones:
//! `cargo xtask sim --seed 7 --steps 1000000`.

use longshore_sim::{World, regressions};

fn season(seed: u64, clear: bool) {
    let mut world = World::new(seed);
    world.season(1_200, clear);
    assert!(world.tally.of("inputs", "a report arrives") > 100, "{}", world.tally);
    assert!(world.tally.of("calls", "CreateService") > 5, "{}", world.tally);
    assert!(world.tally.of("inputs", "an order arrives late") > 10, "{}", world.tally);
}

#[test]
fn after_a_storm_every_service_is_steady_given_up_or_says_what_it_waits_for() {
    season(1, false);
    season(2, false);
}

#[test]
fn what_is_taken_away_after_a_storm_leaves_nothing_behind() {
    season(3, true);
}

#[test]
fn one_seed_gives_one_run() {
    let run = || {
        let mut world = World::new(4);
        world.storm(400);
        world.tally.to_string()
    };
    assert_eq!(run(), run());
}

#[test]
fn every_run_that_once_failed_holds() {
    for run in regressions() {
        run.perform();
    }
}
