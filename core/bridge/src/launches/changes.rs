//! What has changed of launches, for those who keep sums over them.

use std::collections::BTreeSet;

use super::launch::Launch;
use crate::amounts::Amounts;
use crate::ids::{AgentId, FrameworkId, Role};

/// A launch holds something, or does not any more.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    pub(crate) holds: bool,
    pub(crate) framework: FrameworkId,
    pub(crate) role: Role,
    pub(crate) amounts: Amounts,
}

/// What has changed, in order.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) shares: Vec<Share>,
    /// Agents whose claims may have changed.
    pub(crate) agents: BTreeSet<AgentId>,
}

impl Changes {
    pub(super) fn share(&mut self, launch: &Launch) {
        self.shares.push(Share {
            holds: launch.counts(),
            framework: launch.framework().clone(),
            role: launch.role().clone(),
            amounts: launch.claim().clone(),
        });
    }

    pub(super) fn touch(&mut self, launch: &Launch) {
        if !self.agents.contains(launch.agent()) {
            self.agents.insert(launch.agent().clone());
        }
    }
}
