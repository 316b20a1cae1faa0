//! What launches hold of one agent. An agent may have a hundred thousand launches, so sums are kept and not added up again.

use std::collections::{BTreeMap, BTreeSet};

use super::launch::Launch;
use crate::ids::LaunchId;
use crate::ranges::Ranges;

/// What launches hold of an agent together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Claims {
    /// CPU units of those that do not show in the figures of the instance yet.
    pub(crate) unseen_cpu: u64,
    /// MiB of the same.
    pub(crate) unseen_memory: u64,
    /// GPUs of the same.
    pub(crate) unseen_gpus: u64,
    /// What all claim of CPUs, memory and disk, in thousandths of one and of a MB.
    pub(crate) cpus: u64,
    pub(crate) mem: u64,
    /// The same of GPUs.
    pub(crate) gpus: u64,
    pub(crate) disk: u64,
    /// The ports that all claim.
    pub(crate) ports: Ranges,
}

/// The launches that hold something of one agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OnAgent {
    pub(super) all: BTreeSet<LaunchId>,
    /// Those whose reservations do not show in the figures of the instance yet.
    pub(super) unseen: BTreeSet<LaunchId>,
    unseen_cpu: u64,
    unseen_memory: u64,
    unseen_gpus: u64,
    cpus: u64,
    mem: u64,
    gpus: u64,
    disk: u64,
    /// The ports of those that claim any.
    ports: BTreeMap<LaunchId, Ranges>,
}

impl OnAgent {
    /// Counts a launch where it belongs now.
    pub(super) fn count(&mut self, launch: &Launch) {
        let (id, holds) = (&launch.id, launch.holds());
        let unseen = holds && launch.unseen;
        if member(&mut self.unseen, id, unseen) {
            change(&mut self.unseen_cpu, u64::from(launch.cpu_units), unseen);
            change(&mut self.unseen_memory, u64::from(launch.memory_mib), unseen);
            change(&mut self.unseen_gpus, u64::from(launch.gpus), unseen);
        }
        if member(&mut self.all, id, holds) {
            let claim = &launch.origin.claim;
            change(&mut self.cpus, claim.scalar("cpus"), holds);
            change(&mut self.mem, claim.scalar("mem"), holds);
            change(&mut self.gpus, claim.scalar("gpus"), holds);
            change(&mut self.disk, claim.scalar("disk"), holds);
            if holds && !claim.ports.is_empty() {
                self.ports.insert(id.clone(), claim.ports.clone());
            } else {
                self.ports.remove(id);
            }
        }
    }

    /// A launch reserves other amounts than it was thought to.
    pub(super) fn resize(&mut self, launch: &Launch, cpu_units: u32, memory_mib: u32, gpus: u32) {
        if self.unseen.contains(&launch.id) {
            self.unseen_gpus = self.unseen_gpus + u64::from(gpus) - u64::from(launch.gpus);
            self.unseen_cpu = self.unseen_cpu + u64::from(cpu_units) - u64::from(launch.cpu_units);
            self.unseen_memory =
                self.unseen_memory + u64::from(memory_mib) - u64::from(launch.memory_mib);
        }
    }

    pub(super) fn claims(&self) -> Claims {
        Claims {
            unseen_cpu: self.unseen_cpu,
            unseen_memory: self.unseen_memory,
            unseen_gpus: self.unseen_gpus,
            cpus: self.cpus,
            mem: self.mem,
            gpus: self.gpus,
            disk: self.disk,
            ports: Ranges::union_of(self.ports.values()),
        }
    }
}

/// Puts an id into a set or takes it out; true if that changed the set.
pub(super) fn member(set: &mut BTreeSet<LaunchId>, id: &LaunchId, belongs: bool) -> bool {
    if belongs { set.insert(id.clone()) } else { set.remove(id) }
}

fn change(sum: &mut u64, by: u64, is_more: bool) {
    *sum = if is_more { sum.saturating_add(by) } else { sum.saturating_sub(by) };
}
