//! Groups: one ECS task with a container for each task, and one for the executor that holds them together. Source: \[A16\].
//!
//! The launch of the executor has the ECS task: it is prepared, started, settled and stopped like any other, and holds what the
//! executor itself claims until ECS has stopped it. The launches of the tasks hold what these claim and have states of their own; all
//! that is asked of the cluster about them is asked about the executor.
//!
//! Invariant: a task of a group that is not over has an executor that is not over, and that names it.

use std::collections::BTreeMap;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::{ExecutorInfo, Resource, TaskInfo, TaskState};

use super::launch::{Adopted, Launch, Origin};
use super::mapping::{self, Plan};
use super::{Launches, Phase, Why};
use crate::amounts::Amounts;
use crate::context::Context;
use crate::ids::{AgentId, ExecutorId, FrameworkId, LaunchId};

/// A group that is to be launched.
#[derive(Clone, Debug)]
pub(crate) struct GroupAsked<'a> {
    pub(crate) executor: &'a ExecutorInfo,
    /// What the executor itself claims.
    pub(crate) claim: &'a Amounts,
    /// The tasks, and what they claim.
    pub(crate) tasks: Vec<(&'a TaskInfo, &'a Amounts)>,
}

impl GroupAsked<'_> {
    /// What executor and tasks claim together.
    pub(crate) fn total(&self) -> Amounts {
        Amounts::sum(self.tasks.iter().map(|(_, claim)| *claim).chain([self.claim]))
    }

    /// All resources that are asked for, as they were written.
    pub(super) fn resources(&self) -> impl Iterator<Item = &Resource> {
        let tasks = self.tasks.iter().flat_map(|(task, _)| &task.resources);
        tasks.chain(&self.executor.resources)
    }
}

/// Executors by framework, agent and id.
pub(super) type Executors = BTreeMap<FrameworkId, BTreeMap<(AgentId, ExecutorId), LaunchId>>;

/// Takes an executor out of the list, unless its place is another's.
pub(super) fn unlist(list: &mut Executors, launch: &Launch) {
    let Some(executor) = launch.executor_id().filter(|_| launch.is_executor()) else { return };
    let Some(executors) = list.get_mut(launch.framework()) else { return };
    let key = (launch.agent().clone(), executor.clone());
    if executors.get(&key) == Some(&launch.id) {
        executors.remove(&key);
    }
    if executors.is_empty() {
        list.remove(launch.framework());
    }
}

/// Which part of its ECS task a launch is.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// All of it.
    Whole,
    /// The executor of a group, to which the ECS task belongs.
    Executor {
        /// The launches of the tasks, in the order of the group.
        members: Vec<LaunchId>,
        /// The container for whose sake the group is ended, if it is one.
        culprit: Option<Str>,
    },
    /// A task of a group.
    Member {
        /// The launch of the executor.
        executor: LaunchId,
        /// The container.
        container: Str,
    },
}

/// A task of a group that begins or was found.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) origin: Origin,
    /// Its container.
    pub(crate) container: Str,
    /// Whether that has ended well already, so that nobody had to end it.
    pub(crate) has_finished: bool,
}

impl Launch {
    /// Whether it is the executor of a group.
    pub(crate) fn is_executor(&self) -> bool {
        matches!(self.part, Part::Executor { .. })
    }

    /// Its container, if it is a task of a group.
    pub(crate) fn container(&self) -> Option<&Str> {
        match &self.part {
            Part::Member { container, .. } => Some(container),
            Part::Whole | Part::Executor { .. } => None,
        }
    }

    /// The container for whose sake a group is ended, if it is one.
    pub(super) fn culprit(&self) -> Option<&Str> {
        match &self.part {
            Part::Executor { culprit, .. } => culprit.as_ref(),
            Part::Whole | Part::Member { .. } => None,
        }
    }
}

