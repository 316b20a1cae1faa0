//! What the allocator keeps, checked against what it could compute.

use std::collections::BTreeMap;

use super::Allocator;
use super::tree::{Client, Uses};
use crate::amounts::Amounts;
use crate::ids::AgentId;

impl Allocator {
    /// Every index, computed again; empty if all is well.
    pub(crate) fn audit(&self) -> Vec<String> {
        let (uses, promised) = self.sums();
        let mut wrong = self.tree.audit(&uses);
        wrong.extend(self.agents.audit(&promised));
        wrong.extend(self.offers.audit());
        wrong.extend(self.filters.audit());
        wrong.extend(self.quotas.audit(|role| self.tree.held(role)));
        wrong.extend(self.work.audit(|key| self.agents.get(key).is_some()));
        wrong.extend(self.audit_frameworks());
        wrong.extend(self.audit_bounds());
        wrong
    }

    /// What each client has, and what is promised of each agent.
    fn sums(&self) -> (Uses, BTreeMap<AgentId, Amounts>) {
        let mut uses = Uses::new();
        for (client, (sum, count)) in &self.launched {
            let (all, _, uses) = uses.entry(*client).or_default();
            all.add_all(sum);
            *uses += count;
        }
        let mut promised = BTreeMap::<AgentId, Amounts>::new();
        for (client, agent, key, amounts) in self.offers.promises() {
            let (all, offered, uses): &mut (_, _, usize) = uses.entry(client).or_default();
            all.add(amounts);
            offered.add(amounts);
            *uses += 1;
            // An offer of an agent that went and came back is none of what is there now.
            let known = self.agents.key(agent);
            if known.is_some() && key.is_none_or(|key| known == Some(key)) {
                promised.entry(agent.clone()).or_default().add(amounts);
            }
        }
        (uses, promised)
    }

    fn audit_bounds(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for key in self.agents.keys() {
            let Some(agent) = self.agents.get(key) else { continue };
            // What is held cannot be taken back, so an agent may have less than that for a while.
            let lacking = self.offers.of_agent(key).filter(|(_, one)| agent.lacks(&one.amounts));
            wrong.extend(lacking.map(|(id, _)| format!("there is not enough for {id}")));
        }
        let all = self.tree.total();
        let agents = self.agents.keys().filter_map(|key| self.agents.get(key));
        let mut total = super::Quantities::default();
        agents.for_each(|agent| total.add(super::Agents::total(agent.facts())));
        if total != *all {
            wrong.push(format!("the cluster has {total}, not {all}"));
        }
        let unknown: Vec<Client> =
            self.wants.keys().copied().filter(|client| self.tree.who(*client).is_none()).collect();
        wrong.extend(unknown.iter().map(|client| format!("{client:?} is gone and wants offers")));
        wrong
    }
}
