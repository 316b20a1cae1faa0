//! Agents that are gone are remembered, so that they do not come back and tasks on them can be answered for. Source: \[R8\].

use std::collections::{BTreeSet, VecDeque};

use crate::ids::AgentId;
use crate::limits;

/// A set that forgets the oldest when it is full.
#[derive(Debug, Default)]
pub(super) struct Memory {
    all: BTreeSet<AgentId>,
    order: VecDeque<AgentId>,
}

impl Memory {
    pub(super) fn insert(&mut self, agent: AgentId) {
        if !self.all.insert(agent.clone()) {
            return;
        }
        self.order.push_back(agent);
        if self.order.len() > limits::GONE_AGENTS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.all.remove(&oldest);
        }
    }

    pub(super) fn contains(&self, agent: &str) -> bool {
        self.all.contains(agent)
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }
}
