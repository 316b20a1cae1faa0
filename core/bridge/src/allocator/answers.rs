//! What becomes of offers: accepted, declined, withdrawn, out of time; and of what is launched from them. Source: \[O6\] to
//! \[O9\], \[C30\].

use longshore_machine::Timestamp;

use super::offers::Held;
use super::tree::As;
use super::{Allocator, Hold, Offered, Quantities, Rescinded};
use crate::amounts::Amounts;
use crate::ids::{AgentId, FrameworkId, OfferId, Role};
use crate::limits;

/// For how long a decline counts that says so many seconds. Source: \[O22\]: a DECLINE alone starts no allocation, so that what is
/// declined without a filter comes again with the next of the allocations that Mesos makes each second. Others may have it at once.
pub(crate) fn declined(refuse_seconds: f64) -> f64 {
    if refuse_seconds == 0.0 {
        #[expect(clippy::cast_precision_loss, reason = "a second")]
        let seconds = limits::REFUSE_MS_MIN as f64 / 1000.0;
        return seconds;
    }
    refuse_seconds
}

impl Allocator {
    /// An id of its own for an inverse offer. Source: \[O1\]: they are counted together.
    pub(crate) fn name_offer(&mut self) -> OfferId {
        self.offers.name()
    }

    /// An offer that may still be answered.
    pub(crate) fn get(&self, offer: &str) -> Option<&Offered> {
        self.offers.get(offer)
    }

    /// Spends an offer: what it held is free. Whoever accepts it holds what is used before anything else happens.
    pub(crate) fn take(&mut self, offer: &str) -> Option<Offered> {
        let entry = self.offers.take(offer)?;
        Some(self.take_apart(entry))
    }

    fn take_apart(&mut self, entry: super::offers::Entry) -> Offered {
        let change = self.agents.unpromise(entry.agent, &entry.offered.amounts);
        self.freed(entry.agent, change);
        self.discharge(entry.client, &entry.offered.amounts, As::Offered);
        entry.offered
    }

    /// Spends an offer of a framework that does not want it, and remembers that. Source: \[C30\]: an offer that it does not
    /// have is skipped.
    pub(crate) fn decline(
        &mut self,
        now: Timestamp,
        framework: &FrameworkId,
        offer: &str,
        refuse_seconds: f64,
    ) -> Option<Offered> {
        self.offers.get(offer).filter(|offered| offered.framework == *framework)?;
        let offered = self.take(offer)?;
        let Offered { role, agent, amounts, .. } = &offered;
        self.refuse(now, framework, role, agent, amounts, declined(refuse_seconds));
        Some(offered)
    }

    /// A framework does not want these amounts of an agent for so many seconds: the rest of an offer that it accepted.
    pub(crate) fn refuse(
        &mut self,
        now: Timestamp,
        framework: &FrameworkId,
        role: &Role,
        agent: &AgentId,
        amounts: &Amounts,
        seconds: f64,
    ) {
        let Some(agent) = self.agents.key(agent) else { return };
        // A framework that has left the role meanwhile is offered nothing for it anyway.
        let Some(client) = self.tree.find(role, framework) else { return };
        if self.wants.contains_key(&client) {
            self.filters.refuse(now, client, agent, amounts, seconds);
        }
    }

    /// Takes all offers of a framework back at once: it cannot answer them any more. What they held is free after the next
    /// slices of the allocation.
    pub(crate) fn withdraw(&mut self, framework: &FrameworkId) {
        self.offers.withdraw(framework);
    }

    /// Makes what withdrawn offers held free, as far as there are units; true when all is.
    pub(super) fn free_withdrawn(&mut self, units: &mut usize) -> bool {
        while self.offers.has_withdrawn() {
            if *units == 0 {
                return false;
            }
            *units = units.saturating_sub(3);
            if let Some(entry) = self.offers.take_withdrawn() {
                self.take_apart(entry);
            }
        }
        true
    }

