//! What a group must be before it is launched. Source: \[L4\], in its order: the first error is that of the whole group.

use std::collections::BTreeSet;

use longshore_wire_mesos::v1::executor_info::Type as ExecutorType;
use longshore_wire_mesos::v1::health_check::Type as HealthType;
use longshore_wire_mesos::v1::{
    ContainerInfo, ExecutorInfo, FrameworkId, TaskInfo, container_info,
};

use super::{described, parts, shares_cgroups, used};
use crate::amounts::Amounts;
use crate::launches::allocated::{Of, too_much};
use crate::launches::{GroupAsked, Launches};
use crate::limits;
use crate::words::{check_id, shortened};

/// Least CPU of an executor, in thousandths. Source: Mesos, `MIN_CPUS`.
const CPUS_MILLI_MIN: u64 = 10;
/// Least memory of an executor, in thousandths of a MB. Source: Mesos, `MIN_MEM`.
const MEM_MILLI_MIN: u64 = 32_000;

/// Checks a group against what is left of its offers, which are for a role on an agent.
///
/// # Errors
/// The text of the `TASK_ERROR` of each of its tasks.
pub(crate) fn group(
    launches: &Launches,
    framework: &str,
    role: &str,
    agent: &str,
    asked: &GroupAsked<'_>,
    left: &Amounts,
) -> Result<(), String> {
    let mut ids = BTreeSet::new();
    for (task, claim) in &asked.tasks {
        described(launches, framework, task, agent)?;
        used(task, claim)?;
        parts(task)?;
        of_group(task)?;
        let id = &task.task_id.value;
        if !ids.insert(id) {
            return Err(format!("Task has duplicate ID: {}", shortened(id)));
        }
    }
    let most = limits::TASKS_PER_FRAMEWORK_MAX;
    if launches.count_of(framework) + asked.tasks.len() > most {
        return Err(format!("the framework has reached its maximum of {most} tasks"));
    }
    executor(framework, asked)?;
    is_free(launches, framework, agent, asked.executor)?;
    let total = asked.total();
    let other = asked.resources().find_map(|one| {
        one.allocation_info.as_ref()?.role.as_deref().filter(|given| *given != role)
    });
    if other.is_some() || !left.contains(&total) {
        let asked = (&total, other.unwrap_or(role));
        return Err(too_much(Of::Group, asked, (left, role)));
    }
    let shared = |task: &TaskInfo| shares_cgroups(task.container.as_ref()).unwrap_or(true);
    let mut shares = asked.tasks.iter().map(|(task, _)| shared(task));
    let first = shares.next();
    if shares.any(|other| Some(other) != first) {
        return Err("All tasks of a group must have the same value of 'share_cgroups'".to_owned());
    }
    Ok(())
}

/// What is asked of tasks of groups alone.
fn of_group(task: &TaskInfo) -> Result<(), String> {
    let Some(container) = &task.container else { return Ok(()) };
    if container.r#type() == container_info::Type::Docker {
        return Err("Docker ContainerInfo is not supported on the task".to_owned());
    }
    let is_dialled = |one: HealthType| matches!(one, HealthType::Http | HealthType::Tcp);
    let check = task.health_check.as_ref();
    let has_networks = !container.network_infos.is_empty();
    if has_networks && check.is_some_and(|check| is_dialled(check.r#type())) {
        return Err(
            "HTTP and TCP health checks are not supported on a task with networks of its own"
                .to_owned(),
        );
    }
    Ok(())
}

/// Rows 13 of \[L8\] and what is asked of executors of groups alone.
fn executor(framework: &str, asked: &GroupAsked<'_>) -> Result<(), String> {
    let executor = asked.executor;
    let id = &executor.executor_id.value;
    let named = shortened(id);
    check_id(id).map_err(|why| format!("Executor has invalid ExecutorID '{named}': {why}"))?;
    if let Some(given) = executor.framework_id.as_ref().filter(|given| given.value != framework) {
        return Err(format!(
            "ExecutorInfo has an invalid FrameworkID (Actual: {} vs Expected: {framework})",
            shortened(&given.value)
        ));
    }
    if executor.shutdown_grace_period.as_ref().is_some_and(|grace| grace.nanoseconds < 0) {
        return Err("ExecutorInfo's 'shutdown_grace_period' must be non-negative".to_owned());
    }
    if shares_cgroups(executor.container.as_ref()) == Some(true) {
        return Err("'share_cgroups' of an executor must not be set to true".to_owned());
    }
    match executor.r#type() {
        ExecutorType::Unknown => return Err("'ExecutorInfo.type' must be set".to_owned()),
        ExecutorType::Custom => {
            return Err(
                "CUSTOM executors cannot be mapped to Amazon ECS: use the type DEFAULT".to_owned()
            );
        }
        ExecutorType::Default if executor.command.is_some() => {
            return Err("'ExecutorInfo.command' must not be set for a DEFAULT executor".to_owned());
        }
        ExecutorType::Default => {}
    }
    executor.container.as_ref().map_or(Ok(()), container)?;
    if asked.tasks.iter().any(|(task, _)| !has(task, executor, framework)) {
        return Err("'TaskInfo.executor' is not the executor of the task group".to_owned());
    }
    let claim = asked.claim;
    let least = [("cpus", CPUS_MILLI_MIN), ("mem", MEM_MILLI_MIN), ("disk", 1)];
    let short = least.iter().find(|(name, least)| claim.scalar(name) < *least);
    if let Some((name, least)) = short {
        let least = crate::amounts::to_number(*least);
        return Err(format!("Executor '{named}' uses less {name} than the minimum of {least}"));
    }
    Ok(())
}

fn container(container: &ContainerInfo) -> Result<(), String> {
    super::container(container).map_err(|why| format!("Executor's container is invalid: {why}"))?;
    if container.r#type() != container_info::Type::Mesos {
        return Err("Docker ContainerInfo is not supported on the executor".to_owned());
    }
    if container.mesos.as_ref().is_some_and(|mesos| mesos.image.is_some()) {
        return Err("'ExecutorInfo.container.mesos.image' must not be set for a DEFAULT executor"
            .to_owned());
    }
    Ok(())
}

/// Whether a task has this executor, however its resources are written; one that names none has. Source: \[C15\].
fn has(task: &TaskInfo, executor: &ExecutorInfo, framework: &str) -> bool {
    let plain = |one: &ExecutorInfo| {
        let framework_id = FrameworkId { value: framework.to_owned() };
        let amounts = Amounts::read(&one.resources);
        let plain = ExecutorInfo {
            framework_id: one.framework_id.clone().or(Some(framework_id)),
            resources: Vec::new(),
            ..one.clone()
        };
        (plain, amounts)
    };
    task.executor.as_ref().is_none_or(|own| plain(own) == plain(executor))
}

/// A second group of one executor would be more containers of a task of ECS that runs already.
fn is_free(
    launches: &Launches,
    framework: &str,
    agent: &str,
    executor: &ExecutorInfo,
) -> Result<(), String> {
    let id = &executor.executor_id.value;
    let known = launches.executor(framework, agent, id);
    if known.is_none_or(|known| launches.tasks_of(known.id()).is_empty()) {
        return Ok(());
    }
    Err(format!(
        "Executor '{}' already runs a group on agent {agent}: Amazon ECS cannot add containers to a task, so launch this group with another executor id",
        shortened(id)
    ))
}
