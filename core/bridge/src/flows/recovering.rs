//! After a start: what the cluster has of a master before this one is taken over. Source: \[R4\], \[T9\], \[F22\].
//!
//! Which tasks are ours stands in their environment overrides. A task that has ended is told once more, since nobody knows
//! whether its end was acknowledged; of several with one id only the latest counts. A task that shows up later is taken over as
//! well, unless it would be a second one: its framework launched the same id again meanwhile, or is gone. That one is stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_replica::{Container, LastStatus, Task};
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::TaskState;

use super::Parts;
use super::jobs::Job;
use crate::agenda::Timer;
use crate::amounts;
use crate::context::Context;
use crate::frameworks::Framework;
use crate::ids::{AgentId, ExecutorId, FrameworkId, LaunchId, Role, TaskId};
use crate::launches::{
    Adopted, CLAIM_VARIABLE, EXECUTOR_CONTAINER, EXECUTOR_VARIABLE, FRAMEWORK_VARIABLE, Launch,
    Member, Origin, Phase, ROLE_VARIABLE, TASK_VARIABLE, Terms, Why,
};
use crate::limits;
use crate::work::{Slice, Units};

/// Whose task a task is.
type Identity = (FrameworkId, TaskId);

/// A task of a framework that an ECS task runs.
#[derive(Clone, Debug)]
struct Found {
    identity: Identity,
    /// Whether it has not ended: a task of a group may end long before the ECS task does.
    is_live: bool,
}

/// The tasks of ours are taken over, the latest of each id.
#[derive(Debug)]
pub(super) struct Adoption {
    /// Those that have not been looked at.
    tasks: std::vec::IntoIter<Task>,
    latest: BTreeMap<Identity, (Arc<Task>, bool)>,
    /// ARNs of groups that are stopped as a whole, since one of their tasks was launched again.
    strays: BTreeSet<Str>,
    /// Groups that ECS still runs and that nobody has been found to need, by ARN.
    idle: BTreeMap<Str, Arc<Task>>,
}

impl Adoption {
    /// The next slice.
    pub(super) fn go_on(
        &mut self,
        parts: &mut Parts,
        cx: &mut Context<'_>,
        units: &mut Units,
    ) -> Slice {
        while self.tasks.len() > 0 {
            if !units.take(5) {
                return Slice::Open;
            }
            let Some(task) = self.tasks.next() else { break };
            self.look(parts, cx, task);
        }
        while !self.latest.is_empty() {
            if !units.take(25) {
                return Slice::Open;
            }
            let Some((identity, (task, _))) = self.latest.pop_first() else { break };
            let others = found_in(&task).into_iter().map(|found| found.identity);
            let is_own =
                |other: &Identity| self.latest.get(other).is_some_and(|one| one.0.arn == task.arn);
            let mut own: Vec<Identity> = others.filter(is_own).collect();
            for other in &own {
                self.latest.remove(other);
            }
            own.push(identity);
            self.idle.remove(&task.arn);
            if !self.strays.contains(&task.arn) {
                parts.adopt(cx, &own, Arc::unwrap_or_clone(task));
            }
        }
        while !self.idle.is_empty() {
            if !units.take(25) {
                return Slice::Open;
            }
            // All its tasks have ended and were launched again: its executor waits for nothing.
            let Some((_, task)) = self.idle.pop_first() else { break };
            parts.stop_stray(cx, Arc::unwrap_or_clone(task));
        }
        parts.cluster.has_recovered(cx);
        parts.look_at_draining();
        parts.wants_allocation(cx.now);
        Slice::Done
    }

    fn look(&mut self, parts: &mut Parts, cx: &mut Context<'_>, task: Task) {
        let found = found_in(&task);
        parts.cluster.has_read_task(&task, !found.is_empty());
        let task = Arc::new(task);
        if executor_of(&task).is_some() && task.last_status != LastStatus::Stopped {
            self.idle.insert(task.arn.clone(), task.clone());
        }
        for Found { identity, is_live } in found {
            let rank = |(task, is_live): &(Arc<Task>, bool)| (*is_live, task.created_at_ms);
            let one = (task.clone(), is_live);
            let older = match self.latest.get(&identity) {
                // It was told to stop between the two listings, and is in both.
                Some((known, _)) if known.arn == task.arn => {
                    if known.version < task.version {
                        self.latest.insert(identity, one);
                    }
                    None
                }
                Some(known) if rank(known) >= rank(&one) => Some(one),
                _ => self.latest.insert(identity, one),
            };
            // Two of one id run only if the first was given up as lost: its framework knows of the second.
            let Some((older, true)) = older else { continue };
            if self.strays.insert(older.arn.clone()) {
                self.idle.remove(&older.arn);
                parts.stop_stray(cx, (*older).clone());
            }
        }
    }
}

