//! Steady services: reports that they are steady, rebalances zones, and notices when that ends.

use std::collections::BTreeSet;
use std::sync::Arc;

use longshore_wire_ecs::Str;

use super::{EXITS, Look, bounds};
use crate::announce::{ActionName, Level};
use crate::limits;
use crate::placing::Rules;
use crate::record::TaskDefinition;
use crate::service::census::Census;
use crate::service::plan::Plan;
use crate::service::{RolloutState, rollout, zones};

impl Look<'_, '_> {
    /// Handles a service whose tasks are all as they should be.
    pub(super) fn settle(&mut self) {
        let now = self.voice.now;
        let Some(service) = self.record() else { return };
        let rollout = service.primary().map(|one| one.rollout);
        if rollout == Some(RolloutState::InProgress) {
            self.change(rollout::complete);
        }
        if rollout == Some(RolloutState::Failed) {
            return;
        }
        let told = self.record().and_then(|service| service.telling.steady_at);
        let due = told.map_or(now, |at| at + limits::SERVICE_REPEAT_MS);
        if due > now {
            return self.again(Some(due));
        }
        self.change(|service, voice| {
            service.telling.steady_at = Some(now);
            // A service whose tasks exit soon after becoming healthy becomes steady over and over.
            let exits = service.starts.exits > 0;
            service.telling.told.retain(|cause, _| exits && cause.starts_with(EXITS));
            voice.say(service, "has reached a steady state.");
        });
        if let Some(service) = self.record().cloned() {
            self.voice.act(&service, Level::Info, ActionName::SteadyState, None, Vec::new());
        }
        self.again(Some(now + limits::SERVICE_REPEAT_MS));
    }

    /// Starts moving tasks from zones with more than their share.
    pub(super) fn even_out(
        &mut self,
        census: &Census,
        definition: &Arc<TaskDefinition>,
        rules: &Rules,
    ) {
        let Some(service) = self.record().cloned() else { return };
        // Protected tasks stay where they are, so others would be moved in their place forever.
        if !zones::is_eligible(&service) || census.members.iter().any(|one| one.protected) {
            return;
        }
        let live = crate::service::plan::count(census.members.iter()) + census.stopping;
        let room = bounds(&service, service.desired_count).upper.saturating_sub(live);
        let needs = &definition.needs;
        let before = self.cluster.view.looked_at();
        let moves = zones::moves(self.cluster, &service, census, needs, rules, room);
        self.saw_since(before);
        let moving = service.telling.rebalancing;
        if moves == 0 && !moving {
            return;
        }
        let name = match (moves, moving) {
            (0, _) => Some(ActionName::RebalancingCompleted),
            (_, false) => Some(ActionName::RebalancingStarted),
            (_, true) => None,
        };
        if let Some(name) = name {
            self.voice.act(&service, Level::Info, name, None, Vec::new());
        }
        drop(service);
        self.change(|service, _| {
            service.moves = moves;
            service.telling.rebalancing = moves > 0;
        });
        self.start(&Plan { start: moves, ..Plan::default() }, None, definition, rules);
    }

    /// Handles a service that is not steady.
    pub(super) fn unsettle(&mut self, census: &Census) {
        let in_use: BTreeSet<&Str> =
            census.members.iter().filter_map(|one| one.deployment.as_ref()).collect();
        let Some(service) = self.record() else { return };
        let spent = rollout::spent(service, |id| in_use.contains(id));
        if service.telling.steady_at.is_some() || !spent.is_empty() {
            self.change(|service, _| {
                service.telling.steady_at = None;
                service.deployments.retain(|one| !spent.contains(&one.id));
            });
        }
    }
}
