//! What each role, and each framework in it, holds of the cluster: launches and offers. The allocator goes by it.
//!
//! Kept as launches and offers come and go, since adding them up would cost as much as there are.

use std::collections::BTreeMap;

use longshore_wire_ecs::Str;

use crate::amounts::Amounts;

/// The resources that shares are counted in, in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    cpus: u64,
    mem: u64,
}

impl Held {
    pub(crate) fn of(cpus: u64, mem: u64) -> Self {
        Self { cpus, mem }
    }

    fn change(&mut self, amounts: &Amounts, by: fn(u64, u64) -> u64) {
        self.cpus = by(self.cpus, amounts.scalar("cpus"));
        self.mem = by(self.mem, amounts.scalar("mem"));
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.cpus = self.cpus.saturating_add(other.cpus);
        self.mem = self.mem.saturating_add(other.mem);
    }

    /// The largest part that this is of any resource of a cluster, in millionths.
    pub(crate) fn dominant(self, total: Self) -> u64 {
        let part = |held: u64, of: u64| held.saturating_mul(1_000_000) / of.max(1);
        part(self.cpus, total.cpus).max(part(self.mem, total.mem))
    }
}

/// What a role holds, and who in it. Entries are counted, so that those without any go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Role {
    held: Held,
    frameworks: BTreeMap<Str, (Held, usize)>,
}

/// What everyone holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shares {
    roles: BTreeMap<Str, Role>,
}

impl Shares {
    /// A launch or an offer has come.
    pub(crate) fn add(&mut self, role: &Str, framework: &Str, amounts: &Amounts) {
        let role = self.roles.entry(role.clone()).or_default();
        role.held.change(amounts, u64::saturating_add);
        let (held, count) = role.frameworks.entry(framework.clone()).or_default();
        held.change(amounts, u64::saturating_add);
        *count += 1;
    }

    /// One that came has gone.
    pub(crate) fn remove(&mut self, role: &str, framework: &str, amounts: &Amounts) {
        let Some(of) = self.roles.get_mut(role) else { return };
        of.held.change(amounts, u64::saturating_sub);
        if let Some((held, count)) = of.frameworks.get_mut(framework) {
            held.change(amounts, u64::saturating_sub);
            *count -= 1;
            if *count == 0 {
                of.frameworks.remove(framework);
            }
        }
        if of.frameworks.is_empty() {
            self.roles.remove(role);
        }
    }

    pub(crate) fn of_role(&self, role: &str) -> Held {
        self.roles.get(role).map(|role| role.held).unwrap_or_default()
    }

    pub(crate) fn of_framework(&self, role: &str, framework: &str) -> Held {
        let held = self.roles.get(role).and_then(|role| role.frameworks.get(framework));
        held.map(|(held, _)| *held).unwrap_or_default()
    }
}
