//! Bridges over a model of Amazon's ECS and over the local ECS: storms, and what each broken invariant looks like. More seeds:
//! `cargo xtask sim --bridge --seeds 1000`.

use longshore_sim::bridge::{BridgeRun, Fault, regressions};

/// Shorter than the storms of `cargo xtask sim`: tests are not optimised.
const STEPS: u64 = 120;

fn run(seed: u64) -> BridgeRun {
    BridgeRun { steps: STEPS, ..BridgeRun::of(seed) }
}

/// What sixty storms have to reach, or they show little.
const REACHED: [(&str, &str, u64); 50] = [
    ("reached", "a bridge crashed", 50),
    ("reached", "a task ran", 500),
    ("reached", "a group ran", 20),
    ("reached", "a task of a group ended by itself", 4),
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
    ("reached", "the control plane crashed", 5),
    ("operators", "quota done", 5),
    ("operators", "deactivate done", 5),
    ("operators", "drain done", 5),
    ("operators", "reactivate done", 5),
    ("operators", "mark gone done", 2),
    ("operators", "down done", 1),
    ("operators", "looked", 5_000),
    ("quota", "a guarantee was wanted", 5),
    ("asks", "PutAttributes", 20),
    ("asks", "UpdateContainerInstancesState", 20),
    ("calls", "REVIVE", 50),
    ("calls", "UPDATE_FRAMEWORK", 20),
    ("probes", "passed", 100),
    ("probes", "failed", 20),
    ("probes", "nobody was reached", 8),
    ("probes", "told twice", 3),
    ("reached", "a task was found unhealthy", 3),
    ("calls", "ACCEPT", 500),
    ("calls", "DECLINE", 500),
    ("calls", "KILL", 100),
    ("calls", "SUPPRESS", 20),
    ("calls", "RECONCILE", 100),
    ("events", "RESCIND", 100),
    ("updates", "TASK_DROPPED", 10),
    ("updates", "TASK_STARTING", 10),
    ("updates", "TASK_KILLING", 10),
    ("updates", "TASK_UNREACHABLE", 2),
    ("updates", "TASK_GONE_BY_OPERATOR", 2),
    ("events", "INVERSE_OFFERS", 5),
    ("callbacks", "registered", 30),
    ("callbacks", "reregistered", 30),
    ("callbacks", "disconnected", 30),
    ("callbacks", "statusUpdate", 500),
    ("commands", "acceptOffers", 100),
    ("reached", "a driver finished", 30),
];

/// Runs in which operators take machines down and mark agents gone while ECS answers, which is rare.
const MACHINES_DOWN: [u64; 3] = [100, 123, 190];

#[test]
fn what_frameworks_are_told_is_true_and_nobody_waits_in_vain() {
    let runs = (1..=60).map(run).chain(MACHINES_DOWN.map(BridgeRun::of));
    let tallies: Vec<_> = runs.map(BridgeRun::perform).collect();
    let short: Vec<String> = REACHED
        .into_iter()
        .filter_map(|(group, name, least)| {
            let count: u64 = tallies.iter().map(|tally| tally.of(group, name)).sum();
            (count < least).then(|| format!("{group}: {name}: {count} times, not {least}"))
        })
        .collect();
    assert_eq!(short, Vec::<String>::new());
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
            let is_right = |one: &String| as_what.iter().any(|text| one.contains(text));
            let is_right = violations.iter().any(is_right);
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
    is_noticed(
        Fault::HidesTasks,
        &[
            "who knows of",
            "is said to be",
            "and still runs",
            "believes in",
            "is healthy",
            "was never told that task",
        ],
    );
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
    // What is said once may be lost.
    is_noticed(Fault::NeverRepeats, &["was not repeated", "was never told that task"]);
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
fn a_task_that_is_killed_although_it_passes_its_checks_is_noticed() {
    is_noticed(Fault::Slanders, &["was not found unhealthy"]);
}

#[test]
fn memory_that_is_never_given_back_is_noticed() {
    is_noticed(Fault::Leaks, &["leaks are left"]);
}

#[test]
fn offers_for_a_role_that_is_suppressed_are_noticed() {
    is_noticed(Fault::OffersSuppressed, &["a role that it suppressed"]);
}

#[test]
fn offers_of_what_was_declined_are_noticed() {
    is_noticed(Fault::OffersDeclined, &["was declined for"]);
}

#[test]
fn offers_of_agents_that_a_framework_does_not_want_are_noticed() {
    is_noticed(Fault::OffersUnwanted, &["an agent that it does not want"]);
}

#[test]
fn offers_of_less_than_a_framework_wants_are_noticed() {
    is_noticed(Fault::OffersTooLittle, &["is less than it wants"]);
}

#[test]
fn offers_for_a_role_that_was_dropped_are_noticed() {
    let as_what = ["a role that it does not have", "suppressed", "not want", "than it wants"];
    is_noticed(Fault::KeepsRoles, &as_what);
}

#[test]
fn offers_beyond_a_limit_are_noticed() {
    is_noticed(Fault::IgnoresLimits, &["is at most to have", "beyond its limit"]);
}

#[test]
fn a_guarantee_that_is_not_kept_is_noticed() {
    is_noticed(Fault::IgnoresGuarantees, &["is guaranteed more"]);
}

#[test]
fn offers_that_are_out_for_too_long_are_noticed() {
    is_noticed(Fault::KeepsOffers, &["beyond its time"]);
}

#[test]
fn changes_that_operators_are_not_told_are_noticed() {
    is_noticed(Fault::HidesChanges, &["and was told"]);
}

#[test]
fn an_old_view_is_noticed() {
    is_noticed(Fault::ShowsThePast, &["operators see", "were told", "as they are shown", "told"]);
}

#[test]
fn a_bridge_that_stops_tasks_of_another_is_noticed() {
    is_noticed(Fault::StopsStrangers, &["of a framework of another bridge"]);
}

#[test]
fn a_driver_that_launches_twice_is_noticed() {
    is_noticed(Fault::DriverRepeats, &["twice"]);
}

#[test]
fn a_driver_that_keeps_updates_to_itself_is_noticed() {
    is_noticed(Fault::DriverSwallows, &["who knows of", "believes in task", "is starved"]);
}
