//! Stopping and reading tasks. Source: ECS API reference, the operations of the same names.

use std::collections::BTreeSet;
use std::sync::Arc;

use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::shape::task as shape;
use longshore_wire_ecs::{ApiError, limits};

use super::page::Page;
use super::{
    Answer, Context, absent, cluster, cluster_name, filter_word, has, include, resource_id, service,
};
use crate::cluster_state::ClusterState;
use crate::launch;
use crate::machine::Reply;
use crate::record::{LastStatus, StopCode, Task};
use crate::setting::SettingName;
use crate::show;

pub(super) fn stop(at: &mut Context<'_>, request: &shape::StopTaskRequest) -> Answer {
    let name = cluster_name(at.realm, request.cluster.as_ref())?;
    let now = at.now;
    let cluster = cluster(&mut at.control.state, at.realm, request.cluster.as_ref())?;
    let given = request.task.as_deref().unwrap_or_default();
    if given.is_empty() {
        return Err(ApiError::invalid("Task can not be blank."));
    }
    let id = resource_id(at.realm, "task", "taskId", &name, given)?;
    let Some(task) = id.and_then(|id| cluster.tasks.get(&id)).cloned() else {
        return Err(ApiError::invalid("The referenced task was not found."));
    };
    if !task.desired_running {
        return Ok(Reply::Task(task));
    }
    let reason = request.reason.clone().filter(|reason| !reason.is_empty());
    let reason = reason.unwrap_or_else(|| "Task stopped by user".into());
    let reason: String = reason.chars().take(limits::REASON_CHARS_MAX).collect();
    let task = cluster.put_task(Task {
        desired_running: false,
        stopping_at: Some(now),
        stop_code: Some(StopCode::UserInitiated),
        stopped_reason: Some(reason.into()),
        ..Task::clone(&task)
    });
    launch::order(&mut at.control.state, std::slice::from_ref(&task), at.out);
    Ok(Reply::Task(task))
}

pub(super) fn describe(at: &mut Context<'_>, request: &shape::DescribeTasksRequest) -> Answer {
    let name = cluster_name(at.realm, request.cluster.as_ref())?;
    let words = include(request.include.as_ref(), &["TAGS"])?;
    let (realm, arns) = (at.realm, at.arns(SettingName::TaskLongArnFormat));
    let cluster = cluster(&mut at.control.state, realm, request.cluster.as_ref())?;
    let asked = request.tasks.as_deref().unwrap_or_default();
    if asked.is_empty() {
        return Err(ApiError::invalid("Tasks cannot be empty."));
    }
    if asked.len() > limits::DESCRIBE_IDS_MAX {
        return Err(ApiError::invalid("tasks can have at most 100 entries."));
    }
    let (mut tasks, mut failures) = (Vec::with_capacity(asked.len()), Vec::new());
    for given in asked {
        let id = resource_id(realm, "task", "taskId", &name, given)?;
        if let Some(task) = id.and_then(|id| cluster.tasks.get(&id)) {
            tasks.push(task.clone());
        } else {
            let arn = absent(arns, realm, "task", &name, given);
            failures.push(show::failure(arn, "MISSING"));
        }
    }
    Ok(Reply::Tasks { tasks, failures, with_tags: has(&words, "TAGS") })
}

/// The filters of `ListTasks`.
struct Filter {
    instance: Option<ResourceId>,
    family: Option<longshore_wire_ecs::Str>,
    started_by: Option<longshore_wire_ecs::Str>,
    service: Option<longshore_wire_ecs::Str>,
    running: bool,
}

pub(super) fn list(at: &mut Context<'_>, request: &shape::ListTasksRequest) -> Answer {
    let page = Page::read('t', request.next_token.as_ref(), request.max_results)?;
    let name = cluster_name(at.realm, request.cluster.as_ref())?;
    let cluster = cluster(&mut at.control.state, at.realm, request.cluster.as_ref())?;
    let (mut filter, nothing) = filter(at.realm, request, &name)?;
    if let Some(given) = &request.service_name {
        let service = service::service_name(at.realm, &name, given)?;
        if !cluster.services.contains_key(&service) {
            return Err(service::not_found());
        }
        filter.service = Some(service);
    }
    let after = page.after().and_then(ResourceId::parse);
    let from = ResourceId(after.map_or(0, |ResourceId(after)| after.saturating_add(1)));
    let ids = candidates(cluster, &filter);
    let tasks: Box<dyn Iterator<Item = &Arc<Task>>> = if ids.len() * 4 > cluster.tasks.len() {
        // Looking up most of the tasks one by one costs more than scanning all of them.
        Box::new(cluster.tasks.range(from..).map(|(_, task)| task))
    } else {
        Box::new(ids.range(from..).map(|id| &cluster.tasks[id]))
    };
    let (arns, next_token) = page.select(
        tasks.take_while(|_| !nothing),
        |task| task.id.to_string(),
        |task| filter.admits(task).then(|| task.arn.clone()),
    );
    Ok(show::body(&shape::ListTasksResponse { task_arns: Some(arns), next_token }))
}

