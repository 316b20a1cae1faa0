//! Keeps what operators see, change by change. Each change costs the logarithm of what there is, never a walk over it.

use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::InverseOffer;
use longshore_wire_mesos::v1::maintenance::{ClusterStatus, Schedule};

use super::Shared;
use super::change::{Change, Watched};
use super::entry::{AgentEntry, FrameworkEntry, RoleEntry};
use super::record::{
    AgentView, ExecutorView, FrameworkView, MasterView, OfferView, RoleView, StatusView, TaskView,
};
use super::tally::{Place, is_where_it_was};
use super::view::View;
use crate::ids::{AgentId, ExecutorId, FrameworkId, OfferId, Role, TaskId};
use crate::limits;

/// What operators see, as it changes.
#[derive(Debug, Default)]
pub struct ReadModel {
    pub(super) view: View,
    pub(super) watched: Watched,
}

impl ReadModel {
    /// The state of this moment. It is cheap, and goes on sharing what does not change.
    pub fn snapshot(&self) -> View {
        self.view.clone()
    }

    /// The master is so.
    pub fn put_master(&mut self, master: MasterView) {
        self.view.master = Arc::new(master);
    }

    /// The settings are these.
    pub fn put_flags(&mut self, mut flags: Vec<(Str, Str)>) {
        flags.sort();
        self.view.flags = flags.into();
    }

    /// Machines are to be away at these times, and these are.
    pub fn put_maintenance(&mut self, schedule: Schedule, machines: ClusterStatus) {
        self.view.schedule = Arc::new(schedule);
        self.view.machines = Arc::new(machines);
    }

    /// A framework is asked to leave an agent.
    pub fn put_inverse(&mut self, framework: &FrameworkId, id: OfferId, told: InverseOffer) {
        self.view.inverse.insert_mut((framework.clone(), id), Arc::new(told));
    }

    /// It has answered, or is asked no more.
    pub fn remove_inverse(&mut self, framework: &FrameworkId, id: &OfferId) {
        self.view.inverse.remove_mut(&(framework.clone(), id.clone()));
    }

    /// Counts something for the whole master, under its name without `master/`.
    pub fn count(&mut self, name: &str, by: u32) {
        match self.view.numbers.get_mut(name) {
            Some(number) => *number += f64::from(by),
            None => self.view.numbers.insert_mut(name.into(), f64::from(by)),
        }
    }

    /// Something that goes up and down is now at `value`.
    pub fn gauge(&mut self, name: &str, value: f64) {
        self.view.numbers.insert_mut(name.into(), value);
    }

    /// Counts something for one framework, such as `calls/accept`.
    pub fn count_for(&mut self, framework: &str, name: &str) {
        let Some(entry) = self.view.frameworks.get_mut(framework) else { return };
        match entry.numbers.get_mut(name) {
            Some(number) => *number += 1,
            None => entry.numbers.insert_mut(name.into(), 1),
        }
    }

    /// A framework is new, or is different from what it was.
    pub fn put_framework(&mut self, framework: FrameworkView) {
        let id = framework.id.clone();
        for role in self.put_framework_alone(framework) {
            self.bring_up(&id, &role);
        }
    }

    /// The same without its roles, of which there may be thousands. Those that it has and had not, or had and has not, are for
    /// [`Self::bring_up`].
    pub fn put_framework_alone(&mut self, framework: FrameworkView) -> Vec<Role> {
        let framework = Arc::new(framework);
        let id = framework.id.clone();
        let known = self.view.frameworks.get_mut(&id);
        let before = known.map(|entry| std::mem::replace(&mut entry.view, framework.clone()));
        if before.is_none() {
            self.view.frameworks.insert_mut(id, FrameworkEntry::new(framework.clone()));
        }
        self.watched.framework(before.as_deref(), &framework);
        match before {
            Some(before) => before.roles.symmetric_difference(&framework.roles).cloned().collect(),
            None => framework.roles.iter().cloned().collect(),
        }
    }

    /// A role is shown with a framework if that has it, and without it otherwise.
    pub fn bring_up(&mut self, id: &FrameworkId, role: &Role) {
        let has = self.view.frameworks.get(id).is_some_and(|one| one.view.roles.contains(role));
        self.role(role, |entry| {
            if has {
                entry.frameworks.insert_mut(id.clone(), ());
            } else {
                entry.frameworks.remove_mut(id);
            }
        });
    }

