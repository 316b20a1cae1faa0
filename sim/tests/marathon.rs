//! Marathon's scheduler over a model of a master: storms, and what each broken promise looks like.

use std::collections::BTreeMap;

use longshore_sim::marathon::{Fault, MarathonRun};

const STEPS: u64 = 150;

#[test]
fn storms_end_with_every_app_as_it_is_wanted() {
    let mut reached: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..12 {
        match (MarathonRun { seed, steps: STEPS, fault: None }).run() {
            Ok(tally) => tally.into_iter().for_each(|(what, many)| {
                *reached.entry(what).or_default() += many;
            }),
            Err(why) => panic!("seed {seed}: {why}"),
        }
    }
    let least = [
        ("crash", 30),
        ("launch", 300),
        ("launch of a pod", 100),
        ("settled pod", 10),
        ("kill", 150),
        ("end", 30),
        ("return", 5),
        ("upgraded", 15),
        ("teardown", 5),
        ("settled", 12),
        ("constrained", 500),
        ("ready", 30),
        ("group", 30),
    ];
    for (what, many) in least {
        let there = reached.get(what).copied().unwrap_or(0);
        assert!(there >= many, "{what}: {there} in all storms show little: {reached:?}");
    }
}

#[test]
fn a_host_that_breaks_a_promise_is_noticed() {
    for (fault, text) in [
        (Fault::LaunchesTwice, "launched twice"),
        (Fault::StoresNothing, "not stored"),
        (Fault::LosesKills, ""),
    ] {
        let run = |seed| MarathonRun { seed, steps: STEPS, fault: Some(fault) }.run();
        let noticed = (0..3).filter_map(|seed| run(seed).err()).find(|why| why.contains(text));
        assert!(noticed.is_some(), "{fault:?}");
    }
}
