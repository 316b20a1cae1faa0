//! Frameworks: what each wants to be offered, and whether it wants anything now. Source: \[O10\], \[O12\], \[O15\], \[C31\].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Allocator;
use super::agents::Facts;
use super::constraints::{Constraints, RoleConstraints};
use super::minimum::Minimum;
use super::tree::{Among, Client};
use crate::ids::{FrameworkId, OfferId, Role};

/// The capabilities of a framework that decide which agents it may be offered. The others, such as `MULTI_ROLE`, decide only
/// how an offer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Capabilities {
    pub(crate) gpu_resources: bool,
    pub(crate) region_aware: bool,
}

/// What a framework says of itself when it subscribes, or updates itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Profile {
    pub(crate) roles: BTreeSet<Role>,
    /// Roles that offers are not wanted for now.
    pub(crate) suppressed: BTreeSet<Role>,
    pub(crate) capabilities: Capabilities,
    /// For roles that name a minimum of their own.
    pub(crate) minimums: BTreeMap<Role, Minimum>,
    pub(crate) constraints: Constraints,
}

#[derive(Debug)]
pub(super) struct Framework {
    profile: Profile,
    is_active: bool,
}

/// What a client wants: the part of the profile of its framework that concerns its role.
#[derive(Debug)]
pub(super) struct Wants {
    capabilities: Capabilities,
    minimum: Option<Minimum>,
    constraints: Option<Arc<RoleConstraints>>,
}

impl Wants {
    /// The least that it is offered, if it is not the default.
    pub(super) fn minimum(&self) -> Option<&Minimum> {
        self.minimum.as_ref()
    }

    /// Whether it may be offered an agent. Source: Mesos, `GPU_RESOURCES` and
    /// `REGION_AWARE`.
    pub(super) fn is_capable_of(&self, agent: &Facts, home_region: Option<&str>) -> bool {
        let is_remote = agent.region().is_some_and(|region| home_region != Some(region));
        (self.capabilities.gpu_resources || !agent.has_gpus())
            && (self.capabilities.region_aware || !is_remote)
    }

    /// Whether it wants to be offered an agent at all.
    pub(super) fn allow(&self, agent: &Facts) -> bool {
        self.constraints.as_ref().is_none_or(|constraints| constraints.allow(agent))
    }

    /// What a look at these constraints costs, in units.
    pub(super) fn cost(&self) -> usize {
        self.constraints.as_ref().map_or(0, |constraints| constraints.count() / 4 + 1)
    }
}

impl Allocator {
    /// A framework is known. It is offered nothing before it is activated.
    pub(crate) fn add_framework(&mut self, id: &FrameworkId, profile: Profile) {
        self.update_framework(id, profile);
    }

    /// What a framework wants has changed. Returns its offers for roles that it does not have any more: they are to be taken
    /// and rescinded.
    ///
    /// A role that is not suppressed any more is revived, so that its filters are forgotten.
    pub(crate) fn update_framework(&mut self, id: &FrameworkId, profile: Profile) -> Vec<OfferId> {
        let mut profile = profile;
        profile.suppressed.retain(|role| profile.roles.contains(role));
        let is_active = self.frameworks.get(id).is_some_and(|known| known.is_active);
        let before = self.frameworks.insert(id.clone(), Framework { profile, is_active });
        let before = before.map(|known| known.profile).unwrap_or_default();
        let Some(now) = self.frameworks.get(id).map(|known| known.profile.clone()) else {
            return Vec::new();
        };
        self.leave(id, before.roles.difference(&now.roles).cloned().collect());
        for role in &now.roles {
            let client = self.tree.client(role, id);
            if self.comes_back(id, role) {
                self.filters.forget(client);
            }
            self.tree.subscribe(client, true);
            let wants = Wants {
                capabilities: now.capabilities,
                minimum: now.minimums.get(role).cloned(),
                constraints: now.constraints.of(role).cloned(),
            };
            self.wants.insert(client, wants);
            if before.suppressed.contains(role) && !now.suppressed.contains(role) {
                self.filters.forget(client);
            }
            self.set_interest(client, is_active && !now.suppressed.contains(role));
        }
        let is_dropped = |role: &Role| !now.roles.contains(role);
        let of_framework = self.offers.of_framework(id);
        of_framework.filter(|(_, one)| is_dropped(&one.role)).map(|(id, _)| id).collect()
    }

    /// A framework does not have these roles any more. It may have thousands, so they are taken apart a slice at a time, before
    /// anything else is offered.
    fn leave(&mut self, id: &FrameworkId, mut roles: BTreeSet<Role>) {
        if !roles.is_empty() {
            self.leaving.entry(id.clone()).or_default().append(&mut roles);
        }
    }

    /// A framework has a role; whether it had left it and that was not taken apart yet.
    fn comes_back(&mut self, id: &FrameworkId, role: &Role) -> bool {
        let Some(roles) = self.leaving.get_mut(id) else { return false };
        let was_leaving = roles.remove(role);
        if roles.is_empty() {
            self.leaving.remove(id);
        }
        was_leaving
    }

    /// Whether roles that were left are to be taken apart.
    pub(super) fn has_leaving(&self) -> bool {
        !self.leaving.is_empty()
    }

