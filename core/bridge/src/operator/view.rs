//! The state of one moment, for whoever writes it down.

use std::sync::Arc;

use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::InverseOffer;
use longshore_wire_mesos::v1::maintenance::{ClusterStatus, Schedule};

use super::Shared;
use super::entry::{AgentEntry, FrameworkEntry, RoleEntry};
use super::record::{AgentView, MasterView, OfferView};
use crate::ids::{AgentId, FrameworkId, OfferId, Role};

/// What operators see of one moment. A copy costs a few reference counts and may be read on any thread.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    pub(super) master: Arc<MasterView>,
    pub(super) flags: Arc<[(Str, Str)]>,
    pub(super) frameworks: Shared<FrameworkId, FrameworkEntry>,
    /// The last ones that were removed, oldest first.
    pub(super) completed: rpds::QueueSync<Arc<FrameworkEntry>>,
    pub(super) agents: Shared<AgentId, AgentEntry>,
    pub(super) offers: Shared<OfferId, Arc<OfferView>>,
    pub(super) roles: Shared<Role, RoleEntry>,
    pub(super) numbers: Shared<Str, f64>,
    pub(super) schedule: Arc<Schedule>,
    pub(super) machines: Arc<ClusterStatus>,
    /// Requests to leave an agent that are out.
    pub(super) inverse: Shared<(FrameworkId, OfferId), Arc<InverseOffer>>,
    /// Agents that an operator has marked gone.
    pub(super) gone: Shared<AgentId, ()>,
}

impl Default for View {
    fn default() -> Self {
        Self {
            master: Arc::default(),
            flags: Arc::new([]),
            frameworks: Shared::new_sync(),
            completed: rpds::Queue::new_sync(),
            agents: Shared::new_sync(),
            offers: Shared::new_sync(),
            roles: Shared::new_sync(),
            numbers: Shared::new_sync(),
            schedule: Arc::default(),
            machines: Arc::default(),
            inverse: Shared::new_sync(),
            gone: Shared::new_sync(),
        }
    }
}

impl View {
    /// The master itself.
    pub fn master(&self) -> &MasterView {
        &self.master
    }

    /// So much is logged at the moment, which the bridge does not know.
    pub fn log_at(&mut self, level: u32) {
        if self.master.logging_level != level {
            Arc::make_mut(&mut self.master).logging_level = level;
        }
    }

    /// How it was set up, sorted by name.
    pub fn flags(&self) -> &[(Str, Str)] {
        &self.flags
    }

    /// Frameworks that are known, by id.
    pub fn frameworks(&self) -> impl Iterator<Item = &FrameworkEntry> {
        self.frameworks.values()
    }

    /// Those of them that operators are to see. One that a master before this one served, that has not come back and has nothing left that
    /// runs may have been removed, as far as anybody knows: what it was not told is kept for it, but it is none of the frameworks.
    pub fn shown(&self) -> impl Iterator<Item = &FrameworkEntry> {
        self.frameworks().filter(|entry| entry.is_shown())
    }

    /// One of those.
    pub fn framework(&self, id: &str) -> Option<&FrameworkEntry> {
        self.frameworks.get(id)
    }

    /// The last frameworks that were removed, oldest first.
    pub fn completed(&self) -> impl Iterator<Item = &FrameworkEntry> {
        self.completed.iter().map(|framework| &**framework)
    }

    /// Requests to leave agents that a framework has not answered yet.
    pub fn inverse_offers(&self, framework: &FrameworkId) -> impl Iterator<Item = &InverseOffer> {
        let from = (framework.clone(), OfferId::from(""));
        let own = self.inverse.range(from..).take_while(move |((of, _), _)| of == framework);
        own.map(|(_, told)| &**told)
    }

    /// Agents that are known, by id.
    pub fn agents(&self) -> impl Iterator<Item = (&AgentView, &AgentEntry)> {
        self.agents.values().filter_map(|agent| Some((agent.view.as_deref()?, agent)))
    }

    /// One of those.
    pub fn agent(&self, id: &str) -> Option<(&AgentView, &AgentEntry)> {
        let agent = self.agents.get(id)?;
        Some((agent.view.as_deref()?, agent))
    }

    /// Whether an operator has marked an agent gone.
    pub fn is_gone(&self, agent: &str) -> bool {
        self.gone.contains_key(agent)
    }

    /// How many offers are out.
    pub fn offers(&self) -> usize {
        self.offers.size()
    }

    /// Roles that somebody has, or for which something is set, by name.
    pub fn roles(&self) -> impl Iterator<Item = (&Role, &RoleEntry)> {
        self.roles.iter()
    }

    /// One of those.
    pub fn role(&self, name: &str) -> Option<&RoleEntry> {
        self.roles.get(name)
    }

    /// A counter or gauge by its name, without `master/`.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.numbers.get(name).copied()
    }

    /// All counters and gauges, by name.
    pub fn numbers(&self) -> impl Iterator<Item = (&Str, f64)> {
        self.numbers.iter().map(|(name, value)| (name, *value))
    }

    /// When machines are to be away.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Which machines are about to be away, and which are.
    pub fn machines(&self) -> &ClusterStatus {
        &self.machines
    }
}
