//! A model of a Mesos master with its agents.

use std::collections::{BTreeMap, VecDeque};

use longshore_wire_mesos::is_terminal;
use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::{
    AgentId, Offer, OfferId, Resource, TaskId, TaskInfo, TaskState, TaskStatus, value,
};

use crate::chance::Chance;

pub(super) const AGENTS: usize = 3;
const CPUS: f64 = 4.0;

/// A task that was started.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) job: String,
    pub(super) agent: usize,
    pub(super) state: TaskState,
    /// Updates that were not acknowledged yet, with their uuids.
    unacknowledged: VecDeque<(u64, TaskState)>,
    /// Somebody wants it to end.
    is_killed: bool,
    /// Its agent was out of reach once: whoever gave it up may have started another one.
    pub(super) was_away: bool,
}

impl Task {
    pub(super) fn runs(&self) -> bool {
        !is_terminal(self.state)
    }
}

/// The master.
#[derive(Debug)]
pub(super) struct Master {
    pub(super) tasks: BTreeMap<String, Task>,
    offers: BTreeMap<String, usize>,
    /// Agents that cannot be reached.
    pub(super) away: [bool; AGENTS],
    pub(super) wants: bool,
    /// How many frameworks were removed: the one that may subscribe has the next number.
    removed: u64,
    last: u64,
}

