//! Task protection: keeps service tasks from being stopped by scale-in or deployments. Source: ECS
//! API reference, the operations of the same names.

use longshore_machine::Timestamp;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::shape::service_deployment as shape;
use longshore_wire_ecs::{ApiError, Str, limits};

use super::{Answer, Context, absent, cluster, cluster_name, resource_id};
use crate::cluster_state::ClusterState;
use crate::record::Task;
use crate::setting::SettingName;
use crate::show;

pub(super) fn get(at: &mut Context<'_>, request: &shape::GetTaskProtectionRequest) -> Answer {
    let asked = request.tasks.as_deref().unwrap_or_default();
    check(asked, limits::DESCRIBE_IDS_MAX)?;
    let now = at.now;
    let (protected_tasks, failures) = each(at, request.cluster.as_ref(), asked, |cluster, id| {
        let task = &cluster.tasks[&id];
        valid(task)?;
        Ok(shown(task, now))
    })?;
    Ok(show::body(&shape::GetTaskProtectionResponse {
        protected_tasks: Some(protected_tasks),
        failures: Some(failures),
    }))
}

pub(super) fn update(at: &mut Context<'_>, request: &shape::UpdateTaskProtectionRequest) -> Answer {
    let asked = request.tasks.as_deref().unwrap_or_default();
    check(asked, limits::UPDATE_PROTECTION_TASKS_MAX)?;
    let Some(enabled) = request.protection_enabled else {
        return Err(ApiError::invalid("protectionEnabled is missing."));
    };
    let minutes = request.expires_in_minutes.unwrap_or(limits::PROTECTION_MINUTES);
    if !(1..=limits::PROTECTION_MINUTES_MAX).contains(&minutes) {
        return Err(ApiError::invalid(format!(
            "expiresInMinutes should be between 1 and {}",
            limits::PROTECTION_MINUTES_MAX
        )));
    }
    let now = at.now;
    let until = enabled.then(|| now + u64::from(minutes.unsigned_abs()) * 60_000);
    let (protected_tasks, failures) = each(at, request.cluster.as_ref(), asked, |cluster, id| {
        let task = cluster.tasks[&id].clone();
        valid(&task)?;
        if enabled && is_being_replaced(cluster, &task) {
            return Err("DEPLOYMENT_BLOCKED");
        }
        let task = cluster.put_task(Task { protected_until: until, ..Task::clone(&task) });
        Ok(shown(&task, now))
    })?;
    Ok(show::body(&shape::UpdateTaskProtectionResponse {
        protected_tasks: Some(protected_tasks),
        failures: Some(failures),
    }))
}

fn check(asked: &[Str], most: usize) -> Result<(), ApiError> {
    if asked.is_empty() {
        return Err(ApiError::invalid("Tasks cannot be empty."));
    }
    if asked.len() > most {
        return Err(ApiError::invalid(format!("tasks can have at most {most} entries.")));
    }
    Ok(())
}

type Verdicts = (Vec<shape::ProtectedTask>, Vec<longshore_wire_ecs::shape::shared::Failure>);

/// Applies `what` to each known task; errors become failures.
fn each(
    at: &mut Context<'_>,
    in_cluster: Option<&Str>,
    asked: &[Str],
    mut what: impl FnMut(&mut ClusterState, ResourceId) -> Result<shape::ProtectedTask, &'static str>,
) -> Result<Verdicts, ApiError> {
    let (realm, arns) = (at.realm, at.arns(SettingName::TaskLongArnFormat));
    let name = cluster_name(realm, in_cluster)?;
    let cluster = cluster(&mut at.control.state, realm, in_cluster)?;
    let (mut done, mut failures) = (Vec::new(), Vec::new());
    for given in asked {
        let id = resource_id(realm, "task", "taskId", &name, given)?;
        let known = id.filter(|id| cluster.tasks.contains_key(id));
        let verdict = known.map_or(Err("MISSING"), |id| what(cluster, id));
        match verdict {
            Ok(task) => done.push(task),
            Err(reason) => {
                let arn = absent(arns, realm, "task", &name, given);
                failures.push(show::failure(arn, reason));
            }
        }
    }
    Ok((done, failures))
}

/// Only service tasks that should be running can be protected.
fn valid(task: &Task) -> Result<(), &'static str> {
    let valid = task.service().is_some() && task.desired_running;
    if valid { Ok(()) } else { Err("TASK_NOT_VALID") }
}

/// Whether the task's deployment is not the PRIMARY one. Chosen by us, since the documents only
/// name the failure: protection must not be used to block a deployment that has begun.
fn is_being_replaced(cluster: &ClusterState, task: &Task) -> bool {
    let service = task.service().and_then(|name| cluster.services.get(name));
    let primary = service.and_then(|known| known.record.primary());
    primary.is_none_or(|primary| task.template.started_by.as_ref() != Some(&primary.id))
}

fn shown(task: &Task, now: Timestamp) -> shape::ProtectedTask {
    let until = task.protected_until.filter(|until| *until > now);
    shape::ProtectedTask {
        task_arn: Some(task.arn.clone()),
        protection_enabled: Some(until.is_some()),
        expiration_date: until.map(Timestamp::seconds),
    }
}
