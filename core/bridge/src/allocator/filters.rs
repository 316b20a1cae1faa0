//! What frameworks have declined, and until when they are not offered it again. Source: \[O13\], \[O14\], \[O15\].
//!
//! A framework may have several filters for the same role and agent, each with an end of its own: a wide one for seconds does
//! not undo a narrow one for days.
//!
//! Forgetting the filters of a role is done at once by raising the *epoch* of the client, since a framework that revives may
//! have a hundred thousand. Filters of former epochs count as gone and are taken apart later, a slice at a time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;

use super::agents::Key;
use super::tree::Client;
use crate::amounts::Amounts;
use crate::ranges::Ranges;
use crate::{limits, refusal};

/// Amounts that are not wanted for a while. Compact, since there may be millions.
#[derive(Debug, PartialEq, Eq)]
struct Filter {
    until: Timestamp,
    epoch: u64,
    scalars: Box<[(Str, u64)]>,
    ports: Ranges,
}

impl Filter {
    fn blocks(&self, amounts: &Amounts) -> bool {
        let refused = |name: &str| self.scalars.iter().find(|(one, _)| **one == *name);
        amounts
            .scalars
            .iter()
            .all(|(name, milli)| refused(name).is_some_and(|(_, most)| most >= milli))
            && self.ports.contains_all(&amounts.ports)
    }

    /// Whether the other blocks nothing that this does not, for no longer.
    fn covers(&self, other: &Self) -> bool {
        let has = |(name, milli): &(Str, u64)| {
            self.scalars.iter().any(|(one, most)| one == name && most >= milli)
        };
        self.until >= other.until
            && self.epoch == other.epoch
            && other.scalars.iter().all(has)
            && self.ports.contains_all(&other.ports)
    }
}

/// The filters of one client.
#[derive(Debug, Default, PartialEq, Eq)]
struct Of {
    epoch: u64,
    count: usize,
    /// Agents with filters of this epoch.
    agents: BTreeSet<Key>,
}

#[derive(Debug, Default)]
pub(super) struct Filters {
    all: BTreeMap<Key, BTreeMap<Client, Vec<Filter>>>,
    of: BTreeMap<Client, Of>,
    ends: BTreeSet<(Timestamp, Key, Client)>,
    count: usize,
    /// Names of scalars, each kept once.
    names: BTreeSet<Str>,
    /// Agents where clients had filters before they were forgotten.
    forgotten: VecDeque<(Client, BTreeSet<Key>)>,
    next_epoch: u64,
}

/// What was declined of one agent.
#[derive(Clone, Copy)]
pub(super) struct OfAgent<'a> {
    filters: &'a Filters,
    clients: &'a BTreeMap<Client, Vec<Filter>>,
}

impl OfAgent<'_> {
    /// Whether a client does not want these amounts now. Source: \[O14\]: what is a part of anything it refused.
    pub(super) fn block(&self, now: Timestamp, client: Client, amounts: &Amounts) -> bool {
        let Some(filters) = self.clients.get(&client) else { return false };
        let mut blocking = filters.iter().filter(|one| one.until > now && one.blocks(amounts));
        let epoch = |client| self.filters.of.get(&client).map(|of| of.epoch);
        blocking.any(|one| epoch(client) == Some(one.epoch))
    }
}

impl Filters {
    /// A client does not want these amounts of an agent for so many seconds.
    pub(super) fn refuse(
        &mut self,
        now: Timestamp,
        client: Client,
        agent: Key,
        refused: &Amounts,
        seconds: f64,
    ) {
        let ms = refusal::milliseconds(seconds);
        if ms == 0 || refused.is_empty() {
            return;
        }
        let epoch = self.epoch_of(client);
        let filter = Filter {
            until: now + ms,
            epoch,
            scalars: self.interned(refused),
            ports: refused.ports.clone(),
        };
        let mut kept = self.take(agent, client);
        kept.retain(|one| one.epoch == epoch && one.until > now && !filter.covers(one));
        let is_covered = kept.iter().any(|one| one.covers(&filter));
        if !is_covered {
            if kept.len() >= limits::FILTERS_PER_OFFER_MAX {
                let ends_first = (0..kept.len()).min_by_key(|at| kept[*at].until);
                kept.swap_remove(ends_first.unwrap_or_default());
            }
            if self.has_room(client, kept.len()) {
                kept.push(filter);
            }
        }
        self.put(agent, client, epoch, kept);
    }

    /// Beyond the bounds nothing more is remembered, so that what is declined may be offered again at once.
    fn has_room(&self, client: Client, more: usize) -> bool {
        let own = self.of.get(&client).map_or(0, |of| of.count);
        own + more < limits::FILTERS_PER_FRAMEWORK_MAX && self.count + more < limits::FILTERS_MAX
    }

    /// The epoch of a client, a new one if it has no filters.
    fn epoch_of(&mut self, client: Client) -> u64 {
        if let Some(of) = self.of.get(&client) {
            return of.epoch;
        }
        self.next_epoch += 1;
        self.next_epoch
    }

    fn interned(&mut self, amounts: &Amounts) -> Box<[(Str, u64)]> {
        let names = &mut self.names;
        let interned = amounts.scalars.iter().map(|(name, milli)| {
            if let Some(known) = names.get(&**name) {
                return (known.clone(), *milli);
            }
            let new: Str = (&**name).into();
            if names.len() < limits::FILTER_NAMES_MAX {
                names.insert(new.clone());
            }
            (new, *milli)
        });
        interned.collect()
    }

