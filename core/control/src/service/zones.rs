//! Balances availability zones: a steady service with more tasks in a zone than its share first
//! starts others elsewhere, then stops those in the fullest zones once the new ones are healthy.
//!
//! Source: ECS developer guide, *Availability Zone rebalancing*. Chosen by us: how long after a
//! change of instances the zones are checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_placement::{Needs, ZONE_ATTRIBUTE};
use longshore_wire_ecs::Str;

use super::census::Census;
use super::{Scheduling, Service};
use crate::cluster_state::ClusterState;
use crate::placing::{Rules, place};

/// Whether a service takes part in zone balancing.
pub(crate) fn is_eligible(service: &Service) -> bool {
    let spreads = service.strategy.first().is_none_or(|first| {
        first.kind.as_deref() == Some("spread")
            && first.field.as_deref() == Some("attribute:ecs.availability-zone")
    });
    let bound_to_zones = service.constraints.iter().any(|constraint| {
        constraint.expression.as_deref().is_some_and(|text| text.contains(ZONE_ATTRIBUTE))
    });
    service.rebalancing
        && service.scheduling == Scheduling::Replica
        && service.maximum_percent > 100
        && spreads
        && !bound_to_zones
}

/// How many tasks exceed the share of their zones. Zones have equal shares, with the remainder
/// going to the fullest.
pub(crate) fn above_share(mut counts: Vec<u32>) -> u32 {
    counts.sort_unstable_by(|one, other| other.cmp(one));
    let zones = u32::try_from(counts.len()).unwrap_or(u32::MAX).max(1);
    let total: u32 = counts.iter().sum();
    let (share, remainder) = (total / zones, total % zones);
    let shares = (0..zones).map(|rank| share + u32::from(rank < remainder));
    counts.iter().zip(shares).map(|(count, share)| count.saturating_sub(share)).sum()
}

/// How many tasks to start beyond the desired count to balance zones: no more than there is room
/// for, and only while they would go to zones with at least two tasks fewer than the richest.
pub(crate) fn moves(
    cluster: &mut ClusterState,
    service: &Service,
    census: &Census,
    needs: &Arc<Needs>,
    rules: &Rules,
    room: u32,
) -> u32 {
    let mut counts: BTreeMap<Str, u32> = BTreeMap::new();
    for zone in cluster.view.zones() {
        counts.entry(zone.clone()).or_default();
    }
    for zone in census.members.iter().filter_map(|one| one.zone.clone()) {
        *counts.entry(zone).or_default() += 1;
    }
    let wanted = above_share(counts.values().copied().collect()).min(room);
    if wanted == 0 {
        return 0;
    }
    let richest = counts.values().copied().max().unwrap_or(0);
    let plan = place(cluster, needs, &service.group(), rules, wanted, 0);
    let mut moves = 0;
    for instance in plan.placed {
        let view = cluster.view.instance(instance);
        let zone = view.and_then(|view| view.attributes.get(ZONE_ATTRIBUTE)?.as_ref());
        let count = zone.and_then(|zone| counts.get_mut(zone));
        let Some(count) = count.filter(|count| **count + 2 <= richest) else { break };
        *count += 1;
        moves += 1;
    }
    moves
}

#[cfg(test)]
mod tests {
    use super::above_share;

    #[test]
    fn what_is_above_an_even_share_is_counted() {
        for (counts, above) in [
            (vec![4, 0], 2),
            (vec![3, 2], 0),
            (vec![2, 2, 2], 0),
            (vec![6, 0, 0], 4),
            (vec![1, 0], 0),
            (vec![3, 1, 1], 1),
            (vec![], 0),
        ] {
            assert_eq!(above_share(counts.clone()), above, "{counts:?}");
        }
    }
}
