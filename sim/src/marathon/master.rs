//! A master with agents, which is as unreliable as Mesos may be: updates come late, twice, and again until they are acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use longshore_wire_mesos::v1::offer::operation::LaunchGroup;
use longshore_wire_mesos::v1::value::{Range, Ranges, Scalar, Type};
use longshore_wire_mesos::v1::{
    AgentId, Offer, OfferId, Resource, TaskId, TaskInfo, TaskState, TaskStatus,
};

const AGENTS: u64 = 6;
const CPUS: f64 = 16.0;
const PORTS: std::ops::RangeInclusive<u64> = 31_000..=31_029;

/// A task, as it truly is.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) agent: u64,
    pub(super) state: TaskState,
    pub(super) is_well: bool,
    cpus: f64,
    ports: BTreeSet<u64>,
    /// The executor whose group it is of.
    group: Option<String>,
    /// Updates that are not acknowledged, oldest first.
    pub(super) updates: Vec<(u64, TaskState)>,
}

/// What an executor holds as long as a task of its group runs.
#[derive(Debug)]
struct Executor {
    agent: u64,
    cpus: f64,
    ports: BTreeSet<u64>,
}

/// The master.
#[derive(Debug, Default)]
pub(super) struct Master {
    pub(super) tasks: BTreeMap<String, Task>,
    executors: BTreeMap<String, Executor>,
    /// Every id that was ever launched.
    pub(super) ever: BTreeSet<String>,
    offers: BTreeMap<String, u64>,
    pub(super) is_suppressed: bool,
    refused_until: BTreeMap<u64, u64>,
    drawn: u64,
    /// How many frameworks were removed: the one that may subscribe has the next number.
    removed: u64,
}

fn resource(name: &str, value: f64) -> Resource {
    Resource {
        name: name.to_owned(),
        r#type: Type::Scalar.into(),
        scalar: Some(Scalar { value }),
        ..Resource::default()
    }
}

impl Master {
    /// What is free is offered, on agents of which there is no offer.
    pub(super) fn offers(&mut self, now: u64) -> Vec<Offer> {
        if self.is_suppressed {
            return Vec::new();
        }
        let mut offers = Vec::new();
        for agent in 0..AGENTS {
            let is_refused = self.refused_until.get(&agent).is_some_and(|until| *until > now);
            let (cpus, ports) = self.free(agent);
            if is_refused || cpus < 0.01 || self.offers.values().any(|one| *one == agent) {
                continue;
            }
            self.drawn += 1;
            let id = format!("offer-{}", self.drawn);
            self.offers.insert(id.clone(), agent);
            let range = ports.into_iter().map(|port| Range { begin: port, end: port }).collect();
            let ports = Resource {
                name: "ports".to_owned(),
                r#type: Type::Ranges.into(),
                ranges: Some(Ranges { range }),
                ..Resource::default()
            };
            offers.push(Offer {
                id: OfferId { value: id },
                agent_id: AgentId { value: format!("agent-{agent}") },
                hostname: format!("host-{agent}"),
                resources: vec![resource("cpus", cpus), resource("mem", 65_536.0), ports],
                ..Offer::default()
            });
        }
        offers
    }

    fn free(&self, agent: u64) -> (f64, BTreeSet<u64>) {
        let mut free = (CPUS, PORTS.collect::<BTreeSet<u64>>());
        for task in self.tasks.values().filter(|one| one.agent == agent) {
            free.0 -= task.cpus;
            free.1.retain(|port| !task.ports.contains(port));
        }
        for executor in self.executors.values().filter(|one| one.agent == agent) {
            free.0 -= executor.cpus;
            free.1.retain(|port| !executor.ports.contains(port));
        }
        free
    }

    /// Gives offers back.
    pub(super) fn declines(&mut self, offers: &[OfferId], now: u64, refuse_ms: u64) {
        for id in offers {
            if let Some(agent) = self.offers.remove(&id.value) {
                self.refused_until.insert(agent, now + refuse_ms);
            }
        }
    }

    pub(super) fn revives(&mut self) {
        self.is_suppressed = false;
        self.refused_until.clear();
    }

    /// The id of a framework that subscribes; `None` if it was removed.
    pub(super) fn registers(&self, id: Option<&str>) -> Option<String> {
        let current = format!("framework-{}", self.removed);
        match id {
            Some(id) if id != current => None,
            _ => Some(current),
        }
    }

    /// Removes the framework with its tasks.
    pub(super) fn tears_down(&mut self) {
        self.removed += 1;
        self.tasks.clear();
        self.executors.clear();
        self.disconnects();
    }

    /// A scheduler is gone, and its offers with it.
    pub(super) fn disconnects(&mut self) {
        self.offers.clear();
        self.refused_until.clear();
        self.is_suppressed = false;
    }

    /// Launches a group of tasks; what is wrong if it may not be.
    pub(super) fn launches_group(
        &mut self,
        offer: &OfferId,
        group: LaunchGroup,
    ) -> Result<(), String> {
        let LaunchGroup { executor, task_group } = group;
        let id = executor.executor_id.value;
        if !self.ever.insert(id.clone()) {
            return Err(format!("{id} was launched twice"));
        }
        if let Some(agent) = self.offers.get(&offer.value).copied() {
            let (cpus, ports) = amounts(&executor.resources);
            let free = self.free(agent);
            if cpus > free.0 + 1e-6 || !ports.is_subset(&free.1) {
                return Err(format!("{id} takes what its agent does not have"));
            }
            self.executors.insert(id.clone(), Executor { agent, cpus, ports });
        }
        for task in task_group.tasks {
            self.launches(offer, task, Some(&id))?;
        }
        Ok(())
    }

