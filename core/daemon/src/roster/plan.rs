//! What is to be done for an environment: a value that follows from its slots alone.
//!
//! The order is that of the facts: what should not be there goes, instances without a task are served, and only then tasks of
//! older deployments are replaced, as many as may be missing. A task is stopped before its successor is started: an instance
//! never has two.
//!
//! Source: blox.md 2.8 and 4.4, rules of `minHealthyPercent` (`TerminateThenReplace`).

use longshore_machine::Timestamp;
use longshore_rollout::{Bounds, Budget, Share};
use longshore_wire_ecs::Str;

use super::Counts;
use super::slot::{Current, Slot};

/// Why a task is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopWhy {
    /// Its instance drains, is gone, or does not belong to the group any more.
    Left,
    /// Its instance has another one.
    Surplus,
    /// It is of an older deployment.
    Replaced,
}

impl StopWhy {
    /// For people, as the reason of `StopTask`.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Left => "Blox: its instance does not belong to the environment any more",
            Self::Surplus => "Blox: its instance has another task of the environment",
            Self::Replaced => "Blox: replaced by a newer deployment",
        }
    }
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Tasks to stop: ARN of the instance, ARN of the task, and why.
    pub stops: Vec<(Str, Str, StopWhy)>,
    /// ARNs of instances on which to start one.
    pub starts: Vec<Str>,
}

/// How many healthy tasks may be stopped to be replaced: so many members may be without one, less those that are already.
///
/// Source: blox.md 7.2, 7.
pub(super) fn budget(counts: &Counts, min_healthy_percent: u8) -> Budget {
    let many = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let minimum = Share::percent(min_healthy_percent.min(100).into());
    // A task is stopped before its successor is started, so there are never more than members.
    Bounds::of(many(counts.members), minimum, Share::WHOLE).budget(many(counts.healthy))
}

/// The plan for slots that something was told of, and for replacements among those that are outdated, of which those that do not serve
/// come first.
pub(super) fn plan<'a>(
    now: Timestamp,
    current: Option<&Current>,
    looked_at: impl Iterator<Item = (&'a Str, &'a Slot)>,
    outdated: impl Iterator<Item = (&'a Str, &'a Slot)>,
    mut budget: Budget,
) -> Plan {
    let mut plan = Plan::default();
    for (instance, slot) in looked_at {
        let surplus = slot.surplus(current).into_iter();
        plan.stops.extend(surplus.map(|(task, why)| (instance.clone(), task, why)));
        if current.is_some() && slot.wants_start(now) {
            plan.starts.push(instance.clone());
        }
    }
    for (instance, slot) in outdated {
        let Some((task, is_up)) = slot.outdated(current) else { continue };
        if !budget.allows(is_up) {
            // All that follow serve: with each event as few are looked at as can be stopped.
            break;
        }
        plan.stops.push((instance.clone(), task, StopWhy::Replaced));
    }
    plan
}

#[cfg(test)]
mod tests;
