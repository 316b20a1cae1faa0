//! Numbers of the master as a whole.

use std::collections::{BTreeMap, BTreeSet};

use longshore_bridge::Amounts;
use longshore_bridge::operator::{Counts, FrameworkEntry, Quantities, View};
use longshore_machine::Timestamp;
use longshore_wire_mesos::v1::TaskState;

use super::Sample;
use super::names::{FIXED, FULL, MASTER, OPERATIONS, OUTCOMES};
use crate::page::count;

/// Later ones take the place of earlier ones: what is counted, that of what is always there.
pub(super) fn samples(view: &View, now: Timestamp, extra: &[(String, f64)]) -> Vec<Sample> {
    let mut all: BTreeMap<String, f64> = BTreeMap::new();
    for (name, value) in FIXED {
        all.insert(name.to_owned(), value);
    }
    for name in MASTER {
        all.insert(format!("master/{name}"), 0.0);
    }
    for (operation, outcome) in OPERATIONS.iter().flat_map(|one| OUTCOMES.map(|end| (one, end))) {
        all.insert(format!("master/operations/{operation}/{outcome}"), 0.0);
    }
    for (name, value) in gauges(view, now) {
        all.insert(format!("master/{name}"), value);
    }
    principals(view, &mut all);
    for (name, value) in view.numbers() {
        let is_full = FULL.iter().any(|full| name.starts_with(full));
        all.insert(if is_full { name.to_string() } else { format!("master/{name}") }, value);
    }
    all.extend(extra.iter().cloned());
    all.into_iter().map(|(key, value)| Sample::plain(key, value)).collect()
}

/// Source: messages are counted by principal, for those who limit them.
fn principals(view: &View, all: &mut BTreeMap<String, f64>) {
    let names: BTreeSet<&str> =
        view.shown().filter_map(|framework| framework.view().info.principal.as_deref()).collect();
    for (name, what) in names.iter().flat_map(|one| ["processed", "received"].map(|end| (one, end)))
    {
        all.insert(format!("frameworks/{name}/messages_{what}"), 0.0);
    }
}

/// Of what is connected and active, whether it counts.
type Is = fn(bool, bool) -> bool;

fn gauges(view: &View, now: Timestamp) -> Vec<(String, f64)> {
    let uptime = Timestamp::from_millis(now.since(view.master().started_at)).seconds();
    let mut all: Vec<(String, f64)> = vec![
        ("uptime_secs".to_owned(), uptime),
        ("elected".to_owned(), 1.0),
        ("outstanding_offers".to_owned(), count(view.offers())),
    ];
    let frameworks = |is: Is| {
        let of = view.shown().map(|entry| (entry.view().connected, entry.view().active));
        count(of.filter(|(connected, active)| is(*connected, *active)).count())
    };
    let agents = |is: Is| {
        let of = view.agents().map(|(agent, _)| (agent.connected, agent.is_active()));
        count(of.filter(|(connected, active)| is(*connected, *active)).count())
    };
    let kinds: [(&str, Is); 4] = [
        ("connected", |connected, _| connected),
        ("disconnected", |connected, _| !connected),
        ("active", |_, active| active),
        ("inactive", |_, active| !active),
    ];
    for (name, is) in kinds {
        all.push((format!("frameworks_{name}"), frameworks(is)));
        all.push((format!("slaves_{name}"), agents(is)));
    }
    let states = [
        ("staging", TaskState::TaskStaging),
        ("starting", TaskState::TaskStarting),
        ("running", TaskState::TaskRunning),
        ("killing", TaskState::TaskKilling),
        ("unreachable", TaskState::TaskUnreachable),
    ];
    let counts: Vec<Counts> = view.shown().map(FrameworkEntry::counts).collect();
    for (name, state) in states {
        let tasks = counts.iter().map(|counts| f64::from(counts.of(state))).sum();
        all.push((format!("tasks_{name}"), tasks));
    }
    resources(view, &mut all);
    all
}

/// What there is, and what is used of it.
fn resources(view: &View, all: &mut Vec<(String, f64)>) {
    let (total, used) = (total(view), used(view));
    for name in ["cpus", "gpus", "mem", "disk"] {
        let (total, used) = (total.of(name), used.of(name));
        all.push((format!("{name}_total"), total));
        all.push((format!("{name}_used"), used));
        all.push((format!("{name}_percent"), if total > 0.0 { used / total } else { 0.0 }));
    }
}

/// All that agents brought.
pub(super) fn total(view: &View) -> Quantities {
    sum(view.agents().map(|(agent, _)| &agent.total))
}

/// What anybody uses of it.
fn used(view: &View) -> Quantities {
    let mut used = sum(view.agents().map(|(agent, _)| &agent.foreign));
    view.roles().for_each(|(_, role)| used.add_all(role.allocated()));
    used
}

fn sum<'a>(parts: impl Iterator<Item = &'a Amounts>) -> Quantities {
    let mut sum = Quantities::default();
    parts.for_each(|part| sum.add(part));
    sum
}
