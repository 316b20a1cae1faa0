//! The next actions for a service, as a value: how many tasks to start, which to stop, and why.
//!
//! Pure: equal situations give equal plans. The bounds are enforced only here, by the numbers of
//! `core/rollout`.

use longshore_rollout::Budget;
use longshore_wire_ecs::arn::ResourceId;

use super::Bounds;
use super::census::{Member, Standing};
use super::scale_in::{Order, first_to_go};

/// Why a task is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// Its deployment is being replaced.
    Replaced,
    /// There are more than desired.
    TooMany,
    /// Its instance is draining.
    Draining,
    /// Its instance should no longer run a task of the DAEMON service.
    Excluded,
    /// It failed its health check.
    Unhealthy,
}

/// Everything that a plan may depend on.
#[derive(Clone, Debug)]
pub(crate) struct Situation<'a> {
    pub(crate) desired: u32,
    pub(crate) bounds: Bounds,
    pub(crate) members: &'a [Member],
    /// Tasks that were told to stop and have not stopped yet; they count against the upper bound.
    pub(crate) stopping: u32,
    /// Whether the deployment has failed: it starts nothing and replaces nothing.
    pub(crate) failed: bool,
    /// Whether starts are currently allowed.
    pub(crate) may_start: bool,
    pub(crate) order: Order<'a>,
}

/// The actions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Tasks of the PRIMARY deployment to start.
    pub(crate) start: u32,
    /// Tasks to stop.
    pub(crate) stop: Vec<(ResourceId, Why)>,
    /// Missing tasks that may not be started yet.
    pub(crate) held_back: u32,
    /// Whether the bounds allow no action at all, so that nothing will change by itself.
    pub(crate) stuck: bool,
    /// Tasks that would be stopped if they were not protected.
    pub(crate) protected: u32,
}

/// A plan under construction.
struct Making<'a> {
    situation: &'a Situation<'a>,
    /// Healthy tasks that may be stopped.
    budget: Budget,
    plan: Plan,
}

/// Plans a service with the REPLICA strategy.
pub(crate) fn replica(situation: &Situation<'_>) -> Plan {
    let members = situation.members;
    let healthy = count(members.iter().filter(|one| one.standing == Standing::Healthy));
    let budget = situation.bounds.budget(healthy);
    let mut making = Making { situation, budget, plan: Plan::default() };
    let kept = |one: &&Member| one.primary && !one.leaving && one.standing != Standing::Unhealthy;
    let kept: Vec<&Member> = members.iter().filter(kept).collect();
    let missing = situation.desired.saturating_sub(count(kept.iter()));
    making.start(missing);
    making.leave();
    if !situation.failed {
        let old = members.iter().filter(|one| !one.primary && !one.leaving);
        making.stop_within_bounds(old.collect(), Why::Replaced, u32::MAX);
    }
    making.unhealthy(&kept, missing);
    let excess = count(kept.iter()).saturating_sub(situation.desired);
    making.scale_in(&kept, excess);
    let Making { mut plan, .. } = making;
    let underway = situation.stopping > 0
        || kept.iter().any(|one| matches!(one.standing, Standing::Pending | Standing::Settling));
    let wants = missing > 0 && situation.may_start && !situation.failed;
    plan.stuck =
        wants && plan.start == 0 && plan.stop.is_empty() && plan.protected == 0 && !underway;
    plan
}

impl Making<'_> {
    /// Starts missing tasks, up to the upper bound.
    fn start(&mut self, missing: u32) {
        let situation = self.situation;
        if situation.failed {
            return;
        }
        let live = count(situation.members.iter()) + situation.stopping;
        let start = situation.bounds.starts(missing, live);
        if situation.may_start {
            self.plan.start = start;
        } else {
            self.plan.held_back = start;
        }
    }

    /// Stops tasks on draining instances: those that are not healthy at once, the others within the
    /// lower bound. Source: ECS developer guide, *Draining container instances*.
    fn leave(&mut self) {
        let leaving = self.situation.members.iter().filter(|one| one.leaving);
        self.stop_within_bounds(leaving.collect(), Why::Draining, u32::MAX);
    }

    /// Stops at most `most` of the given tasks, unhealthy ones first, since the lower bound does
    /// not count them.
    fn stop_within_bounds(&mut self, mut some: Vec<&Member>, why: Why, most: u32) {
        some.sort_by_key(|one| (one.standing, one.created_at, one.id));
        let mut stopped = 0;
        for one in some {
            if stopped == most {
                return;
            }
            let well = one.standing == Standing::Healthy;
            if well && self.budget.is_spent() {
                return;
            }
            if one.protected {
                self.plan.protected += 1;
                continue;
            }
            if !self.budget.allows(well) {
                return;
            }
            self.plan.stop.push((one.id, why));
            stopped += 1;
        }
    }

    /// Stops unhealthy tasks once others have replaced them, or one by one if there is no room for
    /// others. Source: ECS developer guide, *replacing unhealthy tasks*.
    fn unhealthy(&mut self, kept: &[&Member], missing: u32) {
        let situation = self.situation;
        let unhealthy = situation
            .members
            .iter()
            .filter(|one| one.primary && !one.leaving && one.standing == Standing::Unhealthy);
        let unhealthy: Vec<&Member> = unhealthy.collect();
        let well = count(kept.iter().filter(|one| one.standing == Standing::Healthy));
        let replaced = well >= situation.desired;
        let no_room = situation.may_start
            && !situation.failed
            && missing > 0
            && self.plan.start == 0
            && situation.stopping == 0
            && count(kept.iter()) == well;
        let most = match (replaced, no_room) {
            (true, _) => usize::MAX,
            (false, true) => 1,
            (false, false) => 0,
        };
        // Protection applies to scaling and deployments, not to failing health checks.
        self.plan.stop.extend(unhealthy.iter().take(most).map(|one| (one.id, Why::Unhealthy)));
    }

    /// Stops excess tasks. The lower bound does not interfere, since as many as desired stay.
    fn scale_in(&mut self, kept: &[&Member], excess: u32) {
        if excess == 0 {
            return;
        }
        let mut left = excess;
        for one in first_to_go(kept, self.situation.order) {
            if left == 0 {
                return;
            }
            if one.protected {
                continue;
            }
            self.plan.stop.push((one.id, Why::TooMany));
            left -= 1;
        }
        self.plan.protected += left;
    }
}

pub(super) fn count<T>(some: impl Iterator<Item = T>) -> u32 {
    u32::try_from(some.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