    /// A framework is gone. It is shown among the completed ones, with its last tasks.
    pub fn remove_framework(&mut self, id: &FrameworkId, now: Timestamp) {
        for role in self.remove_framework_alone(id, now) {
            self.bring_up(id, &role);
        }
    }

    /// The same without its roles, which are for [`Self::bring_up`].
    pub fn remove_framework_alone(&mut self, id: &FrameworkId, now: Timestamp) -> Vec<Role> {
        let Some(entry) = self.view.frameworks.get(id) else { return Vec::new() };
        let offers: Vec<OfferId> = entry.offers.keys().cloned().collect();
        for offer in offers {
            self.remove_offer(&offer);
        }
        let Some(mut entry) = self.view.frameworks.get(id).cloned() else { return Vec::new() };
        self.view.frameworks.remove_mut(id);
        for task in entry.tasks.values() {
            self.uncount(task, Place::Live);
        }
        for executor in entry.executors.values() {
            self.release_executor(executor);
        }
        entry.executors = Shared::new_sync();
        for task in &entry.ended {
            self.uncount(task, Place::Ended);
        }
        let roles = entry.view.roles.iter().cloned().collect();
        let left: Vec<Arc<TaskView>> = entry.tasks.values().cloned().collect();
        for task in left {
            entry.tasks.remove_mut(&task.id);
            entry.ended.enqueue_mut(task);
        }
        while entry.ended.len() > limits::COMPLETED_TASKS_MAX {
            entry.ended.dequeue_mut();
        }
        let view = FrameworkView {
            active: false,
            connected: false,
            unregistered_at: Some(now),
            ..(*entry.view).clone()
        };
        entry.view = Arc::new(view);
        self.watched.note(|| Change::FrameworkRemoved(entry.view.clone()));
        self.view.completed.enqueue_mut(Arc::new(entry));
        while self.view.completed.len() > limits::COMPLETED_FRAMEWORKS_MAX {
            self.view.completed.dequeue_mut();
        }
        roles
    }

    /// A task is new, or is different from what it was. False if its framework is not known.
    pub fn put_task(&mut self, task: TaskView) -> bool {
        let Some(entry) = self.view.frameworks.get_mut(&task.framework) else { return false };
        let task = Arc::new(task);
        let before = entry.tasks.get(&task.id).cloned();
        entry.tasks.insert_mut(task.id.clone(), task.clone());
        self.watched.task(before.as_deref(), &task);
        match before {
            Some(before) if is_where_it_was(&before, &task) => {
                self.restate(&task, before.state);
            }
            Some(before) => {
                self.uncount(&before, Place::Live);
                self.tally(&task);
            }
            None => self.tally(&task),
        }
        true
    }

    /// A task has a new status. One of the same state as the last takes its place. Source: \[T24\].
    pub fn put_status(&mut self, framework: &str, task: &str, status: StatusView) {
        let tasks = self.view.frameworks.get(framework).map(|entry| &entry.tasks);
        let Some(known) = tasks.and_then(|tasks| tasks.get(task)) else { return };
        let mut changed = (**known).clone();
        changed.state = status.state;
        match changed.statuses.last_mut() {
            Some(last) if last.state == status.state => *last = status,
            _ => {
                let before = changed.statuses.iter().cloned();
                changed.statuses = before.chain(std::iter::once(status)).collect();
            }
        }
        self.put_task(changed);
    }

    /// A task has ended and everybody knows. It is shown among the completed ones.
    pub fn end_task(&mut self, framework: &str, task: &TaskId) {
        let Some(entry) = self.view.frameworks.get_mut(framework) else { return };
        let Some(ended) = entry.tasks.get(task).cloned() else { return };
        entry.tasks.remove_mut(task);
        entry.ended.enqueue_mut(ended.clone());
        let over = entry.ended.len() > limits::COMPLETED_TASKS_MAX;
        let oldest = if over { entry.ended.peek().cloned() } else { None };
        if over {
            entry.ended.dequeue_mut();
        }
        // It goes on being counted, but must not go on holding anything.
        self.release(&ended);
        if let Some(oldest) = oldest {
            self.uncount(&oldest, Place::Ended);
        }
        self.count_end(&ended);
    }

