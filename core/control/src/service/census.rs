//! A summary of a service's tasks: everything a plan may know about them.

use std::collections::BTreeSet;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::Health;

use super::Service;
use crate::cluster_state::ClusterState;
use crate::limits;
use crate::record::{InstanceStatus, LastStatus, Task};
use crate::state::Policy;

/// The condition of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// It is not running yet.
    Pending,
    /// It is running, but its health is not known yet.
    Settling,
    /// It failed its health check.
    Unhealthy,
    /// It is running and healthy.
    Healthy,
}

/// A task that should run.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) id: ResourceId,
    /// The deployment that started it.
    pub(crate) deployment: Option<Str>,
    /// Whether that is the PRIMARY deployment.
    pub(crate) primary: bool,
    pub(crate) instance: ResourceId,
    pub(crate) zone: Option<Str>,
    pub(crate) created_at: Timestamp,
    pub(crate) standing: Standing,
    /// Whether it must not be stopped for scale-in or deployments.
    pub(crate) protected: bool,
    /// Whether its instance no longer takes tasks.
    pub(crate) leaving: bool,
}

/// The tasks of a service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Census {
    /// Tasks that should run, by id.
    pub(crate) members: Vec<Member>,
    /// Number of tasks that were told to stop and have not stopped yet.
    pub(crate) stopping: u32,
    /// When the first of those was told to stop.
    pub(crate) stopping_since: Option<Timestamp>,
    /// Instances with a task that is not STOPPED.
    pub(crate) occupied: BTreeSet<ResourceId>,
    /// When this changes by time alone.
    pub(crate) again_at: Option<Timestamp>,
}

impl Census {
    /// Whether fewer than `target` tasks are to stay.
    pub(crate) fn is_short_of(&self, target: u32) -> bool {
        let stay = self.members.iter().filter(|one| one.primary && !one.leaving);
        super::plan::count(stay) < target
    }
}

/// Takes the census of a service's tasks.
pub(crate) fn census(
    cluster: &ClusterState,
    service: &Service,
    policy: Policy,
    now: Timestamp,
) -> Census {
    let mut census = Census::default();
    let settle_ms = if policy.breaker_counts_exits {
        limits::HEALTHY_AFTER_RUNNING_IF_EXITS_COUNT_MS
    } else {
        limits::HEALTHY_AFTER_RUNNING_MS
    };
    let Some(known) = cluster.services.get(&service.name) else { return census };
    let primary = service.primary().map(|deployment| &deployment.id);
    for id in &known.live {
        let task = &cluster.tasks[id];
        census.occupied.insert(task.instance);
        if !task.desired_running {
            census.stopping += 1;
            let since = [census.stopping_since, task.stopping_at].into_iter().flatten().min();
            census.stopping_since = since;
            continue;
        }
        let instance = cluster.instances.get(&task.instance);
        let (standing, until) = standing(task, service.grace_period_s, settle_ms, now);
        let protected_until = task.protected_until.filter(|until| *until > now);
        for at in [until, protected_until].into_iter().flatten() {
            census.again_at = Some(census.again_at.map_or(at, |known| known.min(at)));
        }
        census.members.push(Member {
            id: *id,
            deployment: task.template.started_by.clone(),
            primary: task.template.started_by.as_ref() == primary,
            instance: task.instance,
            zone: task.availability_zone.clone(),
            created_at: task.created_at,
            standing,
            protected: protected_until.is_some(),
            leaving: instance.is_none_or(|one| one.status != InstanceStatus::Active),
        });
    }
    census
}

/// The condition of a task, and when it changes by time alone. Without a health check, a task is
/// healthy after `settle_ms`.
pub(crate) fn standing(
    task: &Task,
    grace_period_s: u32,
    settle_ms: u64,
    now: Timestamp,
) -> (Standing, Option<Timestamp>) {
    let Some(started_at) = task.started_at.filter(|_| task.last_status == LastStatus::Running)
    else {
        return (Standing::Pending, None);
    };
    match task.verdict() {
        None => {
            let settled_at = started_at + settle_ms;
            if now >= settled_at {
                (Standing::Healthy, None)
            } else {
                (Standing::Settling, Some(settled_at))
            }
        }
        Some(Health::Healthy) => (Standing::Healthy, None),
        Some(Health::Unknown) => (Standing::Settling, None),
        Some(Health::Unhealthy) => {
            let grace_ends = started_at + u64::from(grace_period_s) * 1000;
            if now >= grace_ends {
                (Standing::Unhealthy, None)
            } else {
                (Standing::Settling, Some(grace_ends))
            }
        }
    }
}
