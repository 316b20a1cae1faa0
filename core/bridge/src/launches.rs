//! Launches: from an accepted offer to the end of the ECS task.
//!
//! At most once: `StartTask` goes out once under the launch id. If its reply is lost the launch is *unsure*, and is looked
//! for by that id until it is found, or was looked for long enough to be sure that it never was. One that shows up even
//! later is stopped, since its framework has been told that it is lost.
//!
//! This part keeps the records, their indexes and what is asked about them; what a framework is told is decided by
//! [`crate::flows`]. Whoever keeps sums over launches takes [`Launches::take_changes`] at the end of a step.
//!
//! Invariants: a launch is in each index exactly if its phase and state say so; one question about its end is out at a time.

mod allocated;
mod audit;
mod away;
mod changes;
mod checks;
mod definitions;
mod grace;
mod group;
mod launch;
mod mapping;
mod on_agent;
mod questions;
mod reach;
mod terms;
mod validate;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use longshore_machine::Timestamp;
use longshore_replica::Task;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::TaskState;

pub(crate) use self::allocated::{Of, too_much};
pub(crate) use self::changes::Changes;
use self::definitions::Definitions;
pub(crate) use self::definitions::{Key, Resolved};
pub(crate) use self::group::{GroupAsked, Member, Part};
pub(crate) use self::launch::{Adopted, Launch, Origin, Phase};
pub(crate) use self::mapping::is_ours;
pub(crate) use self::mapping::{
    CLAIM_VARIABLE, EXECUTOR_CONTAINER, EXECUTOR_VARIABLE, FRAMEWORK_VARIABLE, Plan, ROLE_VARIABLE,
    TASK_VARIABLE, plan, plan_group, raised,
};
pub(crate) use self::on_agent::Claims;
use self::on_agent::{OnAgent, member};
pub(crate) use self::questions::DefinitionNews;
use self::questions::Questions;
pub(crate) use self::reach::Reach;
pub(crate) use self::terms::{Terms, Why};
pub(crate) use self::validate::{group as validate_group, task as validate};
use crate::context::Context;
use crate::ids::{AgentId, FrameworkId, LaunchId, TaskId};

/// All launches.
#[derive(Debug, Default)]
pub(crate) struct Launches {
    all: BTreeMap<LaunchId, Launch>,
    /// Those that have something left to say, by framework and task.
    by_task: BTreeMap<FrameworkId, BTreeMap<TaskId, LaunchId>>,
    /// Executors of groups, by framework, agent and id.
    executors: group::Executors,
    /// Those whose agents are unreachable, by framework and task.
    away: BTreeMap<FrameworkId, BTreeMap<TaskId, LaunchId>>,
    on: BTreeMap<AgentId, OnAgent>,
    /// How many there are of each agent, those among them whose end waits to be acknowledged.
    of_agent: BTreeMap<AgentId, BTreeSet<LaunchId>>,
    /// By ARN of the task.
    by_arn: BTreeMap<Str, LaunchId>,
    /// Those that ECS has and that are not over.
    live: BTreeSet<LaunchId>,
    /// Those of them that are about to change.
    hot: BTreeSet<LaunchId>,
    /// Those of them that are groups.
    groups: BTreeSet<LaunchId>,
    /// Those of them whose reservations do not show in the figures of their instances yet.
    unseen: BTreeSet<LaunchId>,
    /// Those that were given up and must not run, and since when.
    given_up: BTreeMap<LaunchId, Timestamp>,
    /// Whether an operator was told that a KILL's own grace period does not apply.
    grace_was_told: bool,
    definitions: Definitions,
    questions: Questions,
    changes: Changes,
}

impl Launches {
    pub(crate) fn get(&self, id: &LaunchId) -> Option<&Launch> {
        self.all.get(id)
    }

    /// The launch of a framework's task.
    pub(crate) fn of_task(&self, framework: &str, task: &str) -> Option<&Launch> {
        self.all.get(self.by_task.get(framework)?.get(task)?)
    }

    /// The launches of a framework, those on unreachable agents among them.
    pub(crate) fn of_framework(&self, framework: &str) -> impl Iterator<Item = &LaunchId> {
        let all = [self.by_task.get(framework), self.away.get(framework)];
        all.into_iter().flatten().flat_map(BTreeMap::values)
    }

    pub(crate) fn count_of(&self, framework: &str) -> usize {
        let all = [self.by_task.get(framework), self.away.get(framework)];
        all.into_iter().flatten().map(BTreeMap::len).sum()
    }

    /// The first task of a framework from a bound on, and its launch.
    pub(crate) fn first_of(
        &self,
        framework: &str,
        from: Bound<&TaskId>,
    ) -> Option<(&TaskId, &LaunchId)> {
        self.by_task.get(framework)?.range::<TaskId, _>((from, Bound::Unbounded)).next()
    }

