//! Offers that are out, and amounts that were accepted and are being turned into launches.
//!
//! An offer is one framework's until it is spent: accepted, declined, rescinded or out of time. A framework that cannot answer
//! any more has its offers withdrawn at once; what they hold is free when each has been taken apart, which may take a while.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;

use super::agents::Key;
use super::tree::Client;
use crate::amounts::Amounts;
use crate::ids::{AgentId, FrameworkId, OfferId, Role};

/// What was offered to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offered {
    pub(crate) framework: FrameworkId,
    pub(crate) role: Role,
    pub(crate) agent: AgentId,
    pub(crate) amounts: Amounts,
}

/// Names accepted amounts that are being turned into launches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hold(u64);

/// An offer, with what is kept about it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) offered: Offered,
    pub(super) client: Client,
    pub(super) agent: Key,
    expires: Option<Timestamp>,
}

/// Accepted amounts.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) client: Client,
    pub(super) agent: AgentId,
    pub(super) amounts: Amounts,
}

#[derive(Debug, Default)]
pub(super) struct Offers {
    /// What each id begins with.
    prefix: String,
    next: u64,
    all: BTreeMap<u64, Entry>,
    by_agent: BTreeMap<Key, BTreeSet<u64>>,
    /// Those that can be answered.
    by_framework: BTreeMap<FrameworkId, BTreeSet<u64>>,
    by_end: BTreeSet<(Timestamp, u64)>,
    withdrawn: VecDeque<BTreeSet<u64>>,
    holds: BTreeMap<Hold, Held>,
    holds_of_agent: BTreeMap<AgentId, BTreeSet<Hold>>,
    next_hold: u64,
}

fn unindex<K: Ord, V: Ord>(of: &mut BTreeMap<K, BTreeSet<V>>, key: &K, one: &V) {
    if let Some(all) = of.get_mut(key) {
        all.remove(one);
        if all.is_empty() {
            of.remove(key);
        }
    }
}

impl Offers {
    /// Source: \[O1\]: the id of the master, a dash, an O and a number.
    pub(super) fn new(master: &Str) -> Self {
        Self { prefix: format!("{master}-O"), ..Self::default() }
    }

    fn id(&self, number: u64) -> OfferId {
        format!("{}{number}", self.prefix).into()
    }

    /// A new id, for something that is named as offers are.
    pub(super) fn name(&mut self) -> OfferId {
        self.next += 1;
        self.id(self.next - 1)
    }

    /// The number in an id; none if it is not an id of ours.
    fn number(&self, id: &str) -> Option<u64> {
        let digits = id.strip_prefix(&*self.prefix)?;
        let is_plain =
            digits == "0" || digits.starts_with(|first: char| ('1'..='9').contains(&first));
        digits.parse().ok().filter(|_| is_plain)
    }

    pub(super) fn insert(
        &mut self,
        offered: Offered,
        client: Client,
        agent: Key,
        expires: Option<Timestamp>,
    ) -> OfferId {
        let number = self.next;
        self.next += 1;
        self.by_agent.entry(agent).or_default().insert(number);
        self.by_framework.entry(offered.framework.clone()).or_default().insert(number);
        self.by_end.extend(expires.map(|at| (at, number)));
        self.all.insert(number, Entry { offered, client, agent, expires });
        self.id(number)
    }

    /// An offer that may still be answered.
    pub(super) fn get(&self, id: &str) -> Option<&Offered> {
        let number = self.number(id)?;
        let entry = self.all.get(&number)?;
        self.is_answerable(number, entry).then_some(&entry.offered)
    }

    fn is_answerable(&self, number: u64, entry: &Entry) -> bool {
        self.by_framework.get(&entry.offered.framework).is_some_and(|all| all.contains(&number))
    }

    /// Takes an offer out that may still be answered.
    pub(super) fn take(&mut self, id: &str) -> Option<Entry> {
        self.get(id)?;
        self.remove(self.number(id)?)
    }

    fn remove(&mut self, number: u64) -> Option<Entry> {
        let entry = self.all.remove(&number)?;
        unindex(&mut self.by_agent, &entry.agent, &number);
        unindex(&mut self.by_framework, &entry.offered.framework, &number);
        if let Some(at) = entry.expires {
            self.by_end.remove(&(at, number));
        }
        Some(entry)
    }

    /// Takes all offers of a framework back at once, at the cost of one. What they hold is still held.
    pub(super) fn withdraw(&mut self, framework: &str) {
        self.withdrawn.extend(self.by_framework.remove(framework));
    }

    /// Takes out one offer that was withdrawn.
    pub(super) fn take_withdrawn(&mut self) -> Option<Entry> {
        loop {
            let first = self.withdrawn.front_mut()?;
            match first.pop_first() {
                Some(number) => {
                    if let Some(entry) = self.remove(number) {
                        return Some(entry);
                    }
                }
                None => drop(self.withdrawn.pop_front()),
            }
        }
    }

