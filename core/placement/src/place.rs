//! The decision itself.
//!
//! Copies are decided one after the other: each is counted before the next is decided, and all are taken back at the end,
//! since it is for the caller to make them real.

use std::collections::BTreeMap;

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;

use crate::needs::Port;
use crate::query::Effort;
use crate::ranking::Ranking;
use crate::request::Request;
use crate::slot::Rules;
use crate::view::ClusterView;

/// The first check that an instance failed. The order of the variants is the order of the checks.
///
/// Source: the order is chosen by us where ECS's documents are silent; the reasons are those of
/// *API failure reasons* in the ECS developer guide.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// Its status is not ACTIVE.
    NotActive,
    /// Its agent is not connected.
    NotConnected,
    /// It lacks an attribute, or has another value for it.
    Attribute(Str),
    /// Too few CPU units; how many are free.
    Cpu(u32),
    /// Too little memory; how many MiB are free.
    Memory(u32),
    /// The port is in use.
    Port(Port),
    /// The port is in use by another instance on the same machine.
    MachinePort(Port),
    /// Too few GPUs; how many are free.
    Gpu(u32),
    /// A task of the group that should run is on it.
    DistinctInstance,
    /// The `memberOf` constraint of this number, from 0, does not mean it.
    MemberOf(usize),
}

/// Where the copies go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// One per placed copy, in placement order.
    pub placed: Vec<ResourceId>,
    /// For the first copy left without a home: each instance and the first check that it failed, by id. Empty when
    /// every copy was placed.
    pub refused: Vec<(ResourceId, Refusal)>,
    /// Whether evaluating the constraints would have cost more than one request may. Nothing was placed then.
    pub too_costly: bool,
}

impl Plan {
    /// How many instances failed each check.
    pub fn counts(&self) -> BTreeMap<&Refusal, u32> {
        let mut counts = BTreeMap::new();
        for (_, refusal) in &self.refused {
            *counts.entry(refusal).or_insert(0) += 1;
        }
        counts
    }
}

/// The first check that an instance fails for one more copy of a request, if any.
///
/// # Errors
/// The refusal. An instance that is not known is not active.
pub fn check(
    cluster: &ClusterView,
    id: ResourceId,
    request: &Request<'_>,
    effort: &Effort,
) -> Result<(), Refusal> {
    let known = cluster.slot(id).and_then(|slot| Some((slot, slot.view.as_ref()?)));
    let (slot, view) = known.ok_or(Refusal::NotActive)?;
    rules(request, effort).check(slot, view)
}

/// Whether an instance is of the kind that a request asks for: ACTIVE, with the attributes, meant by every `memberOf`. What it has
/// left, who is on it and whether its agent is there does not matter: a service of one task on each instance misses the
/// task on a full instance too.
pub fn suits(
    cluster: &ClusterView,
    id: ResourceId,
    request: &Request<'_>,
    effort: &Effort,
) -> bool {
    let known = cluster.slot(id).and_then(|slot| Some((slot, slot.view.as_ref()?)));
    known.is_some_and(|(slot, view)| rules(request, effort).suits(slot, view))
}

pub(crate) fn rules<'a>(request: &Request<'a>, effort: &'a Effort) -> Rules<'a> {
    let Request { needs, group, constraints, .. } = request;
    Rules { needs, group, constraints, effort }
}

/// Chooses an instance for each copy that `request` asks for: of those that pass every check the best by the strategies. A copy that
/// finds no home ends the search, since the copies after it ask for the same.
///
/// The cluster is the same afterwards; it is borrowed mutably for what it remembers between requests.
pub fn place(cluster: &mut ClusterView, request: &Request<'_>) -> Plan {
    let effort = Effort::of_one_request();
    let plan = place_within(cluster, request, &effort);
    cluster.looked_at += LOOKS_PER_US * u64::try_from(effort.spent_us()).unwrap_or(0);
    plan
}

/// How many instances ranking looks at in a microsecond. Measured, and for a reckoning only.
const LOOKS_PER_US: u64 = 4;

pub(crate) fn place_within(
    cluster: &mut ClusterView,
    request: &Request<'_>,
    effort: &Effort,
) -> Plan {
    let mut plan = Plan::default();
    let mut ranking = cluster.rankings.take(request);
    for copy in 0..request.count {
        cluster.looked_at += catch_up(&mut ranking, cluster, effort);
        if effort.is_spent() {
            break;
        }
        let draw = |below| drawn(request.seed, copy, below);
        let Some(slot) = ranking.best(draw).and_then(|slot| cluster.slots().get(slot)) else {
            plan.refused = refusals(cluster, request, effort);
            break;
        };
        let id = slot.id;
        cluster.reserve(id, request.needs);
        cluster.join_group(request.group, id);
        plan.placed.push(id);
    }
    for id in plan.placed.iter().rev() {
        cluster.leave_group(request.group, *id);
        cluster.release(*id, request.needs);
    }
    if effort.is_spent() {
        // What the ranking has seen since says nothing.
        return Plan { too_costly: true, ..Plan::default() };
    }
    cluster.rankings.put(request, ranking);
    plan
}

/// Brings a ranking up to what the cluster is now; gives how much it looked at.
fn catch_up(ranking: &mut Ranking, cluster: &mut ClusterView, effort: &Effort) -> u64 {
    let (slots, log, rankings) = cluster.parts();
    let end = log.end();
    let reaches = |position: &u64| log.reaches_back_to(*position) && !ranking.is_littered();
    match ranking.position.filter(reaches) {
        Some(position) => {
            log.since(position).for_each(|slot| ranking.see(slot, &slots[slot], effort));
        }
        None => ranking.see_all(rankings.ground(&ranking.kind, slots), slots, effort),
    }
    log.was_read();
    let seen = match ranking.position.replace(end) {
        Some(position) if log.reaches_back_to(position) => end - position,
        _ => slots.len() as u64,
    };
    seen + ranking.walks_over()
}

/// For each instance the first check that it fails.
fn refusals(
    cluster: &ClusterView,
    request: &Request<'_>,
    effort: &Effort,
) -> Vec<(ResourceId, Refusal)> {
    let rules = rules(request, effort);
    let refusal = |slot: &crate::slot::Slot| {
        let refusal = rules.check(slot, slot.view.as_ref()?).err()?;
        Some((slot.id, refusal))
    };
    cluster.known().filter_map(refusal).collect()
}

/// A number below `below`, each with the same chance, from a seed and the number of the copy: `SplitMix64`.
fn drawn(seed: u64, copy: u32, below: usize) -> usize {
    let mut word = seed.wrapping_add(u64::from(copy + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^= word >> 31;
    let product = u128::from(word) * below as u128;
    usize::try_from(product >> 64).unwrap_or(0)
}

#[cfg(test)]
mod tests;
