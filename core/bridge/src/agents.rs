//! Agents beyond what ECS says of their instances: what operators have decided about them, and which are away.
//!
//! A decision is kept in ECS, since the bridge has no store: as an attribute of the container instance, and as its status where it takes
//! part in draining. It holds once ECS has it. A bridge that starts finds it there, and so does another one in front of the same cluster.
//! Each has a version, so that the last one counts; what ECS shows that is older is put right.
//!
//! An agent whose instance has no connected ECS agent is away. After a time it is *unreachable*, as an agent of Mesos is that misses its
//! pings, until it is back.
//!
//! Invariants: an agent that is marked gone is nothing else; one decision about an agent is on its way at a time.

mod decisions;
mod memory;
mod standing;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use longshore_machine::Timestamp;

pub(crate) use self::decisions::{Decision, Decisions, Decreed, Verdict, What};
use self::memory::Memory;
pub(crate) use self::standing::{Drain, Mark, Standing};
use crate::ids::AgentId;
use crate::limits;

/// How an agent is there, or is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Away {
    /// Its connection is gone.
    Since(Timestamp),
    /// It has been for too long.
    Unreachable(Timestamp),
}

/// What ECS shows of the decisions about an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// What is known.
    Known,
    /// A later one.
    Later(Mark),
    /// An earlier one, or another while one is on its way: a reading that is behind, or a change that was made late.
    Doubtful,
}

/// What is known of agents beside their instances.
#[derive(Debug, Default)]
pub(crate) struct Agents {
    /// The version of the last decision about an agent that is known.
    versions: BTreeMap<AgentId, u64>,
    /// Agents of which ECS shows something that is to be looked at again.
    doubted: BTreeSet<AgentId>,
    /// Those that are not simply in use.
    standing: BTreeMap<AgentId, Standing>,
    gone: Memory,
    away: BTreeMap<AgentId, Away>,
    pub(crate) decisions: Decisions,
}

impl Agents {
    /// What an attribute says now, given what is known of an agent. One that is gone stays so. What is said to be decided long after now
    /// was not decided by a master.
    pub(crate) fn see(&self, now: Timestamp, agent: &str, attribute: Option<&str>) -> Shown {
        let latest = now.wall().millis().saturating_add(limits::CLOCKS_DIFFER_MS_MAX);
        let told = attribute.and_then(Mark::parse).filter(|mark| mark.version <= latest);
        let told = told.unwrap_or(Mark { standing: None, version: 0 });
        if self.is_gone(agent) {
            let is_known = told.standing == Some(Standing::Gone);
            return if is_known { Shown::Known } else { Shown::Doubtful };
        }
        match told.version.cmp(&self.version(agent)) {
            Ordering::Equal => Shown::Known,
            Ordering::Greater if !self.decisions.is_any(agent) => Shown::Later(told),
            Ordering::Greater | Ordering::Less => Shown::Doubtful,
        }
    }

    /// What ECS shows of an agent is to be looked at again; whether that is not planned yet.
    pub(crate) fn doubts(&mut self, agent: &AgentId) -> bool {
        self.doubted.insert(agent.clone())
    }

    /// What ECS shows of an agent is looked at again.
    pub(crate) fn doubts_no_more(&mut self, agent: &AgentId) {
        self.doubted.remove(agent);
    }

    /// The version of the last decision about an agent that is known; 0 if none is.
    pub(crate) fn version(&self, agent: &str) -> u64 {
        self.versions.get(agent).copied().unwrap_or(0)
    }

    /// Something is decided about an agent: the version of that.
    pub(crate) fn decides(&mut self, now: Timestamp, agent: &AgentId) -> u64 {
        let version = now.wall().millis().max(self.version(agent).saturating_add(1));
        self.versions.insert(agent.clone(), version);
        version
    }

    /// Something was decided about an agent elsewhere.
    pub(crate) fn follows(&mut self, agent: &AgentId, version: u64) {
        self.versions.insert(agent.clone(), version);
    }

    /// What was decided about an agent, if anything was and it is not gone.
    pub(crate) fn standing(&self, agent: &str) -> Option<&Standing> {
        self.standing.get(agent)
    }

    /// An instance is not there any more, and with it goes what ECS held.
    pub(crate) fn forget(&mut self, agent: &AgentId) {
        self.versions.remove(agent);
        self.doubted.remove(agent);
        self.standing.remove(agent);
        self.away.remove(agent);
    }

    /// Whether what is free of an agent may be offered, as far as operators have a say.
    pub(crate) fn is_in_use(&self, agent: &str) -> bool {
        !self.standing.contains_key(agent) && !self.is_gone(agent) && !self.is_unreachable(agent)
    }

