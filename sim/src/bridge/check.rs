//! What must hold all the time, or again within a written bound.

use super::world::World;

/// How long more of an instance may be promised than it has, in ms: an event that was lost is made up for by a reading after
/// 30 s, and that may be late as well.
const OVER_MS_MAX: u64 = 90_000;
/// How long after a framework began to read again its updates may be late, in ms.
const CATCHES_UP_MS: u64 = 10_000;

impl World {
    /// What is on offer of an agent is no more than it has, however little is known of what others hold.
    pub(super) fn check_offered(&mut self, master: usize, agent: &str) {
        let (cpus, mem) = self.masters[master].promises.offered(agent);
        let Some(instance) = self.cloud.instance_of_id(agent) else { return };
        let (cpu, memory) = (u64::from(instance.cpu), u64::from(instance.memory_mib));
        if cpus * 1024 > cpu * 1000 + 1024 || mem > memory * 1000 {
            self.ledger.fail(format!("{cpus} m CPUs and {mem} of memory are offered of {agent}"));
        }
    }

    /// Promises that were made hold, or are taken back soon.
    pub(super) fn check_promises(&mut self) {
        for master in 0..self.masters.len() {
            self.audit(master);
            self.check_backed(master);
            self.check_repeats(master);
        }
    }

    fn check_backed(&mut self, master: usize) {
        let now = self.now;
        if now < self.outage_until {
            self.over.clear();
            return;
        }
        let offers = &self.masters[master].promises.offers;
        let agents: std::collections::BTreeSet<String> =
            offers.values().map(|offer| offer.agent.clone()).collect();
        self.over.retain(|(of, agent), _| *of != master || agents.contains(agent));
        for agent in agents {
            let (cpus, mem) = self.masters[master].promises.offered(&agent);
            let Some(instance) = self.cloud.instance_of_id(&agent) else { continue };
            let (held_cpu, held_memory) = self.cloud.held(&instance.arn);
            let is_over = (cpus * 1024).div_ceil(1000) + held_cpu > u64::from(instance.cpu) + 1
                || mem.div_ceil(1000) + held_memory > u64::from(instance.memory_mib);
            let key = (master, agent);
            if !is_over {
                self.over.remove(&key);
                continue;
            }
            let since = *self.over.entry(key.clone()).or_insert(now);
            if now.since(since) > OVER_MS_MAX {
                let agent = key.1;
                self.ledger.fail(format!("more of {agent} is on offer than it has, for too long"));
            }
        }
    }

    fn check_repeats(&mut self, master: usize) {
        let now = self.now;
        let master = &self.masters[master];
        if !master.up {
            return;
        }
        let is_read = |key| {
            let Some(stream) = master.streams.get(&key) else { return false };
            let reader = &self.schedulers[stream.scheduler];
            let is_own = reader
                .link
                .as_ref()
                .is_some_and(|link| link.stream == key && link.epoch == master.epoch);
            let caught_up = now.since(stream.read_since) > CATCHES_UP_MS;
            is_own && reader.reads && caught_up && stream.items.len() < 100
        };
        if let Some(late) = master.promises.overdue(now, is_read) {
            self.ledger.fail(late);
        }
    }
}
