//! `/metrics/snapshot`: a flat map of names to numbers. Source: \[P6\].

use std::collections::BTreeMap;

use longshore_machine::Timestamp;
use longshore_replica::Instance;
use longshore_wire_mesos::v1::TaskState;
use serde_json::{Map, Value, json};

use super::total;
use crate::amounts::{Amounts, to_number};
use crate::launch::Launch;
use crate::ranges::Ranges;
use crate::state::Bridge;

/// What is added up one by one.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// Tasks that hold something, by state.
    tasks: BTreeMap<TaskState, usize>,
    /// All that there is.
    whole: Amounts,
    /// What nobody has.
    free: Amounts,
}

impl Sums {
    pub(super) fn task(&mut self, launch: &Launch) {
        if launch.holds() {
            *self.tasks.entry(launch.state).or_default() += 1;
        }
    }

    pub(super) fn agent(&mut self, bridge: &Bridge, instance: &Instance) {
        self.whole.add(&scalars(total(bridge, instance)));
        self.free.add(&scalars(bridge.free(instance)));
    }
}

pub(super) fn snapshot(bridge: &Bridge, now: Timestamp, sums: &Sums) -> Value {
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
        let count = sums.tasks.get(&state).copied().unwrap_or_default();
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
    amounts(bridge, sums, &mut put);
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
fn amounts(bridge: &Bridge, sums: &Sums, put: &mut impl FnMut(&str, Value)) {
    let mut offered = Amounts::default();
    for (_, one) in bridge.offers.iter() {
        offered.add(&Amounts { scalars: one.amounts.scalars.clone(), ports: Ranges::default() });
    }
    let whole = &sums.whole;
    let used = whole.minus(&sums.free).minus(&offered);
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
