//! Who is offered what: hierarchical dominant resource fairness with weights, quota, filters and offer constraints.
//!
//! The allocator knows agents and what is available of them, frameworks and what they want, and what everyone has. It knows
//! nothing of tasks, streams or the cluster: whoever drives it tells it what changes, in the words of Mesos's own allocator,
//! and is told which offers were made, and which must be rescinded.
//!
//! Unlike Mesos's, it never looks at all agents at regular intervals. It keeps a list of agents that may now be offered to
//! someone, because something of them was freed or a filter ended, and of frameworks that have begun to want offers. An agent
//! that is not on the list has been offered to everyone who wants offers, and nobody took it; so it costs nothing until
//! something changes. [`run`](Allocator::run) works the list off, a slice at a time.
//!
//! | file | what it knows |
//! |---|---|
//! | `agents` | what is free of each agent |
//! | `offers` | offers that are out, and amounts that are being turned into launches |
//! | `tree`, `order` | roles, frameworks in them, their shares, and who comes first |
//! | `quota` | guarantees and limits of roles |
//! | `filters` | what was declined, and until when |
//! | `constraints`, `pattern`, `minimum` | what frameworks do not want to be offered at all |
//! | `work`, `run`, `look` | what is to be looked at, and the allocation itself |
//!
//! Invariants, checked by [`audit`](Allocator::audit):
//! - No more of an agent is on offer and held than is available of it, once offers that it had to give up have been spent.
//! - What roles and frameworks have is what their launches, offers and holds add up to.
//! - Every index can be computed anew from what it indexes.
//!
//! Source: Mesos 1.11, the hierarchical allocator. Chosen by us where it differs: limits and guarantees of a role cover the
//! roles below it, which Mesos does not limit; and allocations follow changes within milliseconds.

mod agents;
mod answers;
mod audit;
mod constraints;
mod filters;
mod frameworks;
mod look;
mod minimum;
mod offers;
mod order;
mod pattern;
mod policy;
mod quantities;
mod quota;
mod run;
mod tree;
mod work;

#[cfg(test)]
mod bench;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;

pub(crate) use agents::Facts;
pub(crate) use answers::declined;
pub(crate) use constraints::Constraints;
pub(crate) use frameworks::{Capabilities, Profile};
pub(crate) use minimum::Minimum;
pub(crate) use offers::{Hold, Offered};
pub(crate) use quantities::Quantities;
pub(crate) use quota::Quota;

use self::agents::{Agent, Agents, Change, Key};
use self::filters::Filters;
use self::frameworks::{Framework, Wants};
use self::offers::Offers;
use self::quota::Quotas;
use self::tree::{As, Client, Tree};
use self::work::Work;
use crate::amounts::Amounts;
use crate::ids::{AgentId, FrameworkId, OfferId, Role};

/// What is settled at the start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// The id of the master, which ids of offers begin with.
    pub(crate) master: Str,
    /// The region of the master. Agents of others are offered only to frameworks with `REGION_AWARE`.
    pub(crate) home_region: Option<Str>,
    /// How long an offer may be out, in ms; forever if it is not set. Source: \[O6\].
    pub(crate) offer_timeout_ms: Option<u64>,
}

/// Offers that were taken back, and are to be rescinded.
pub(crate) type Rescinded = Vec<(OfferId, Offered)>;

/// Decides who is offered what.
#[derive(Debug)]
pub(crate) struct Allocator {
    options: Options,
    agents: Agents,
    frameworks: BTreeMap<FrameworkId, Framework>,
    /// Roles that frameworks do not have any more and that are to be taken apart before anything else is offered.
    leaving: BTreeMap<FrameworkId, BTreeSet<Role>>,
    /// What clients want, for those that are subscribed.
    wants: BTreeMap<Client, Wants>,
    tree: Tree,
    quotas: Quotas,
    offers: Offers,
    filters: Filters,
    /// What each client has launched, and how many launches that is.
    launched: BTreeMap<Client, (Quantities, usize)>,
    work: Work,
}

