//! Applies what happens to tasks to their services. Failures are counted and starts are delayed in
//! the step that brings the news, so that the counts are stored with the task. The next pass acts
//! on them.
//!
//! Source: ECS developer guide, *deployment circuit breaker* and *service throttle logic*: a task
//! that ends before it is RUNNING is a failed start; one that ran and exited is not, unless
//! [`Policy::breaker_counts_exits`] is set.

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Realm;

use super::agenda::Matter;
use super::{Exit, Service};
use crate::cluster_state::{ClusterState, Condition};
use crate::limits;
use crate::machine::Control;
use crate::record::{LastStatus, StopCode, Task};
use crate::state::Policy;

/// Something that happened to a service task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Noticed {
    service: Str,
    deployment: Str,
    news: News,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum News {
    /// It is RUNNING.
    Runs,
    /// It is healthy: its health check passed, or it has none and is RUNNING.
    Well {
        /// Whether a health check passed.
        checked: bool,
    },
    /// It ended before it was RUNNING.
    FailedToStart,
    /// It ran and exited by itself.
    Ended(Exit),
}

impl Noticed {
    /// What a change of a task means for its service.
    ///
    /// A task counts as ended as soon as it should no longer run. Its remaining containers may take
    /// time to stop, and it is replaced before they have.
    pub(crate) fn between(before: Option<Condition>, task: &Task) -> Vec<Self> {
        let Some(deployment) = task.template.started_by.clone() else { return Vec::new() };
        let was = before.map_or(LastStatus::Pending, |before| before.last_status);
        let asked =
            matches!(task.stop_code, Some(StopCode::UserInitiated | StopCode::ServiceScheduler));
        let wanted = before.is_none_or(|before| before.desired_running);
        let ended = wanted && !task.desired_running && !asked;
        let exit = Exit::of(task).filter(|_| ended);
        let mut all = Vec::new();
        let runs = task.last_status == LastStatus::Running || exit.is_some();
        if was == LastStatus::Pending && runs {
            all.push(News::Runs);
        }
        match exit {
            Some(exit) => all.push(News::Ended(exit)),
            None if ended => all.push(News::FailedToStart),
            None => {}
        }
        if Condition::of(task).is_well && !before.is_some_and(|before| before.is_well) {
            all.push(News::Well { checked: task.verdict().is_some() });
        }
        let service = task.service().unwrap_or_default();
        all.into_iter()
            .map(|news| Self { service: service.into(), deployment: deployment.clone(), news })
            .collect()
    }
}

/// Processes what was noticed in a step and schedules the affected services.
pub(crate) fn take_notice(control: &mut Control, now: Timestamp) {
    let policy = control.state.policy;
    let touched: Vec<(Realm, Str)> = control.state.touched.iter().cloned().collect();
    for (realm, name) in touched {
        let Some(cluster) = control.state.cluster_mut(&realm, &name) else { continue };
        let noticed = std::mem::take(&mut cluster.noticed);
        for one in &noticed {
            reckon(cluster, now, one, policy);
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

/// Applies one piece of news. The record is touched only if it changes.
fn reckon(cluster: &mut ClusterState, now: Timestamp, noticed: &Noticed, policy: Policy) {
    let Some(known) = cluster.services.get(&noticed.service) else { return };
    let service = &*known.record;
    let Some(deployment) = service.deployments.iter().find(|one| one.id == noticed.deployment)
    else {
        return;
    };
    let starts = &service.starts;
    let news = match &noticed.news {
        News::Runs => !deployment.reached_running || starts.failed_batches > 0,
        News::Well { .. } => deployment.failed_tasks > 0,
        News::FailedToStart => true,
        News::Ended(_) => policy.breaker_counts_exits || !starts.knows_of_exits(),
    };
    if !news {
        return;
    }
    let Some(service) = cluster.service_mut(&noticed.service) else { return };
    apply(service, now, noticed, policy);
}

fn apply(service: &mut Service, now: Timestamp, noticed: &Noticed, policy: Policy) {
    let primary = service.primary().is_some_and(|one| one.id == noticed.deployment);
    let resets = service.breaker.is_none_or(|breaker| breaker.reset_on_healthy_task);
    let Some(deployment) = service.deployments.iter_mut().find(|one| one.id == noticed.deployment)
    else {
        return;
    };
    match &noticed.news {
        News::Runs => {
            deployment.reached_running = true;
            if primary {
                service.starts.failed_batches = 0;
            }
        }
        // Where exits count, a task that runs does not make up for one that ran and exited.
        News::Well { checked } if resets && (*checked || !policy.breaker_counts_exits) => {
            deployment.failed_tasks = 0;
        }
        News::Well { .. } => {}
        News::FailedToStart => {
            // Once tasks of the deployment have run, a failed start says little about it.
            let counts = !deployment.reached_running || service.breaker.is_none();
            deployment.failed_tasks += u32::from(counts);
            deployment.updated_at = now;
            if primary {
                service.starts.failed(now);
            }
        }
        News::Ended(exit) => {
            if policy.breaker_counts_exits {
                deployment.failed_tasks += 1;
                deployment.updated_at = now;
            }
            if primary {
                service.starts.exited(exit.clone());
            } else {
                service.starts.pause();
            }
        }
    }
}
