//! Which launches show in the figures of their instances. What a launch reserves is subtracted from offers until it does.

use std::collections::BTreeSet;
use std::ops::Bound;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;

use super::Cluster;
use crate::ids::LaunchId;
use crate::launches::{Launch, Launches};
use crate::limits;
use crate::work::{Slice, Units};

/// What readings have told.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The latest reading of instances that came back.
    sequence: u64,
    /// Whether launches are being looked at.
    looks: bool,
    /// Whether a reading came back meanwhile, so that they are looked at once more.
    again: bool,
    /// The launch up to which instances were last asked about.
    asked_to: Option<LaunchId>,
}

/// A look at the launches that do not show yet: behind this one.
#[derive(Debug, Default)]
pub(crate) struct Look(Option<LaunchId>);

impl Cluster {
    /// A reading of instances came back: what ECS accepted before it was asked for shows in it. A look to begin, unless one
    /// is under way.
    pub(super) fn has_read(&mut self, sequence: u64) -> Option<Look> {
        self.seen.sequence = self.seen.sequence.max(sequence);
        if self.seen.looks {
            self.seen.again = true;
            return None;
        }
        self.seen.looks = true;
        Some(Look::default())
    }

    /// Goes on with a look; the launches that turned out to show.
    pub(crate) fn look(
        &mut self,
        now: Timestamp,
        launches: &Launches,
        look: &mut Look,
        units: &mut Units,
    ) -> (Slice, Vec<LaunchId>) {
        let mut shown = Vec::new();
        loop {
            let from = look.0.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
            let next = launches.unseen().range::<LaunchId, _>((from, Bound::Unbounded)).next();
            let Some(id) = next else {
                look.0 = None;
                self.seen.looks = std::mem::take(&mut self.seen.again);
                let slice = if self.seen.looks { Slice::Open } else { Slice::Done };
                return (slice, shown);
            };
            if !units.take(1) {
                return (Slice::Open, shown);
            }
            if launches.get(id).is_some_and(|launch| self.shows(now, launch)) {
                shown.push(id.clone());
            }
            look.0 = Some(id.clone());
        }
    }

    fn shows(&self, now: Timestamp, launch: &Launch) -> bool {
        let version = self.replica.instances().get(launch.instance()).map_or(0, |one| one.version);
        let shows = version > launch.version_before() && self.seen.sequence >= launch.seen_after();
        shows || now.since(launch.began_at()) > limits::UNSEEN_MS_MAX
    }

    /// Instances of launches that wait to show in their figures, by ARN; events have had time to tell of those. Where there
    /// are many, each gets its turn.
    pub(super) fn unseen_to_read(&mut self, now: Timestamp, launches: &Launches) -> Vec<Str> {
        let from = self.seen.asked_to.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let some = launches.unseen().range::<LaunchId, _>((from, Bound::Unbounded));
        let some: Vec<&LaunchId> = some.take(limits::UNSEEN_ASKED_MAX).collect();
        let is_cut = some.len() == limits::UNSEEN_ASKED_MAX;
        let last = some.last().filter(|_| is_cut).map(|id| (*id).clone());
        let waiting = some.into_iter().filter_map(|id| launches.get(id));
        let waiting = waiting.filter(|launch| now.since(launch.began_at()) >= limits::TRUST_MS);
        let on: BTreeSet<Str> = waiting.map(|launch| launch.instance().clone()).collect();
        self.seen.asked_to = last;
        on.into_iter().collect()
    }
}