fn filter(
    realm: &Realm,
    request: &shape::ListTasksRequest,
    cluster: &str,
) -> Result<(Filter, bool), ApiError> {
    // DELETED and the like do not exist here; PENDING is allowed but always empty, as on AWS.
    let (running, pending) = match filter_word(request.desired_status.as_ref()).as_deref() {
        None | Some("RUNNING") => (true, false),
        Some("PENDING") => (true, true),
        Some("STOPPED") => (false, false),
        Some(_) => {
            return Err(ApiError::invalid(
                "desiredStatus should be one of [RUNNING,PENDING,STOPPED]",
            ));
        }
    };
    let other_launch_type = match filter_word(request.launch_type.as_ref()).as_deref() {
        None | Some("EC2") => false,
        Some("FARGATE" | "EXTERNAL" | "MANAGED_INSTANCES") => true,
        Some(_) => {
            return Err(ApiError::invalid(
                "launchType should be one of [EC2,FARGATE,EXTERNAL,MANAGED_INSTANCES]",
            ));
        }
    };
    exclusive(request)?;
    let mut unknown = false;
    let instance = match request.container_instance.as_deref() {
        None => None,
        Some(given) => {
            let id =
                resource_id(realm, "container-instance", "containerInstanceId", cluster, given)?;
            unknown = id.is_none();
            id
        }
    };
    let filter = Filter {
        instance,
        family: request.family.clone(),
        started_by: request.started_by.clone(),
        service: None,
        running,
    };
    // There are no managed daemons, so no task belongs to one.
    let of_daemon = request.daemon_name.is_some();
    Ok((filter, pending || other_launch_type || unknown || of_daemon))
}

/// Rejects filters that cannot be combined. Source: ECS API reference, `ListTasks`; the first
/// message is that of ECS, the second is chosen by us.
fn exclusive(request: &shape::ListTasksRequest) -> Result<(), ApiError> {
    let others = [
        &request.container_instance,
        &request.family,
        &request.service_name,
        &request.launch_type,
        &request.daemon_name,
    ];
    if request.started_by.is_some() && others.iter().any(|other| other.is_some()) {
        return Err(ApiError::invalid("cannot specify startedBy with other arguments"));
    }
    if request.family.is_some() && request.service_name.is_some() {
        return Err(ApiError::invalid("cannot specify both family and serviceName"));
    }
    Ok(())
}

/// The smallest index that contains every task the filter admits.
fn candidates<'a>(cluster: &'a ClusterState, filter: &Filter) -> &'a BTreeSet<ResourceId> {
    static NONE: BTreeSet<ResourceId> = BTreeSet::new();
    if let Some(started_by) = &filter.started_by {
        return cluster.by_started_by.get(started_by).unwrap_or(&NONE);
    }
    match filter.instance {
        // Tasks that should run are not STOPPED, so the instance's load lists all of them.
        Some(instance) if filter.running => {
            cluster.loads.get(&instance).map_or(&NONE, |load| &load.tasks)
        }
        None if filter.running && filter.service.is_some() => {
            let service = filter.service.as_ref().and_then(|name| cluster.services.get(name));
            service.map_or(&NONE, |service| &service.live)
        }
        _ if filter.running => &cluster.desired_running,
        _ => &cluster.desired_stopped,
    }
}

impl Filter {
    fn admits(&self, task: &Task) -> bool {
        debug_assert!(task.last_status != LastStatus::Stopped || !task.desired_running, "audited");
        task.desired_running == self.running
            && self.instance.is_none_or(|instance| task.instance == instance)
            && self.family.as_ref().is_none_or(|family| task.template.definition.family == *family)
            && self.service.as_ref().is_none_or(|name| task.service() == Some(&**name))
            && self
                .started_by
                .as_ref()
                .is_none_or(|by| task.template.started_by.as_ref() == Some(by))
    }
}
