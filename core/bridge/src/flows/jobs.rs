//! Work that is too much for one step: it goes on, a slice a tick, while others are served in between.
//!
//! A slice costs so many *units*, each about a microsecond. Work whose answers are not read waits until they are.
//!
//! Invariant: what a call leads to is the same in one slice as in many: whatever it needs it holds, and what others may take
//! meanwhile it looks at again.

use std::collections::{BTreeMap, VecDeque};

use longshore_wire_ecs::Str;

use super::Parts;
use super::accepting::Acceptance;
use super::allocating::Declining;
use super::deferring::Asked;
use super::maintaining::Answering;
use super::recovering::Adoption;
use super::subscribing::Removal;
use super::telling::Resending;
use crate::allocator::Offered;
use crate::cluster::Look;
use crate::context::Context;
use crate::ids::{AgentId, FrameworkId, LaunchId, OfferId, Role};
use crate::machine::StreamKey;
use crate::work::{Slice, Units};

/// What happens to an agent, and with it to its launches.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    /// It is being drained.
    Drains,
    /// It is unreachable.
    Leaves,
    /// It is back.
    Returns,
    /// It is marked gone.
    IsGone,
    /// Its machine is down.
    IsDown,
}

/// Something that goes on.
#[derive(Debug)]
pub(super) enum Job {
    /// An ACCEPT.
    Accept(Box<Acceptance>),
    /// A DECLINE.
    Decline(Box<Declining>),
    /// An answer to inverse offers.
    Answer(Box<Answering>),
    /// The end of a framework.
    Remove(Box<Removal>),
    /// Launches that can go on.
    Prepare(std::vec::IntoIter<LaunchId>),
    /// Launches that cannot, and why.
    Refuse(std::vec::IntoIter<LaunchId>, Str),
    /// Launches that named a definition which is not there.
    Unname(std::vec::IntoIter<LaunchId>),
    /// Offers to take back with a word.
    Rescind(std::vec::IntoIter<OfferId>),
    /// Offers that are out no more, of which their frameworks are to hear.
    Withdraw(std::vec::IntoIter<(OfferId, Offered)>),
    /// Launches that may show in the figures of their instances.
    Look(Look),
    /// Agents of which something changed.
    Agents(std::vec::IntoIter<AgentId>),
    /// Roles that a framework has begun to have, or has no more, for operators to see.
    Roles(FrameworkId, std::vec::IntoIter<Role>),
    /// Launches on an agent to which something happens, and of which agent frameworks hear after it that it is lost. Source: Mesos,
    /// `Master::_markUnreachable`: tasks first.
    Befall(Fate, std::vec::IntoIter<LaunchId>, Option<AgentId>),
    /// Agents whose machines are away, and whether they were in use until then.
    Close(std::vec::IntoIter<(AgentId, bool)>),
    /// Agents whose machines are back.
    Open(std::vec::IntoIter<AgentId>),
    /// Agents that frameworks are to be asked to leave.
    Ask(std::vec::IntoIter<AgentId>),
    /// What frameworks asked too early.
    Deferred(std::vec::IntoIter<(FrameworkId, Asked)>),
    /// The tasks that recovery found.
    Adopt(Box<Adoption>),
    /// A framework came back: its updates are sent again.
    Resend(Box<Resending>),
}

/// All that goes on.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    ready: VecDeque<Job>,
    stalled: BTreeMap<StreamKey, Vec<Job>>,
}

impl Jobs {
    /// Whether a tick would do something.
    pub(super) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.ready.len() + self.stalled.values().map(Vec::len).sum::<usize>()
    }

    /// What waited for the reader of a stream may go on; also when the stream is gone.
    pub(super) fn resume(&mut self, stream: StreamKey) {
        self.ready.extend(self.stalled.remove(&stream).into_iter().flatten());
    }

    fn stall(&mut self, stream: StreamKey, job: Job) {
        self.stalled.entry(stream).or_default().push(job);
    }
}

impl Parts {
    /// Does the first slice of a job at once.
    pub(super) fn begin(&mut self, cx: &mut Context<'_>, job: Job) {
        self.slice(cx, job);
    }

    /// Does the next slice of the job whose turn it is.
    pub(super) fn next_job(&mut self, cx: &mut Context<'_>) {
        if let Some(job) = self.jobs.ready.pop_front() {
            self.slice(cx, job);
        }
    }

