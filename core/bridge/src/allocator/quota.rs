//! What roles are guaranteed, and what they may have at most. Source: \[O25\].
//!
//! Quota is set on top-level roles and covers the roles below them. What is guaranteed and not yet taken is held back from
//! everyone else: the *required headroom*. It is kept, not added up, since every look at an agent asks for it.

use std::collections::BTreeMap;

use super::quantities::{Quantities, braced};
use crate::amounts::Amounts;
use crate::ids::Role;

/// The quota of one role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quota {
    guarantees: Quantities,
    /// What is not named is not limited.
    limits: Quantities,
}

impl Quota {
    /// Reads the guarantees and limits of a `QuotaConfig`.
    ///
    /// # Errors
    /// What is wrong, in the words of Mesos.
    pub(crate) fn read<'a>(
        role: &str,
        guarantees: impl IntoIterator<Item = (&'a str, f64)>,
        limits: impl IntoIterator<Item = (&'a str, f64)>,
    ) -> Result<Self, String> {
        if role.contains('/') {
            return Err(format!("Updating quota on nested role '{role}' is not supported yet"));
        }
        let guarantees = read_one("guarantee", guarantees)?;
        let limits = read_one("limit", limits)?;
        if let Some((name, _)) =
            guarantees.iter().find(|(name, milli)| limits.names(name) && *milli > limits.get(name))
        {
            // A guarantee without a limit of the same name is within the limits.
            debug_assert!(limits.names(name));
            return Err(format!(
                "Invalid QuotaConfig: 'QuotaConfig.guarantees' {} is not contained within the 'QuotaConfig.limits' {}",
                braced(&guarantees),
                braced(&limits)
            ));
        }
        Ok(Self { guarantees, limits })
    }

    pub(crate) fn guarantees(&self) -> &Quantities {
        &self.guarantees
    }

    pub(crate) fn limits(&self) -> &Quantities {
        &self.limits
    }

    /// Whether it neither guarantees nor limits anything, as is the case for a role without quota.
    pub(crate) fn is_default(&self) -> bool {
        self.guarantees.is_empty() && self.limits.is_empty()
    }

    /// The name of a scalar of which there is more than the limits allow.
    pub(super) fn exceeded<'a>(&self, held: &'a Quantities) -> Option<&'a str> {
        let mut over = held
            .iter()
            .filter(|(name, milli)| self.limits.names(name) && *milli > self.limits.get(name));
        over.next().map(|(name, _)| name)
    }
}

/// Source: Mesos: 1 exabyte of memory and disk, and 10^12 of anything else.
fn read_one<'a>(
    what: &str,
    named: impl IntoIterator<Item = (&'a str, f64)>,
) -> Result<Quantities, String> {
    const EXABYTE_MB: f64 = 1_099_511_627_776.0;
    const TRILLION: f64 = 1e12;
    let named: Vec<(&str, f64)> = named.into_iter().collect();
    for (name, value) in &named {
        let (most, unit) = match *name {
            "mem" | "disk" => (EXABYTE_MB, "1 exabyte"),
            _ => (TRILLION, "1 trillion"),
        };
        if *value > most {
            return Err(format!(
                "Invalid QuotaConfig: Invalid 'QuotaConfig.{what}s': {{'{name}': {value}}} is invalid: values greater than {unit} ({most}) are not supported"
            ));
        }
    }
    let values = named.clone();
    Quantities::read(named).map_err(|(name, why)| {
        let value = values.iter().find(|(one, _)| *one == name).map_or(0.0, |(_, value)| *value);
        format!("Invalid QuotaConfig: Invalid {what} configuration {{'{name}': {value}}}: {why}")
    })
}

/// What is left of some amounts when a role may have only so much.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) amounts: Amounts,
    /// Whether it is less than there was.
    pub(super) is_less: bool,
}