    pub(super) fn has_withdrawn(&self) -> bool {
        !self.withdrawn.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (OfferId, &Offered)> {
        let answerable = self
            .by_framework
            .values()
            .flatten()
            .filter_map(|number| self.all.get_key_value(number));
        answerable.map(|(number, entry)| (self.id(*number), &entry.offered))
    }

    /// Those of an agent that may be answered, the newest first.
    pub(super) fn of_agent(&self, agent: Key) -> impl Iterator<Item = (OfferId, &Offered)> {
        let all = self.by_agent.get(&agent).into_iter().flatten().rev();
        all.filter_map(|number| {
            let entry = self.all.get(number)?;
            self.is_answerable(*number, entry).then(|| (self.id(*number), &entry.offered))
        })
    }

    pub(super) fn of_framework(&self, id: &str) -> impl Iterator<Item = (OfferId, &Offered)> {
        let all = self.by_framework.get(id).into_iter().flatten();
        all.filter_map(|number| Some((self.id(*number), &self.all.get(number)?.offered)))
    }

    /// When the first offer that may be answered is out of time.
    pub(super) fn next_end(&self) -> Option<Timestamp> {
        self.by_end.first().map(|(at, _)| *at)
    }

    /// An offer that is out of time. One that was withdrawn goes as if it had been taken apart.
    pub(super) fn expired(&self, now: Timestamp) -> Option<OfferId> {
        let (_, number) = self.by_end.first().filter(|(at, _)| *at <= now)?;
        Some(self.id(*number))
    }

    /// The same, whether it can be answered or not.
    pub(super) fn take_expired(&mut self, id: &str) -> Option<(Entry, bool)> {
        let number = self.number(id)?;
        let is_answerable = self.get(id).is_some();
        self.remove(number).map(|entry| (entry, is_answerable))
    }

    pub(super) fn hold(&mut self, held: Held) -> Hold {
        let hold = Hold(self.next_hold);
        self.next_hold += 1;
        self.holds_of_agent.entry(held.agent.clone()).or_default().insert(hold);
        self.holds.insert(hold, held);
        hold
    }

    pub(super) fn release(&mut self, hold: Hold) -> Option<Held> {
        let held = self.holds.remove(&hold)?;
        unindex(&mut self.holds_of_agent, &held.agent, &hold);
        Some(held)
    }

    /// What is held of an agent, which may have gone and come back meanwhile.
    pub(super) fn held(&self, agent: &str) -> Amounts {
        let all = self.holds_of_agent.get(agent).into_iter().flatten();
        Amounts::sum(all.filter_map(|hold| self.holds.get(hold)).map(|held| &held.amounts))
    }

    /// All amounts that are promised: to whom, and of which agent. Offers are of the agent as it was when they were made.
    pub(super) fn promises(
        &self,
    ) -> impl Iterator<Item = (Client, &AgentId, Option<Key>, &Amounts)> {
        let offers = self
            .all
            .values()
            .map(|one| (one.client, &one.offered.agent, Some(one.agent), &one.offered.amounts));
        let holds = self.holds.values();
        offers.chain(holds.map(|one| (one.client, &one.agent, None, &one.amounts)))
    }

    /// What is indexed and is not so.
    pub(super) fn audit(&self) -> Vec<String> {
        let mut again = Self::default();
        let mut answerable = BTreeMap::<FrameworkId, BTreeSet<u64>>::new();
        let withdrawn: BTreeSet<u64> = self.withdrawn.iter().flatten().copied().collect();
        for (number, entry) in &self.all {
            again.by_agent.entry(entry.agent).or_default().insert(*number);
            again.by_end.extend(entry.expires.map(|at| (at, *number)));
            if !withdrawn.contains(number) {
                answerable.entry(entry.offered.framework.clone()).or_default().insert(*number);
            }
        }
        for (hold, held) in &self.holds {
            again.holds_of_agent.entry(held.agent.clone()).or_default().insert(*hold);
        }
        let checks = [
            ("agent", again.by_agent == self.by_agent),
            ("end", again.by_end == self.by_end),
            ("framework", answerable == self.by_framework),
        ];
        let wrong = checks.into_iter().filter(|(_, is_right)| !is_right);
        let mut wrong: Vec<String> =
            wrong.map(|(by, _)| format!("offers are not found by {by}")).collect();
        if again.holds_of_agent != self.holds_of_agent {
            wrong.push("what is held is not found by agent".to_owned());
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// \[O1\]
    #[test]
    fn an_offer_is_known_by_exactly_its_id() {
        let offers = Offers::new(&"m-1".into());
        assert_eq!(&*offers.id(12), "m-1-O12");
        assert_eq!(offers.number("m-1-O12"), Some(12));
        for other in ["m-1-O012", "m-1-O+1", "m-1-O", "m-2-O12", "m-1-O-1", "m-1-O1x"] {
            assert_eq!(offers.number(other), None, "{other}");
        }
    }
}