    /// Spends offers that are out of time, so many at once. They are to be rescinded. Source: \[O6\].
    pub(crate) fn expired(&mut self, now: Timestamp) -> Rescinded {
        let mut rescinded = Rescinded::new();
        for _ in 0..limits::TIMERS_PER_TICK_MAX {
            let Some(id) = self.offers.expired(now) else { break };
            let Some((entry, is_answerable)) = self.offers.take_expired(&id) else { break };
            let offered = self.take_apart(entry);
            if is_answerable {
                rescinded.push((id, offered));
            }
        }
        rescinded
    }

    /// Keeps accepted amounts from being offered while they are turned into launches. They count for whoever accepted them.
    pub(crate) fn hold(
        &mut self,
        role: &Role,
        framework: &FrameworkId,
        agent: &AgentId,
        amounts: Amounts,
    ) -> Hold {
        let client = self.tree.client(role, framework);
        self.charge(client, &amounts, As::Offered, false);
        if let Some(key) = self.agents.key(agent) {
            self.agents.promise(key, &amounts);
        }
        self.offers.hold(Held { client, agent: agent.clone(), amounts })
    }

    /// They have become launches, which the caller has said, or may be offered again.
    pub(crate) fn release(&mut self, hold: Hold) -> Option<Amounts> {
        let held = self.offers.release(hold)?;
        if let Some(key) = self.agents.key(&held.agent) {
            let change = self.agents.unpromise(key, &held.amounts);
            self.freed(key, change);
        }
        self.discharge(held.client, &held.amounts, As::Offered);
        Some(held.amounts)
    }

    /// A launch counts for its framework from now on.
    pub(crate) fn launched(&mut self, role: &Role, framework: &FrameworkId, amounts: &Amounts) {
        let client = self.tree.client(role, framework);
        self.charge(client, amounts, As::Launched, false);
        let (sum, count) = self.launched.entry(client).or_default();
        sum.add(amounts);
        *count += 1;
        if self.quotas.requires_headroom() {
            self.work.look_at_what_was_held_back();
        }
    }

    /// A launch that counted has ended.
    pub(crate) fn ended(&mut self, role: &Role, framework: &FrameworkId, amounts: &Amounts) {
        let Some(client) = self.tree.find(role, framework) else { return };
        let Some((sum, count)) = self.launched.get_mut(&client) else { return };
        sum.take(amounts);
        *count -= 1;
        if *count == 0 {
            self.launched.remove(&client);
        }
        self.discharge(client, amounts, As::Launched);
    }

    /// What the launches of a framework in a role add up to: for the audit of whoever keeps launches.
    pub(crate) fn launched_by(&self, role: &Role, framework: &FrameworkId) -> Quantities {
        let client = self.tree.find(role, framework);
        let launched = client.and_then(|client| self.launched.get(&client));
        launched.map(|(sum, _)| sum.clone()).unwrap_or_default()
    }

    /// Offers that may be answered.
    pub(crate) fn offers(&self) -> impl Iterator<Item = (OfferId, &Offered)> {
        self.offers.iter()
    }

    /// Those of an agent, the newest first.
    pub(crate) fn offers_of_agent(&self, agent: &str) -> impl Iterator<Item = (OfferId, &Offered)> {
        self.agents.key(agent).into_iter().flat_map(|key| self.offers.of_agent(key))
    }

    pub(crate) fn offers_of_framework(
        &self,
        framework: &str,
    ) -> impl Iterator<Item = (OfferId, &Offered)> {
        self.offers.of_framework(framework)
    }

    /// What is on offer of an agent, or being turned into launches.
    pub(crate) fn promised(&self, agent: &str) -> Amounts {
        let held = self.offers.held(agent);
        let offered: Vec<Amounts> =
            self.offers_of_agent(agent).map(|(_, offered)| offered.amounts.clone()).collect();
        Amounts::sum(offered.iter().chain([&held]))
    }

    /// How many filters are kept.
    pub(crate) fn filters_len(&self) -> usize {
        self.filters.len()
    }

    /// How many offers are out, withdrawn ones included until they have been taken apart.
    pub(crate) fn offers_len(&self) -> usize {
        self.offers.len()
    }
}