impl Master {
    pub(super) fn new() -> Self {
        let (tasks, offers) = (BTreeMap::new(), BTreeMap::new());
        Self { tasks, offers, away: [false; AGENTS], wants: true, removed: 0, last: 0 }
    }

    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
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
        self.offers.clear();
    }

    /// All offers are void: there is another subscription.
    pub(super) fn subscribed(&mut self) {
        self.offers.clear();
        self.wants = true;
    }

    /// Offers of agents that have none out.
    pub(super) fn offers(&mut self) -> Vec<Offer> {
        let mut made = Vec::new();
        for agent in 0..AGENTS {
            let is_out = self.offers.values().any(|of| *of == agent);
            let running = self.tasks.values().filter(|task| task.agent == agent && task.runs());
            let used = f64::from(u32::try_from(running.count()).unwrap_or(u32::MAX));
            if is_out || self.away[agent] || used >= CPUS || !self.wants {
                continue;
            }
            let id = format!("offer-{}", self.number());
            self.offers.insert(id.clone(), agent);
            made.push(offer(id, agent, CPUS - used));
        }
        made
    }

    /// An offer that is void from now on.
    pub(super) fn rescinds(&mut self, chance: &mut Chance) -> Option<OfferId> {
        let ids: Vec<String> = self.offers.keys().cloned().collect();
        let id = ids[chance.index(ids.len())?].clone();
        self.offers.remove(&id);
        Some(OfferId { value: id })
    }

    pub(super) fn declined(&mut self, offers: &[OfferId]) {
        for offer in offers {
            self.offers.remove(&offer.value);
        }
    }

    /// Whether an offer may be launched on; it is used up.
    pub(super) fn takes(&mut self, offer: &OfferId) -> Option<usize> {
        self.offers.remove(&offer.value).filter(|agent| !self.away[*agent])
    }

    pub(super) fn starts(&mut self, task: &TaskInfo, job: String, agent: usize) {
        let started = Task {
            job,
            agent,
            state: TaskState::TaskStaging,
            unacknowledged: VecDeque::new(),
            is_killed: false,
            was_away: false,
        };
        self.tasks.insert(task.task_id.value.clone(), started);
    }

    /// A task changes its state, which is told until it is acknowledged.
    pub(super) fn moves(&mut self, id: &str, state: TaskState) {
        let uuid = self.number();
        let Some(task) = self.tasks.get_mut(id).filter(|task| task.runs()) else { return };
        task.state = state;
        task.unacknowledged.push_back((uuid, state));
    }

    /// Ends all tasks of an agent that is gone for good.
    pub(super) fn loses(&mut self, agent: usize) {
        let of: Vec<String> = self.on(agent);
        for id in of {
            self.moves(&id, TaskState::TaskGone);
        }
    }

    pub(super) fn was_away(&mut self, id: &str) {
        if let Some(task) = self.tasks.get_mut(id) {
            task.was_away = true;
        }
    }

    /// Those of an agent that run.
    pub(super) fn on(&self, agent: usize) -> Vec<String> {
        let of = self.tasks.iter().filter(|(_, task)| task.agent == agent && task.runs());
        of.map(|(id, _)| id.clone()).collect()
    }

    pub(super) fn acknowledged(&mut self, status: &TaskStatus) {
        let uuid = status.uuid.as_deref().and_then(|uuid| uuid.try_into().ok());
        let uuid = uuid.map(u64::from_be_bytes);
        if let Some(task) = self.tasks.get_mut(&status.task_id.value)
            && task.unacknowledged.front().map(|(first, _)| *first) == uuid
        {
            task.unacknowledged.pop_front();
        }
    }

    /// The update of a task that is to be told next. What an agent says that is away does not arrive.
    pub(super) fn told(&self, id: &str) -> Option<TaskStatus> {
        let task = self.tasks.get(id)?;
        let (uuid, state) = task.unacknowledged.front()?;
        let is_away = self.away[task.agent] && *state != TaskState::TaskGone;
        (!is_away).then(|| status(id, *state, None, Some(*uuid)))
    }

    /// Every update that waits.
    pub(super) fn all_told(&self) -> Vec<TaskStatus> {
        self.tasks.keys().filter_map(|id| self.told(id)).collect()
    }

    pub(super) fn kills(&mut self, id: &str) {
        if let Some(task) = self.tasks.get_mut(id) {
            task.is_killed = true;
        }
        self.ends_killed();
    }

    /// Kills reach agents that are there.
    pub(super) fn ends_killed(&mut self) {
        let killed = self
            .tasks
            .iter()
            .filter(|(_, task)| task.is_killed && task.runs() && !self.away[task.agent]);
        let killed: Vec<String> = killed.map(|(id, _)| id.clone()).collect();
        for id in killed {
            self.moves(&id, TaskState::TaskKilled);
        }
    }

    /// What is said of a task that is asked for. Source: Mesos, reconciliation.
    pub(super) fn state_of(&self, id: &str) -> TaskStatus {
        let reason = Some(Reason::Reconciliation);
        let Some(task) = self.tasks.get(id) else {
            return status(id, TaskState::TaskGone, reason, None);
        };
        let state = match task.state {
            _ if self.away[task.agent] && task.runs() => TaskState::TaskUnreachable,
            // It is told what it was told first.
            state => task.unacknowledged.front().map_or(state, |(_, first)| *first),
        };
        status(id, state, reason, None)
    }
}

pub(super) fn status(
    id: &str,
    state: TaskState,
    reason: Option<Reason>,
    uuid: Option<u64>,
) -> TaskStatus {
    TaskStatus {
        task_id: TaskId { value: id.to_owned() },
        agent_id: Some(AgentId { value: "agent".to_owned() }),
        state: state.into(),
        reason: reason.map(Into::into),
        uuid: uuid.map(|uuid| uuid.to_be_bytes().to_vec()),
        ..TaskStatus::default()
    }
}

fn offer(id: String, agent: usize, cpus: f64) -> Offer {
    let scalar = |name: &str, value: f64| Resource {
        name: name.to_owned(),
        r#type: value::Type::Scalar.into(),
        scalar: Some(value::Scalar { value }),
        ..Resource::default()
    };
    Offer {
        id: OfferId { value: id },
        agent_id: AgentId { value: format!("agent-{agent}") },
        hostname: format!("host-{agent}"),
        resources: vec![scalar("cpus", cpus), scalar("mem", 4_096.0), scalar("disk", 4_096.0)],
        ..Offer::default()
    }
}