    /// Launches a task; what is wrong if it may not be.
    pub(super) fn launches(
        &mut self,
        offer: &OfferId,
        info: TaskInfo,
        group: Option<&str>,
    ) -> Result<(), String> {
        let id = info.task_id.value;
        let group = group.map(str::to_owned);
        if !self.ever.insert(id.clone()) {
            return Err(format!("{id} was launched twice"));
        }
        let Some(agent) = self.offers.get(&offer.value).copied() else {
            // Rescinded, or of a connection before: it is dropped.
            let task = Task {
                agent: AGENTS,
                state: TaskState::TaskDropped,
                is_well: false,
                cpus: 0.0,
                ports: BTreeSet::new(),
                group,
                updates: vec![(self.number(), TaskState::TaskDropped)],
            };
            self.tasks.insert(id, task);
            return Ok(());
        };
        let (cpus, ports) = amounts(&info.resources);
        let free = self.free(agent);
        if cpus > free.0 + 1e-6 || !ports.is_subset(&free.1) {
            return Err(format!("{id} takes what its agent does not have"));
        }
        let update = (self.number(), TaskState::TaskStarting);
        let state = TaskState::TaskStarting;
        let task = Task { agent, state, is_well: true, cpus, ports, group, updates: vec![update] };
        self.tasks.insert(id, task);
        Ok(())
    }

    /// An offer is used up.
    pub(super) fn uses(&mut self, offers: &[OfferId]) {
        for id in offers {
            self.offers.remove(&id.value);
        }
    }

    fn number(&mut self) -> u64 {
        self.drawn += 1;
        self.drawn
    }

    /// A task changes its state.
    pub(super) fn moves(&mut self, id: &str, state: TaskState) {
        let number = self.number();
        let Some(task) = self.tasks.get_mut(id) else { return };
        if longshore_wire_mesos::is_terminal(task.state) || task.state == state {
            return;
        }
        task.state = state;
        if longshore_wire_mesos::is_terminal(state) {
            (task.cpus, task.ports) = (0.0, BTreeSet::new());
        }
        task.updates.push((number, state));
        let Some(group) = task.group.clone() else { return };
        let is_of = |one: &Task| one.group.as_ref() == Some(&group);
        let others: Vec<String> =
            self.live().filter(|(_, one)| is_of(one)).map(|(id, _)| id.clone()).collect();
        if others.is_empty() {
            self.executors.remove(&group);
        } else if longshore_wire_mesos::is_terminal(state) && state != TaskState::TaskFinished {
            // What the default executor does.
            for id in others {
                self.moves(&id, TaskState::TaskKilled);
            }
        }
    }

    /// The oldest update of each task that is not acknowledged.
    pub(super) fn unacknowledged(&self) -> Vec<TaskStatus> {
        let first = |(id, task): (&String, &Task)| {
            let (number, state) = task.updates.first()?;
            Some(status(id, task.agent, *state, Some(*number)))
        };
        self.tasks.iter().filter_map(first).collect()
    }

    pub(super) fn acknowledges(&mut self, status: &TaskStatus) {
        let Some(task) = self.tasks.get_mut(&status.task_id.value) else { return };
        let number = status.uuid.clone().unwrap_or_default();
        task.updates.retain(|(one, _)| one.to_be_bytes().to_vec() != number);
        if task.updates.is_empty() && longshore_wire_mesos::is_terminal(task.state) {
            self.tasks.remove(&status.task_id.value);
        }
    }

    /// What is known of tasks; of all if none is named.
    pub(super) fn reconciles(&self, asked: &[TaskStatus]) -> Vec<TaskStatus> {
        if asked.is_empty() {
            let all = self.tasks.iter();
            return all.map(|(id, task)| status(id, task.agent, task.state, None)).collect();
        }
        let known = |one: &TaskStatus| {
            let id = &one.task_id.value;
            match self.tasks.get(id) {
                Some(task) => status(id, task.agent, task.state, None),
                None => status(id, AGENTS, TaskState::TaskGone, None),
            }
        };
        asked.iter().map(known).collect()
    }

    /// Tasks that have not ended.
    pub(super) fn live(&self) -> impl Iterator<Item = (&String, &Task)> {
        self.tasks.iter().filter(|(_, one)| !longshore_wire_mesos::is_terminal(one.state))
    }
}

/// The CPUs and the ports of what is launched.
fn amounts(resources: &[Resource]) -> (f64, BTreeSet<u64>) {
    let of = |name: &'static str| resources.iter().filter(move |one| one.name == name);
    let cpus = of("cpus").filter_map(|one| one.scalar.as_ref()).map(|one| one.value).sum();
    let ranges = of("ports").filter_map(|one| one.ranges.as_ref()).flat_map(|one| &one.range);
    (cpus, ranges.flat_map(|one| one.begin..=one.end).collect())
}

fn status(id: &str, agent: u64, state: TaskState, number: Option<u64>) -> TaskStatus {
    TaskStatus {
        task_id: TaskId { value: id.to_owned() },
        agent_id: Some(AgentId { value: format!("agent-{agent}") }),
        state: state.into(),
        uuid: number.map(|number| number.to_be_bytes().to_vec()),
        ..TaskStatus::default()
    }
}
