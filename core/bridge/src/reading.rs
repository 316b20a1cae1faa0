//! When the cluster is read, and who takes what came of a question.
//!
//! Tasks that are about to change are read often. Tasks that run are read when their instance changed: an instance's version
//! rises whenever a task on it comes or goes. A slow sweep over all of them catches what that missed. Offers are made of a
//! reading that was asked for after whatever called for them, so that nothing is offered that someone else has taken.

use std::collections::BTreeSet;
use std::ops::Bound;

use longshore_machine::Timestamp;
use longshore_replica::{Answer, Ask, Failure, Pressure};
use longshore_wire_ecs::Str;

use crate::launch;
use crate::limits;
use crate::machine::{Asked, Output};
use crate::state::{Bridge, Purpose};
use crate::{definition, feed, observe, recover, seen, stop, stray, sweep};

/// Tasks that one reading asks about at most: what one describe call takes.
const TASKS_MAX: usize = 100;
/// Launches among which a reading looks for tasks at most.
const HOT_LOOKED_AT_MAX: usize = 10_000;

fn instance_pressure(bridge: &Bridge) -> Pressure {
    if bridge.needs_reading {
        return Pressure::Hot;
    }
    if bridge.reading_failed && !bridge.streams.is_empty() {
        // What called for it waits still; one that fails again and again is no flood.
        return Pressure::Watchful;
    }
    if bridge.feed.is_live() {
        return Pressure::Idle;
    }
    if !bridge.live.is_empty() {
        return Pressure::Busy;
    }
    let others =
        bridge.replica.instances().values().any(|one| one.running_tasks + one.pending_tasks > 0);
    match bridge.streams.is_empty() {
        true => Pressure::Idle,
        false if others => Pressure::Watchful,
        false => Pressure::Quiet,
    }
}

/// How much tasks have to be read; `None` when none has to be.
fn task_pressure(bridge: &Bridge) -> Option<Pressure> {
    if !bridge.stale_tasks.is_empty() {
        return Some(Pressure::Hot);
    }
    // What is about to change is told by an event; reading is for those that were lost.
    let pressure = if bridge.feed.is_live() { Pressure::Watchful } else { Pressure::Hot };
    (!bridge.hot.is_empty()).then_some(pressure)
}

/// When the next reading is due.
pub(crate) fn next_at(bridge: &Bridge) -> Option<Timestamp> {
    if !bridge.is_recovered() {
        return None;
    }
    let instances = bridge.instance_pace.next_at(instance_pressure(bridge));
    let tasks = task_pressure(bridge).and_then(|pressure| bridge.task_pace.next_at(pressure));
    let sweep = sweep::next_at(bridge);
    let unseen = unseen_at(bridge);
    [instances, tasks, sweep, unseen].into_iter().flatten().min()
}

/// Sends the readings that are due.
pub(crate) fn read_if_due(bridge: &mut Bridge, now: Timestamp, out: &mut Vec<Output>) {
    if !bridge.is_recovered() {
        return;
    }
    let pressure = instance_pressure(bridge);
    if bridge.instance_pace.next_at(pressure).is_some_and(|at| at <= now) {
        read_instances(bridge, now, pressure, out);
    }
    if unseen_at(bridge).is_some_and(|at| at <= now) {
        read_unseen(bridge, now, out);
    }
    let tasks = task_pressure(bridge).and_then(|pressure| bridge.task_pace.next_at(pressure));
    if tasks.is_some_and(|at| at <= now) {
        read_tasks(bridge, now, out);
    }
    if sweep::next_at(bridge).is_some_and(|at| at <= now) {
        sweep::read(bridge, now, out);
    }
}

fn read_instances(bridge: &mut Bridge, now: Timestamp, pressure: Pressure, out: &mut Vec<Output>) {
    let known: Vec<Str> = bridge.replica.instances().keys().cloned().collect();
    let pages = known.len().div_ceil(100).max(1) as u64;
    bridge.readings += 1;
    let (sequence, asked_at) = (bridge.readings, now);
    bridge.needs_reading = false;
    let complete = is_listing_due(bridge, now, pressure) || known.is_empty();
    let purpose = Purpose::Instances { complete, sequence, asked_at };
    if complete {
        bridge.listed_at = now;
        bridge.needs_listing = false;
        bridge.instance_pace.sent(now, pages * 2);
        bridge.ask(purpose, Ask::ListInstances, out);
    } else {
        bridge.instance_pace.sent(now, pages);
        bridge.ask(purpose, Ask::DescribeInstances(known), out);
    }
}

/// When instances are read for launches that should show in their figures, and that no event has shown.
fn unseen_at(bridge: &Bridge) -> Option<Timestamp> {
    if bridge.unseen.is_empty() || !bridge.feed.is_live() {
        return None;
    }
    bridge.unseen_pace.next_at(Pressure::Watchful)
}

fn read_unseen(bridge: &mut Bridge, now: Timestamp, out: &mut Vec<Output>) {
    let arns = seen::to_read(bridge, now);
    bridge.unseen_pace.sent(now, arns.len().div_ceil(100) as u64);
    if arns.is_empty() {
        return bridge.unseen_pace.returned();
    }
    bridge.readings += 1;
    let purpose = Purpose::Unseen { sequence: bridge.readings };
    bridge.ask(purpose, Ask::DescribeInstances(arns), out);
}

/// Instances come and go seldom: they are found anew now and then, and described in between.
fn is_listing_due(bridge: &Bridge, now: Timestamp, pressure: Pressure) -> bool {
    let quiet = matches!(pressure, Pressure::Quiet | Pressure::Idle);
    quiet || bridge.needs_listing || now.since(bridge.listed_at) >= LIST_MS
}