    /// Takes roles apart that were left, as far as there are units; true when all are.
    pub(super) fn drop_left(&mut self, units: &mut usize) -> bool {
        while let Some(mut first) = self.leaving.first_entry() {
            if *units == 0 {
                return false;
            }
            *units = units.saturating_sub(5);
            let id = first.key().clone();
            let role = first.get_mut().pop_first();
            if first.get().is_empty() {
                first.remove();
            }
            if let Some(role) = role {
                self.drop_role(&id, &role);
            }
        }
        true
    }

    /// A framework does not have this role any more. What it has of it still counts.
    fn drop_role(&mut self, id: &FrameworkId, role: &Role) {
        let Some(client) = self.tree.find(role, id) else { return };
        self.set_interest(client, false);
        self.filters.forget(client);
        self.wants.remove(&client);
        self.tree.subscribe(client, false);
    }

    /// A client wants offers from now on, or wants none. One that begins to is asked about every agent with anything free.
    fn set_interest(&mut self, client: Client, is_interested: bool) {
        if is_interested {
            if !self.tree.takes_part(client) {
                self.tree.join(client, Among::Everyone);
            }
            self.work.welcome(client);
        } else {
            self.tree.leave(client);
            self.work.dismiss(client);
        }
    }

    /// A framework is connected: it is offered what is free.
    pub(crate) fn activate_framework(&mut self, id: &FrameworkId) {
        self.set_active(id, true);
    }

    /// A framework is not connected any more: its offers are withdrawn and its filters forgotten. Source: \[F1\], \[O8\].
    pub(crate) fn deactivate_framework(&mut self, id: &FrameworkId) {
        self.set_active(id, false);
        let clients: Vec<Client> = self.tree.clients_of(id).map(|(_, client)| client).collect();
        for client in clients {
            self.filters.forget(client);
        }
        self.withdraw(id);
    }

    fn set_active(&mut self, id: &FrameworkId, is_active: bool) {
        let Some(known) = self.frameworks.get_mut(id) else { return };
        known.is_active = is_active;
        let wanting: Vec<Client> = known
            .profile
            .roles
            .difference(&known.profile.suppressed)
            .filter_map(|role| self.tree.find(role, id))
            .collect();
        for client in wanting {
            self.set_interest(client, is_active);
        }
    }

    /// A framework is gone. What it launched counts until it has ended.
    pub(crate) fn remove_framework(&mut self, id: &FrameworkId) {
        self.deactivate_framework(id);
        let Some(known) = self.frameworks.remove(id) else { return };
        self.leave(id, known.profile.roles);
    }

    /// No offers are wanted for these roles; for all if none is named. Those that are out stay out, and filters are kept.
    /// False, and nothing is done, if the framework does not have one of the roles. Source: \[C31\], \[O15\].
    pub(crate) fn suppress(&mut self, id: &FrameworkId, roles: &BTreeSet<Role>) -> bool {
        self.set_suppressed(id, roles, true)
    }

    /// Offers are wanted for these roles, also of what was declined; for all if none is named. False, and nothing is done, if
    /// the framework does not have one of the roles. Source: \[C31\], \[O15\].
    pub(crate) fn revive(&mut self, id: &FrameworkId, roles: &BTreeSet<Role>) -> bool {
        self.set_suppressed(id, roles, false)
    }

    fn set_suppressed(
        &mut self,
        id: &FrameworkId,
        roles: &BTreeSet<Role>,
        is_suppressed: bool,
    ) -> bool {
        let Some(known) = self.frameworks.get_mut(id) else { return false };
        if !roles.is_subset(&known.profile.roles) {
            return false;
        }
        let roles = if roles.is_empty() { &known.profile.roles } else { roles }.clone();
        if is_suppressed {
            known.profile.suppressed.extend(roles.iter().cloned());
        } else {
            known.profile.suppressed.retain(|role| !roles.contains(role));
        }
        let is_interested = known.is_active && !is_suppressed;
        for role in &roles {
            let Some(client) = self.tree.find(role, id) else { continue };
            if !is_suppressed {
                self.filters.forget(client);
            }
            self.set_interest(client, is_interested);
        }
        true
    }

    /// The roles of a framework for which no offers are wanted.
    pub(crate) fn suppressed(&self, id: &FrameworkId) -> BTreeSet<Role> {
        self.frameworks.get(id).map(|known| known.profile.suppressed.clone()).unwrap_or_default()
    }

    /// What is kept of frameworks and is not so.
    pub(super) fn audit_frameworks(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut subscribed = BTreeSet::new();
        for (id, known) in &self.frameworks {
            for role in &known.profile.roles {
                let Some(client) = self.tree.find(role, id) else {
                    wrong.push(format!("{id} is not in {role}"));
                    continue;
                };
                subscribed.insert(client);
                let is_interested = known.is_active && !known.profile.suppressed.contains(role);
                if is_interested != self.tree.takes_part(client) {
                    wrong.push(format!("{id} takes part wrongly in {role}"));
                }
            }
        }
        for (id, roles) in &self.leaving {
            let known = self.frameworks.get(id).map(|known| &known.profile.roles);
            let both = roles.iter().filter(|role| known.is_some_and(|own| own.contains(*role)));
            wrong.extend(both.map(|role| format!("{id} leaves {role} and has it")));
            subscribed.extend(roles.iter().filter_map(|role| self.tree.find(role, id)));
        }
        if !subscribed.iter().eq(self.wants.keys()) {
            wrong.push("what clients want is not kept for those who are subscribed".to_owned());
        }
        wrong
    }
}
