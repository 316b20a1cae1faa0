//! What must hold in every state of the bridge, recomputed from the launches and offers.

use std::collections::BTreeSet;

use crate::launch::Phase;
use crate::state::Bridge;
use crate::status::is_terminal;

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub String);

/// Every invariant that does not hold; empty when all is well.
pub fn audit(bridge: &Bridge) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut found = |what: String| violations.push(Violation(what));
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
        let live = launch.holds()
            && bridge.by_instance.get(&launch.instance).is_some_and(|on| on.contains(id));
        if launch.holds() != live {
            found(format!("launch {id} is not counted where it runs"));
        }
    }
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
    }
    for (id, offered) in &bridge.offers {
        if bridge
            .frameworks
            .get(&offered.framework)
            .is_none_or(|framework| framework.stream.is_none())
        {
            found(format!("offer {id} is held by a framework that is not there"));
        }
    }
    let instances: BTreeSet<_> = bridge.offers.values().map(|offered| &offered.instance).collect();
    for instance in instances {
        if !bridge.still_backed(instance) {
            found(format!("more of {instance} is offered than it has"));
        }
    }
    violations
}