    /// An executor is new. False if its framework is not known.
    pub fn put_executor(&mut self, executor: ExecutorView) -> bool {
        let executor = Arc::new(executor);
        let (id, agent) = (executor.id.clone(), executor.agent.clone());
        self.remove_executor(&executor.framework, &agent, &id);
        let Some(entry) = self.view.frameworks.get_mut(&executor.framework) else { return false };
        entry.executors.insert_mut((agent, id), executor.clone());
        self.hold_executor(&executor);
        true
    }

    /// An executor is gone.
    pub fn remove_executor(&mut self, framework: &str, agent: &AgentId, id: &ExecutorId) {
        let Some(entry) = self.view.frameworks.get_mut(framework) else { return };
        let key = (agent.clone(), id.clone());
        let Some(executor) = entry.executors.get(&key).cloned() else { return };
        entry.executors.remove_mut(&key);
        self.release_executor(&executor);
    }

    /// An agent is new, or is different from what it was.
    pub fn put_agent(&mut self, agent: AgentView) {
        let agent = Arc::new(agent);
        let id = &agent.id;
        let is_new = self.view.agents.get(id).is_none_or(|entry| entry.view.is_none());
        self.agent(id, |entry| entry.view = Some(agent.clone()));
        if is_new && let Some(entry) = self.view.agents.get(id) {
            self.watched.note(|| Change::AgentAdded(agent.clone(), Box::new(entry.clone())));
        }
    }

    /// An agent is gone. Its tasks are shown as long as they are shown.
    pub fn remove_agent(&mut self, id: &AgentId) {
        let was_there = self.view.agents.get(id).is_some_and(|entry| entry.view.is_some());
        self.agent(id, |entry| entry.view = None);
        if was_there {
            self.watched.note(|| Change::AgentRemoved(id.clone()));
        }
    }

    /// An agent is gone because an operator says so. It is remembered, since it must not come back.
    pub fn mark_gone(&mut self, id: &AgentId) {
        self.remove_agent(id);
        self.view.gone.insert_mut(id.clone(), ());
    }

    /// An offer is made. False if its framework is not known.
    pub fn put_offer(&mut self, offer: OfferView) -> bool {
        self.remove_offer(&offer.id.clone());
        let offer = Arc::new(offer);
        let Some(framework) = self.view.frameworks.get_mut(&offer.framework) else { return false };
        framework.offers.insert_mut(offer.id.clone(), offer.clone());
        self.agent(&offer.agent, |agent| agent.offers.insert_mut(offer.id.clone(), offer.clone()));
        self.role(&offer.role, |role| role.offered.add(&offer.resources));
        self.view.offers.insert_mut(offer.id.clone(), offer);
        true
    }

    /// An offer is out no more, whatever became of it.
    pub fn remove_offer(&mut self, id: &OfferId) {
        let Some(offer) = self.view.offers.get(id).cloned() else { return };
        self.view.offers.remove_mut(id);
        if let Some(framework) = self.view.frameworks.get_mut(&offer.framework) {
            framework.offers.remove_mut(id);
        }
        self.agent(&offer.agent, |agent| {
            agent.offers.remove_mut(id);
        });
        self.role(&offer.role, |role| role.offered.take(&offer.resources));
    }

    /// Something is set for a role.
    pub fn put_role(&mut self, role: RoleView) {
        let name = role.role.clone();
        self.role(&name, |entry| entry.view = Some(Arc::new(role)));
    }

    /// Nothing is set for a role any more.
    pub fn remove_role(&mut self, role: &Role) {
        self.role(role, |entry| entry.view = None);
    }

    /// Changes what hangs on an agent, and forgets it when nothing does.
    pub(super) fn agent(&mut self, id: &AgentId, change: impl FnOnce(&mut AgentEntry)) {
        if !self.view.agents.contains_key(id) {
            self.view.agents.insert_mut(id.clone(), AgentEntry::default());
        }
        let Some(entry) = self.view.agents.get_mut(id) else { return };
        change(entry);
        if entry.is_nothing() {
            self.view.agents.remove_mut(id);
        }
    }

    /// Changes what hangs on a role, and forgets it when nothing does.
    pub(super) fn role(&mut self, name: &Role, change: impl FnOnce(&mut RoleEntry)) {
        if !self.view.roles.contains_key(name) {
            self.view.roles.insert_mut(name.clone(), RoleEntry::default());
        }
        let Some(entry) = self.view.roles.get_mut(name) else { return };
        change(entry);
        if entry.is_nothing() {
            self.view.roles.remove_mut(name);
        }
    }
}
