//! What must hold of launches, recomputed from the records.

use std::collections::{BTreeMap, BTreeSet};

use super::on_agent::OnAgent;
use super::{Launches, Phase};
use crate::amounts::Amounts;
use crate::ids::{AgentId, FrameworkId, LaunchId, Role};
use longshore_wire_mesos::is_terminal;

impl Launches {
    /// What does not hold.
    pub(crate) fn audit(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        self.audit_phases(&mut wrong);
        let mut on: BTreeMap<AgentId, OnAgent> = BTreeMap::new();
        for launch in self.all.values().filter(|launch| launch.holds()) {
            on.entry(launch.agent().clone()).or_default().count(launch);
        }
        if on != self.on {
            wrong.push(format!("launches run on {on:?} and are counted on {:?}", self.on));
        }
        for (framework, tasks) in &self.by_task {
            for (task, id) in tasks {
                let launch = self.all.get(id);
                if launch.is_none_or(|one| one.task() != task || one.framework() != framework) {
                    wrong.push(format!("task {task} of framework {framework} has no launch"));
                }
            }
        }
        wrong.extend(self.audit_groups());
        self.audit_away(&mut wrong);
        wrong.extend(self.questions.audit());
        wrong
    }

    /// What the launches of each framework in each role hold together.
    pub(crate) fn sums(&self) -> Vec<(Role, FrameworkId, Amounts)> {
        let mut sums: BTreeMap<(Role, FrameworkId), Amounts> = BTreeMap::new();
        for launch in self.all.values().filter(|launch| launch.counts()) {
            let key = (launch.role().clone(), launch.framework().clone());
            sums.entry(key).or_default().add(launch.claim());
        }
        sums.into_iter().map(|((role, framework), sum)| (role, framework, sum)).collect()
    }

    fn audit_phases(&self, wrong: &mut Vec<String>) {
        for (id, launch) in &self.all {
            let (phase, state) = (launch.phase, launch.state);
            if phase == Phase::Over && !is_terminal(state) {
                wrong.push(format!("launch {id} is over in state {state:?}"));
            }
            if phase == Phase::Known && launch.arn.is_none() && launch.container().is_none() {
                wrong.push(format!("launch {id} is known and has no task"));
            }
            if phase != Phase::Over && is_terminal(state) {
                wrong.push(format!("launch {id} ended as {state:?} and is not over"));
            }
            if launch.arn.as_ref().is_some_and(|arn| self.by_arn.get(arn) != Some(id)) {
                wrong.push(format!("launch {id} is not found by its task"));
            }
        }
        let known = self.all.values().filter(|launch| launch.phase == Phase::Known);
        let known = known.filter(|launch| launch.container().is_none());
        let ids = |of: &dyn Fn(&super::Launch) -> bool| -> BTreeSet<LaunchId> {
            known.clone().filter(|launch| of(launch)).map(|launch| launch.id.clone()).collect()
        };
        let unseen = ids(&|launch| launch.unseen);
        let groups = ids(&super::Launch::is_executor);
        let sets = [ids(&|_| true), ids(&super::Launch::is_hot), unseen, groups];
        if sets.each_ref() != [&self.live, &self.hot, &self.unseen, &self.groups] {
            wrong.push("launches are not in the sets where they belong".to_owned());
        }
    }
}
