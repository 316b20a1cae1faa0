//! From what becomes of tasks to what their services make of it: failures are counted and starts are slowed down, in the step
//! that brought the news, so that the counts are stored with the task. What the counts lead to, the next look decides.
//!
//! Source: ECS developer guide, *deployment circuit breaker* and *service throttle logic*: a task that ends before it was
//! RUNNING is a failed start; one that ran and ended is not.

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Realm;

use super::Service;
use super::agenda::Matter;
use crate::cluster_state::{ClusterState, Condition};
use crate::limits;
use crate::machine::Control;
use crate::record::{LastStatus, StopCode, Task};

/// Something that became of a task of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Noticed {
    service: Str,
    deployment: Str,
    news: News,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    /// It is RUNNING.
    Runs,
    /// It is well: RUNNING without a health check, or its health check passed.
    Well,
    /// It ended before it was RUNNING.
    FailedToStart,
    /// It ended by itself.
    Ended,
}

impl Noticed {
    /// What a change of a task means.
    pub(crate) fn between(before: Option<Condition>, task: &Task) -> Vec<Self> {
        let Some(deployment) = task.template.started_by.clone() else { return Vec::new() };
        let was = before.map_or(LastStatus::Pending, |before| before.last_status);
        let mut all = Vec::new();
        match (was, task.last_status) {
            (LastStatus::Pending, LastStatus::Running) => all.push(News::Runs),
            (LastStatus::Pending | LastStatus::Running, LastStatus::Stopped) => {
                let asked = matches!(
                    task.stop_code,
                    Some(StopCode::UserInitiated | StopCode::ServiceScheduler)
                );
                match task.started_at {
                    _ if asked => {}
                    None => all.push(News::FailedToStart),
                    Some(_) => {
                        if was == LastStatus::Pending {
                            all.push(News::Runs);
                        }
                        all.push(News::Ended);
                    }
                }
            }
            _ => {}
        }
        if Condition::of(task).is_well && !before.is_some_and(|before| before.is_well) {
            all.push(News::Well);
        }
        let service = task.service().unwrap_or_default();
        all.into_iter()
            .map(|news| Self { service: service.into(), deployment: deployment.clone(), news })
            .collect()
    }
}

/// Takes in what was noticed in a step, and puts the services that it concerns on the agenda.
pub(crate) fn take_notice(control: &mut Control, now: Timestamp) {
    let touched: Vec<(Realm, Str)> = control.state.touched.iter().cloned().collect();
    for (realm, name) in touched {
        let Some(cluster) = control.state.cluster_mut(&realm, &name) else { continue };
        let noticed = std::mem::take(&mut cluster.noticed);
        for one in &noticed {
            reckon(cluster, now, one);
        }
        let mut dirty = std::mem::take(&mut cluster.dirty_services);
        let instances = std::mem::take(&mut cluster.instances_changed);
        if instances {
            dirty.extend(cluster.daemons.iter().cloned());
        }
        let zones = instances && cluster.services.len() > cluster.daemons.len();
        let room =
            std::mem::take(&mut cluster.room_changed) && !cluster.waiting_services.is_empty();
        let agenda = &mut control.state.agenda;
        for service in dirty {
            let matter = Matter::Service(realm.clone(), name.clone(), service);
            agenda.schedule(matter, now + limits::SERVICE_SETTLE_MS);
        }
        if zones {
            let matter = Matter::Zones(realm.clone(), name.clone());
            agenda.schedule(matter, now + limits::ZONES_PAUSE_MS);
        }
        if room {
            agenda.schedule(Matter::Waiting(realm, name), now + limits::WAITING_PAUSE_MS);
        }
    }
}

/// Counts one piece of news. The record is touched only if it changes.
fn reckon(cluster: &mut ClusterState, now: Timestamp, noticed: &Noticed) {
    let Some(known) = cluster.services.get(&noticed.service) else { return };
    let service = &*known.record;
    let Some(deployment) = service.deployments.iter().find(|one| one.id == noticed.deployment)
    else {
        return;
    };
    let starts = &service.starts;
    let news = match noticed.news {
        News::Runs => !deployment.reached_running || starts.failed_batches > 0,
        News::Well => deployment.failed_tasks > 0,
        News::FailedToStart => true,
        News::Ended => starts.not_before < starts.last_at + limits::RESTART_PAUSE_MS,
    };
    if !news {
        return;
    }
    let Some(service) = cluster.service_mut(&noticed.service) else { return };
    apply(service, now, noticed);
}

fn apply(service: &mut Service, now: Timestamp, noticed: &Noticed) {
    let primary = service.primary().is_some_and(|one| one.id == noticed.deployment);
    let resets = service.breaker.is_none_or(|breaker| breaker.reset_on_healthy_task);
    let Some(deployment) = service.deployments.iter_mut().find(|one| one.id == noticed.deployment)
    else {
        return;
    };
    match noticed.news {
        News::Runs => {
            deployment.reached_running = true;
            if primary {
                service.starts.failed_batches = 0;
            }
        }
        News::Well if resets => deployment.failed_tasks = 0,
        News::Well => {}
        News::FailedToStart => {
            // Once tasks of it have run, a failed start says little about the deployment.
            let counts = !deployment.reached_running || service.breaker.is_none();
            deployment.failed_tasks += u32::from(counts);
            deployment.updated_at = now;
            if primary {
                slow_down(service, now);
            }
        }
        News::Ended => {
            let pause = service.starts.last_at + limits::RESTART_PAUSE_MS;
            service.starts.not_before = service.starts.not_before.max(pause);
        }
    }
}

/// Doubles the delay once for each batch that had a failure.
fn slow_down(service: &mut Service, now: Timestamp) {
    let starts = &mut service.starts;
    if !std::mem::take(&mut starts.fresh) {
        return;
    }
    starts.failed_batches = starts.failed_batches.saturating_add(1);
    let doublings = (starts.failed_batches - 1).min(20);
    let delay = (limits::FAILED_START_DELAY_MS << doublings).min(limits::FAILED_START_DELAY_MAX_MS);
    starts.not_before = starts.not_before.max(now + delay);
}
