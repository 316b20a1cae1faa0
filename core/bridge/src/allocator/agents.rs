//! Agents: what each is, what is free of it, and which are worth a look.
//!
//! What an agent has *available* is what neither tasks nor anything outside the bridge uses. What is *promised* of it is on
//! offer, or accepted and being turned into launches. The rest is *free*. All three are kept, and so is what is free of all
//! agents together.

use std::collections::{BTreeMap, BTreeSet};

use longshore_wire_ecs::Str;

use super::quantities::Quantities;
use crate::amounts::Amounts;
use crate::ids::AgentId;

/// What an agent is, as frameworks are told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    hostname: Str,
    /// Region and zone.
    domain: Option<(Str, Str)>,
    /// Names and values. Those of ECS are text.
    attributes: Vec<(Str, Str)>,
    total: Amounts,
}

impl Facts {
    pub(crate) fn new(hostname: &str, total: Amounts) -> Self {
        Self { hostname: hostname.into(), domain: None, attributes: Vec::new(), total }
    }

    pub(crate) fn with_domain(mut self, region: &str, zone: &str) -> Self {
        self.domain = Some((region.into(), zone.into()));
        self
    }

    pub(crate) fn with_attributes(mut self, attributes: Vec<(Str, Str)>) -> Self {
        self.attributes = attributes;
        self
    }

    pub(super) fn hostname(&self) -> &str {
        &self.hostname
    }

    pub(super) fn region(&self) -> Option<&str> {
        self.domain.as_ref().map(|(region, _)| &**region)
    }

    pub(super) fn zone(&self) -> Option<&str> {
        self.domain.as_ref().map(|(_, zone)| &**zone)
    }

    /// The first attribute of that name.
    pub(super) fn attribute(&self, name: &str) -> Option<&Str> {
        self.attributes.iter().find(|(one, _)| **one == *name).map(|(_, value)| value)
    }

    pub(super) fn has_attributes_of(&self, other: &Self) -> bool {
        self.attributes == other.attributes
    }

    pub(super) fn has_gpus(&self) -> bool {
        self.total.scalar("gpus") > 0
    }
}

/// An agent, for as long as it is known. One that comes back is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u64);

#[derive(Debug)]
pub(super) struct Agent {
    id: AgentId,
    facts: Facts,
    is_offerable: bool,
    available: Amounts,
    promised: Amounts,
    /// What is available and not promised; nothing if the agent may not be offered.
    free: Amounts,
}

impl Agent {
    pub(super) fn id(&self) -> &AgentId {
        &self.id
    }

    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }

    pub(super) fn free(&self) -> &Amounts {
        &self.free
    }

    /// Whether more is promised than there is.
    fn is_overcommitted(&self) -> bool {
        !self.available.contains(&self.promised)
    }

    /// Whether more is promised than there is of anything in these amounts.
    pub(super) fn lacks(&self, amounts: &Amounts) -> bool {
        if !self.is_overcommitted() {
            return false;
        }
        let lacking = self.promised.minus(&self.available);
        amounts.scalars.keys().any(|name| lacking.scalar(name) > 0)
            || amounts.ports.minus(&lacking.ports) != amounts.ports
    }
}

/// How what is free of an agent has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing is free that was not.
    NoMore,
    More,
}

#[derive(Debug, Default)]
pub(super) struct Agents {
    all: BTreeMap<Key, Agent>,
    by_id: BTreeMap<AgentId, Key>,
    next: u64,
    /// Those with anything free.
    with_free: BTreeSet<Key>,
    free: Quantities,
}

impl Agents {
    pub(super) fn key(&self, id: &str) -> Option<Key> {
        self.by_id.get(id).copied()
    }

    pub(super) fn get(&self, key: Key) -> Option<&Agent> {
        self.all.get(&key)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.all.keys().copied()
    }

    /// What is free of all agents.
    pub(super) fn free(&self) -> &Quantities {
        &self.free
    }

    pub(super) fn with_free(&self) -> &BTreeSet<Key> {
        &self.with_free
    }