impl Launches {
    /// The launch that has the ECS task of this one: the executor of its group, or itself.
    pub(crate) fn head(&self, id: &LaunchId) -> LaunchId {
        match self.all.get(id).map(|launch| &launch.part) {
            Some(Part::Member { executor, .. }) => executor.clone(),
            Some(Part::Whole | Part::Executor { .. }) | None => id.clone(),
        }
    }

    /// The launches of tasks that an ECS task runs and that are not over: those of a group, or the launch itself.
    pub(crate) fn tasks_of(&self, head: &LaunchId) -> Vec<LaunchId> {
        let members = match self.all.get(head).map(|launch| &launch.part) {
            Some(Part::Executor { members, .. }) => &**members,
            Some(Part::Whole | Part::Member { .. }) => std::slice::from_ref(head),
            None => &[],
        };
        let holds = |id: &&LaunchId| self.all.get(*id).is_some_and(Launch::holds);
        members.iter().filter(holds).cloned().collect()
    }

    /// The executor of a framework on an agent.
    pub(crate) fn executor(&self, framework: &str, agent: &str, id: &str) -> Option<&Launch> {
        let key = (AgentId::from(agent), ExecutorId::from(id));
        self.all.get(self.executors.get(framework)?.get(&key)?)
    }

    /// The executors of a framework on an agent.
    pub(crate) fn executors_on(
        &self,
        framework: &str,
        agent: &AgentId,
    ) -> impl Iterator<Item = &ExecutorId> {
        let first = (agent.clone(), ExecutorId::from(""));
        let all = self.executors.get(framework).into_iter();
        let all = all.flat_map(move |all| all.range(first.clone()..));
        all.map(|(key, _)| key).take_while(move |(on, _)| on == agent).map(|(_, id)| id)
    }

    /// Begins a group.
    pub(crate) fn begin_group(
        &mut self,
        cx: &mut Context<'_>,
        origin: Origin,
        members: Vec<Member>,
        plan: Plan,
        version_before: i64,
    ) -> LaunchId {
        let id = LaunchId::from(format!("ls-{:032x}", cx.ids.bits("launch")));
        let graces: Vec<Option<u32>> = plan.graces();
        self.add_group(cx.now, &id, origin, members);
        let notes = plan.others.iter().map(|other| other.note.clone());
        for ((id, grace), note) in self.tasks_of(&id).into_iter().zip(graces).zip(notes) {
            self.change(&id, |launch| {
                launch.grace_s = grace;
                launch.note = note;
            });
        }
        self.change(&id, |launch| {
            launch.plan = Some(Box::new(plan));
            launch.version_before = version_before;
        });
        id
    }

    /// Takes over a group of a master before this one. The task for whose sake the others were ended, and tasks that ended well, count as having
    /// ended by themselves.
    pub(crate) fn adopt_group(
        &mut self,
        now: Timestamp,
        adopted: Adopted,
        origin: Origin,
        members: Vec<Member>,
    ) {
        let Adopted { id, arn, end, culprit } = adopted;
        let finished: Vec<bool> = members.iter().map(|member| member.has_finished).collect();
        self.by_arn.insert(arn.clone(), id.clone());
        self.add_group(now, &id, origin, members);
        for (member, has_finished) in self.tasks_of(&id).into_iter().zip(finished) {
            self.change(&member, |launch| {
                launch.phase = Phase::Known;
                let is_meant = culprit.is_none() || launch.container() == culprit.as_ref();
                launch.end = match end {
                    None | Some(Why::Done) => None,
                    Some(Why::Group) if is_meant => None,
                    Some(why) if is_meant => Some(why),
                    Some(_) if has_finished => None,
                    Some(_) => Some(Why::Group),
                };
            });
        }
        self.change(&id, |launch| {
            launch.phase = Phase::Known;
            launch.arn = Some(arn);
            // The readings of recovery show it.
            launch.unseen = false;
            launch.seen_after = 0;
            launch.end = end;
        });
    }

