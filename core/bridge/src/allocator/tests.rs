//! What frameworks are offered, in situations that are told apart by hand.

mod answers;
mod fairness;
mod quota;
mod wants;

use std::collections::BTreeSet;

use longshore_machine::{Ids, Timestamp};

use super::*;
use crate::ids::Role;
use crate::ranges::Ranges;

/// An allocator with a clock.
struct World {
    allocator: Allocator,
    ids: Ids,
    now: Timestamp,
}

fn cpus(cpus: u64) -> Amounts {
    Amounts::of(cpus * 1_000, cpus * 1_000_000, 0, Ranges::default())
}

fn roles(names: &[&str]) -> BTreeSet<Role> {
    names.iter().map(|name| Role::from(*name)).collect()
}

fn profile(names: &[&str]) -> Profile {
    Profile { roles: roles(names), ..Profile::default() }
}

impl World {
    fn new() -> Self {
        Self::with(Options { master: "m".into(), ..Options::default() })
    }

    fn with(options: Options) -> Self {
        let now = Timestamp::from_millis(1_000_000);
        Self { allocator: Allocator::new(options), ids: Ids::new(7), now }
    }

    /// Agents of so many CPUs and as many GB.
    fn agents(&mut self, agents: &[(&str, u64)]) {
        for (id, count) in agents {
            self.agent(id, Facts::new(id, cpus(*count)), cpus(*count));
        }
    }

    fn agent(&mut self, id: &str, facts: Facts, available: Amounts) {
        self.allocator.put_agent(&id.into(), facts, true);
        self.allocator.set_available(&id.into(), available);
    }

    fn framework(&mut self, id: &str, roles: &[&str]) {
        self.framework_as(id, profile(roles));
    }

    fn framework_as(&mut self, id: &str, profile: Profile) {
        self.allocator.add_framework(&id.into(), profile);
        self.allocator.activate_framework(&id.into());
    }

    /// Runs the allocation to its end. Offers by framework, role and agent, in order.
    fn run(&mut self) -> Vec<(OfferId, Offered)> {
        let mut made = Vec::new();
        loop {
            let slice: super::run::Made = self.allocator.run(self.now, &mut 1_000, &mut self.ids);
            made.extend(slice.offers);
            assert_eq!(self.allocator.audit(), Vec::<String>::new());
            if slice.is_done {
                assert!(!self.allocator.wants_run(self.now));
                return made;
            }
        }
    }

    /// Who is offered which agent.
    fn offered(&mut self) -> Vec<(String, String)> {
        let made = self.run();
        let mut pairs: Vec<(String, String)> = made
            .iter()
            .map(|(_, one)| (one.framework.to_string(), one.agent.to_string()))
            .collect();
        pairs.sort();
        pairs
    }

    fn decline_all(&mut self, framework: &str, seconds: f64) -> usize {
        let own = self.allocator.offers_of_framework(framework).map(|(id, _)| id);
        let own: Vec<OfferId> = own.collect();
        for id in &own {
            self.allocator
                .decline(self.now, &framework.into(), id, seconds)
                .expect("it is its own");
        }
        own.len()
    }

    /// Accepts all offers of a framework and launches all of them.
    fn launch_all(&mut self, framework: &str) -> usize {
        let own = self.allocator.offers_of_framework(framework).map(|(id, _)| id);
        let own: Vec<OfferId> = own.collect();
        for id in &own {
            let one = self.allocator.take(id).expect("it is out");
            self.allocator.launched(&one.role, &one.framework, &one.amounts);
            self.allocator.set_available(&one.agent, Amounts::default());
        }
        own.len()
    }

    fn pass(&mut self, ms: u64) {
        self.now = self.now + ms;
    }
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> =
        expected.iter().map(|(one, two)| ((*one).to_owned(), (*two).to_owned())).collect();
    pairs.sort();
    pairs
}