/// Between complete readings while something is going on, in ms.
const LIST_MS: u64 = 2_000;

fn read_tasks(bridge: &mut Bridge, now: Timestamp, out: &mut Vec<Output>) {
    let mut arns = hot_tasks(bridge, now);
    // Where there are too many of both, both get half.
    arns.truncate(TASKS_MAX.saturating_sub(bridge.stale_tasks.len()).max(TASKS_MAX / 2));
    let stale = in_turn(&bridge.stale_tasks, bridge.read_to.stale.as_ref());
    let stale: Vec<Str> = stale.take(TASKS_MAX - arns.len()).cloned().collect();
    bridge.read_to.stale = stale.last().cloned();
    for arn in &stale {
        bridge.stale_tasks.remove(arn);
    }
    arns.extend(stale);
    arns.sort_unstable();
    arns.dedup();
    if arns.is_empty() {
        // Events have time to tell of them.
        bridge.task_pace.sent(now, 0);
        bridge.task_pace.returned();
        return;
    }
    bridge.readings += 1;
    bridge.task_pace.sent(now, 1);
    bridge.ask(Purpose::Tasks, Ask::DescribeTasks(arns), out);
}

/// Tasks of launches that are about to change: as many as one reading takes, behind those that the last one took.
fn hot_tasks(bridge: &mut Bridge, now: Timestamp) -> Vec<Str> {
    let trusted_ms = if bridge.feed.is_live() { limits::TRUST_MS } else { 0 };
    let mut arns = Vec::new();
    let mut last = None;
    for id in in_turn(&bridge.hot, bridge.read_to.hot.as_ref()).take(HOT_LOOKED_AT_MAX) {
        last = Some(id.clone());
        let launch = bridge.launches.get(id);
        let launch = launch.filter(|launch| now.since(launch.began_at) >= trusted_ms);
        arns.extend(launch.and_then(|launch| launch.arn.clone()));
        if arns.len() == TASKS_MAX {
            break;
        }
    }
    bridge.read_to.hot = last;
    arns
}

/// A set from behind `last` on, and then from its beginning: everyone gets a turn.
fn in_turn<'a>(set: &'a BTreeSet<Str>, last: Option<&'a Str>) -> impl Iterator<Item = &'a Str> {
    let after = last.map_or(Bound::Unbounded, Bound::Excluded);
    let before = last.map(|last| set.range::<Str, _>((Bound::Unbounded, Bound::Included(last))));
    set.range::<Str, _>((after, Bound::Unbounded)).chain(before.into_iter().flatten())
}

/// Where the last reading of tasks ended, so that the next begins behind it.
#[derive(Debug, Default)]
pub(crate) struct ReadTo {
    /// A launch.
    hot: Option<Str>,
    /// ARN of a task.
    stale: Option<Str>,
}

/// Gives what came of a question to the one who asked.
pub(crate) fn answered(
    bridge: &mut Bridge,
    now: Timestamp,
    asked: Asked,
    result: Result<Answer, Failure>,
    out: &mut Vec<Output>,
) {
    let Some(purpose) = bridge.asked.remove(&asked) else { return };
    match purpose {
        Purpose::Recover => recover::answered(bridge, now, result, out),
        Purpose::Strays => stray::found(bridge, now, result, out),
        Purpose::Instances { complete, sequence, asked_at } => {
            bridge.instance_pace.returned();
            if result.is_ok() {
                bridge.fresh_at = asked_at;
                if std::mem::take(&mut bridge.waits_for_reading) {
                    bridge.allocates_soon(now);
                }
            }
            instances_read(bridge, now, result, complete, sequence, out);
        }
        Purpose::Unseen { sequence } => {
            bridge.unseen_pace.returned();
            instances_read(bridge, now, result, false, sequence, out);
        }
        Purpose::Tasks => {
            bridge.task_pace.returned();
            tasks_read(bridge, now, result, out);
        }
        Purpose::Sweep => {
            let is_read = result.is_ok();
            tasks_read(bridge, now, result, out);
            sweep::returned(bridge, now, is_read);
        }
        Purpose::Definition(key) => definition::answered(bridge, now, &key, result, out),
        Purpose::Start(id) => launch::started(bridge, now, &id, result, out),
        Purpose::Find(id) => launch::looked_for(bridge, now, &id, result, out),
        Purpose::Stop(id) => stop::answered(bridge, now, &id, result, out),
    }
}

fn instances_read(
    bridge: &mut Bridge,
    now: Timestamp,
    result: Result<Answer, Failure>,
    complete: bool,
    sequence: u64,
    out: &mut Vec<Output>,
) {
    match result {
        Ok(Answer::Instances(read)) => {
            bridge.reading_failed = false;
            let news = bridge.replica.merge_instances(read, complete);
            seen::read(bridge, now, sequence, out);
            observe::instances(bridge, now, news, out);
        }
        Ok(_) => {}
        Err(failure) => {
            bridge.reading_failed = true;
            out.push(Output::Note(format!("cannot read instances: {failure}")));
        }
    }
}

fn tasks_read(
    bridge: &mut Bridge,
    now: Timestamp,
    result: Result<Answer, Failure>,
    out: &mut Vec<Output>,
) {
    match result {
        Ok(Answer::Tasks { found, missing }) => {
            for task in found {
                feed::was_read(bridge, now, &task);
                observe::task(bridge, now, task, out);
            }
            for arn in missing {
                observe::vanished(bridge, now, &arn, out);
            }
        }
        Ok(_) => {}
        Err(failure) => out.push(Output::Note(format!("cannot read tasks: {failure}"))),
    }
}
