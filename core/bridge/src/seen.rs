//! Which launches show in the figures of their instances. What a launch reserves is subtracted from offers until it does.

use std::collections::BTreeSet;
use std::ops::Bound;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;

use crate::launch::Launch;
use crate::limits;
use crate::machine::Output;
use crate::state::Bridge;
use crate::work::{self, Job, Slice, Units};

/// What readings have told.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The latest reading of instances that came back.
    sequence: u64,
    /// Whether launches are being looked at.
    looks: bool,
    /// Whether a reading came back meanwhile, so that they are looked at once more.
    again: bool,
    /// The launch up to which instances were last asked about.
    asked_to: Option<Str>,
}

/// A reading of instances came back: what ECS accepted before it was asked for shows in it.
pub(crate) fn read(bridge: &mut Bridge, now: Timestamp, sequence: u64, out: &mut Vec<Output>) {
    bridge.seen.sequence = bridge.seen.sequence.max(sequence);
    if bridge.seen.looks {
        bridge.seen.again = true;
    } else {
        bridge.seen.looks = true;
        work::begin(bridge, now, Job::Seen(None), out);
    }
}

/// Looks at launches that do not show yet, from behind this one on.
pub(crate) fn look(
    bridge: &mut Bridge,
    now: Timestamp,
    after: &mut Option<Str>,
    units: &mut Units,
) -> Slice {
    loop {
        let from = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let next = bridge.unseen.range::<Str, _>((from, Bound::Unbounded)).next().cloned();
        let Some(id) = next else {
            *after = None;
            bridge.seen.looks = std::mem::take(&mut bridge.seen.again);
            return if bridge.seen.looks { Slice::Open } else { Slice::Done };
        };
        if !units.take(1) {
            return Slice::Open;
        }
        if bridge.launches.get(&id).is_some_and(|launch| shows(bridge, now, launch)) {
            bridge.is_seen(now, &id);
        }
        *after = Some(id);
    }
}

fn shows(bridge: &Bridge, now: Timestamp, launch: &Launch) -> bool {
    let instance = bridge.replica.instances().get(&launch.instance);
    let version = instance.map_or(0, |instance| instance.version);
    let shows = version > launch.version_before && bridge.seen.sequence >= launch.seen_after;
    shows || now.since(launch.began_at) > limits::UNSEEN_MS_MAX
}

/// Instances of launches that wait to show in their figures, by ARN; events have had time to tell of those. Where there are many,
/// each gets its turn.
pub(crate) fn to_read(bridge: &mut Bridge, now: Timestamp) -> Vec<Str> {
    let from = bridge.seen.asked_to.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
    let some = bridge.unseen.range::<Str, _>((from, Bound::Unbounded));
    let some: Vec<&Str> = some.take(limits::UNSEEN_ASKED_MAX).collect();
    let is_cut = some.len() == limits::UNSEEN_ASKED_MAX;
    let last = some.last().filter(|_| is_cut).map(|id| (*id).clone());
    let launches = some.into_iter().filter_map(|id| bridge.launches.get(id));
    let launches = launches.filter(|launch| now.since(launch.began_at) >= limits::TRUST_MS);
    let on: BTreeSet<Str> = launches.map(|launch| launch.instance.clone()).collect();
    bridge.seen.asked_to = last;
    on.into_iter().collect()
}
