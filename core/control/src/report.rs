//! Applies host reports to tasks. Every report is complete, so a repeated one changes nothing.

use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::{ContainerReport, Reported, StopCause, TaskReport};

use crate::expiry::keep_task;
use crate::limits;
use crate::record::{Container, LastStatus, StopCode, Task};
use crate::state::State;

/// Applies a report; returns true if the host may forget the task because its end is recorded. A
/// report about a task that is unknown, on another instance or already STOPPED changes nothing.
pub(crate) fn apply(
    state: &mut State,
    now: Timestamp,
    instance: ResourceId,
    report: TaskReport,
) -> bool {
    let reported_over = report.status == Reported::Stopped;
    let Some(cluster) = state.home_cluster(instance) else { return false };
    let mut was = None;
    let changed = cluster.change_task(report.task, |task| {
        was = Some((task.instance, task.last_status));
        task.instance == instance && task.holds_resources() && update(task, now, report)
    });
    match (was, changed) {
        (Some((home, _)), _) if home != instance => false,
        (None | Some((_, LastStatus::Stopped)), _) => reported_over,
        (Some(_), Some(task)) if !task.holds_resources() => {
            forget_later(state, now, &task);
            true
        }
        (Some(_), _) => false,
    }
}

/// Ends a task without its host, which is gone or has been dismissed.
pub(crate) fn end(
    state: &mut State,
    now: Timestamp,
    id: ResourceId,
    instance: ResourceId,
    reason: &str,
) {
    let Some(cluster) = state.home_cluster(instance) else { return };
    let Some(known) = cluster.tasks.get(&id).filter(|task| task.holds_resources()) else { return };
    let mut task = Task::clone(known);
    stop(&mut task, now, StopCode::UserInitiated, reason.into());
    for container in &mut task.containers {
        container.last_status = LastStatus::Stopped;
    }
    let task = cluster.put_task(task);
    forget_later(state, now, &task);
}

/// Ends tasks of a deregistered instance, up to the limit of one step; returns true if none are
/// left.
pub(crate) fn end_orphans(state: &mut State, now: Timestamp, instance: ResourceId) -> bool {
    let Some(cluster) = state.home_cluster(instance) else { return true };
    let Some(load) = cluster.loads.get(&instance) else { return true };
    let some = load.tasks.iter().take(limits::ORPHANS_PER_STEP_MAX);
    for task in some.copied().collect::<Vec<_>>() {
        end(state, now, task, instance, "Container instance deregistration forced by user");
    }
    state.home_cluster(instance).is_none_or(|cluster| !cluster.loads.contains_key(&instance))
}

fn forget_later(state: &mut State, now: Timestamp, task: &Task) {
    let (realm, cluster) = (task.template.realm.clone(), task.template.cluster.clone());
    keep_task(state, realm, cluster, task.id, now);
}

/// Updates a task from its host's report; returns false if nothing changed.
fn update(task: &mut Task, now: Timestamp, report: TaskReport) -> bool {
    let mut news = false;
    for (container, report) in task.containers.iter_mut().zip(report.containers) {
        news |= update_container(container, report);
    }
    for (field, reported) in [
        (&mut task.pull_started_at, report.pull_started_at),
        (&mut task.pull_stopped_at, report.pull_stopped_at),
        (&mut task.execution_stopped_at, report.execution_stopped_at),
    ] {
        if let (None, Some(at)) = (*field, reported) {
            *field = Some(Timestamp::from_millis(at));
            news = true;
        }
    }
    match (task.last_status, report.status) {
        (LastStatus::Pending, Reported::Running) => {
            task.last_status = LastStatus::Running;
            task.started_at = Some(now);
            news = true;
        }
        (_, Reported::Stopped) => {
            let (code, reason) = why(task, report.cause);
            if report.ran {
                // It may have stopped before anyone could report that it was running.
                task.started_at.get_or_insert(task.execution_stopped_at.unwrap_or(now));
            }
            stop(task, now, code, reason);
            news = true;
        }
        _ => {}
    }
    if task.execution_stopped_at.is_some() && task.desired_running {
        // The host is stopping the other containers.
        task.desired_running = false;
        task.stopping_at = Some(now);
        news = true;
    }
    news
}

fn update_container(container: &mut Container, report: ContainerReport) -> bool {
    let status = match report.status {
        Reported::Pending => LastStatus::Pending,
        Reported::Running => LastStatus::Running,
        Reported::Stopped => LastStatus::Stopped,
    };
    // A container never moves back, and known values stay known.
    let status = status.max(container.last_status);
    let mut news = learn(&mut container.last_status, status);
    news |= learn(&mut container.health, report.health);
    news |= report.runtime_id.is_some_and(|id| learn(&mut container.runtime_id, Some(id)));
    news |= report.image_digest.is_some_and(|it| learn(&mut container.image_digest, Some(it)));
    news |= report.exit_code.is_some_and(|code| learn(&mut container.exit_code, Some(code)));
    news |= report.reason.is_some_and(|reason| learn(&mut container.reason, Some(reason)));
    news |= !report.bindings.is_empty() && learn(&mut container.bindings, report.bindings);
    news
}

/// Sets a value; returns true if it changed.
fn learn<T: PartialEq>(held: &mut T, told: T) -> bool {
    let is_news = *held != told;
    *held = told;
    is_news
}

/// The stop code and reason. An explicit request takes precedence over its consequences.
fn why(task: &Task, cause: Option<StopCause>) -> (StopCode, Str) {
    if let (Some(code), Some(reason)) = (task.stop_code, &task.stopped_reason) {
        return (code, reason.clone());
    }
    match cause {
        Some(StopCause::FailedToStart(reason)) => (StopCode::FailedToStart, reason),
        Some(StopCause::Lost) => (
            StopCode::TerminationNotice,
            "The host found no trace of the task after a restart; its exit code is unknown.".into(),
        ),
        Some(StopCause::EssentialContainerExited | StopCause::Ordered) | None => {
            (StopCode::EssentialContainerExited, "Essential container in task exited".into())
        }
    }
}

fn stop(task: &mut Task, now: Timestamp, code: StopCode, reason: Str) {
    task.last_status = LastStatus::Stopped;
    task.desired_running = false;
    task.stopping_at.get_or_insert(now);
    task.stopped_at = Some(now);
    task.stop_code = Some(code);
    task.stopped_reason = Some(reason);
    // Source: ECS API reference, `StopTask`: a task's tags are deleted when it stops.
    task.tags = Arc::default();
}