impl Allocator {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            agents: Agents::default(),
            frameworks: BTreeMap::new(),
            leaving: BTreeMap::new(),
            wants: BTreeMap::new(),
            tree: Tree::default(),
            quotas: Quotas::default(),
            offers: Offers::new(&options.master),
            filters: Filters::default(),
            launched: BTreeMap::new(),
            work: Work::default(),
            options,
        }
    }

    /// An agent is known, or is not what it was. Returns offers that it had to give up: all of them when what it has in all
    /// has changed, or it may not be offered any more. Source: \[O7\].
    pub(crate) fn put_agent(
        &mut self,
        id: &AgentId,
        facts: Facts,
        is_offerable: bool,
    ) -> Rescinded {
        let total = Agents::total(&facts).clone();
        let Some(key) = self.agents.key(id) else {
            let promised = self.offers.held(id);
            self.tree.set_total(|all| all.add(&total));
            let key = self.agents.insert(id, facts, promised);
            self.set_key_offerable(key, is_offerable);
            return Rescinded::new();
        };
        if self.agents.get(key).is_some_and(|agent| *agent.facts() == facts) {
            return self.set_offerable(id, is_offerable);
        }
        let Some(before) = self.agents.set_facts(key, facts) else { return Rescinded::new() };
        if self.agents.get(key).is_some_and(|agent| !agent.facts().has_attributes_of(&before)) {
            self.filters.forget_agent(key);
        }
        let mut rescinded = Rescinded::new();
        if *Agents::total(&before) != total {
            self.tree.set_total(|all| {
                all.take(Agents::total(&before));
                all.add(&total);
            });
            rescinded = self.rescind_where(key, |_, _| true);
        }
        rescinded.extend(self.set_offerable(id, is_offerable));
        // Whoever could not be offered it may be now.
        self.work.look_at(key);
        rescinded
    }

    /// An agent may be offered, or may not: it is disconnected, draining or on the move. Returns the offers it had to give up.
    pub(crate) fn set_offerable(&mut self, id: &AgentId, is_offerable: bool) -> Rescinded {
        let Some(key) = self.agents.key(id) else { return Rescinded::new() };
        self.set_key_offerable(key, is_offerable);
        if is_offerable { Rescinded::new() } else { self.rescind_where(key, |_, _| true) }
    }

    fn set_key_offerable(&mut self, key: Key, is_offerable: bool) {
        let change = self.agents.set_offerable(key, is_offerable);
        self.freed(key, change);
    }

    /// So much of an agent is used neither by tasks nor by anything else. Returns the offers that there is not enough for
    /// any more, the newest first.
    pub(crate) fn set_available(&mut self, id: &AgentId, available: Amounts) -> Rescinded {
        let Some(key) = self.agents.key(id) else { return Rescinded::new() };
        let change = self.agents.set_available(key, available);
        self.freed(key, change);
        self.rescind_where(key, Agent::lacks)
    }

    /// An agent is gone. Returns the offers that went with it. Its filters are forgotten; what is held or launched still counts
    /// for whoever has it until it is released or has ended.
    pub(crate) fn remove_agent(&mut self, id: &AgentId) -> Rescinded {
        let Some(key) = self.agents.key(id) else { return Rescinded::new() };
        let rescinded = self.rescind_where(key, |_, _| true);
        self.filters.forget_agent(key);
        self.work.forget_agent(key);
        if let Some(facts) = self.agents.remove(key) {
            self.tree.set_total(|all| all.take(Agents::total(&facts)));
        }
        rescinded
    }

    /// Takes those offers of an agent back that are to be, the newest first.
    fn rescind_where(
        &mut self,
        key: Key,
        is_to_be: impl Fn(&Agent, &Amounts) -> bool,
    ) -> Rescinded {
        let ids: Vec<OfferId> = self.offers.of_agent(key).map(|(id, _)| id).collect();
        let mut rescinded = Rescinded::new();
        for id in ids {
            let offered = self.offers.get(&id);
            let agent = self.agents.get(key).zip(offered);
            if agent.is_some_and(|(agent, offered)| is_to_be(agent, &offered.amounts)) {
                rescinded.extend(self.take(&id).map(|offered| (id, offered)));
            }
        }
        rescinded
    }

    /// Something of an agent may be free that was not.
    fn freed(&mut self, key: Key, change: Change) {
        if change == Change::More {
            self.work.look_at(key);
            if self.quotas.requires_headroom() {
                self.work.look_at_what_was_held_back();
            }
        }
    }

    /// Counts something for a client.
    fn charge(&mut self, client: Client, amounts: &Amounts, as_what: As, is_new: bool) {
        self.tree.charge(client, amounts, as_what, is_new);
        if !self.quotas.is_empty()
            && let Some((_, _, top)) = self.tree.who(client)
            && let Some(held) = self.tree.held_ref(top)
        {
            self.quotas.changed(top, held);
        }
    }

    /// Something that was counted has ended, so that a role that was at its limit may have more.
    fn discharge(&mut self, client: Client, amounts: &Amounts, as_what: As) {
        let top = self.tree.who(client).map(|(_, _, top)| top.clone());
        self.tree.discharge(client, amounts, as_what);
        let Some(top) = top.filter(|top| self.quotas.get(top).is_some()) else { return };
        let held = self.tree.held(&top);
        self.quotas.changed(&top, &held);
        self.work.look_at_what_was_held_back();
    }

    /// When the first offer is out of time.
    pub(crate) fn offers_end_at(&self) -> Option<Timestamp> {
        self.offers.next_end()
    }

    /// When something is due that no call tells: the end of a filter, or of an offer.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        [self.filters.next_end(), self.offers.next_end()].into_iter().flatten().min()
    }
}
