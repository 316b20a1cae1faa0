//! One look at one agent: who is offered what is free of it.
//!
//! Source: \[O2\], \[O14\], \[O16\], \[O23\], \[O24\]: all that is free goes to one client, the first in order that may have it and
//! has not declined it, but for what quota keeps from it; that goes to the next one.

use std::borrow::Cow;

use longshore_machine::Timestamp;

use super::agents::{Agent, Key};
use super::filters::OfAgent;
use super::order::Walk;
use super::tree::{Among, As, Client};
use super::{Allocator, Minimum, Offered};
use crate::amounts::Amounts;
use crate::ids::{OfferId, Role};

/// Who is offered an agent, and what of it.
struct Choice {
    client: Client,
    amounts: Amounts,
}

/// What a candidate costs, in eighths of units.
const CANDIDATE: usize = 2;
/// What the cut to quota costs.
const CUT: usize = 8;
/// What an offer costs.
const OFFER: usize = 120;

/// A look that goes on.
struct Look {
    now: Timestamp,
    key: Key,
    /// What holds for clients without a minimum of their own.
    minimum: Minimum,
    /// Whether it is for unmet guarantees.
    guaranteed: bool,
    /// Who has had a part already: there is one offer for each client. Source: \[O2\].
    granted: Vec<Client>,
    /// Whether quota has kept anything from anyone.
    is_held_back: bool,
    /// What it has cost, in eighths of units.
    cost: usize,
}

impl Look {
    fn new(now: Timestamp, key: Key, guaranteed: bool) -> Self {
        let minimum = Minimum::default();
        Self { now, key, minimum, guaranteed, granted: Vec::new(), is_held_back: false, cost: 0 }
    }
}

/// What there is to have, found once for all candidates.
struct Candidature<'a> {
    agent: &'a Agent,
    declined: Option<OfAgent<'a>>,
    /// Whether all that is free meets the default minimum.
    is_enough: bool,
}

impl Allocator {
    pub(super) fn look(
        &mut self,
        now: Timestamp,
        key: Key,
        among: Among,
        guaranteed: bool,
        units: &mut usize,
        made: &mut Vec<(OfferId, Offered)>,
    ) {
        let mut look = Look::new(now, key, guaranteed);
        while let Some(choice) = self.choose(&mut look, among) {
            look.granted.push(choice.client);
            look.cost += OFFER;
            made.extend(self.grant(now, key, choice));
        }
        if look.is_held_back && !guaranteed {
            self.work.hold_back(key);
        }
        *units = units.saturating_sub(look.cost / 8);
    }

    /// The first in order who takes something of an agent.
    fn choose(&self, look: &mut Look, among: Among) -> Option<Choice> {
        let agent = self.agents.get(look.key).filter(|agent| !agent.free().is_empty())?;
        let declined = self.filters.of_agent(look.key);
        let is_enough = look.minimum.is_met(agent.free());
        let of = Candidature { agent, declined, is_enough };
        if !look.guaranteed {
            return self.first_of(look, &of, self.tree.walk(among));
        }
        let unmet = self.quotas.unmet();
        let mut roles: Vec<(_, &Role)> =
            unmet.filter_map(|role| Some((self.tree.rank(role)?, role))).collect();
        roles.sort_unstable();
        look.cost += roles.len() * CANDIDATE;
        roles.into_iter().find_map(|(_, role)| {
            // Something of it must be what the role lacks.
            self.quotas.unmet_of(role).filter(|unmet| unmet.meet(agent.free()))?;
            self.first_of(look, &of, self.tree.walk_role(among, role)?)
        })
    }

    fn first_of(
        &self,
        look: &mut Look,
        of: &Candidature<'_>,
        mut walk: Walk<'_>,
    ) -> Option<Choice> {
        walk.find_map(|client| {
            let amounts = self.part_for(look, of, client)?;
            Some(Choice { client, amounts: amounts.into_owned() })
        })
    }

    /// What a client takes of an agent, if anything.
    fn part_for<'a>(
        &self,
        look: &mut Look,
        of: &Candidature<'a>,
        client: Client,
    ) -> Option<Cow<'a, Amounts>> {
        look.cost += CANDIDATE;
        // Whoever has declined all of it does not want a part of it either. Idle frameworks are the first in order, so this
        // ends most looks at them.
        if of.declined.is_some_and(|all| all.block(look.now, client, of.agent.free())) {
            return None;
        }
        let wants = self.wants.get(&client)?;
        let (free, facts) = (of.agent.free(), of.agent.facts());
        let may_have = wants.minimum().map_or(of.is_enough, |minimum| minimum.is_met(free))
            && wants.is_capable_of(facts, self.options.home_region.as_deref())
            && !look.granted.contains(&client);
        if !may_have {
            return None;
        }
        let (part, is_less) = self.cut_to_quota(look, free, client)?;
        look.is_held_back |= is_less;
        if is_less {
            let is_enough = wants.minimum().unwrap_or(&look.minimum).is_met(&part);
            let is_declined = of.declined.is_some_and(|all| all.block(look.now, client, &part));
            if is_declined || !is_enough {
                return None;
            }
        }
        look.cost += wants.cost() * 8;
        wants.allow(facts).then_some(part)
    }

    /// What of an agent quota leaves for a client, and whether that is less than all of it.
    fn cut_to_quota<'a>(
        &self,
        look: &mut Look,
        free: &'a Amounts,
        client: Client,
    ) -> Option<(Cow<'a, Amounts>, bool)> {
        if self.quotas.is_empty() {
            return Some((Cow::Borrowed(free), false));
        }
        look.cost += CUT;
        let (_, _, top) = self.tree.who(client)?;
        let held = self.tree.held_ref(top)?;
        let cut = self.quotas.cut(top, held, free, self.agents.free(), look.guaranteed);
        let part = if cut.is_less { Cow::Owned(cut.amounts) } else { Cow::Borrowed(free) };
        Some((part, cut.is_less))
    }

    fn grant(&mut self, now: Timestamp, key: Key, choice: Choice) -> Option<(OfferId, Offered)> {
        let Choice { client, amounts } = choice;
        let (role, framework, _) = self.tree.who(client)?;
        let (role, framework) = (role.clone(), framework.clone());
        let agent = self.agents.get(key)?.id().clone();
        self.agents.promise(key, &amounts);
        self.charge(client, &amounts, As::Offered, true);
        let offered = Offered { framework, role, agent, amounts };
        let expires = self.options.offer_timeout_ms.map(|ms| now + ms);
        let id = self.offers.insert(offered.clone(), client, key, expires);
        Some((id, offered))
    }

    /// Whether a client would take something of an agent now: for tests of liveness.
    #[cfg(test)]
    pub(super) fn would_take(&self, now: Timestamp, key: Key, client: Client) -> bool {
        let mut look = Look::new(now, key, false);
        self.agents.get(key).is_some_and(|agent| {
            let is_enough = look.minimum.is_met(agent.free());
            let of = Candidature { agent, declined: self.filters.of_agent(key), is_enough };
            !agent.free().is_empty() && self.part_for(&mut look, &of, client).is_some()
        })
    }
}