/// The tasks of frameworks that an ECS task of ours runs: one, or those of a group.
fn found_in(task: &Task) -> Vec<Found> {
    let found = |environment: &BTreeMap<Str, Str>, is_live: bool| {
        let variable = |name: &str| environment.get(name).cloned();
        let identity = (variable(FRAMEWORK_VARIABLE)?.into(), variable(TASK_VARIABLE)?.into());
        Some(Found { identity, is_live })
    };
    let is_live = task.last_status != LastStatus::Stopped;
    let is_group = executor_of(task).is_some();
    let containers = task.containers.iter().filter_map(|container| {
        let has_ended = is_group && container.last_status == LastStatus::Stopped;
        found(&container.environment, is_live && !has_ended)
    });
    containers.chain(found(&task.environment, is_live)).collect()
}

/// What the executor of a group says of itself; `None` if the ECS task is no group of ours.
fn executor_of(task: &Task) -> Option<&BTreeMap<Str, Str>> {
    let environment = &task.container(EXECUTOR_CONTAINER)?.environment;
    environment.contains_key(EXECUTOR_VARIABLE).then_some(environment)
}

impl Parts {
    /// All tasks that there were at the start have been read.
    pub(super) fn recovered(&mut self, cx: &mut Context<'_>, tasks: Vec<Task>) {
        let adoption = Adoption {
            tasks: tasks.into_iter(),
            latest: BTreeMap::new(),
            strays: BTreeSet::new(),
            idle: BTreeMap::new(),
        };
        self.begin(cx, Job::Adopt(Box::new(adoption)));
    }

    /// Agents that a master before this one began to drain may have been drained by now.
    fn look_at_draining(&mut self) {
        let draining: Vec<AgentId> = self.agents.draining().cloned().collect();
        self.tempo.look_at(draining);
    }

    /// Takes over a task; of a group, those tasks that are not known from elsewhere.
    fn adopt(&mut self, cx: &mut Context<'_>, identities: &[Identity], task: Task) {
        let Some((framework, id)) = identities.first() else { return };
        let (Some(launch), Some(instance)) = (task.started_by.clone(), task.instance_arn.clone())
        else {
            return;
        };
        let agent: AgentId = instance.rsplit('/').next().unwrap_or_default().into();
        if self.agents.is_gone(&agent) {
            // Its framework was told that it is over when the agent was marked gone.
            if task.last_status != LastStatus::Stopped {
                self.stop_stray(cx, task);
            }
            return;
        }
        let launch = LaunchId::from(launch);
        let (end, culprit) = Why::of(&task).unzip();
        let culprit = culprit.flatten();
        let adopted = Adopted { id: launch.clone(), arn: task.arn.clone(), end, culprit };
        if self.frameworks.get(framework).is_none() {
            self.frameworks.adopt(cx.now, framework);
            self.show_framework(framework);
        }
        if let Some(executor) = executor_of(&task) {
            let id = executor.get(EXECUTOR_VARIABLE).cloned().map(ExecutorId::from);
            let of_group = |task: &TaskId, environment: &BTreeMap<Str, Str>| Origin {
                executor: id.clone(),
                ..origin(framework, task, instance.clone(), environment)
            };
            let name = id.as_ref().map_or_else(|| "".into(), |id| TaskId::from(&**id));
            let head = of_group(&name, executor);
            let wanted = |container: &&Container| {
                let id = container.environment.get(TASK_VARIABLE);
                id.is_some_and(|id| identities.iter().any(|(_, one)| **one == **id))
            };
            let members = task.containers.iter().filter(wanted).filter_map(|container| {
                let id = container.environment.get(TASK_VARIABLE)?.clone();
                let origin = of_group(&id.into(), &container.environment);
                let has_finished = container.exit_code == Some(0);
                Some(Member { origin, container: container.name.clone(), has_finished })
            });
            self.launches.adopt_group(cx.now, adopted, head, members.collect());
            self.show_executor(&launch, None);
        } else {
            let own = |one: &&Container| one.environment.get(TASK_VARIABLE) == Some(id.text());
            let own = task.containers.iter().find(own).map(|one| &one.environment);
            let environment = own.unwrap_or(&task.environment);
            let origin = origin(framework, id, instance, environment);
            self.launches.adopt(cx.now, adopted, origin);
        }
        self.show_adopted(cx, &launch, &task);
        self.observe(cx, task);
        if self.agents.drain(&agent).is_some() {
            self.drain_one(cx, &launch);
        }
        self.leave(cx, &launch);
    }

