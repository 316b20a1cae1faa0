//! Whether the counts and sums are those of what is shown.

use std::collections::BTreeMap;

use super::entry::{FrameworkEntry, Used, holds, scalars};
use super::keep::ReadModel;
use super::record::ExecutorView;
use super::{Counts, Quantities};
use crate::ids::{AgentId, FrameworkId, Role};

/// What the tasks and offers that are shown come to.
#[derive(Default)]
struct Recount {
    frameworks: BTreeMap<FrameworkId, (Counts, BTreeMap<AgentId, u32>, Used)>,
    agents: BTreeMap<AgentId, (Counts, BTreeMap<FrameworkId, u32>, Used)>,
    allocated: BTreeMap<Role, Quantities>,
    offered: BTreeMap<Role, Quantities>,
}

impl ReadModel {
    /// What does not hold, in words; nothing is the answer that is hoped for. It walks over everything, so it is for tests.
    pub fn audit(&self) -> Vec<String> {
        let recount = self.recount();
        let mut wrong = self.wrong_frameworks(&recount);
        wrong.extend(self.wrong_agents(&recount));
        wrong.extend(self.wrong_roles(&recount));
        wrong.extend(self.wrong_offers());
        wrong
    }

    fn recount(&self) -> Recount {
        let mut recount = Recount::default();
        for entry in self.view.frameworks() {
            let live = entry.tasks().map(|task| (task, holds(task.state)));
            for (task, holds) in live.chain(entry.ended().map(|task| (task, false))) {
                let framework = recount.frameworks.entry(task.framework.clone()).or_default();
                framework.0.add(task.state);
                *framework.1.entry(task.agent.clone()).or_default() += 1;
                let agent = recount.agents.entry(task.agent.clone()).or_default();
                agent.0.add(task.state);
                *agent.1.entry(task.framework.clone()).or_default() += 1;
                if holds {
                    framework.2.hold(&task.role, &scalars(&task.resources));
                    agent.2.hold(&task.role, &task.resources);
                    recount.allocated.entry(task.role.clone()).or_default().add(&task.resources);
                }
            }
        }
        for executor in self.view.frameworks().flat_map(FrameworkEntry::executors) {
            let ExecutorView { framework, agent, role, .. } = executor;
            let scalars = scalars(&executor.resources);
            recount.frameworks.entry(framework.clone()).or_default().2.hold(role, &scalars);
            recount.agents.entry(agent.clone()).or_default().2.hold(role, &scalars);
            recount.allocated.entry(role.clone()).or_default().add(&scalars);
        }
        for offer in self.view.offers.values() {
            recount.offered.entry(offer.role.clone()).or_default().add(&offer.resources);
        }
        recount
    }

    fn wrong_frameworks(&self, recount: &Recount) -> Vec<String> {
        let mut wrong = Vec::new();
        for entry in self.view.frameworks() {
            let id = &entry.view().id;
            let (counts, agents, used) = recount.frameworks.get(id).cloned().unwrap_or_default();
            let kept = entry.agents.iter().map(|(agent, tasks)| (agent.clone(), *tasks));
            let kept: BTreeMap<_, _> = kept.collect();
            if (entry.counts(), kept, &entry.used) != (counts, agents, &used) {
                wrong.push(format!("the counts of framework {id} are not those of its tasks"));
            }
        }
        wrong
    }

    fn wrong_agents(&self, recount: &Recount) -> Vec<String> {
        let mut wrong = Vec::new();
        for id in recount.agents.keys().filter(|id| self.view.agents.get(*id).is_none()) {
            wrong.push(format!("tasks on agent {id} are not counted there"));
        }
        for (id, entry) in &self.view.agents {
            let (counts, held, used) = recount.agents.get(id).cloned().unwrap_or_default();
            let kept: BTreeMap<_, _> =
                entry.held.iter().map(|(id, tasks)| (id.clone(), *tasks)).collect();
            if (entry.counts(), kept, &entry.used) != (counts, held, &used) {
                wrong.push(format!("what agent {id} is said to have is not what its tasks have"));
            }
        }
        wrong
    }

    fn wrong_roles(&self, recount: &Recount) -> Vec<String> {
        let nothing = Quantities::default();
        let wrong = self.view.roles.iter().filter(|(role, entry)| {
            let allocated = recount.allocated.get(*role).unwrap_or(&nothing);
            let offered = recount.offered.get(*role).unwrap_or(&nothing);
            entry.allocated() != allocated || entry.offered() != offered
        });
        let missing = recount.allocated.keys().chain(recount.offered.keys());
        let missing = missing.filter(|role| self.view.roles.get(*role).is_none());
        wrong
            .map(|(role, _)| role)
            .chain(missing)
            .map(|role| {
                format!("what role {role} is said to have is not what tasks and offers have")
            })
            .collect()
    }

    fn wrong_offers(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let of_frameworks: usize = self.view.frameworks().map(|entry| entry.offers.size()).sum();
        let of_agents: usize = self.view.agents.values().map(|entry| entry.offers.size()).sum();
        if [of_frameworks, of_agents] != [self.view.offers(); 2] {
            wrong.push("offers are not with their frameworks and agents".to_owned());
        }
        for offer in self.view.offers.values() {
            let framework = self.view.frameworks.get(&offer.framework);
            let agent = self.view.agents.get(&offer.agent);
            if framework.is_none_or(|entry| !entry.offers.contains_key(&offer.id))
                || agent.is_none_or(|entry| !entry.offers.contains_key(&offer.id))
            {
                wrong.push(format!("offer {} is not where it belongs", offer.id));
            }
        }
        wrong
    }
}