    /// Takes out the filters of a client for an agent.
    fn take(&mut self, agent: Key, client: Client) -> Vec<Filter> {
        let Some(clients) = self.all.get_mut(&agent) else { return Vec::new() };
        let Some(filters) = clients.remove(&client) else { return Vec::new() };
        if clients.is_empty() {
            self.all.remove(&agent);
        }
        self.uncount(agent, client, &filters);
        filters
    }

    fn uncount(&mut self, agent: Key, client: Client, filters: &[Filter]) {
        self.count -= filters.len();
        for filter in filters {
            self.ends.remove(&(filter.until, agent, client));
        }
        if let Some(of) = self.of.get_mut(&client) {
            of.count -= filters.iter().filter(|one| one.epoch == of.epoch).count();
            of.agents.remove(&agent);
            if of.count == 0 {
                self.of.remove(&client);
            }
        }
    }

    /// Puts filters in, all of the present epoch.
    fn put(&mut self, agent: Key, client: Client, epoch: u64, mut filters: Vec<Filter>) {
        if filters.is_empty() {
            return;
        }
        // Most are alone, and there may be millions.
        filters.shrink_to_fit();
        let of = self.of.entry(client).or_insert_with(|| Of { epoch, ..Of::default() });
        of.count += filters.len();
        of.agents.insert(agent);
        self.count += filters.len();
        self.ends.extend(filters.iter().map(|one| (one.until, agent, client)));
        self.all.entry(agent).or_default().insert(client, filters);
    }

    /// What was declined of an agent, if anything.
    pub(super) fn of_agent(&self, agent: Key) -> Option<OfAgent<'_>> {
        self.all.get(&agent).map(|clients| OfAgent { filters: self, clients })
    }

    #[cfg(test)]
    fn block(&self, now: Timestamp, client: Client, agent: Key, amounts: &Amounts) -> bool {
        self.of_agent(agent).is_some_and(|of| of.block(now, client, amounts))
    }

    /// Forgets what a client declined.
    pub(super) fn forget(&mut self, client: Client) {
        if let Some(of) = self.of.remove(&client) {
            self.forgotten.push_back((client, of.agents));
        }
    }

    /// Forgets what was declined of an agent. As many filters as frameworks have for one agent are few.
    pub(super) fn forget_agent(&mut self, agent: Key) -> bool {
        let Some(clients) = self.all.remove(&agent) else { return false };
        for (client, filters) in &clients {
            self.uncount(agent, *client, filters);
        }
        true
    }

    /// Takes apart forgotten filters, as far as there are units; true when none is left.
    pub(super) fn clean(&mut self, units: &mut usize) -> bool {
        while let Some((client, mut agents)) = self.forgotten.pop_front() {
            while let Some(agent) = agents.pop_first() {
                if *units == 0 {
                    agents.insert(agent);
                    self.forgotten.push_front((client, agents));
                    return false;
                }
                *units -= 1;
                self.retain(agent, client, |_| true);
            }
        }
        true
    }

    /// Keeps some filters of a client for an agent, of those of the present epoch.
    fn retain(&mut self, agent: Key, client: Client, keep: impl Fn(&Filter) -> bool) {
        let Some(epoch) = self.of.get(&client).map(|of| of.epoch) else {
            self.take(agent, client);
            return;
        };
        let mut filters = self.take(agent, client);
        filters.retain(|one| one.epoch == epoch && keep(one));
        self.put(agent, client, epoch, filters);
    }

    pub(super) fn has_forgotten(&self) -> bool {
        !self.forgotten.is_empty()
    }

    /// When the first filter ends.
    pub(super) fn next_end(&self) -> Option<Timestamp> {
        self.ends.first().map(|(at, ..)| *at)
    }

    /// Takes away the filters that end first, if they have ended; returns their agent.
    pub(super) fn end_one(&mut self, now: Timestamp) -> Option<Key> {
        let (_, agent, client) = *self.ends.first().filter(|(at, ..)| *at <= now)?;
        self.retain(agent, client, |one| one.until > now);
        Some(agent)
    }

    /// How many there are, forgotten ones included.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    #[cfg(test)]
    /// How many of a client are in effect or have just ended.
    pub(super) fn count_of(&self, client: Client) -> usize {
        self.of.get(&client).map_or(0, |of| of.count)
    }

    /// What is counted or indexed and is not so.
    pub(super) fn audit(&self) -> Vec<String> {
        let mut again = Self::default();
        for (agent, clients) in &self.all {
            for (client, filters) in clients {
                again.count += filters.len();
                again.ends.extend(filters.iter().map(|one| (one.until, *agent, *client)));
                let Some(of) = self.of.get(client) else { continue };
                let live = filters.iter().filter(|one| one.epoch == of.epoch).count();
                if live > 0 {
                    let of = again
                        .of
                        .entry(*client)
                        .or_insert_with(|| Of { epoch: of.epoch, ..Of::default() });
                    of.count += live;
                    of.agents.insert(*agent);
                }
            }
        }
        let mut wrong = Vec::new();
        if again.count != self.count || again.ends != self.ends {
            wrong.push(format!("{} filters are counted as {}", again.count, self.count));
        }
        if again.of != self.of {
            wrong.push("filters of clients are not those of agents".to_owned());
        }
        wrong
    }
}

#[cfg(test)]
#[path = "filters_tests.rs"]
mod tests;