/// All quotas, and what they require to be held back.
#[derive(Debug, Default)]
pub(super) struct Quotas {
    all: BTreeMap<Role, Quota>,
    /// What is guaranteed and not yet taken, for roles where there is such a thing.
    unmet: BTreeMap<Role, Quantities>,
    /// The sum of those.
    required: Quantities,
}

impl Quotas {
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn get(&self, role: &str) -> Option<&Quota> {
        self.all.get(role)
    }

    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Role, &Quota)> {
        self.all.iter()
    }

    /// Roles whose guarantees are not met.
    pub(super) fn unmet(&self) -> impl Iterator<Item = &Role> {
        self.unmet.keys()
    }

    pub(super) fn has_unmet(&self) -> bool {
        !self.unmet.is_empty()
    }

    /// Whether anything is held back for roles whose guarantees are not met.
    pub(super) fn requires_headroom(&self) -> bool {
        !self.required.is_empty()
    }

    pub(super) fn unmet_of(&self, role: &str) -> Option<&Quantities> {
        self.unmet.get(role)
    }

    /// Sets the quota of a role that has so much; the default one is no quota.
    pub(super) fn set(&mut self, role: &Role, quota: Quota, held: &Quantities) {
        if quota.is_default() {
            self.all.remove(role);
        } else {
            self.all.insert(role.clone(), quota);
        }
        self.changed(role, held);
    }

    /// A top-level role has so much now, it and the roles below it.
    pub(super) fn changed(&mut self, role: &Role, held: &Quantities) {
        if let Some(unmet) = self.unmet.remove(role) {
            self.required.take_all(&unmet);
        }
        let Some(quota) = self.all.get(role) else { return };
        let unmet = quota.guarantees.minus(held);
        if !unmet.is_empty() {
            self.required.add_all(&unmet);
            self.unmet.insert(role.clone(), unmet);
        }
    }

    /// Cuts what is free of an agent to what a role may be offered, when it has so much and so much is free of all agents.
    ///
    /// In the first stage, where guarantees are met, a role gets what it is guaranteed whatever the headroom; in the second
    /// it gets only what nobody is guaranteed. Source: \[O23\], \[O25\].
    pub(super) fn cut(
        &self,
        role: &str,
        held: &Quantities,
        free: &Amounts,
        all_free: &Quantities,
        guaranteed: bool,
    ) -> Cut {
        let quota = self.all.get(role);
        let unmet = self.unmet.get(role).filter(|_| guaranteed);
        let mut cut = Cut { amounts: free.clone(), is_less: false };
        for (name, milli) in &free.scalars {
            let own = unmet.map_or(0, |unmet| unmet.get(name)).min(u128::from(*milli));
            let mut rest = u128::from(*milli) - own;
            if let Some(quota) = quota.filter(|quota| quota.limits.names(name)) {
                let left = quota.limits.get(name).saturating_sub(held.get(name));
                rest = rest.min(left.saturating_sub(own));
            }
            if self.required.names(name) {
                let surplus = all_free.get(name).saturating_sub(self.required.get(name));
                rest = rest.min(surplus);
            }
            // No more than there was, which fits.
            let granted = u64::try_from(own + rest).unwrap_or(*milli);
            if granted == *milli {
                continue;
            }
            cut.is_less = true;
            if granted == 0 {
                cut.amounts.scalars.remove(name);
            } else if let Some(amount) = cut.amounts.scalars.get_mut(name) {
                *amount = granted;
            }
        }
        cut
    }

    /// That guarantees, with some of them changed, fit the cluster.
    ///
    /// # Errors
    /// That they do not, in the words of Mesos.
    pub(super) fn check_overcommit(
        &self,
        changes: &BTreeMap<Role, Quota>,
        total: &Quantities,
    ) -> Result<(), String> {
        let mut guaranteed = Quantities::default();
        let kept = self.all.iter().filter(|(role, _)| !changes.contains_key(*role));
        for (_, quota) in kept.chain(changes) {
            guaranteed.add_all(&quota.guarantees);
        }
        if total.contains(&guaranteed) {
            return Ok(());
        }
        Err(format!(
            "Invalid QuotaConfig: total quota guarantees '{guaranteed}' exceed cluster capacity '{total}' (use 'force' flag to bypass this check)"
        ))
    }

    /// What is kept and is not so.
    pub(super) fn audit(&self, held: impl Fn(&Role) -> Quantities) -> Vec<String> {
        let mut again = Self { all: self.all.clone(), ..Self::default() };
        for role in self.all.keys() {
            again.changed(role, &held(role));
        }
        let mut wrong = Vec::new();
        if again.unmet != self.unmet {
            wrong.push(format!("unmet guarantees are {:?}, not {:?}", again.unmet, self.unmet));
        }
        if again.required != self.required {
            wrong.push(format!("the headroom is {}, not {}", again.required, self.required));
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranges::Ranges;

    fn cpus(milli: u64) -> Amounts {
        Amounts::of(milli, 0, 0, Ranges::default())
    }

    /// \[O25\]
    #[test]
    fn a_guarantee_above_its_limit_is_refused() {
        let why = Quota::read("batch", [("cpus", 9.0)], [("cpus", 2.0), ("mem", 1024.0)])
            .expect_err("too much");
        assert_eq!(
            why,
            "Invalid QuotaConfig: 'QuotaConfig.guarantees' { cpus: 9 } is not contained within the 'QuotaConfig.limits' { cpus: 2, mem: 1024 }"
        );
        Quota::read("batch", [("cpus", 9.0)], [("mem", 1024.0)]).expect("cpus are not limited");
        assert!(Quota::read("a/b", [("cpus", 1.0)], []).is_err());
        assert!(Quota::read("a", [("cpus", 1e13)], []).is_err());
    }

    /// \[O25\]
    #[test]
    fn guarantees_beyond_the_cluster_are_refused() {
        let mut quotas = Quotas::default();
        let quota = Quota::read("batch", [("cpus", 1.0)], []).expect("valid");
        quotas.set(&"batch".into(), quota, &Quantities::default());
        let total = Quantities::read([("cpus", 8.0), ("mem", 8192.0)]).expect("valid");
        let huge = Quota::read("huge", [("cpus", 900.0)], []).expect("valid");
        let why = quotas
            .check_overcommit(&BTreeMap::from([("huge".into(), huge)]), &total)
            .expect_err("too much");
        assert_eq!(
            why,
            "Invalid QuotaConfig: total quota guarantees 'cpus:901' exceed cluster capacity 'cpus:8; mem:8192' (use 'force' flag to bypass this check)"
        );
        let small = Quota::read("batch", [("cpus", 8.0)], []).expect("valid");
        quotas.check_overcommit(&BTreeMap::from([("batch".into(), small)]), &total).expect("fits");
    }

    /// \[O23\], \[O25\]
    #[test]
    fn a_role_is_cut_to_its_limit_and_others_to_what_nobody_is_guaranteed() {
        let mut quotas = Quotas::default();
        let quota = Quota::read("batch", [("cpus", 3.0)], [("cpus", 4.0)]).expect("valid");
        let held = Quantities::of(&cpus(1_000));
        quotas.set(&"batch".into(), quota, &held);
        let all_free = Quantities::of(&cpus(5_000));
        let own = quotas.cut("batch", &held, &cpus(5_000), &all_free, true);
        assert_eq!(own, Cut { amounts: cpus(3_000), is_less: true });
        let other = quotas.cut("web", &Quantities::default(), &cpus(5_000), &all_free, false);
        assert_eq!(other, Cut { amounts: cpus(3_000), is_less: true });
        let small = quotas.cut("web", &Quantities::default(), &cpus(500), &all_free, false);
        assert_eq!(small, Cut { amounts: cpus(500), is_less: false });
    }
}
