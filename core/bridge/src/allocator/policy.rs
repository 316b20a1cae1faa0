//! What operators decide: weights and quota of roles. Source: \[O7\], \[O25\], \[O26\].

use std::collections::BTreeMap;

use super::{Allocator, Quantities, Quota};
use crate::ids::{OfferId, Role};

/// What a role and the roles below it have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RoleFigures {
    /// Launched.
    pub(crate) allocated: Quantities,
    /// On offer, or being turned into launches.
    pub(crate) offered: Quantities,
}

impl Allocator {
    /// Sets weights. Returns offers that are to be taken and rescinded: all of them if any of the roles is in use, since with
    /// other weights others might have got them. Source: \[O7\], \[O26\].
    ///
    /// # Errors
    /// That a weight is not above zero; then none is set.
    pub(crate) fn update_weights(
        &mut self,
        weights: &[(Role, f64)],
    ) -> Result<Vec<OfferId>, String> {
        if let Some((role, weight)) =
            weights.iter().find(|(_, weight)| !(*weight > 0.0 && weight.is_finite()))
        {
            return Err(format!(
                "Failed to validate update weights request JSON for role '{role}': Invalid weight '{weight}': Weights must be positive"
            ));
        }
        let is_in_use = weights.iter().any(|(role, _)| self.tree.rank(role).is_some());
        for (role, weight) in weights {
            self.tree.set_weight(role, *weight);
        }
        Ok(if is_in_use { self.offers.iter().map(|(id, _)| id).collect() } else { Vec::new() })
    }

    /// Weights that have been set.
    pub(crate) fn weights(&self) -> &BTreeMap<Role, f64> {
        self.tree.weights()
    }

    /// That guarantees, with some of them changed, fit the cluster.
    ///
    /// # Errors
    /// That they do not, in the words of Mesos.
    pub(crate) fn check_overcommit(&self, changes: &BTreeMap<Role, Quota>) -> Result<(), String> {
        self.quotas.check_overcommit(changes, self.tree.total())
    }

    /// That a role has not launched more than a quota would allow it.
    ///
    /// # Errors
    /// That it has, in the words of Mesos.
    pub(crate) fn check_consumption(&self, role: &Role, quota: &Quota) -> Result<(), String> {
        let consumed = self.figures(role).allocated;
        if quota.exceeded(&consumed).is_none() {
            return Ok(());
        }
        let limits = quota.limits();
        Err(format!(
            "Invalid QuotaConfig: Role '{role}' is already consuming '{consumed}'; this is more than the requested limits '{limits}' (use 'force' flag to bypass this check)"
        ))
    }

    /// Sets the quota of a top-level role; the default is none. Returns offers that are to be taken and rescinded: those by
    /// which the role is over its limits, and as many of others as its guarantees need. Source: \[O7\].
    pub(crate) fn update_quota(&mut self, role: &Role, quota: Quota) -> Vec<OfferId> {
        let rescinded = self.to_rescind(role, &quota);
        let held = self.tree.held(role);
        self.quotas.set(role, quota, &held);
        self.work.look_at_what_was_held_back();
        // Agents that were passed over for what this role was guaranteed before.
        let with_free: Vec<_> = self.agents.with_free().iter().copied().collect();
        for key in with_free {
            self.work.look_at(key);
        }
        rescinded
    }

    fn to_rescind(&self, role: &Role, quota: &Quota) -> Vec<OfferId> {
        let mut held = self.tree.held(role);
        let mut needed = quota.guarantees().minus(&held).minus(self.agents.free());
        let mut rescinded = Vec::new();
        for (id, offered) in self.offers.iter() {
            let is_over = quota.exceeded(&held).is_some();
            if !is_over && needed.is_empty() {
                break;
            }
            let is_own = super::tree::top(&offered.role) == &**role;
            if is_own && is_over {
                held.take(&offered.amounts);
                rescinded.push(id);
            } else if !is_own && needed.meet(&offered.amounts) {
                needed.take(&offered.amounts);
                rescinded.push(id);
            }
        }
        rescinded
    }

    pub(crate) fn quota(&self, role: &str) -> Option<&Quota> {
        self.quotas.get(role)
    }

    #[cfg(test)]
    /// Quotas that have been set.
    pub(crate) fn quotas(&self) -> impl Iterator<Item = (&Role, &Quota)> {
        self.quotas.iter()
    }

    pub(crate) fn figures(&self, role: &str) -> RoleFigures {
        let offered = self.tree.offered(role);
        RoleFigures { allocated: self.tree.held(role).minus(&offered), offered }
    }

    #[cfg(test)]
    /// The resources of the cluster.
    pub(crate) fn total(&self) -> &Quantities {
        self.tree.total()
    }

    #[cfg(test)]
    /// Filters of a framework in a role.
    pub(crate) fn filters_of(&self, role: &Role, framework: &str) -> usize {
        self.tree.find(role, framework).map_or(0, |client| self.filters.count_of(client))
    }
}
