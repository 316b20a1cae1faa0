//! The placement decision.
//!
//! Copies are placed one at a time: each is counted before the next is decided. At the end all are
//! taken back, since the caller makes them real.

use std::collections::BTreeMap;

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;

use crate::needs::Port;
use crate::query::Effort;
use crate::ranking::Ranking;
use crate::request::Request;
use crate::slot::Rules;
use crate::view::ClusterView;

/// The first check that an instance failed. Variants are in the order of the checks.
///
/// Source: the order is chosen by us where ECS's documents are silent; the reasons are those of
/// *API failure reasons* in the ECS developer guide.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// Its status is not ACTIVE.
    NotActive,
    /// Its agent is not connected.
    NotConnected,
    /// It lacks a required attribute, or has another value.
    Attribute(Str),
    /// Too few CPU units; the number free.
    Cpu(u32),
    /// Too little memory; MiB free.
    Memory(u32),
    /// The port is in use.
    Port(Port),
    /// The port is in use by another instance on the same machine.
    MachinePort(Port),
    /// Too few GPUs; the number free.
    Gpu(u32),
    /// A task of the group is already on it and should keep running.
    DistinctInstance,
    /// It does not match the `memberOf` constraint with this index.
    MemberOf(usize),
}

/// Where the copies go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// One per placed copy, in placement order.
    pub placed: Vec<ResourceId>,
    /// For the first copy that could not be placed: each instance by id, with the first check that
    /// it failed. Empty when every copy was placed.
    pub refused: Vec<(ResourceId, Refusal)>,
    /// Whether the constraints exceeded the evaluation limit of one request. If so, nothing was
    /// placed.
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

/// Checks an instance for one more copy of a request.
///
/// # Errors
/// The first check that fails. An unknown instance is not active.
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

/// Whether an instance is eligible in principle: ACTIVE, with the required attributes, and matching
/// every `memberOf`. Ignores free resources, tasks and agent connection: a DAEMON service counts a
/// missing task even on a full instance.
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

/// Chooses an instance for each copy that `request` asks for: the best by the strategies among
/// those that pass every check. Stops at the first copy that cannot be placed, since all copies are
/// alike.
///
/// The cluster is unchanged afterwards; it is borrowed mutably because it caches rankings between
/// requests.
pub fn place(cluster: &mut ClusterView, request: &Request<'_>) -> Plan {
    let effort = Effort::of_one_request();
    let plan = place_within(cluster, request, &effort);
    cluster.looked_at += LOOKS_PER_US * u64::try_from(effort.spent_us()).unwrap_or(0);
    plan
}

/// How many instances a ranking visits in a microsecond. Measured, used only for estimates.
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
        // The ranking may have recorded wrong answers and is dropped.
        return Plan { too_costly: true, ..Plan::default() };
    }
    cluster.rankings.put(request, ranking);
    plan
}

/// Updates a ranking to the current state of the cluster; returns the number of slots and buckets
/// visited.
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

/// The first failed check of each instance.
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

/// A uniform number below `below`, derived from a seed and the index of the copy: `SplitMix64`.
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
