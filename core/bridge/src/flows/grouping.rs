//! Groups: accepted as a whole, told task by task, and ended together when one of them fails. Source: \[C18\], \[A16\].
//!
//! ECS reports each container of the task, and what it says of one is told of the task which that container is. It ends the task only when
//! the executor's container ends, so what a default executor does when a task fails is done here: ECS is asked to stop the rest.

use longshore_replica::{LastStatus, Task};
use longshore_wire_ecs::fetch;
use longshore_wire_mesos::v1::scheduler::call;
use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::{ExecutorInfo, TaskInfo, TaskState};

use super::Parts;
use super::accepting::{Spent, refused};
use super::ending::not_fetched;
use super::showing::detail;
use crate::amounts::Amounts;
use crate::calls::Group;
use crate::context::Context;
use crate::events;
use crate::frameworks::Answers;
use crate::happening::Happening;
use crate::ids::{FrameworkId, LaunchId};
use crate::launches::{self, GroupAsked, Launch, Member, Of, Origin, Plan, Reach, Terms, Why};
use crate::updates;

/// A group that can be launched.
struct Checked {
    plan: Plan,
    /// What the executor claims, as ECS will reserve it.
    claim: Amounts,
    /// The same of each task.
    claims: Vec<Amounts>,
}

impl Parts {
    /// Launches a group on what is left of the offers, or none of it.
    pub(super) fn launch_group(
        &mut self,
        cx: &mut Context<'_>,
        framework: &FrameworkId,
        spent: &mut Spent,
        group: &Group,
    ) {
        let checked = match self.check_group(framework, spent, group) {
            Ok(checked) => checked,
            Err(why) => {
                let first = group.tasks.first().map(|task| task.info.task_id.value.as_str());
                refused(cx, framework, first.unwrap_or_default(), &why);
                for task in &group.tasks {
                    let (task, agent) = (task.info.task_id.clone(), task.info.agent_id.clone());
                    let (state, reason) = (TaskState::TaskError, Reason::TaskGroupInvalid);
                    let status = updates::of_none(cx.now, task, agent, state, reason, why.clone());
                    self.send_once(cx, framework, status);
                }
                return;
            }
        };
        let Checked { plan, claim, claims } = checked;
        spent.left.take(&Amounts::sum(claims.iter().chain([&claim])));
        spent.launched += u32::try_from(claims.len()).unwrap_or(u32::MAX).saturating_add(1);
        let version_before =
            self.cluster.instance(&spent.instance).map_or(0, |known| known.version);
        let executor = &group.executor;
        let origin = |task: &str, name: &str, claim: Amounts, terms: Terms| Origin {
            framework: framework.clone(),
            task: task.into(),
            executor: Some(executor.executor_id.value.as_str().into()),
            name: name.to_owned(),
            role: spent.role.clone(),
            instance: spent.instance.clone(),
            agent: spent.agent.clone(),
            claim,
            terms,
        };
        let tasks = group.tasks.iter().map(|task| &task.info).zip(claims).zip(&plan.others);
        let members = tasks.map(|((info, claim), other)| Member {
            origin: origin(&info.task_id.value, &info.name, claim, other.terms.clone()),
            container: other.start.container.clone(),
            has_finished: false,
        });
        let members: Vec<Member> = members.collect();
        let id = &executor.executor_id.value;
        let head = origin(id, id, claim, Terms::default());
        let id = self.launches.begin_group(cx, head, members, plan, version_before);
        self.cluster.launches(&id);
        self.show_executor(&id, Some(executor));
        let infos = group.tasks.iter().map(|task| &task.info);
        for (task, info) in self.launches.tasks_of(&id).into_iter().zip(infos) {
            self.show_member(cx, &task, info);
        }
        self.prepare(cx, &id);
    }

    fn show_member(&mut self, cx: &mut Context<'_>, id: &LaunchId, info: &TaskInfo) {
        if let Some(launch) = self.launches.get(id) {
            cx.happened(Happening::Launched {
                framework: launch.framework().text().clone(),
                task: launch.task().to_string(),
                agent: launch.agent().text().clone(),
            });
        }
        self.show_launch(id, detail(info.clone()));
    }

    /// How a group is to be run, and what it claims.
    fn check_group(
        &self,
        framework: &FrameworkId,
        spent: &Spent,
        group: &Group,
    ) -> Result<Checked, String> {
        let (role, left) = (&spent.role, &spent.left);
        let tasks = group.tasks.iter();
        let asked = GroupAsked {
            executor: &group.executor,
            claim: &group.claim,
            tasks: tasks.map(|task| (&task.info, &task.claim)).collect(),
        };
        launches::validate_group(&self.launches, framework, role, &spent.agent, &asked, left)?;
        let claim = launches::raised(asked.claim);
        let claims: Vec<Amounts> =
            asked.tasks.iter().map(|(_, claim)| launches::raised(claim)).collect();
        let tasks = asked.tasks.iter().map(|(task, _)| *task).zip(&claims);
        let raised = GroupAsked { executor: asked.executor, claim: &claim, tasks: tasks.collect() };
        let total = raised.total();
        if !left.contains(&total) {
            let why = "a container on Amazon ECS needs whole MiB of memory, at least 6";
            let text = launches::too_much(Of::Group, (&total, role), (left, role));
            return Err(format!("{text}: {why}"));
        }
        let reach = Reach::of(&self.config, self.cluster.instance(&spent.instance));
        let plan = launches::plan_group(&self.config, &reach, framework, role, &raised)?;
        Ok(Checked { plan, claim, claims })
    }