    /// The last task of a framework.
    pub(crate) fn last_of(&self, framework: &str) -> Option<&TaskId> {
        self.by_task.get(framework)?.keys().next_back()
    }

    /// The launch that has a task of ECS.
    pub(crate) fn by_arn(&self, arn: &str) -> Option<&LaunchId> {
        self.by_arn.get(arn)
    }

    /// Those that ECS has and that are not over.
    pub(crate) fn live(&self) -> &BTreeSet<LaunchId> {
        &self.live
    }

    /// Those of them that are about to change.
    pub(crate) fn hot(&self) -> &BTreeSet<LaunchId> {
        &self.hot
    }

    /// Those of them that are groups.
    pub(crate) fn groups(&self) -> &BTreeSet<LaunchId> {
        &self.groups
    }

    /// Those of them that do not show in the figures of their instances yet.
    pub(crate) fn unseen(&self) -> &BTreeSet<LaunchId> {
        &self.unseen
    }

    /// Those that hold something of an agent.
    pub(crate) fn on(&self, agent: &str) -> impl Iterator<Item = &Launch> {
        let on = self.on.get(agent).into_iter().flat_map(|on| &on.all);
        on.filter_map(|id| self.all.get(id))
    }

    /// Those of them that do not show in its figures yet.
    pub(crate) fn unseen_on(&self, agent: &str) -> impl Iterator<Item = &Launch> {
        let on = self.on.get(agent).into_iter().flat_map(|on| &on.unseen);
        on.filter_map(|id| self.all.get(id))
    }

    /// What launches hold of an agent.
    pub(crate) fn claims(&self, agent: &str) -> Claims {
        self.on.get(agent).map(OnAgent::claims).unwrap_or_default()
    }

    /// Begins a launch.
    pub(crate) fn begin(
        &mut self,
        cx: &mut Context<'_>,
        origin: Origin,
        plan: Plan,
        version_before: i64,
    ) -> LaunchId {
        let id = LaunchId::from(format!("ls-{:032x}", cx.ids.bits("launch")));
        let launch = Launch::new(id.clone(), origin, Part::Whole, cx.now);
        self.add(Launch { plan: Some(Box::new(plan)), version_before, ..launch });
        id
    }

    /// Takes over a launch of a master before this one.
    pub(crate) fn adopt(&mut self, now: Timestamp, adopted: Adopted, origin: Origin) {
        let Adopted { id, arn, end, culprit: _ } = adopted;
        self.by_arn.insert(arn.clone(), id.clone());
        self.add(Launch {
            phase: Phase::Known,
            arn: Some(arn),
            // The readings of recovery show it.
            unseen: false,
            seen_after: 0,
            end,
            ..Launch::new(id, origin, Part::Whole, now)
        });
    }

    fn add(&mut self, launch: Launch) {
        let (framework, id) = (launch.framework().clone(), launch.id.clone());
        self.of_agent.entry(launch.agent().clone()).or_default().insert(id.clone());
        if let Some(executor) = launch.executor_id().filter(|_| launch.is_executor()) {
            let key = (launch.agent().clone(), executor.clone());
            self.executors.entry(framework).or_default().insert(key, id.clone());
        } else {
            let task = launch.task().clone();
            self.by_task.entry(framework).or_default().insert(task, id.clone());
        }
        self.all.insert(id.clone(), launch);
        self.reindex(&id);
    }

    /// Changes a launch, and brings all indexes up to it.
    fn change<T>(&mut self, id: &LaunchId, how: impl FnOnce(&mut Launch) -> T) -> Option<T> {
        let given = how(self.all.get_mut(id)?);
        self.reindex(id);
        Some(given)
    }

    /// Puts a launch where its phase and state say that it belongs.
    fn reindex(&mut self, id: &LaunchId) {
        let Some(launch) = self.all.get_mut(id) else { return };
        // What concerns the ECS task of a group concerns its executor.
        let is_known = launch.phase == Phase::Known && launch.container().is_none();
        member(&mut self.live, id, is_known);
        member(&mut self.hot, id, launch.is_hot());
        member(&mut self.unseen, id, is_known && launch.unseen);
        member(&mut self.groups, id, is_known && launch.is_executor());
        let on = self.on.entry(launch.agent().clone()).or_default();
        on.count(launch);
        let counts = launch.counts();
        if std::mem::replace(&mut launch.counted, counts) != counts {
            self.changes.share(launch);
        }
        if on.all.is_empty() {
            self.on.remove(launch.agent());
        }
        self.changes.touch(launch);
    }

