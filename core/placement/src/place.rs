//! The decision itself.
//!
//! Candidates are gathered once per request and scored per copy, so that a request costs one walk over the
//! instances and each of its copies one walk over those that fit.

use std::collections::BTreeMap;

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;

use crate::ZONE_ATTRIBUTE;
use crate::needs::{Needs, Port};
use crate::view::{ClusterView, InstanceView};

/// What is to be placed.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What each copy needs.
    pub needs: &'a Needs,
    /// The group whose tasks are spread.
    pub group: &'a str,
    /// How many copies.
    pub count: u32,
}

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
}

/// Where the copies go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// One per placed copy, in placement order.
    pub placed: Vec<ResourceId>,
    /// For the first copy left without a home: each instance and the first check that it failed. Empty when
    /// every copy was placed.
    pub refused: Vec<(ResourceId, Refusal)>,
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

/// The first check that an instance fails for `needs`, if any.
///
/// # Errors
/// The refusal.
pub fn check(instance: &InstanceView, needs: &Needs) -> Result<(), Refusal> {
    if !instance.active {
        return Err(Refusal::NotActive);
    }
    if !instance.connected {
        return Err(Refusal::NotConnected);
    }
    for required in &needs.attributes {
        let held = instance.attributes.get(&required.name);
        let fits = held.is_some_and(|value| required.value.is_none() || *value == required.value);
        if !fits {
            return Err(Refusal::Attribute(required.name.clone()));
        }
    }
    fits(instance.cpu, instance.memory_mib, instance, needs)
}

fn fits(cpu: u32, memory_mib: u32, instance: &InstanceView, needs: &Needs) -> Result<(), Refusal> {
    if cpu < needs.cpu {
        return Err(Refusal::Cpu(cpu));
    }
    if memory_mib < needs.memory_mib {
        return Err(Refusal::Memory(memory_mib));
    }
    match needs.ports.iter().find(|port| instance.ports.contains(port)) {
        Some(port) => Err(Refusal::Port(*port)),
        None => Ok(()),
    }
}

/// An instance that can take at least one more copy, with what the copies placed so far have left of it.
struct Candidate<'a> {
    id: ResourceId,
    zone: usize,
    instance: &'a InstanceView,
    cpu: u32,
    memory_mib: u32,
    placed_here: u32,
    in_group: u32,
}

impl Candidate<'_> {
    fn check(&self, needs: &Needs) -> Result<(), Refusal> {
        if let (true, Some(port)) = (self.placed_here > 0, needs.ports.first()) {
            return Err(Refusal::Port(*port));
        }
        fits(self.cpu, self.memory_mib, self.instance, needs)
    }
}

/// Chooses an instance for each copy that `request` asks for.
///
/// Each copy goes to the availability zone with the fewest tasks of the group that has room, and there to the
/// instance with the fewest tasks of the group; ties go to the instance with most memory free, then to the smallest id.
/// Instances without a zone count as one zone, considered last. A copy that finds no home ends the search, since
/// the copies after it ask for the same.
pub fn place(cluster: &ClusterView, request: &Request<'_>) -> Plan {
    let mut plan = Plan::default();
    let (mut candidates, mut zones) = gather(cluster, request);
    for _ in 0..request.count {
        let best = candidates
            .iter_mut()
            .filter(|candidate| candidate.check(request.needs).is_ok())
            .min_by_key(|candidate| {
                let zone = zones[candidate.zone];
                (zone.nameless, zone.in_group, candidate.in_group, u32::MAX - candidate.memory_mib, candidate.id)
            });
        let Some(best) = best else {
            plan.refused = refusals(cluster, request.needs, &candidates);
            break;
        };
        best.cpu -= request.needs.cpu;
        best.memory_mib -= request.needs.memory_mib;
        best.placed_here += 1;
        best.in_group += 1;
        zones[best.zone].in_group += 1;
        plan.placed.push(best.id);
    }
    plan
}

#[derive(Clone, Copy)]
struct Zone {
    nameless: bool,
    in_group: u32,
}

fn gather<'a>(cluster: &'a ClusterView, request: &Request<'_>) -> (Vec<Candidate<'a>>, Vec<Zone>) {
    let group = cluster.group(request.group);
    let in_group = |id: &ResourceId| group.and_then(|members| members.get(id)).copied().unwrap_or(0);
    let mut numbers: BTreeMap<Option<&Str>, usize> = BTreeMap::new();
    let mut zones = Vec::new();
    let mut candidates = Vec::new();
    for (id, instance) in cluster.instances() {
        let name = instance.attributes.get(ZONE_ATTRIBUTE).and_then(Option::as_ref);
        let zone = *numbers.entry(name).or_insert_with(|| {
            zones.push(Zone { nameless: name.is_none(), in_group: 0 });
            zones.len() - 1
        });
        let members = in_group(id);
        zones[zone].in_group += members;
        if check(instance, request.needs).is_ok() {
            candidates.push(Candidate {
                id: *id,
                zone,
                instance,
                cpu: instance.cpu,
                memory_mib: instance.memory_mib,
                placed_here: 0,
                in_group: members,
            });
        }
    }
    (candidates, zones)
}

fn refusals(cluster: &ClusterView, needs: &Needs, candidates: &[Candidate<'_>]) -> Vec<(ResourceId, Refusal)> {
    let used: BTreeMap<ResourceId, &Candidate<'_>> =
        candidates.iter().map(|candidate| (candidate.id, candidate)).collect();
    let refusal = |(id, instance): (&ResourceId, &InstanceView)| {
        let verdict = match used.get(id) {
            Some(candidate) => candidate.check(needs),
            None => check(instance, needs),
        };
        verdict.err().map(|refusal| (*id, refusal))
    };
    cluster.instances().iter().filter_map(refusal).collect()
}

#[cfg(test)]
mod tests;