    /// Takes in the ECS task of a group as the cluster tells it.
    pub(super) fn observe_group(&mut self, cx: &mut Context<'_>, id: &LaunchId, task: &Task) {
        let mut culprit = None;
        for member in self.launches.tasks_of(id) {
            let container = self.launches.get(&member).and_then(Launch::container).cloned();
            if self.observe_member(cx, &member, task) {
                culprit = culprit.or(container);
            }
        }
        if task.last_status == LastStatus::Stopped {
            return self.executor_exited(cx, id, task);
        }
        let is_killed = self.launches.get(id).is_none_or(Launch::is_killed);
        match culprit {
            Some(container) if !is_killed => {
                let phase = self.launches.end_group(id, Some(&container), Why::Group);
                self.carry_out_end(cx, id, phase);
            }
            None if !is_killed && self.launches.tasks_of(id).is_empty() => {
                self.launches.end(id, Why::Done);
                self.launches.stop(cx, id);
            }
            _ => {}
        }
        self.launches.weigh_group(id);
    }

    /// Tells of one task of a group; whether it has ended in a way that ends the group.
    fn observe_member(&mut self, cx: &mut Context<'_>, id: &LaunchId, task: &Task) -> bool {
        let Some(launch) = self.launches.get(id) else { return false };
        let container = launch.container().and_then(|name| task.container(name));
        let is_over = task.last_status == LastStatus::Stopped;
        let status = match container {
            _ if is_over => LastStatus::Stopped,
            Some(container) => container.last_status,
            None => return false,
        };
        let waits = matches!(launch.state(), TaskState::TaskStaging | TaskState::TaskStarting);
        match status {
            LastStatus::Running if waits => {
                self.begin_checks(cx, id, task);
                let Some(launch) = self.launches.get(id) else { return false };
                let running = self.running(cx.now, launch, task);
                self.update(cx, id, running);
                self.mind_health(cx, id, task);
                false
            }
            LastStatus::Running => {
                self.health(cx, id, task);
                self.mind_health(cx, id, task);
                false
            }
            LastStatus::Stopped => {
                self.is_heard_of(cx, id);
                let Some(launch) = self.launches.get(id) else { return false };
                let ended = self.ended(cx.now, launch, task);
                let has_code = container.is_some_and(|container| container.exit_code.is_some());
                // One that was stopped before it ran may have the code of a signal.
                let is_fetched = launch
                    .container()
                    .is_none_or(|name| not_fetched(task, &fetch::container_for(name)).is_none());
                let ran = has_code && (task.ran || !is_over) && is_fetched;
                if ran && waits && !launch.is_killed() {
                    // It ran and was over before it was read: frameworks expect to hear of both.
                    let running = self.running(cx.now, launch, task);
                    self.update(cx, id, running);
                }
                let fails = ended.state() != TaskState::TaskFinished;
                self.over(cx, id);
                self.wants_allocation(cx.now);
                self.update(cx, id, ended);
                fails
            }
            _ => false,
        }
    }

    /// The ECS task of a group has stopped, and with it its executor.
    fn executor_exited(&mut self, cx: &mut Context<'_>, id: &LaunchId, task: &Task) {
        let Some(launch) = self.launches.get(id) else { return };
        let container = task.container(launches::EXECUTOR_CONTAINER);
        let code = container.and_then(|container| container.exit_code).unwrap_or_default();
        // What was asked to end ends well. Source: as `wait` tells how a process ended.
        let status = if launch.is_killed() { 0 } else { code.wrapping_shl(8) };
        self.executor_over(cx, id, Some(status));
    }

    /// ECS does not know the task of a group any more.
    pub(super) fn executor_is_gone(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        self.executor_over(cx, id, Some(0));
    }

    /// A group was never started. Whoever is the launch of a task by itself is none of ours.
    pub(super) fn executor_never_was(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        self.executor_over(cx, id, None);
    }

    /// An executor holds nothing any more; with this status, if its framework should hear of it. Source: \[E1\].
    fn executor_over(&mut self, cx: &mut Context<'_>, id: &LaunchId, status: Option<i32>) {
        let Some(launch) = self.launches.get(id).filter(|launch| launch.is_executor()) else {
            return;
        };
        let framework = launch.framework().clone();
        // Of one that was lost with its agent frameworks have heard.
        let failure = status
            .filter(|_| !launch.is_disowned())
            .zip(launch.executor_id())
            .map(|(status, executor)| events::executor_failure(launch.agent(), executor, status));
        self.over(cx, id);
        self.launches.became(id, TaskState::TaskFinished);
        self.finish(id, None);
        if let Some(failure) = failure {
            self.answer(cx, &framework, Answers::once(failure));
        }
        self.wants_allocation(cx.now);
    }

    /// Ends an executor, and with it all its tasks; an executor that is not there is ignored. A task that is not in a group has an executor
    /// of its own with the id of the task. Source: \[C34\], \[T20\].
    pub(super) fn shutdown(
        &mut self,
        cx: &mut Context<'_>,
        framework: &FrameworkId,
        shutdown: &call::Shutdown,
    ) {
        let (agent, executor) = (&shutdown.agent_id.value, &shutdown.executor_id.value);
        let alone = || {
            let task = self.launches.of_task(framework, executor);
            task.filter(|one| one.executor_id().is_none() && **one.agent() == **agent)
        };
        let launch = self.launches.executor(framework, agent, executor).or_else(alone);
        if let Some(id) = launch.map(|launch| launch.id().clone()) {
            self.put_to_end(cx, &id, Why::Asked);
        }
    }

    /// An executor is shown as it was asked for; of one that was recovered little is known.
    pub(super) fn show_executor(&mut self, id: &LaunchId, info: Option<&ExecutorInfo>) {
        let Some(launch) = self.launches.get(id) else { return };
        self.operator.put_executor(super::showing::executor(launch, info));
    }
}
