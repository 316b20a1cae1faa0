//! What an allocation costs: `cargo test --release -p longshore-bridge allocator::bench -- --ignored --nocapture`.
//!
//! The allocator is private to this crate, so its figures are taken here. Budgets are asserted, with room for a slow machine.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use longshore_machine::{Ids, Timestamp};

use super::*;
use crate::limits;
use crate::ranges::Ranges;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

struct World {
    allocator: Allocator,
    ids: Ids,
    slices: Vec<Duration>,
}

#[expect(clippy::disallowed_methods, reason = "measures")]
fn timed<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    let result = act();
    (result, begin.elapsed())
}

#[expect(clippy::disallowed_macros, reason = "prints figures")]
fn report(what: &str, took: Duration) {
    println!("{what:<64} {took:>12.3?}");
}

fn all_of_one() -> Amounts {
    Amounts::of(8_000, 32_768_000, 100_000_000, Ranges::new(vec![(31_000, 32_000)]).expect("valid"))
}

impl World {
    fn new() -> Self {
        let options =
            Options { master: "3f0bd1f0-5b1e-4b29-8a37-8e1a2f8a7a11".into(), ..Options::default() };
        Self { allocator: Allocator::new(options), ids: Ids::new(7), slices: Vec::new() }
    }

    fn agents(&mut self, count: usize) {
        for at in 0..count {
            let id = AgentId::from(format!("3f0bd1f05b1e4b298a378e1a2f8a7a11-S{at}"));
            let attributes = vec![("rack".into(), format!("r{}", at % 50).into())];
            let facts = Facts::new("ip-10-0-0-1", all_of_one()).with_attributes(attributes);
            self.allocator.put_agent(&id, facts, true);
            self.allocator.set_available(&id, all_of_one());
        }
    }

    fn frameworks(&mut self, names: &str, count: usize, roles: usize) {
        for at in 0..count {
            let id = FrameworkId::from(format!("{names}-{at:04}"));
            let role = format!("team{}/r{}", at % 7, at % roles).into();
            let profile = Profile { roles: [role].into(), ..Profile::default() };
            self.allocator.add_framework(&id, profile);
            self.allocator.activate_framework(&id);
        }
    }

    /// Runs the allocation to its end.
    fn run(&mut self, now: Timestamp) -> Vec<(OfferId, Offered)> {
        let mut made = Vec::new();
        loop {
            let mut units = limits::UNITS_PER_SLICE;
            let (slice, took) = timed(|| self.allocator.run(now, &mut units, &mut self.ids));
            self.slices.push(took);
            made.extend(slice.offers);
            if slice.is_done {
                return made;
            }
        }
    }

    /// Reports the slices since the last time: others use the machine too, so the longest one may not be ours.
    fn report_slices(&mut self) {
        let mut slices = std::mem::take(&mut self.slices);
        slices.sort_unstable();
        for (what, percent) in [("half", 50), ("99 %", 99), ("all", 100)] {
            let at = (slices.len() * percent / 100).min(slices.len() - 1);
            report(&format!("... {what} of its {} slices take at most", slices.len()), slices[at]);
        }
    }
}

/// Seconds of a filter that outlives the test.
const LONG: f64 = 1e6;