    /// Whether it is one of the agents at all: it is neither gone, nor unreachable, nor away for maintenance.
    pub(crate) fn is_there(&self, agent: &str) -> bool {
        !self.is_gone(agent) && !self.is_unreachable(agent) && !self.is_down(agent)
    }

    /// Whether its machine is away for maintenance.
    pub(crate) fn is_down(&self, agent: &str) -> bool {
        self.standing.get(agent) == Some(&Standing::Down)
    }

    /// Whether operators have taken it out of use.
    pub(crate) fn is_deactivated(&self, agent: &str) -> bool {
        self.standing.contains_key(agent)
    }

    /// How far an agent is drained, if it is.
    pub(crate) fn drain(&self, agent: &str) -> Option<&Drain> {
        match self.standing.get(agent)? {
            Standing::Draining(drain) => Some(drain),
            Standing::Deactivated | Standing::Gone | Standing::Down => None,
        }
    }

    /// Agents that are being drained, or have been.
    pub(crate) fn draining(&self) -> impl Iterator<Item = &AgentId> {
        self.standing.keys().filter(|agent| self.drain(agent).is_some())
    }

    /// What an agent is from now on; `None` if it is in use.
    pub(crate) fn stands(&mut self, agent: &AgentId, standing: Option<Standing>) {
        match standing {
            None => {
                self.standing.remove(agent);
            }
            Some(Standing::Gone) => {
                self.standing.remove(agent);
                self.away.remove(agent);
                self.gone.insert(agent.clone());
            }
            Some(standing) => {
                self.standing.insert(agent.clone(), standing);
            }
        }
    }

    /// Nothing runs on an agent any more that is being drained; what it is from now on, if that is news.
    pub(crate) fn is_drained(&mut self, agent: &str) -> Option<Drain> {
        match self.standing.get_mut(agent)? {
            Standing::Draining(drain) if !drain.is_done => {
                drain.is_done = true;
                Some(drain.clone())
            }
            _ => None,
        }
    }

    /// Whether an operator has marked an agent gone.
    pub(crate) fn is_gone(&self, agent: &str) -> bool {
        self.gone.contains(agent)
    }

    /// The connection of an agent is gone; when it counts as unreachable, if that is news.
    pub(crate) fn leaves(
        &mut self,
        now: Timestamp,
        agent: &AgentId,
        after_ms: u64,
    ) -> Option<Timestamp> {
        if self.is_gone(agent) || self.away.contains_key(agent) {
            return None;
        }
        self.away.insert(agent.clone(), Away::Since(now));
        Some(now + after_ms)
    }

    /// An agent is there; whether it was unreachable.
    pub(crate) fn is_back(&mut self, agent: &str) -> bool {
        matches!(self.away.remove(agent), Some(Away::Unreachable(_)))
    }

    /// An agent may have been away for too long by now; whether it is unreachable since now.
    pub(crate) fn is_overdue(&mut self, now: Timestamp, agent: &str, after_ms: u64) -> bool {
        let Some(away) = self.away.get_mut(agent) else { return false };
        match *away {
            Away::Since(since) if now.since(since) >= after_ms => {
                *away = Away::Unreachable(now);
                true
            }
            _ => false,
        }
    }

    /// Since when an agent is unreachable, if it is.
    pub(crate) fn unreachable_since(&self, agent: &str) -> Option<Timestamp> {
        match self.away.get(agent)? {
            Away::Unreachable(since) => Some(*since),
            Away::Since(_) => None,
        }
    }

    /// Whether an agent is unreachable.
    pub(crate) fn is_unreachable(&self, agent: &str) -> bool {
        self.unreachable_since(agent).is_some()
    }

    /// How many agents are unreachable.
    pub(crate) fn count_unreachable(&self) -> usize {
        self.away.values().filter(|away| matches!(away, Away::Unreachable(_))).count()
    }

    /// How much is kept.
    pub(crate) fn sizes(&self) -> [usize; 2] {
        let about = self.standing.len() + self.away.len() + self.doubted.len();
        [about, self.decisions.len()]
    }

    /// What does not hold of it.
    pub(crate) fn audit(&self) -> Vec<String> {
        let mut wrong = self.decisions.audit();
        let known = self.standing.keys().chain(self.away.keys());
        let both: BTreeSet<&AgentId> = known.filter(|agent| self.is_gone(agent)).collect();
        wrong.extend(both.iter().map(|agent| format!("agent {agent} is gone and something else")));
        if self.gone.len() > limits::GONE_AGENTS_MAX {
            wrong.push(format!("{} agents that are gone are remembered", self.gone.len()));
        }
        wrong
    }
}

#[cfg(test)]
mod tests;
