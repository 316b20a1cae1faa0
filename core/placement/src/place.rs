//! The decision itself.
//!
//! Candidates are gathered once per request into a heap for each zone, so that a request costs one walk over the
//! instances and each of its copies the depth of a heap.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;

use crate::needs::{Needs, Port, RequiredAttribute};
use crate::view::{ClusterView, InstanceView, NO_ZONE};

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
///
/// Ordered so that the greatest is the best: fewest tasks of the group, then most memory free, then smallest id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    fewest_in_group: Reverse<u32>,
    memory_mib: u32,
    smallest_id: Reverse<ResourceId>,
    cpu: u32,
    placed_here: u32,
}

impl Candidate {
    fn check(&self, instance: &InstanceView, needs: &Needs) -> Result<(), Refusal> {
        if let (true, Some(port)) = (self.placed_here > 0, needs.ports.first()) {
            return Err(Refusal::Port(*port));
        }
        fits(self.cpu, self.memory_mib, instance, needs)
    }

    fn place(&mut self, needs: &Needs) {
        self.cpu -= needs.cpu;
        self.memory_mib -= needs.memory_mib;
        self.placed_here += 1;
        self.fewest_in_group.0 += 1;
    }
}

/// The candidates of one availability zone.
#[derive(Debug, Default)]
struct Zone {
    in_group: u32,
    candidates: BinaryHeap<Candidate>,
}

/// Chooses an instance for each copy that `request` asks for.
///
/// Each copy goes to the availability zone with the fewest tasks of the group that has room, and there to the
/// instance with the fewest tasks of the group; ties go to the instance with most memory free, then to the smallest id.
/// Instances without a zone count as one zone, considered last. A copy that finds no home ends the search, since
/// the copies after it ask for the same.
pub fn place(cluster: &ClusterView, request: &Request<'_>) -> Plan {
    let mut plan = Plan::default();
    let mut zones = gather(cluster, request);
    let mut full: BTreeMap<ResourceId, Refusal> = BTreeMap::new();
    for _ in 0..request.count {
        let open = zones.iter_mut().filter(|(_, zone)| !zone.candidates.is_empty());
        let poorest =
            open.min_by_key(|(number, zone)| (**number == NO_ZONE, zone.in_group, **number));
        let Some((_, zone)) = poorest else {
            plan.refused = refusals(cluster, request.needs, &full);
            break;
        };
        let Some(mut best) = zone.candidates.pop() else { continue };
        let id = best.smallest_id.0;
        best.place(request.needs);
        zone.in_group += 1;
        plan.placed.push(id);
        match best.check(&cluster.instances()[&id], request.needs) {
            Ok(()) => zone.candidates.push(best),
            Err(refusal) => drop(full.insert(id, refusal)),
        }
    }
    plan
}

/// One walk over the instances: those that fit, by the number of their zone.
fn gather(cluster: &ClusterView, request: &Request<'_>) -> BTreeMap<u32, Zone> {
    static NOBODY: BTreeMap<ResourceId, u32> = BTreeMap::new();
    let group = cluster.group(request.group).unwrap_or(&NOBODY);
    // What every instance has need not be looked for on each.
    let rare = request
        .needs
        .attributes
        .iter()
        .filter(|one| one.value.is_some() || !cluster.all_have(&one.name));
    let rare: Vec<RequiredAttribute> = rare.cloned().collect();
    let needs = Needs { attributes: rare, ..request.needs.clone() };
    let mut gathered: BTreeMap<u32, (u32, Vec<Candidate>)> = BTreeMap::new();
    let mut members = group.iter().peekable();
    for (id, instance, number) in cluster.with_zones() {
        while members.next_if(|(member, _)| **member < id).is_some() {}
        let in_group = members.next_if(|(member, _)| **member == id).map_or(0, |(_, count)| *count);
        let zone = gathered.entry(number).or_default();
        zone.0 += in_group;
        if check(instance, &needs).is_ok() {
            zone.1.push(Candidate {
                fewest_in_group: Reverse(in_group),
                memory_mib: instance.memory_mib,
                smallest_id: Reverse(id),
                cpu: instance.cpu,
                placed_here: 0,
            });
        }
    }
    let zone = |(number, (in_group, candidates)): (u32, (u32, Vec<Candidate>))| {
        (number, Zone { in_group, candidates: candidates.into() })
    };
    gathered.into_iter().map(zone).collect()
}

/// For each instance the first check that it fails; `full` are those that this request has filled.
fn refusals(
    cluster: &ClusterView,
    needs: &Needs,
    full: &BTreeMap<ResourceId, Refusal>,
) -> Vec<(ResourceId, Refusal)> {
    let refusal = |(id, instance): (&ResourceId, &InstanceView)| {
        let refusal = full.get(id).cloned().or_else(|| check(instance, needs).err());
        refusal.map(|refusal| (*id, refusal))
    };
    cluster.instances().iter().filter_map(refusal).collect()
}

#[cfg(test)]
mod tests;