    fn slice(&mut self, cx: &mut Context<'_>, mut job: Job) {
        let mut units = Units::of_a_slice();
        let ended = match &mut job {
            Job::Accept(acceptance) => acceptance.go_on(self, cx, &mut units),
            Job::Decline(declining) => declining.go_on(self, cx, &mut units),
            Job::Answer(answering) => answering.go_on(self, cx, &mut units),
            Job::Remove(removal) => removal.go_on(self, cx, &mut units),
            Job::Adopt(adoption) => adoption.go_on(self, cx, &mut units),
            Job::Resend(resending) => resending.go_on(self, cx, &mut units),
            Job::Look(look) => {
                let (slice, shown) = self.cluster.look(cx.now, &self.launches, look, &mut units);
                self.are_seen(cx.now, &shown);
                slice
            }
            Job::Prepare(launches) => each(launches, 10, &mut units, |id| self.prepare(cx, &id)),
            Job::Refuse(launches, why) => each(launches, 10, &mut units, |id| {
                if !self.waits(&id, |one| Job::Refuse(one, why.clone())) {
                    self.refuse(cx, &id, why);
                }
            }),
            Job::Unname(launches) => each(launches, 10, &mut units, |id| {
                if !self.waits(&id, Job::Unname) {
                    self.unname(cx, &id);
                }
            }),
            Job::Befall(fate, launches, lost) => self.befall(cx, &mut units, *fate, launches, lost),
            Job::Close(agents) => each(agents, 100, &mut units, |(agent, was_there)| {
                self.machine_down(cx, &agent, was_there);
            }),
            Job::Open(agents) => each(agents, 100, &mut units, |agent| self.open(cx, &agent)),
            Job::Ask(agents) => each(agents, 50, &mut units, |agent| self.ask_to_leave(cx, &agent)),
            Job::Agents(agents) => {
                each(agents, 20, &mut units, |agent| self.agent_changed(cx, &agent))
            }
            Job::Roles(id, roles) => {
                each(roles, 4, &mut units, |role| self.operator.bring_up(id, &role))
            }
            Job::Withdraw(offers) => each(offers, 4, &mut units, |(id, offered)| {
                self.tell_rescinded(cx, &id, &offered);
            }),
            Job::Rescind(offers) => each(offers, 4, &mut units, |id| self.rescind(cx, &id)),
            Job::Deferred(asked) => each(asked, 1_000, &mut units, |(framework, asked)| {
                self.answer_deferred(cx, &framework, asked);
            }),
        };
        match ended {
            Slice::Done => {}
            Slice::Open => self.jobs.ready.push_back(job),
            Slice::Stalled(stream) => self.jobs.stall(stream, job),
        }
    }

    /// Something happens to launches, and once it has, frameworks hear of the agent that is lost with them.
    fn befall(
        &mut self,
        cx: &mut Context<'_>,
        units: &mut Units,
        fate: Fate,
        launches: &mut std::vec::IntoIter<LaunchId>,
        lost: &mut Option<AgentId>,
    ) -> Slice {
        let slice = each(launches, 20, units, |id| {
            if !self.waits(&id, |one| Job::Befall(fate, one, None)) {
                self.befalls(cx, fate, &id);
            }
        });
        if slice == Slice::Done {
            self.tell_gone(cx, lost.take().into_iter().collect());
        }
        slice
    }

    fn befalls(&mut self, cx: &mut Context<'_>, fate: Fate, id: &LaunchId) {
        match fate {
            Fate::Drains => self.drain_one(cx, id),
            Fate::Leaves => self.leave(cx, id),
            Fate::Returns => self.come_back(cx, id),
            Fate::IsGone => self.lose(cx, id),
            Fate::IsDown => self.evict(cx, id),
        }
    }

    /// Puts a launch aside whose framework does not read what it is told.
    fn waits(
        &mut self,
        id: &LaunchId,
        job: impl FnOnce(std::vec::IntoIter<LaunchId>) -> Job,
    ) -> bool {
        let launch = self.launches.get(id);
        let full = launch.and_then(|one| self.frameworks.full_stream_of(one.framework()));
        if let Some(stream) = full {
            self.jobs.stall(stream, job(vec![id.clone()].into_iter()));
        }
        full.is_some()
    }
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
