//! A record together with what hangs on it: tasks, offers and sums.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::TaskState;

use super::record::{AgentView, ExecutorView, FrameworkView, OfferView, RoleView, TaskView};
use super::{Counts, Shared};
use crate::amounts::{Amounts, MILLI};
use crate::ids::{AgentId, ExecutorId, FrameworkId, OfferId, Role, TaskId};
use crate::ranges::Ranges;

/// A framework and what it has.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameworkEntry {
    pub(super) view: Arc<FrameworkView>,
    pub(super) tasks: Shared<TaskId, Arc<TaskView>>,
    /// The last ones that ended, oldest first.
    pub(super) ended: rpds::QueueSync<Arc<TaskView>>,
    pub(super) offers: Shared<OfferId, Arc<OfferView>>,
    /// Its executors.
    pub(super) executors: Shared<(AgentId, ExecutorId), Arc<ExecutorView>>,
    /// Agents on which it has tasks, or had those that are still shown.
    pub(super) agents: Shared<AgentId, u32>,
    pub(super) counts: Counts,
    /// What its live tasks and its executors use, for each role, without ports: a port is used on many agents, so that it cannot be taken off a sum.
    pub(super) used: Used,
    /// What is counted for it alone.
    pub(super) numbers: Shared<Str, u64>,
}

impl FrameworkEntry {
    pub(super) fn new(view: Arc<FrameworkView>) -> Self {
        Self {
            view,
            tasks: Shared::new_sync(),
            ended: rpds::Queue::new_sync(),
            offers: Shared::new_sync(),
            executors: Shared::new_sync(),
            agents: Shared::new_sync(),
            counts: Counts::default(),
            used: Used::default(),
            numbers: Shared::new_sync(),
        }
    }

    /// The framework itself.
    pub fn view(&self) -> &FrameworkView {
        &self.view
    }

    /// Its tasks that have not ended for good, those on agents that are away among them.
    pub fn tasks(&self) -> impl Iterator<Item = &TaskView> {
        self.tasks.values().map(|task| &**task)
    }

    /// One of those.
    pub fn task(&self, id: &str) -> Option<&TaskView> {
        self.tasks.get(id).map(|task| &**task)
    }

    /// Its last tasks that ended, oldest first.
    pub fn ended(&self) -> impl Iterator<Item = &TaskView> {
        self.ended.iter().map(|task| &**task)
    }

    /// What is offered to it.
    pub fn offers(&self) -> impl Iterator<Item = &OfferView> {
        self.offers.values().map(|offer| &**offer)
    }

    /// Its executors.
    pub fn executors(&self) -> impl Iterator<Item = &ExecutorView> {
        self.executors.values().map(|executor| &**executor)
    }

    /// Agents on which it has tasks, or had those that are still shown.
    pub fn agents(&self) -> impl Iterator<Item = &AgentId> {
        self.agents.keys()
    }

    /// Its tasks by state, ended ones that are still shown among them.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether it is here or has something that runs: see [`View::shown`](super::View::shown).
    pub fn is_shown(&self) -> bool {
        !self.view().recovered || self.counts.has_live() || self.executors().next().is_some()
    }

    /// What its live tasks and its executors use, for each role. Ports are looked up with each of them.
    pub fn used(&self) -> Vec<(Role, Amounts)> {
        let mut ports: BTreeMap<&Role, Vec<&Ranges>> = BTreeMap::new();
        for task in self.tasks().filter(|task| holds(task.state)) {
            if !task.resources.ports.is_empty() {
                ports.entry(&task.role).or_default().push(&task.resources.ports);
            }
        }
        let with_ports = |(role, scalars): (&Role, &Amounts)| {
            let ports = Ranges::union_of(ports.get(role).into_iter().flatten().copied());
            (role.clone(), Amounts { ports, ..scalars.clone() })
        };
        self.used.iter().map(with_ports).collect()
    }

    /// What is counted for it alone, by name.
    pub fn number(&self, name: &str) -> u64 {
        self.numbers.get(name).copied().unwrap_or(0)
    }
}

/// An agent and what is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentEntry {
    /// None for one that is gone, of which ended tasks are still shown.
    pub(super) view: Option<Arc<AgentView>>,
    /// Tasks of each framework.
    pub(super) held: Shared<FrameworkId, u32>,
    pub(super) used: Used,
    /// Tasks that use ports. Two may claim the same one: a task that is known again has not been found to have ended yet.
    pub(super) with_ports: Shared<(FrameworkId, TaskId), (Role, Arc<Amounts>)>,
    pub(super) offers: Shared<OfferId, Arc<OfferView>>,
    pub(super) counts: Counts,
}

impl AgentEntry {
    /// Frameworks that have tasks there, or had those that are still shown.
    pub fn frameworks(&self) -> impl Iterator<Item = &FrameworkId> {
        self.held.keys()
    }

    /// What live tasks use, for each role.
    pub fn used(&self) -> impl Iterator<Item = (&Role, &Amounts)> {
        self.used.iter()
    }

    /// What is offered of it.
    pub fn offers(&self) -> impl Iterator<Item = &OfferView> {
        self.offers.values().map(|offer| &**offer)
    }

