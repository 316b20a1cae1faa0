//! What an operator sees who looked once and has been told of changes since, beside what one sees who looks now.

use std::collections::{BTreeMap, BTreeSet};

use longshore_bridge::operator::{Change, FrameworkView, TaskView, View};
use longshore_bridge::{AgentId, FrameworkId, TaskId};
use longshore_wire_mesos::is_terminal;
use longshore_wire_mesos::v1::TaskState;

use super::promises::Promises;

/// State and health of a task.
type Told = (TaskState, Option<bool>);

/// What one who watches knows.
#[derive(Debug, Default)]
pub(super) struct Watch {
    frameworks: BTreeMap<FrameworkId, FrameworkView>,
    tasks: BTreeMap<FrameworkId, BTreeMap<TaskId, Told>>,
    agents: BTreeSet<AgentId>,
}

/// A framework without what those who watch are not told. Source: Mesos, `sendFrameworkUpdates`: that one is disconnected, which roles
/// are suppressed, and what offers are wanted.
fn known(view: &FrameworkView) -> FrameworkView {
    FrameworkView {
        active: false,
        connected: false,
        suppressed: BTreeSet::default(),
        offer_constraints: None,
        ..view.clone()
    }
}

fn of(task: &TaskView) -> Told {
    (task.state, task.statuses.last().and_then(|last| last.healthy))
}

impl Watch {
    /// The first view.
    pub(super) fn new(view: &View) -> Self {
        let mut watch = Self::default();
        for entry in view.frameworks() {
            let id = entry.view().id.clone();
            watch.frameworks.insert(id.clone(), known(entry.view()));
            let tasks = entry.tasks().map(|task| (task.id.clone(), of(task)));
            watch.tasks.insert(id, tasks.collect());
        }
        watch.agents = view.agents().map(|(agent, _)| agent.id.clone()).collect();
        watch
    }

    /// Takes in a change; the agent that is gone, if that is what it says.
    pub(super) fn apply(&mut self, change: &Change) -> Option<AgentId> {
        match change {
            Change::TaskAdded(task) | Change::TaskUpdated(task) => {
                let tasks = self.tasks.entry(task.framework.clone()).or_default();
                tasks.insert(task.id.clone(), of(task));
            }
            Change::AgentAdded(agent, _) => drop(self.agents.insert(agent.id.clone())),
            Change::AgentRemoved(agent) => {
                self.agents.remove(agent);
                return Some(agent.clone());
            }
            Change::FrameworkAdded(framework) | Change::FrameworkUpdated(framework) => {
                self.frameworks.insert(framework.id.clone(), known(framework));
            }
            Change::FrameworkRemoved(framework) => {
                self.frameworks.remove(&framework.id);
                self.tasks.remove(&framework.id);
            }
        }
        None
    }

    /// What does not agree with a view of this moment.
    pub(super) fn differs(&self, view: &View) -> Option<String> {
        let now = Self::new(view);
        if self.agents != now.agents {
            return Some(format!("{:?} were told, and there are {:?}", self.agents, now.agents));
        }
        if self.frameworks != now.frameworks {
            let told: Vec<&FrameworkId> = self.frameworks.keys().collect();
            let shown: Vec<&FrameworkId> = now.frameworks.keys().collect();
            return Some(format!("frameworks {told:?} are not as they are shown: {shown:?}"));
        }
        for (framework, tasks) in &now.tasks {
            let told = self.tasks.get(framework);
            let other =
                tasks.iter().find(|(id, now)| told.and_then(|all| all.get(*id)) != Some(now));
            if let Some((id, now)) = other {
                let told = told.and_then(|all| all.get(id));
                return Some(format!("task {id} of {framework} is {now:?}, and was told {told:?}"));
            }
            let mut left = told.into_iter().flatten().filter(|(id, _)| !tasks.contains_key(*id));
            if let Some((id, (state, _))) = left.find(|(_, (state, _))| !is_terminal(*state)) {
                return Some(format!("task {id} of {framework} was told {state:?} and is gone"));
            }
        }
        None
    }
}

/// What of the offers that are shown is not out, or the other way round.
pub(super) fn wrong_offers(view: &View, promises: &Promises) -> Option<String> {
    let shown = view.frameworks().flat_map(longshore_bridge::operator::FrameworkEntry::offers);
    let shown: BTreeSet<&str> = shown.map(|offer| &**offer.id.text()).collect();
    let out: BTreeSet<&str> = promises.offers.keys().map(String::as_str).collect();
    (shown != out).then(|| format!("offers {out:?} are out, and operators see {shown:?}"))
}