    fn show_adopted(&mut self, cx: &mut Context<'_>, launch: &LaunchId, task: &Task) {
        let ran_ms = cx.now.wall().since(Timestamp::from_millis(task.created_at_ms));
        for one in self.launches.tasks_of(launch) {
            self.show_launch(&one, None);
            self.mind_time(cx, &one, ran_ms);
            self.has_run_before(&one, task);
        }
    }

    /// That a task ran is no news if it is over by now: the master before this one said so, and hearing it again after the end would look
    /// like a second run.
    fn has_run_before(&mut self, id: &LaunchId, task: &Task) {
        let container = self.launches.get(id).and_then(Launch::container);
        let container = container.and_then(|name| task.container(name));
        let is_over = container.map_or(task.last_status, |one| one.last_status);
        let ran = task.ran || container.is_some_and(|one| one.exit_code.is_some());
        if is_over == LastStatus::Stopped && ran {
            self.launches.became(id, TaskState::TaskRunning);
        }
    }

    /// Tasks that a master before this one may have launched.
    pub(super) fn strays(&mut self, cx: &mut Context<'_>, tasks: Vec<Task>) {
        for task in tasks {
            let found = found_in(&task);
            let Some(first) = found.first() else { continue };
            let is_there = |(framework, id): &Identity| {
                let launch = self.launches.of_task(framework, id);
                let known = launch.filter(|one| one.phase() != Phase::Over);
                known.is_some_and(|known| !self.gives_way(known, &task))
            };
            let second = found.iter().any(|one| one.is_live && is_there(&one.identity));
            // What has ended counts only as long as there is no other of its id.
            let own = found.iter().filter(|one| !is_there(&one.identity));
            let own: Vec<Identity> = own.map(|one| one.identity.clone()).collect();
            let is_removed = self.frameworks.was_removed(&first.identity.0);
            if !second && !is_removed && !own.is_empty() {
                self.take_over(cx, &own, task);
            } else if task.last_status != LastStatus::Stopped {
                self.stop_stray(cx, task);
            }
        }
    }

    /// Takes over a task that shows late. One of the same id that has ended counts no more: what is not acknowledged of it never could
    /// be. One that gives way is stopped.
    fn take_over(&mut self, cx: &mut Context<'_>, identities: &[Identity], task: Task) {
        let mut first: BTreeMap<Str, Task> = BTreeMap::new();
        for (framework, id) in identities {
            let Some(launch) = self.launches.of_task(framework, id) else { continue };
            let known = launch.id().clone();
            // A task of a group has no ECS task of its own, and whatever else is in the group may go on.
            let was_over = launch.phase() == Phase::Over;
            let runs = launch.arn().filter(|_| !was_over);
            if let Some(task) = runs.and_then(|arn| self.cluster.task(arn)).cloned() {
                first.insert(task.arn.clone(), task);
            }
            if !was_over {
                self.over(cx, &known);
            }
            self.finish(&known, None);
        }
        for task in first.into_values() {
            self.stop_stray(cx, task);
        }
        self.wants_allocation(cx.now);
        self.adopt(cx, identities, task);
    }

    /// Whether a launch that was taken over gives way to a later task of the same id. Nobody was told of the launch, and who
    /// started the task, the last master or another one on this cluster, knew that the first was over.
    fn gives_way(&self, first: &Launch, task: &Task) -> bool {
        let is_elsewhere =
            self.frameworks.get(first.framework()).is_some_and(Framework::is_recovered);
        // A task of a group has the ECS task of its group.
        let head = self.launches.get(&self.launches.head(first.id()));
        let known = head.and_then(Launch::arn).and_then(|arn| self.cluster.task(arn));
        is_elsewhere && known.is_some_and(|known| known.created_at_ms < task.created_at_ms)
    }

    /// Sees to it that a task ends which nobody may take for his.
    fn stop_stray(&mut self, cx: &mut Context<'_>, task: Task) {
        let Some(launch) = task.started_by.clone().map(LaunchId::from) else { return };
        self.launches.give_up(cx.now, &launch);
        cx.after(limits::GIVEN_UP_LOOK_MS, Timer::Settle(launch));
        self.observe(cx, task);
    }
}

/// Whose task or executor it is, and what it claims, as its environment tells.
fn origin(
    framework: &FrameworkId,
    task: &TaskId,
    instance: Str,
    environment: &BTreeMap<Str, Str>,
) -> Origin {
    let claim = environment.get(CLAIM_VARIABLE).and_then(|text| amounts::parse(text));
    let role = environment.get(ROLE_VARIABLE).cloned();
    Origin {
        framework: framework.clone(),
        name: task.to_string(),
        task: task.clone(),
        executor: None,
        role: role.map_or_else(|| Role::from("*"), Role::from),
        agent: instance.rsplit('/').next().unwrap_or_default().into(),
        instance,
        claim: claim.unwrap_or_default(),
        terms: Terms::read(environment),
    }
}
