//! Launches on agents that are not there: those of unreachable agents may come back, those of agents that are marked gone must not.
//!
//! Source: a Mesos master takes the tasks of an unreachable agent out of its live ones, so that they are neither reconciled nor killed, and
//! keeps them apart, since their ids must not be used again \[R1\], \[R5\], \[L8\].

use std::collections::{BTreeMap, BTreeSet};

use super::launch::{Launch, Phase};
use super::{Launches, group};
use crate::ids::{AgentId, FrameworkId, LaunchId, TaskId};

/// Launches by framework and task.
type ByTask = BTreeMap<FrameworkId, BTreeMap<TaskId, LaunchId>>;

/// Takes a launch out of a list, unless its place is another's.
pub(super) fn unlist(list: &mut ByTask, launch: &Launch) {
    let Some(tasks) = list.get_mut(launch.framework()) else { return };
    if tasks.get(launch.task()) == Some(&launch.id) {
        tasks.remove(launch.task());
    }
    if tasks.is_empty() {
        list.remove(launch.framework());
    }
}

/// Puts a launch on a list, unless it is an executor: that is no task.
fn list(list: &mut ByTask, launch: &Launch) {
    if launch.is_executor() {
        return;
    }
    let tasks = list.entry(launch.framework().clone()).or_default();
    tasks.insert(launch.task().clone(), launch.id.clone());
}

impl Launches {
    /// The agent of a launch is unreachable; whether that is news of something that ECS has.
    pub(crate) fn leaves(&mut self, id: &LaunchId) -> bool {
        let Some(launch) = self.all.get(id) else { return false };
        if launch.phase != Phase::Known || launch.away || launch.disowned {
            return false;
        }
        unlist(&mut self.by_task, launch);
        list(&mut self.away, launch);
        self.change(id, |launch| launch.away = true);
        true
    }

    /// A launch is one of the live tasks of its framework again; whether it was not.
    pub(crate) fn returns(&mut self, id: &LaunchId) -> bool {
        let Some(launch) = self.all.get(id).filter(|launch| launch.away) else { return false };
        unlist(&mut self.away, launch);
        list(&mut self.by_task, launch);
        self.change(id, |launch| launch.away = false);
        true
    }

    /// The framework of a launch is told that it is over, whatever ECS still has of it. So is an executor then.
    pub(crate) fn disown(&mut self, id: &LaunchId) {
        let Some(launch) = self.all.get(id) else { return };
        unlist(&mut self.by_task, launch);
        unlist(&mut self.away, launch);
        group::unlist(&mut self.executors, launch);
        self.change(id, |launch| {
            launch.away = false;
            launch.disowned = true;
        });
    }

    /// The launch of a task whose agent is unreachable.
    pub(crate) fn away_task(&self, framework: &str, task: &str) -> Option<&Launch> {
        self.all.get(self.away.get(framework)?.get(task)?)
    }

    /// The launches of an agent, those among them whose end waits to be acknowledged.
    pub(crate) fn of_agent(&self, agent: &str) -> impl Iterator<Item = &Launch> {
        let own = self.of_agent.get(agent).into_iter().flatten();
        own.filter_map(|id| self.all.get(id))
    }

    /// What does not hold of it.
    pub(super) fn audit_away(&self, wrong: &mut Vec<String>) {
        let mut away = ByTask::new();
        let mut of_agent: BTreeMap<AgentId, BTreeSet<LaunchId>> = BTreeMap::new();
        for launch in self.all.values() {
            of_agent.entry(launch.agent().clone()).or_default().insert(launch.id.clone());
            if launch.away {
                list(&mut away, launch);
            }
            let listed = self.by_task.get(launch.framework());
            let is_live = listed.and_then(|tasks| tasks.get(launch.task())) == Some(&launch.id);
            if is_live && (launch.away || launch.disowned) {
                wrong.push(format!("launch {} is live and is not", launch.id));
            }
            if launch.counted != launch.counts() {
                wrong.push(format!("launch {} is counted wrongly", launch.id));
            }
        }
        if away != self.away {
            wrong.push(format!("launches {away:?} are away, and {:?} are listed", self.away));
        }
        if of_agent != self.of_agent {
            wrong.push(format!("agents have {of_agent:?} launches, not {:?}", self.of_agent));
        }
    }
}