#[test]
#[ignore = "measures, in a release build"]
fn fifty_thousand_agents_are_offered_to_two_hundred_frameworks() {
    let mut world = World::new();
    let ((), took) = timed(|| world.agents(50_000));
    report("50,000 agents are put", took);
    world.frameworks("f", 200, 20);
    let (made, took) = timed(|| world.run(NOW));
    assert_eq!(made.len(), 50_000);
    report("50,000 agents, 200 frameworks: first allocation", took);
    world.report_slices();
    assert!(took < Duration::from_secs(2));

    let ((), took) = timed(|| {
        for (id, one) in &made {
            world.allocator.decline(NOW, &one.framework, id, 0.0).expect("it is out");
        }
    });
    report("all of them are declined, without filters", took);
    let (made, took) = timed(|| world.run(NOW));
    assert_eq!(made.len(), 50_000);
    report("... and offered again", took);
    world.report_slices();

    let (id, one) = made[25_000].clone();
    let mut most = Duration::ZERO;
    let mut last = (id, one);
    for _ in 0..1_000 {
        let ((), took) = timed(|| {
            world.allocator.decline(NOW, &last.1.framework, &last.0, LONG).expect("it is out");
            last = world.run(NOW).pop().unwrap_or_else(|| last.clone());
        });
        if world.allocator.get(&last.0).is_none() {
            break;
        }
        most = most.max(took);
    }
    report("one decline and the run after it, at most, to the 200th filter", most);
    assert!(most < Duration::from_millis(5));
    let amounts = Amounts::of(1_000, 1_000_000, 0, Ranges::default());
    let agent = &made[100].1.agent;
    let ((), took) = timed(|| {
        let more = all_of_one().plus(&amounts);
        world.allocator.set_available(agent, more);
        assert_eq!(world.run(NOW).len(), 1);
    });
    report("one agent has more, and the run after it", took);
    let ((), took) = timed(|| {
        world.agents(1);
        world.allocator.put_agent(&"another".into(), Facts::new("x", all_of_one()), true);
        world.allocator.set_available(&"another".into(), all_of_one());
        assert_eq!(world.run(NOW).len(), 1);
    });
    report("one agent more, which changes all shares, and the run after it", took);
    assert!(took < Duration::from_millis(5));
    let (wrong, took) = timed(|| world.allocator.audit());
    assert_eq!(wrong, Vec::<String>::new());
    report("audit", took);
}

#[test]
#[ignore = "measures, in a release build"]
fn five_thousand_idle_frameworks_cost_little() {
    let mut world = World::new();
    world.agents(50_000);
    world.frameworks("busy", 1, 1);
    world.run(NOW);
    world.slices.clear();
    let ((), took) = timed(|| {
        for at in 0..5_000 {
            let id = FrameworkId::from(format!("idle-{at:04}"));
            let profile = Profile { roles: ["idle".into()].into(), ..Profile::default() };
            world.allocator.add_framework(&id, profile);
            world.allocator.activate_framework(&id);
            assert!(world.run(NOW).is_empty());
        }
    });
    report("5,000 frameworks subscribe one by one, all agents on offer", took);
    world.report_slices();

    // Now everything is free, and everybody but one is offered nothing that it wants.
    let mut world = World::new();
    world.agents(50_000);
    let ((), took) = timed(|| {
        for at in 0..20 {
            let name = format!("idle{at}");
            world.frameworks(&name, 250, 50);
            let made = world.run(NOW);
            for (id, one) in made {
                world.allocator.decline(NOW, &one.framework, &id, 0.0);
            }
            for at in 0..250 {
                let id = FrameworkId::from(format!("{name}-{at:04}"));
                assert!(world.allocator.suppress(&id, &BTreeSet::new()));
            }
        }
    });
    report("5,000 subscribe by 250, decline, suppress; 50,000 free", took);
    world.report_slices();
    world.run(NOW);
    let ((), took) = timed(|| {
        world.frameworks("new", 1, 1);
        assert_eq!(world.run(NOW).len(), 50_000);
    });
    report("one more is offered 50,000 agents, 5,000 being suppressed", took);
}

#[test]
#[ignore = "measures, in a release build"]
fn an_agent_that_five_thousand_frameworks_have_declined_is_passed_over_quickly() {
    let mut world = World::new();
    world.agents(20);
    world.frameworks("f", 5_000, 50);
    let ((), took) = timed(|| {
        loop {
            let made = world.run(NOW);
            if made.is_empty() {
                break;
            }
            for (id, one) in made {
                world.allocator.decline(NOW, &one.framework, &id, LONG);
            }
        }
    });
    report("5,000 frameworks decline 20 agents", took);
    world.report_slices();
    let agent = AgentId::from("3f0bd1f05b1e4b298a378e1a2f8a7a11-S0");
    world.allocator.set_available(&agent, Amounts::default());
    let (made, took) = timed(|| {
        world.allocator.set_available(&agent, all_of_one());
        world.run(NOW)
    });
    assert!(made.is_empty());
    report("a look at an agent that 5,000 have declined", took);
    let id = FrameworkId::from("f-0001");
    let ((), took) = timed(|| assert!(world.allocator.revive(&id, &BTreeSet::new())));
    report("one of them revives", took);
    let (made, took) = timed(|| world.run(NOW));
    assert_eq!(made.len(), 20);
    report("... and is offered all", took);
}