    fn add_group(&mut self, now: Timestamp, id: &LaunchId, origin: Origin, members: Vec<Member>) {
        let ids = (0..members.len()).map(|number| LaunchId::from(format!("{id}.{number}")));
        let ids: Vec<LaunchId> = ids.collect();
        let claims = members.iter().map(|member| &member.origin.claim).chain([&origin.claim]);
        let (mut cpu_units, mut memory_mib, mut gpus) = (0_u32, 0_u32, 0_u32);
        for claim in claims {
            cpu_units = cpu_units.saturating_add(mapping::cpu_units(claim));
            memory_mib = memory_mib.saturating_add(mapping::memory_mib(claim));
            gpus = gpus.saturating_add(mapping::gpus(claim));
        }
        let part = Part::Executor { members: ids.clone(), culprit: None };
        let executor = Launch::new(id.clone(), origin, part, now);
        self.add(Launch { cpu_units, memory_mib, gpus, ..executor });
        for (number, Member { origin, container, .. }) in ids.into_iter().zip(members) {
            let part = Part::Member { executor: id.clone(), container };
            let member = Launch::new(number, origin, part, now);
            // ECS reserves for the task as a whole, and gives nothing back until that has stopped.
            self.add(Launch { cpu_units: 0, memory_mib: 0, gpus: 0, unseen: false, ..member });
        }
    }

    /// All that is left of a group is to end; how far its ECS task has come. If that is for the sake of one container, the reason is that of
    /// its task, unless that has ended by itself, and the others go with it.
    pub(crate) fn end_group(
        &mut self,
        head: &LaunchId,
        culprit: Option<&Str>,
        why: Why,
    ) -> Option<Phase> {
        for id in self.tasks_of(head) {
            self.change(&id, |launch| {
                let is_meant = culprit.is_none() || launch.container() == culprit;
                launch.end.get_or_insert(if is_meant { why } else { Why::Group });
            });
        }
        self.change(head, |launch| {
            if launch.end.is_none()
                && let Part::Executor { culprit: known, .. } = &mut launch.part
            {
                *known = culprit.cloned();
            }
            launch.end.get_or_insert(why);
            launch.phase
        })
    }

    /// Brings the state of an executor up to its tasks: it runs once all of them have begun, and is looked at more often before.
    pub(crate) fn weigh_group(&mut self, head: &LaunchId) {
        let Some(Part::Executor { members, .. }) = self.all.get(head).map(|launch| &launch.part)
        else {
            return;
        };
        let states: Vec<TaskState> = members
            .iter()
            .map(|id| self.all.get(id).map_or(TaskState::TaskFinished, Launch::state))
            .collect();
        let begins =
            |state: &TaskState| matches!(state, TaskState::TaskStaging | TaskState::TaskStarting);
        let is_waiting = states.iter().any(begins);
        let state = if is_waiting { TaskState::TaskStarting } else { TaskState::TaskRunning };
        self.became(head, state);
    }

    /// What does not hold of groups.
    pub(super) fn audit_groups(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (id, launch) in &self.all {
            let executor = match &launch.part {
                Part::Member { executor, .. } if launch.holds() => executor,
                Part::Whole | Part::Executor { .. } | Part::Member { .. } => continue,
            };
            let known = self.all.get(executor).filter(|one| one.holds());
            let names = known.is_some_and(|one| match &one.part {
                Part::Executor { members, .. } => members.contains(id),
                Part::Whole | Part::Member { .. } => false,
            });
            if !names {
                wrong.push(format!("launch {id} is part of a group whose executor is over"));
            }
        }
        for (framework, executors) in &self.executors {
            for ((agent, executor), id) in executors {
                if self.all.get(id).is_none_or(|one| !one.is_executor() || one.agent() != agent) {
                    wrong.push(format!("executor {executor} of {framework} has no launch"));
                }
            }
        }
        wrong
    }
}