    /// Tasks there by state, ended ones that are still shown among them.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// A task uses what it was given.
    pub(super) fn hold(&mut self, task: &TaskView) {
        self.used.hold(&task.role, &task.resources);
        if !task.resources.ports.is_empty() {
            let key = (task.framework.clone(), task.id.clone());
            self.with_ports.insert_mut(key, (task.role.clone(), task.resources.clone()));
        }
    }

    /// A task does not any more.
    pub(super) fn release(&mut self, task: &TaskView) {
        self.with_ports.remove_mut(&(task.framework.clone(), task.id.clone()));
        let ports = self.ports_of(&task.role);
        self.used.release(&task.role, &task.resources, ports);
    }

    /// An executor does not use these scalars any more.
    pub(super) fn release_executor(&mut self, role: &Role, scalars: &Amounts) {
        let ports = self.ports_of(role);
        self.used.release(role, scalars, ports);
    }

    /// The ports that tasks of a role use.
    fn ports_of(&self, role: &Role) -> Ranges {
        let tasks = self.with_ports.values().filter(|(other, _)| other == role);
        Ranges::union_of(tasks.map(|(_, amounts)| &amounts.ports))
    }

    pub(super) fn is_nothing(&self) -> bool {
        let holds = !self.held.is_empty() || !self.used.0.is_empty();
        self.view.is_none() && !holds && self.offers.is_empty()
    }
}

/// What is used, for each role. Mostly it is one, but there may be thousands.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Used(Shared<Role, Amounts>);

impl Used {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Role, &Amounts)> {
        self.0.iter()
    }

    pub(super) fn hold(&mut self, role: &Role, amounts: &Amounts) {
        match self.0.get_mut(role) {
            Some(sum) => sum.add(amounts),
            // A task that uses nothing leaves nothing behind, either.
            None if amounts.is_empty() => {}
            None => self.0.insert_mut(role.clone(), amounts.clone()),
        }
    }

    /// Nothing is left of a role without tasks: each amount goes to zero with the last. `ports` are those that others use.
    pub(super) fn release(&mut self, role: &Role, amounts: &Amounts, ports: Ranges) {
        let Some(sum) = self.0.get_mut(role) else { return };
        sum.take(&scalars(amounts));
        sum.ports = ports;
        if sum.is_empty() {
            self.0.remove_mut(role);
        }
    }
}

/// Amounts without ports.
pub(super) fn scalars(amounts: &Amounts) -> Amounts {
    Amounts { scalars: amounts.scalars.clone(), ports: Ranges::default() }
}

/// Whether a task uses what it was given. Source: Mesos, `Framework::recoverResources`: what ended or is out of reach does not.
pub(super) fn holds(state: TaskState) -> bool {
    !longshore_wire_mesos::is_terminal(state) && state != TaskState::TaskUnreachable
}

/// A role: what is set for it, who has it, and what it has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoleEntry {
    pub(super) view: Option<Arc<RoleView>>,
    pub(super) frameworks: Shared<FrameworkId, ()>,
    pub(super) allocated: Quantities,
    pub(super) offered: Quantities,
}

impl RoleEntry {
    /// What an operator has set.
    pub fn view(&self) -> Option<&RoleView> {
        self.view.as_deref()
    }

    /// Frameworks that have it.
    pub fn frameworks(&self) -> impl Iterator<Item = &FrameworkId> {
        self.frameworks.keys()
    }

    /// What tasks of the role use.
    pub fn allocated(&self) -> &Quantities {
        &self.allocated
    }

    /// What is offered to the role.
    pub fn offered(&self) -> &Quantities {
        &self.offered
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.view.is_none()
            && self.frameworks.is_empty()
            && self.allocated.0.is_empty()
            && self.offered.0.is_empty()
    }
}

/// How much there is of each resource, whichever it is: ports count one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quantities(BTreeMap<String, u64>);

impl Quantities {
    /// Each resource by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, amount)| (&**name, crate::amounts::to_number(*amount)))
    }

    /// How much there is of one.
    pub fn of(&self, name: &str) -> f64 {
        self.0.get(name).map_or(0.0, |amount| crate::amounts::to_number(*amount))
    }

    /// Adds amounts.
    pub fn add(&mut self, amounts: &Amounts) {
        for (name, amount) in parts(amounts) {
            match self.0.get_mut(name) {
                Some(sum) => *sum = sum.saturating_add(amount),
                None => drop(self.0.insert(name.to_owned(), amount)),
            }
        }
    }

    /// Adds others.
    pub fn add_all(&mut self, others: &Self) {
        for (name, amount) in &others.0 {
            let sum = self.0.entry(name.clone()).or_default();
            *sum = sum.saturating_add(*amount);
        }
    }

    pub(super) fn take(&mut self, amounts: &Amounts) {
        for (name, amount) in parts(amounts) {
            if let Some(sum) = self.0.get_mut(name) {
                *sum = sum.saturating_sub(amount);
                if *sum == 0 {
                    self.0.remove(name);
                }
            }
        }
    }
}

fn parts(amounts: &Amounts) -> impl Iterator<Item = (&str, u64)> {
    let ports: u64 =
        amounts.ports.as_slice().iter().map(|(begin, end)| end - begin + 1).sum::<u64>() * MILLI;
    let scalars = amounts.scalars.iter().map(|(name, amount)| (&**name, *amount));
    scalars.chain((ports > 0).then_some(("ports", ports)))
}
