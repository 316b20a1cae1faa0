//! `/metrics/snapshot`: a flat map of names to numbers. Source: section 9.5 of the project's reference.

use longshore_machine::Timestamp;
use longshore_wire_mesos::v1::TaskState;
use serde_json::{Map, Value, json};

use super::total;
use crate::amounts::{Amounts, to_number};
use crate::ranges::Ranges;
use crate::state::Bridge;

pub(super) fn snapshot(bridge: &Bridge, now: Timestamp) -> Value {
    let mut all = Map::new();
    let mut put = |name: &str, value: Value| drop(all.insert(name.to_owned(), value));
    let uptime = now.since(Timestamp::from_millis(bridge.config.started_at_ms));
    put("master/uptime_secs", json!(Timestamp::from_millis(uptime).seconds()));
    put("master/elected", json!(1.0));
    put("master/outstanding_offers", json!(bridge.offers.len()));
    let connected =
        bridge.frameworks.values().filter(|framework| framework.stream.is_some()).count();
    let disconnected = bridge.frameworks.len() - connected;
    for (name, value) in [
        ("connected", connected),
        ("active", connected),
        ("disconnected", disconnected),
        ("inactive", disconnected),
    ] {
        put(&format!("master/frameworks_{name}"), json!(value));
    }
    let instances = bridge.replica.instances().values();
    let active = instances.clone().filter(|instance| instance.active && instance.connected).count();
    let away = bridge.replica.instances().len() - active;
    for (name, value) in [
        ("connected", active),
        ("active", active),
        ("disconnected", away),
        ("inactive", away),
        ("unreachable", 0),
    ] {
        put(&format!("master/slaves_{name}"), json!(value));
    }
    for (name, state) in [
        ("staging", TaskState::TaskStaging),
        ("starting", TaskState::TaskStarting),
        ("running", TaskState::TaskRunning),
        ("killing", TaskState::TaskKilling),
        ("unreachable", TaskState::TaskUnreachable),
    ] {
        let of_frameworks =
            bridge.frameworks.values().flat_map(|framework| framework.tasks.values());
        let launches = of_frameworks.filter_map(|id| bridge.launches.get(id));
        let count = launches.filter(|launch| launch.holds() && launch.state == state).count();
        put(&format!("master/tasks_{name}"), json!(count));
    }
    for name in
        ["finished", "failed", "killed", "lost", "error", "dropped", "gone", "gone_by_operator"]
    {
        put(&format!("master/tasks_{name}"), json!(0));
    }
    for (name, count) in &bridge.counters.by_name {
        put(&format!("master/{name}"), json!(count));
    }
    for (name, count) in &bridge.counters.calls {
        put(&format!("longshore/calls/{}", name.to_lowercase()), json!(count));
    }
    cluster(bridge, &mut put);
    amounts(bridge, &mut put);
    Value::Object(all)
}

/// How the cluster is known.
fn cluster(bridge: &Bridge, put: &mut impl FnMut(&str, Value)) {
    put("longshore/ecs_reads", json!(bridge.counters.reads));
    put("longshore/events", json!(bridge.counters.events));
    put("longshore/event_gaps", json!(bridge.counters.event_gaps));
    put("longshore/events_arrive", json!(u8::from(bridge.feed.is_live())));
}

/// What there is of each resource, and how much of it is used.
fn amounts(bridge: &Bridge, put: &mut impl FnMut(&str, Value)) {
    let instances = bridge.replica.instances().values();
    let whole = instances
        .clone()
        .fold(Amounts::default(), |sum, instance| sum.plus(&scalars(total(bridge, instance))));
    let free = instances
        .fold(Amounts::default(), |sum, instance| sum.plus(&scalars(bridge.free(instance))));
    let offered = bridge
        .offers
        .values()
        .fold(Amounts::default(), |sum, one| sum.plus(&scalars(one.amounts.clone())));
    let used = whole.minus(&free).minus(&offered);
    for name in ["cpus", "gpus", "mem", "disk"] {
        let (total, used) = (to_number(whole.scalar(name)), to_number(used.scalar(name)));
        put(&format!("master/{name}_total"), json!(total));
        put(&format!("master/{name}_used"), json!(used));
        put(&format!("master/{name}_percent"), json!(if total > 0.0 { used / total } else { 0.0 }));
    }
}

fn scalars(amounts: Amounts) -> Amounts {
    Amounts { ports: Ranges::default(), ..amounts }
}
