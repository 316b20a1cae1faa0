//! Work that is too much for one step: it goes on, a slice a tick, while others are served in between.
//!
//! A slice costs so many *units*, each about a microsecond. Work whose answers are not read waits until they are.
//!
//! Invariant: what a call leads to is the same in one slice as in many: whatever it needs it holds, and what others may take
//! meanwhile it looks at again.

use std::collections::{BTreeMap, VecDeque};

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;

use crate::accept::Acceptance;
use crate::endpoint::Rendering;
use crate::limits;
use crate::machine::{Output, StreamKey};
use crate::offer::Declining;
use crate::outbox::Outbox;
use crate::recover::Adoption;
use crate::state::Bridge;
use crate::subscribe::Removal;
use crate::{definition, launch, offer, seen, status};

/// Something that goes on.
#[derive(Debug)]
pub(crate) enum Job {
    /// An ACCEPT.
    Accept(Box<Acceptance>),
    /// A DECLINE.
    Decline(Box<Declining>),
    /// The end of a framework.
    Remove(Box<Removal>),
    /// Launches that can go on.
    Prepare(std::vec::IntoIter<Str>),
    /// Launches that cannot, and why.
    Refuse(std::vec::IntoIter<Str>, Str),
    /// Launches that named a definition which is not there.
    Unname(std::vec::IntoIter<Str>),
    /// Offers to take back with a word.
    Rescind(std::vec::IntoIter<Str>),
    /// Offers that were withdrawn without one.
    Free(std::collections::btree_set::IntoIter<Str>),
    /// Launches that may show in the figures of their instances; up to this one.
    Seen(Option<Str>),
    /// The tasks that recovery found.
    Adopt(Box<Adoption>),
    /// A page.
    Page(Box<Rendering>),
    /// A framework came back: its updates are sent again. The last task that was looked at.
    Resend(Str, Option<String>),
}

/// How a slice of a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slice {
    /// It is done.
    Done,
    /// It goes on.
    Open,
    /// It goes on when the reader of a stream has read more.
    Stalled(StreamKey),
}

/// What is left to do of a slice.
#[derive(Debug)]
pub(crate) struct Units(usize);

impl Units {
    pub(crate) fn of_a_slice() -> Self {
        Self(limits::UNITS_PER_SLICE)
    }

    /// Takes units for one more piece of work; false if this slice is to have no more. A slice has one piece at least.
    pub(crate) fn take(&mut self, units: usize) -> bool {
        let goes_on = self.0 > 0;
        self.0 = self.0.saturating_sub(units);
        goes_on
    }
}

/// All that goes on.
#[derive(Debug, Default)]
pub(crate) struct Work {
    ready: VecDeque<Job>,
    stalled: BTreeMap<StreamKey, Vec<Job>>,
}

impl Work {
    /// Whether a tick would do something.
    pub(crate) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.stalled.is_empty()
    }
}

/// Does the first slice of a job at once.
pub(crate) fn begin(bridge: &mut Bridge, now: Timestamp, job: Job, out: &mut Vec<Output>) {
    slice(bridge, now, job, out);
}

/// Does the next slice of the job whose turn it is.
pub(crate) fn go_on(bridge: &mut Bridge, now: Timestamp, out: &mut Vec<Output>) {
    if let Some(job) = bridge.work.ready.pop_front() {
        slice(bridge, now, job, out);
    }
}

/// What waited for the reader of a stream may go on; also when the stream is gone.
pub(crate) fn resume(bridge: &mut Bridge, stream: StreamKey) {
    bridge.work.ready.extend(bridge.work.stalled.remove(&stream).into_iter().flatten());
}

fn slice(bridge: &mut Bridge, now: Timestamp, mut job: Job, out: &mut Vec<Output>) {
    let mut units = Units::of_a_slice();
    let ended = match &mut job {
        Job::Accept(acceptance) => acceptance.go_on(bridge, now, &mut units, out),
        Job::Decline(declining) => declining.go_on(bridge, now, &mut units, out),
        Job::Remove(removal) => removal.go_on(bridge, now, &mut units, out),
        Job::Seen(after) => seen::look(bridge, now, after, &mut units),
        Job::Adopt(adoption) => adoption.go_on(bridge, now, &mut units, out),
        Job::Page(rendering) => rendering.go_on(bridge, now, &mut units, out),
        Job::Prepare(launches) => each(launches, 10, &mut units, |id| {
            launch::prepare(bridge, now, &id, out);
        }),
        Job::Refuse(launches, why) => each(launches, 10, &mut units, |id| {
            if !waits(bridge, &id, |one| Job::Refuse(one, why.clone())) {
                launch::refuse(bridge, now, &id, why, out);
            }
        }),
        Job::Unname(launches) => each(launches, 10, &mut units, |id| {
            if !waits(bridge, &id, Job::Unname) {
                definition::unname(bridge, now, &id, out);
            }
        }),
        Job::Rescind(offers) => each(offers, 4, &mut units, |id| {
            offer::rescind(bridge, now, &id, out);
        }),
        Job::Free(offers) => each(offers, 2, &mut units, |id| {
            bridge.take_offer(&id);
            bridge.wants_allocation(now);
        }),
        Job::Resend(framework, after) => {
            status::resend(bridge, now, framework, after, &mut units, out)
        }
    };
    match ended {
        Slice::Done => {}
        Slice::Open => bridge.work.ready.push_back(job),
        Slice::Stalled(stream) => bridge.work.stalled.entry(stream).or_default().push(job),
    }
}

/// Puts a launch aside whose framework does not read what it is told.
fn waits(bridge: &mut Bridge, id: &Str, job: impl FnOnce(std::vec::IntoIter<Str>) -> Job) -> bool {
    let framework = bridge.launches.get(id).and_then(|one| bridge.frameworks.get(&one.framework));
    let Some(stream) = framework.and_then(|framework| framework.stream) else { return false };
    let is_full = bridge.outboxes.get(&stream).is_some_and(Outbox::is_full);
    if is_full {
        let one = vec![id.clone()].into_iter();
        bridge.work.stalled.entry(stream).or_default().push(job(one));
    }
    is_full
}

/// Does the same with each, as long as there are units.
fn each<T>(
    all: &mut impl ExactSizeIterator<Item = T>,
    cost: usize,
    units: &mut Units,
    mut act: impl FnMut(T),
) -> Slice {
    while all.len() > 0 && units.take(cost) {
        all.next().map(&mut act);
    }
    if all.len() > 0 { Slice::Open } else { Slice::Done }
}
