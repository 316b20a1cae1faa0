//! What must hold in every state of the bridge, recomputed from the launches and offers.

use std::collections::{BTreeMap, BTreeSet};

use longshore_wire_ecs::Str;

use crate::launch::Phase;
use crate::shares::Shares;
use crate::state::{Bridge, OnInstance, Purpose};
use crate::status::is_terminal;

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub String);

/// Every invariant that does not hold; empty when all is well.
pub fn audit(bridge: &Bridge) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut found = |what: String| violations.push(Violation(what));
    launches(bridge, &mut found);
    frameworks(bridge, &mut found);
    offers(bridge, &mut found);
    streams(bridge, &mut found);
    violations
}

fn launches(bridge: &Bridge, found: &mut impl FnMut(String)) {
    let mut by_instance: BTreeMap<Str, OnInstance> = BTreeMap::new();
    for (id, launch) in &bridge.launches {
        if launch.phase == Phase::Over && !is_terminal(launch.state) {
            found(format!("launch {id} is over in state {:?}", launch.state));
        }
        if launch.phase == Phase::Known && launch.arn.is_none() {
            found(format!("launch {id} is known and has no task"));
        }
        if launch.phase != Phase::Over && is_terminal(launch.state) {
            found(format!("launch {id} ended as {:?} and is not over", launch.state));
        }
        if launch.holds() {
            by_instance.entry(launch.instance.clone()).or_default().count(launch);
        }
    }
    if by_instance != bridge.by_instance {
        let counted = &bridge.by_instance;
        found(format!("launches run on {by_instance:?} and are counted on {counted:?}"));
    }
    let asked = bridge.asked.values().filter_map(|purpose| match purpose {
        Purpose::Stop(id) => Some(id.clone()),
        _ => None,
    });
    if asked.collect::<BTreeSet<Str>>() != bridge.stops_out {
        found(format!("stops are said to be out for {:?}", bridge.stops_out));
    }
}

fn frameworks(bridge: &Bridge, found: &mut impl FnMut(String)) {
    for (id, framework) in &bridge.frameworks {
        for (task, launch) in &framework.tasks {
            if bridge
                .launches
                .get(launch)
                .is_none_or(|launch| launch.task != *task || launch.framework != *id)
            {
                found(format!("task {task} of framework {id} has no launch"));
            }
        }
        if framework.stream.is_some_and(|stream| bridge.streams.get(&stream) != Some(id)) {
            found(format!("framework {id} has a stream that is not its own"));
        }
        framework.filters.audit().into_iter().for_each(&mut *found);
    }
}

fn offers(bridge: &Bridge, found: &mut impl FnMut(String)) {
    let mut shares = Shares::default();
    for launch in bridge.launches.values().filter(|launch| launch.holds()) {
        shares.add(&launch.role, &launch.framework, &launch.claim);
    }
    for (id, offered) in bridge.offers.iter() {
        shares.add(&offered.role, &offered.framework, &offered.amounts);
        let holder = bridge.frameworks.get(&offered.framework);
        let is_there = holder.is_some_and(|framework| framework.stream.is_some());
        if !is_there && bridge.offers.get(id).is_some() {
            found(format!("offer {id} is held by a framework that is not there"));
        }
    }
    if shares != bridge.shares {
        found(format!("shares are {shares:?} and are counted as {:?}", bridge.shares));
    }
    bridge.offers.audit().into_iter().for_each(&mut *found);
    let instances: BTreeSet<_> = bridge.offers.iter().map(|(_, one)| &one.instance).collect();
    for instance in instances {
        if !bridge.still_backed(instance) {
            found(format!("more of {instance} is offered than it has"));
        }
    }
}

fn streams(bridge: &Bridge, found: &mut impl FnMut(String)) {
    if !bridge.streams.keys().eq(bridge.outboxes.keys()) {
        found(format!("streams {:?} have no outboxes of their own", bridge.streams));
    }
    for (stream, outbox) in &bridge.outboxes {
        outbox.audit().into_iter().for_each(|what| found(format!("{stream:?}: {what}")));
    }
}
