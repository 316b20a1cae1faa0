//! The sweep: all tasks that live are read now and then, in case that news was missed.
//!
//! It goes through them batch by batch, at the pace that the request budget allows. The next batch is asked for when the
//! last one came back, and the next sweep begins some time after the last one ended: however many tasks there are, one batch
//! is out.

use std::ops::Bound;

use longshore_machine::Timestamp;
use longshore_replica::{Ask, Pace, Pressure};
use longshore_wire_ecs::Str;

use crate::limits;
use crate::machine::Output;
use crate::state::{Bridge, Purpose};

/// How far the sweep has come.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    pace: Pace,
    /// When the next batch or the next sweep may begin.
    due_at: Timestamp,
    /// Where the batch begins that is out, or is asked for next: behind this launch. `None` while no sweep is under way.
    from: Option<Bound<Str>>,
    /// The last launch of the batch that is out.
    to: Option<Str>,
    /// Whether another sweep is to follow at once: what this one has read by now may be too old.
    again: bool,
}

/// All tasks are to be read from now on, whatever was read before.
pub(crate) fn at_once(bridge: &mut Bridge) {
    bridge.sweep.again = bridge.sweep.from.is_some();
    bridge.sweep.due_at = Timestamp::default();
}

/// All tasks have been read just now.
pub(crate) fn was_done(bridge: &mut Bridge, now: Timestamp) {
    bridge.sweep.due_at = now + limits::SWEEP_MS;
}

/// When the next batch is due.
pub(crate) fn next_at(bridge: &Bridge) -> Option<Timestamp> {
    if bridge.live.is_empty() {
        return None;
    }
    bridge.sweep.pace.next_at(Pressure::Hot).map(|at| at.max(bridge.sweep.due_at))
}

/// Asks for the next batch.
pub(crate) fn read(bridge: &mut Bridge, now: Timestamp, out: &mut Vec<Output>) {
    let from = bridge.sweep.from.get_or_insert(Bound::Unbounded).clone();
    let batch = bridge.live.range::<Str, _>((from, Bound::Unbounded)).take(limits::SWEEP_TASKS_MAX);
    let batch: Vec<&Str> = batch.collect();
    let Some(to) = batch.last().map(|id| (*id).clone()) else { return end(bridge, now) };
    let tasks = batch.into_iter().filter_map(|id| bridge.launches.get(id)?.arn.clone());
    let tasks: Vec<Str> = tasks.collect();
    bridge.sweep.to = Some(to);
    bridge.sweep.pace.sent(now, tasks.len().div_ceil(100) as u64);
    bridge.ask(Purpose::Sweep, Ask::DescribeTasks(tasks), out);
}

/// A batch came back. One that failed is asked for again.
pub(crate) fn returned(bridge: &mut Bridge, now: Timestamp, is_read: bool) {
    bridge.sweep.pace.returned();
    let Some(to) = bridge.sweep.to.take() else { return };
    if !is_read {
        bridge.sweep.due_at = now + limits::READ_RETRY_MS;
        return;
    }
    let from = Bound::Excluded(to);
    if bridge.live.range::<Str, _>((from.clone(), Bound::Unbounded)).next().is_none() {
        end(bridge, now);
    } else {
        bridge.sweep.from = Some(from);
    }
}

fn end(bridge: &mut Bridge, now: Timestamp) {
    let again = std::mem::take(&mut bridge.sweep.again);
    bridge.sweep.from = None;
    bridge.sweep.due_at = if again { now } else { now + limits::SWEEP_MS };
}