    /// ECS has the task; whether it is to be stopped at once. `None` if that is no news.
    pub(crate) fn known(
        &mut self,
        now: Timestamp,
        id: &LaunchId,
        task: &Task,
        readings: u64,
    ) -> Option<bool> {
        let launch = self.all.get(id)?;
        if matches!(launch.phase, Phase::Known | Phase::Over) {
            return None;
        }
        self.by_arn.insert(task.arn.clone(), id.clone());
        for member in self.tasks_of(id).iter().filter(|member| *member != id) {
            self.change(member, |launch| {
                launch.phase = Phase::Known;
                launch.known_at = now;
            });
        }
        self.change(id, |launch| {
            launch.phase = Phase::Known;
            launch.known_at = now;
            launch.plan = None;
            launch.arn = Some(task.arn.clone());
            launch.seen_after = readings + 1;
            launch.accepted_at_ms = Some(task.created_at_ms).filter(|at| *at > 0);
            launch.is_killed()
        })
    }

    /// It is to end, and with it the group that it is part of, for the first reason that was given; how far its ECS task has come.
    pub(crate) fn end(&mut self, id: &LaunchId, why: Why) -> Option<Phase> {
        match self.all.get(id)?.part.clone() {
            Part::Whole => self.change(id, |launch| {
                launch.end.get_or_insert(why);
                launch.phase
            }),
            Part::Executor { .. } => self.end_group(id, None, why),
            Part::Member { executor, container } => {
                self.end_group(&executor, Some(&container), why)
            }
        }
    }

    /// When it has taken as long as it may.
    pub(crate) fn is_late_at(&mut self, id: &LaunchId, at: Timestamp) {
        if let Some(launch) = self.all.get_mut(id) {
            launch.late_at = Some(at);
        }
    }

    /// It holds nothing any more; whether ECS had it.
    pub(crate) fn over(&mut self, id: &LaunchId) -> bool {
        let was_known = self.change(id, |launch| {
            let was_known = launch.phase == Phase::Known;
            launch.phase = Phase::Over;
            was_known
        });
        was_known.unwrap_or_default()
    }

    /// Its framework is told this state; whether it is another than before.
    pub(crate) fn became(&mut self, id: &LaunchId, state: TaskState) -> bool {
        let before = self.change(id, |launch| std::mem::replace(&mut launch.state, state));
        before.is_some_and(|before| before != state)
    }

    /// What its framework should hear with the next update.
    pub(crate) fn take_note(&mut self, id: &LaunchId) -> Option<String> {
        self.all.get_mut(id)?.note.take()
    }

    /// What it reserves shows in the figures of its instance; whether that is news.
    pub(crate) fn is_seen(&mut self, id: &LaunchId) -> bool {
        let was_unseen = self.unseen.contains(id);
        self.change(id, |launch| launch.unseen = false);
        was_unseen
    }

    /// Nothing is left to say about a launch that is over: it is forgotten.
    pub(crate) fn retire(&mut self, id: &LaunchId) -> Option<Launch> {
        let launch = self.all.get(id)?;
        away::unlist(&mut self.by_task, launch);
        away::unlist(&mut self.away, launch);
        group::unlist(&mut self.executors, launch);
        if launch.phase != Phase::Over {
            return Some(launch.clone());
        }
        let launch = self.all.remove(id)?;
        self.changes.touch(&launch);
        if let Some(own) = self.of_agent.get_mut(launch.agent()) {
            own.remove(id);
            if own.is_empty() {
                self.of_agent.remove(launch.agent());
            }
        }
        for set in [&mut self.live, &mut self.hot, &mut self.unseen, &mut self.groups] {
            set.remove(id);
        }
        if let Some(arn) = &launch.arn {
            self.by_arn.remove(arn);
        }
        Some(launch)
    }

    /// What has changed since this was called last.
    pub(crate) fn take_changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    /// Since when a launch is given up, if it is.
    pub(crate) fn given_up_since(&self, id: &LaunchId) -> Option<Timestamp> {
        self.given_up.get(id).copied()
    }

    /// A launch must not run, whatever becomes of it.
    pub(crate) fn give_up(&mut self, now: Timestamp, id: &LaunchId) {
        self.given_up.insert(id.clone(), now);
    }

    /// It has been looked for long enough.
    pub(crate) fn forget_given_up(&mut self, id: &LaunchId) {
        self.given_up.remove(id);
    }

    /// How much is kept.
    pub(crate) fn sizes(&self) -> [usize; 5] {
        let Self { all, by_task, given_up, questions, definitions, .. } = self;
        [all.len(), by_task.len(), given_up.len(), questions.len(), definitions.len()]
    }
}
