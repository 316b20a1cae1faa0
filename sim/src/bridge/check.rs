//! What must hold all the time, or again within a written bound.

use longshore_replica::Question;

use super::master::Master;
use super::scheduler::Scheduler;
use super::world::World;
use super::{api, policy};

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

    /// Nothing is offered of what operators have taken out of use. A bridge that has just started may not have read of that yet.
    pub(super) fn check_in_use(&mut self, master: usize, agent: &str) {
        let one = &self.masters[master];
        let has_read = one.epoch == 0 || self.now.since(one.started_at) > OVER_MS_MAX;
        if one.closed.contains(agent) && has_read || one.down.contains(agent) {
            self.ledger.fail(format!("{agent} is offered, and an operator took it out of use"));
        }
    }

    /// Promises that were made hold, or are taken back soon, and operators see what there is.
    pub(super) fn check_promises(&mut self) {
        for master in 0..self.masters.len() {
            self.audit(master);
            self.check_backed(master);
            self.check_repeats(master);
            self.look(master);
            let Master { promises, timeout_ms, up, .. } = &self.masters[master];
            let late = timeout_ms.filter(|_| *up);
            let late = late.and_then(|ms| policy::overdue(self.now, ms, promises));
            self.ledger.violations.extend(late);
        }
    }

    /// A bridge stops no task of a framework that another one serves, unless that framework knows that it is over, or agreed to
    /// it when it launched the task, or an operator has the agent drained.
    pub(super) fn check_stop(&mut self, master: usize, question: &Question) {
        let Some((arn, reason)) = api::stop_of(question) else { return };
        let Some(task) = self.cloud.tasks.get(arn) else { return };
        let Some((framework, id)) = task.owners.first() else { return };
        let own = |one: &&Scheduler| one.id.as_ref() == Some(framework);
        let Some(scheduler) = self.schedulers.iter().find(own) else { return };
        let agreed = ["health check", "max_completion_time", "Mesos group", "Mesos agent"]
            .iter()
            .any(|why| reason.contains(why));
        let is_over = self.ledger.abandoned.contains_key(arn)
            || task.owners.iter().all(|owner| {
                self.ledger.is_over(task, owner) || self.ledger.repeated.contains(owner)
            });
        // Operators of any bridge may have agents drained or given up, and machines taken down.
        let agent = task.instance.rsplit('/').next().unwrap_or_default();
        let is_closed = self.masters.iter().any(|one| {
            one.closed.contains(agent)
                || one.down.contains(agent)
                || one.of_operators.values().any(Option::is_some)
        });
        // Whoever finds a task that is to stop already may say so again.
        let is_meant = agreed || is_over || is_closed || !task.is_wanted();
        if scheduler.master != master && !scheduler.gone && !is_meant && task.is_live() {
            self.ledger.fail(format!(
                "bridge {master} stops {arn}, which is task {id} of a framework of another bridge: {reason}"
            ));
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