    /// An agent that was not known. So much of it is promised from before.
    pub(super) fn insert(&mut self, id: &AgentId, facts: Facts, promised: Amounts) -> Key {
        let key = Key(self.next);
        self.next += 1;
        let agent = Agent {
            id: id.clone(),
            facts,
            is_offerable: false,
            available: Amounts::default(),
            promised,
            free: Amounts::default(),
        };
        self.all.insert(key, agent);
        self.by_id.insert(id.clone(), key);
        key
    }

    /// Sets what an agent is, and returns what it was.
    pub(super) fn set_facts(&mut self, key: Key, facts: Facts) -> Option<Facts> {
        self.all.get_mut(&key).map(|agent| std::mem::replace(&mut agent.facts, facts))
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Facts> {
        self.change(key, |agent| agent.is_offerable = false);
        let agent = self.all.remove(&key)?;
        self.by_id.remove(&agent.id);
        Some(agent.facts)
    }

    pub(super) fn set_available(&mut self, key: Key, available: Amounts) -> Change {
        self.change(key, |agent| agent.available = available)
    }

    pub(super) fn set_offerable(&mut self, key: Key, is_offerable: bool) -> Change {
        self.change(key, |agent| agent.is_offerable = is_offerable)
    }

    /// So much of what is free of an agent is promised.
    pub(super) fn promise(&mut self, key: Key, amounts: &Amounts) {
        let Some(agent) = self.all.get_mut(&key) else { return };
        if !agent.free.contains(amounts) {
            // Held from before, and not there any more.
            self.change(key, |agent| agent.promised.add(amounts));
            return;
        }
        // As nearly always. Nothing is computed anew, since this is done for each offer.
        agent.promised.add(amounts);
        agent.free.take(amounts);
        self.free.take(amounts);
        if agent.free.is_empty() {
            self.with_free.remove(&key);
        }
    }

    /// It is not any more.
    pub(super) fn unpromise(&mut self, key: Key, amounts: &Amounts) -> Change {
        let Some(agent) = self.all.get_mut(&key) else { return Change::NoMore };
        if amounts.is_empty() || !agent.is_offerable || agent.is_overcommitted() {
            return self.change(key, |agent| agent.promised.take(amounts));
        }
        agent.promised.take(amounts);
        agent.free.add(amounts);
        self.free.add(amounts);
        self.with_free.insert(key);
        Change::More
    }

    /// Changes an agent, and what follows from it.
    fn change(&mut self, key: Key, change: impl FnOnce(&mut Agent)) -> Change {
        let Some(agent) = self.all.get_mut(&key) else { return Change::NoMore };
        change(agent);
        let free = if agent.is_offerable {
            agent.available.minus(&agent.promised)
        } else {
            Amounts::default()
        };
        let before = std::mem::replace(&mut agent.free, free);
        self.free.take(&before);
        self.free.add(&agent.free);
        if agent.free.is_empty() {
            self.with_free.remove(&key);
        } else {
            self.with_free.insert(key);
        }
        if before.contains(&agent.free) { Change::NoMore } else { Change::More }
    }

    /// The scalars of what an agent has in all.
    pub(super) fn total(facts: &Facts) -> &Amounts {
        &facts.total
    }

    /// What is kept and is not so, given what is promised of each agent.
    pub(super) fn audit(&self, promised: &BTreeMap<AgentId, Amounts>) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut free = Quantities::default();
        let mut with_free = BTreeSet::new();
        for (key, agent) in &self.all {
            let again = promised.get(&agent.id).cloned().unwrap_or_default();
            if again != agent.promised {
                wrong.push(format!("{again} is promised of {}, not {}", agent.id, agent.promised));
            }
            let left = agent.available.minus(&agent.promised);
            let left = if agent.is_offerable { left } else { Amounts::default() };
            if left != agent.free {
                wrong.push(format!("{left} is free of {}, not {}", agent.id, agent.free));
            }
            if self.by_id.get(&agent.id) != Some(key) {
                wrong.push(format!("agent {} is not found", agent.id));
            }
            free.add(&left);
            if !left.is_empty() {
                with_free.insert(*key);
            }
        }
        if self.by_id.len() != self.all.len() {
            wrong.push(format!("{} agents are found by id", self.by_id.len()));
        }
        if free != self.free || with_free != self.with_free {
            wrong.push(format!("{free} is free, not {}", self.free));
        }
        wrong
    }
}
