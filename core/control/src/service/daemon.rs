//! Plans services with the DAEMON strategy: one task on each eligible instance.
//!
//! Source: ECS developer guide, *DAEMON*. An instance never has two tasks of the service, so an old
//! task is stopped before its successor starts; tasks on draining instances stop at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use longshore_placement::query::Effort;
use longshore_placement::{InstanceView, Needs};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;

use super::Bounds;
use super::census::{Census, Standing};
use super::plan::{Plan, Why};
use crate::cluster_state::ClusterState;
use crate::placing::{Rules, suits};

/// The next actions for a DAEMON service.
#[derive(Clone, Debug, Default)]
pub(crate) struct DaemonPlan {
    /// Instances to start a task on, if it fits.
    pub(crate) start_on: Vec<ResourceId>,
    /// Tasks to stop, and the rest of the plan.
    pub(crate) plan: Plan,
}

/// The instances that should have a task: ACTIVE, with the required attributes, matching the
/// constraints, and with a connected agent unless they already have a task. Free resources are
/// ignored: on a full instance the task counts as missing.
///
/// Chosen by us: an instance whose agent is disconnected does not count as missing a task. `None`
/// if the constraints are too expensive to evaluate.
pub(crate) fn sites(
    cluster: &ClusterState,
    census: &Census,
    needs: &Arc<Needs>,
    group: &Str,
    rules: &Rules,
    effort: &Effort,
) -> Option<BTreeSet<ResourceId>> {
    let there = |id: ResourceId, view: &InstanceView| {
        (view.connected || census.occupied.contains(&id))
            && suits(cluster, id, needs, group, rules, effort)
    };
    let all = cluster.view.instances().take_while(|_| !effort.is_spent());
    let found = all.filter(|(id, view)| there(*id, view)).map(|(id, _)| id).collect();
    (!effort.is_spent()).then_some(found)
}

/// What the plan needs to know about the service itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Daemon {
    pub(crate) bounds: Bounds,
    pub(crate) failed: bool,
    pub(crate) may_start: bool,
}

/// Plans a DAEMON service.
pub(crate) fn daemon(sites: &BTreeSet<ResourceId>, census: &Census, how: Daemon) -> DaemonPlan {
    let mut made = DaemonPlan::default();
    let members = &census.members;
    let mut healthy =
        super::plan::count(members.iter().filter(|one| one.standing == Standing::Healthy));
    let mut served = BTreeSet::new();
    let mut old: Vec<_> = Vec::new();
    for one in members {
        let well = one.standing == Standing::Healthy;
        let why = if one.leaving {
            Why::Draining
        } else if one.primary && one.standing == Standing::Unhealthy {
            Why::Unhealthy
        } else if !sites.contains(&one.instance) {
            Why::Excluded
        } else if one.primary && !served.insert(one.instance) {
            Why::TooMany
        } else if one.primary || how.failed {
            continue;
        } else {
            old.push(one);
            continue;
        };
        healthy -= u32::from(well);
        made.plan.stop.push((one.id, why));
    }
    old.sort_by_key(|one| (one.standing, one.created_at, one.id));
    let mut budget = how.bounds.budget(healthy);
    for one in old {
        if one.protected {
            made.plan.protected += 1;
        } else if budget.allows(one.standing == Standing::Healthy) {
            made.plan.stop.push((one.id, Why::Replaced));
        }
    }
    let live = super::plan::count(members.iter()) + census.stopping;
    let free = sites.iter().filter(|id| !census.occupied.contains(id)).copied();
    let missing: Vec<ResourceId> = if how.failed { Vec::new() } else { free.collect() };
    let starts = how.bounds.starts(super::plan::count(missing.iter()), live);
    if how.may_start {
        made.start_on = missing[..usize::try_from(starts).unwrap_or(usize::MAX)].to_vec();
    } else {
        made.plan.held_back = super::plan::count(missing.iter());
    }
    made
}
