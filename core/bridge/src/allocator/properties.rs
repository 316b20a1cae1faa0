//! Random frameworks, agents and operators against the allocator.
//!
//! Safety is checked after every step: `audit` is silent, no agent has more on offer and held than it has, no role more than
//! its limit, and nothing is offered to someone who has declined it. Liveness is checked whenever the allocation has come to
//! its end: nobody wants anything that is free.

use std::collections::BTreeMap;

use longshore_machine::{Ids, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::tree::Among;
use super::*;
use crate::ids::Role;
use crate::ranges::Ranges;

const ROLES: [&str; 6] = ["a", "a/x", "a/y", "b", "b/x/y", "c"];
/// Roles that quota can be set on.
const TOPS: [&str; 3] = ["a", "b", "c"];

/// What happens. Everything is named by number, modulo how many there are.
#[derive(Clone, Debug)]
enum Step {
    PutAgent { agent: usize, size: u8, rack: u8, offerable: bool },
    Available { agent: usize, eighths: u8 },
    RemoveAgent(usize),
    Subscribe { framework: usize, roles: u8, suppressed: u8, kind: u8 },
    Disconnect(usize),
    Remove(usize),
    Suppress { framework: usize, role: usize },
    Revive { framework: usize, role: Option<usize> },
    Decline { offer: usize, seconds: u16 },
    Accept { offer: usize, eighths: u8, seconds: u16 },
    Settle { hold: usize, launched: bool },
    End(usize),
    Weight { role: usize, tenths: u8 },
    Quota { role: usize, guaranteed: u8, limit: Option<u8> },
    Pass { ms: u32 },
    Run { units: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let some = || 0..32_usize;
    prop_oneof![
        4 => (0..8_usize, 1..4_u8, 0..3_u8, prop::bool::weighted(0.9)).prop_map(
            |(agent, size, rack, offerable)| Step::PutAgent { agent, size, rack, offerable }),
        4 => (some(), 0..=8_u8).prop_map(|(agent, eighths)| Step::Available { agent, eighths }),
        1 => some().prop_map(Step::RemoveAgent),
        4 => (0..6_usize, any::<u8>(), any::<u8>(), 0..4_u8).prop_map(
            |(framework, roles, suppressed, kind)| Step::Subscribe { framework, roles, suppressed, kind }),
        1 => (0..6_usize).prop_map(Step::Disconnect),
        1 => (0..6_usize).prop_map(Step::Remove),
        1 => (0..6_usize, 0..6_usize).prop_map(|(framework, role)| Step::Suppress { framework, role }),
        2 => (0..6_usize, prop::option::of(0..6_usize))
            .prop_map(|(framework, role)| Step::Revive { framework, role }),
        8 => (some(), 0..20_u16).prop_map(|(offer, seconds)| Step::Decline { offer, seconds }),
        6 => (some(), 0..=8_u8, 0..20_u16)
            .prop_map(|(offer, eighths, seconds)| Step::Accept { offer, eighths, seconds }),
        5 => (some(), any::<bool>()).prop_map(|(hold, launched)| Step::Settle { hold, launched }),
        3 => some().prop_map(Step::End),
        1 => (0..6_usize, 1..50_u8).prop_map(|(role, tenths)| Step::Weight { role, tenths }),
        2 => (0..3_usize, 0..16_u8, prop::option::of(0..32_u8))
            .prop_map(|(role, guaranteed, limit)| Step::Quota { role, guaranteed, limit }),
        3 => (1..15_000_u32).prop_map(|ms| Step::Pass { ms }),
        6 => (1..200_usize).prop_map(|units| Step::Run { units }),
    ]
}

/// What was declined, as its framework remembers it.
struct Declined {
    framework: FrameworkId,
    role: Role,
    agent: AgentId,
    amounts: Amounts,
    until: Timestamp,
}

/// An allocator, and what whoever drives it knows.
struct World {
    allocator: Allocator,
    ids: Ids,
    now: Timestamp,
    /// What each agent has, and its attribute.
    agents: BTreeMap<AgentId, (Amounts, u8)>,
    available: BTreeMap<AgentId, Amounts>,
    holds: Vec<(Hold, Offered)>,
    launches: Vec<Offered>,
    declined: Vec<Declined>,
}

fn cpus(cpus: u64) -> Amounts {
    let ports = Ranges::new(vec![(1, cpus)]).expect("valid");
    Amounts::of(cpus * 1_000, cpus * 500_000, 0, if cpus > 0 { ports } else { Ranges::default() })
}

/// So many eighths of some amounts; all ports, or none.
fn part(amounts: &Amounts, eighths: u8) -> Amounts {
    let scalars =
        amounts.scalars.iter().map(|(name, n)| (name.clone(), n * u64::from(eighths) / 8));
    let ports = if eighths == 8 { amounts.ports.clone() } else { Ranges::default() };
    Amounts { scalars: scalars.filter(|(_, n)| *n > 0).collect(), ports }
}

fn framework_id(at: usize) -> FrameworkId {
    format!("f{at}").into()
}

fn roles_of(mask: u8) -> std::collections::BTreeSet<Role> {
    ROLES
        .iter()
        .enumerate()
        .filter(|(at, _)| mask >> at & 1 == 1)
        .map(|(_, r)| Role::from(*r))
        .collect()
}

fn profile(roles: u8, suppressed: u8, kind: u8) -> Profile {
    let minimums = if kind == 1 {
        roles_of(roles).into_iter().map(|role| (role, Minimum::default())).collect()
    } else {
        BTreeMap::new()
    };
    let capabilities = Capabilities { region_aware: kind > 1, gpu_resources: kind > 2 };
    Profile {
        roles: roles_of(roles),
        suppressed: roles_of(roles & suppressed & suppressed >> 2),
        capabilities,
        minimums,
        constraints: Constraints::default(),
    }
}

impl World {
    fn new() -> Self {
        let options = Options {
            master: "m".into(),
            home_region: Some("near".into()),
            offer_timeout_ms: Some(20_000),
        };
        Self {
            allocator: Allocator::new(options),
            ids: Ids::new(11),
            now: Timestamp::from_millis(1_000_000),
            agents: BTreeMap::new(),
            available: BTreeMap::new(),
            holds: Vec::new(),
            launches: Vec::new(),
            declined: Vec::new(),
        }
    }

    fn pick<T: Clone>(all: impl Iterator<Item = T>, at: usize) -> Option<T> {
        let all: Vec<T> = all.collect();
        (!all.is_empty()).then(|| all[at % all.len()].clone())
    }

    fn act(&mut self, step: &Step) {
        match *step {
            Step::PutAgent { .. } | Step::Available { .. } | Step::RemoveAgent(_) => {
                self.act_agent(step);
            }
            Step::Decline { .. } | Step::Accept { .. } | Step::Settle { .. } | Step::End(_) => {
                self.act_offer(step);
            }
            Step::Weight { role, tenths } => {
                let weights = [(ROLES[role].into(), f64::from(tenths) / 10.0)];
                let rescinded = self.allocator.update_weights(&weights).expect("positive");
                self.take(rescinded);
            }
            Step::Quota { role, guaranteed, limit } => {
                let limit = limit.map(|limit| ("cpus", f64::from(limit.max(guaranteed))));
                let guaranteed = [("cpus", f64::from(guaranteed))];
                let quota = Quota::read(TOPS[role], guaranteed, limit).expect("valid");
                let rescinded = self.allocator.update_quota(&TOPS[role].into(), quota);
                self.take(rescinded);
            }
            Step::Pass { ms } => {
                self.now = self.now + u64::from(ms);
                self.allocator.expired(self.now);
            }
            Step::Run { units } => drop(self.run(units)),
            _ => self.act_framework(step),
        }
    }

    fn take(&mut self, rescinded: Vec<OfferId>) {
        for id in rescinded {
            self.allocator.take(&id).expect("it is out");
        }
    }

    fn act_agent(&mut self, step: &Step) {
        match *step {
            Step::PutAgent { agent, size, rack, offerable } => {
                let id = AgentId::from(format!("a{agent}"));
                let mut total = cpus(u64::from(size) * 4);
                if agent == 7 {
                    total.scalars.insert("gpus".to_owned(), 1_000);
                }
                let region = if agent == 6 { "far" } else { "near" };
                let attribute = ("rack".into(), rack.to_string().into());
                let facts = Facts::new(&id, total.clone())
                    .with_domain(region, "z")
                    .with_attributes(vec![attribute]);
                let before = self.agents.insert(id.clone(), (total.clone(), rack));
                if before.is_none_or(|(_, before)| before != rack) {
                    self.declined.retain(|one| one.agent != id);
                }
                self.allocator.put_agent(&id, facts, offerable);
                self.available.insert(id.clone(), total.clone());
                self.allocator.set_available(&id, total);
            }
            Step::Available { agent, eighths } => {
                let Some((id, (total, _))) = Self::pick(self.agents.clone().into_iter(), agent)
                else {
                    return;
                };
                self.available.insert(id.clone(), part(&total, eighths));
                self.allocator.set_available(&id, part(&total, eighths));
            }
            Step::RemoveAgent(agent) => {
                let Some(id) = Self::pick(self.agents.keys().cloned(), agent) else { return };
                self.agents.remove(&id);
                self.available.remove(&id);
                self.declined.retain(|one| one.agent != id);
                self.allocator.remove_agent(&id);
            }
            _ => {}
        }
    }

    fn act_framework(&mut self, step: &Step) {
        match *step {
            Step::Subscribe { framework, roles, suppressed, kind } => {
                let id = framework_id(framework);
                let profile = profile(roles, suppressed, kind);
                // Roles that go, or that are revived, lose their filters; those that come have none.
                self.declined.retain(|one| {
                    one.framework != id
                        || profile.roles.contains(&one.role)
                            && profile.suppressed.contains(&one.role)
                });
                let rescinded = self.allocator.update_framework(&id, profile);
                self.take(rescinded);
                self.allocator.activate_framework(&id);
            }
            Step::Disconnect(framework) | Step::Remove(framework) => {
                let id = framework_id(framework);
                self.declined.retain(|one| one.framework != id);
                if matches!(step, Step::Remove(_)) {
                    self.allocator.remove_framework(&id);
                } else {
                    self.allocator.deactivate_framework(&id);
                }
            }
            Step::Suppress { framework, role } => {
                self.allocator.suppress(&framework_id(framework), &[ROLES[role].into()].into());
            }
            Step::Revive { framework, role } => {
                let id = framework_id(framework);
                let roles = role.map(|role| Role::from(ROLES[role])).into_iter().collect();
                if self.allocator.revive(&id, &roles) {
                    let is_revived = |role: &Role| roles.is_empty() || roles.contains(role);
                    self.declined.retain(|one| one.framework != id || !is_revived(&one.role));
                }
            }
            _ => {}
        }
    }

    fn act_offer(&mut self, step: &Step) {
        match *step {
            Step::Decline { offer, seconds } => {
                let Some((id, one)) = self.some_offer(offer) else { return };
                let seconds = f64::from(seconds);
                self.allocator.decline(self.now, &one.framework, &id, seconds).expect("it is out");
                self.remember(&one, one.amounts.clone(), seconds);
            }
            Step::Accept { offer, eighths, seconds } => {
                let Some((id, one)) = self.some_offer(offer) else { return };
                self.allocator.take(&id).expect("it is out");
                let used = part(&one.amounts, eighths);
                let (role, framework, agent) = (&one.role, &one.framework, &one.agent);
                let hold = self.allocator.hold(role, framework, agent, used.clone());
                let (rest, seconds) = (one.amounts.minus(&used), f64::from(seconds));
                self.allocator.refuse(self.now, framework, role, agent, &rest, seconds);
                self.remember(&one, rest, seconds);
                self.holds.push((hold, Offered { amounts: used, ..one }));
            }
            Step::Settle { hold, launched } => {
                if self.holds.is_empty() {
                    return;
                }
                let (hold, one) = self.holds.swap_remove(hold % self.holds.len());
                if launched {
                    self.allocator.launched(&one.role, &one.framework, &one.amounts);
                    if let Some(available) = self.available.get_mut(&one.agent) {
                        available.take(&one.amounts);
                        let available = available.clone();
                        self.allocator.release(hold);
                        self.allocator.set_available(&one.agent, available);
                    } else {
                        self.allocator.release(hold);
                    }
                    self.launches.push(one);
                } else {
                    self.allocator.release(hold);
                }
            }
            Step::End(at) if !self.launches.is_empty() => {
                let one = self.launches.swap_remove(at % self.launches.len());
                self.allocator.ended(&one.role, &one.framework, &one.amounts);
            }
            _ => {}
        }
    }

    fn some_offer(&self, at: usize) -> Option<(OfferId, Offered)> {
        Self::pick(self.allocator.offers().map(|(id, one)| (id, one.clone())), at)
    }

    /// A framework that has left a role remembers nothing of it.
    fn remember(&mut self, one: &Offered, amounts: Amounts, seconds: f64) {
        let known = self.allocator.tree.find(&one.role, &one.framework);
        let is_subscribed = known.is_some_and(|client| self.allocator.wants.contains_key(&client));
        if seconds > 0.0 && is_subscribed && self.agents.contains_key(&one.agent) {
            let (framework, role, agent) =
                (one.framework.clone(), one.role.clone(), one.agent.clone());
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds")]
            let until = self.now + (seconds * 1000.0) as u64;
            self.declined.push(Declined { framework, role, agent, amounts, until });
        }
    }

    /// One slice of the allocation; whether it was the last.
    fn run(&mut self, mut units: usize) -> bool {
        let made = self.allocator.run(self.now, &mut units, &mut self.ids);
        for (id, one) in &made.offers {
            assert_eq!(self.allocator.get(id), Some(one));
            let is_declined = self.declined.iter().any(|declined| {
                declined.until > self.now
                    && declined.framework == one.framework
                    && declined.role == one.role
                    && declined.agent == one.agent
                    && declined.amounts.contains(&one.amounts)
            });
            assert!(!is_declined, "{one:?} has been declined");
            self.check_limit(one);
        }
        made.is_done
    }

    /// What a role was offered is within its limits. What it had before may be beyond a limit that was set later.
    fn check_limit(&self, one: &Offered) {
        let top = super::tree::top(&one.role);
        let Some(quota) = self.allocator.quota(top) else { return };
        let held = self.allocator.tree.held(top);
        for name in one.amounts.scalars.keys().filter(|name| quota.limits().names(name)) {
            let (has, most) = (held.get(name), quota.limits().get(name));
            assert!(has <= most, "{top} has {has} of {name}, and may have {most}");
        }
    }

    fn check(&self) {
        assert_eq!(self.allocator.audit(), Vec::<String>::new());
        for (id, available) in &self.available {
            let offers = self.allocator.offers_of_agent(id).map(|(_, one)| &one.amounts);
            let offered = Amounts::sum(offers);
            assert!(available.contains(&offered), "{offered} is on offer of {available} of {id}");
            // Held amounts stay when an agent has less; what is left beside them is not offered.
            let held = self.holds.iter().filter(|(_, one)| one.agent == *id);
            let held = Amounts::sum(held.map(|(_, one)| &one.amounts));
            let left = available.minus(&held);
            assert!(left.contains(&offered), "{offered} is on offer of {left} left of {id}");
        }
    }

    /// Nobody wants anything that is free, and what was made must not be waited for.
    fn check_idle(&self) {
        for key in self.allocator.agents.with_free() {
            let mut walk = self.allocator.tree.walk(Among::Everyone);
            let taker = walk.find(|client| self.allocator.would_take(self.now, *key, *client));
            let who = taker.and_then(|client| self.allocator.tree.who(client));
            assert_eq!(who, None, "{:?} would have {key:?}", self.allocator.agents.get(*key));
        }
        assert!(!self.allocator.wants_run(self.now));
        assert!(self.allocator.next_due().is_none_or(|at| at > self.now));
    }

    fn settle(&mut self) {
        let slices = (0..10_000).take_while(|_| !self.run(50)).count();
        assert!(slices < 10_000, "the allocation does not end");
    }
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 256,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("seeds"))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_books_balance_after_every_step(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        for step in &steps {
            world.act(step);
            world.check();
        }
    }

    #[test]
    fn nobody_waits_for_what_is_free(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        for step in &steps {
            world.act(step);
            if matches!(step, Step::Run { .. }) {
                world.settle();
                world.check_idle();
            }
        }
        world.settle();
        world.check();
        world.check_idle();
    }

    #[test]
    fn what_has_ended_leaves_nothing_behind(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        for step in &steps {
            world.act(step);
        }
        for (hold, _) in std::mem::take(&mut world.holds) {
            world.allocator.release(hold);
        }
        for one in std::mem::take(&mut world.launches) {
            world.allocator.ended(&one.role, &one.framework, &one.amounts);
        }
        for at in 0..6 {
            world.allocator.remove_framework(&framework_id(at));
        }
        world.settle();
        world.check();
        prop_assert_eq!(world.allocator.offers_len(), 0);
        prop_assert_eq!(world.allocator.filters.len(), 0);
        prop_assert_eq!(world.allocator.next_due(), None);
        for role in ROLES {
            prop_assert_eq!(world.allocator.figures(role), super::policy::RoleFigures::default());
        }
    }
}
