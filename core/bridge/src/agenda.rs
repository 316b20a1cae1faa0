//! What is due at a time.

use std::collections::BTreeSet;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;

use crate::ids::{AgentId, FrameworkId, LaunchId, OfferId};
use crate::machine::StreamKey;
use crate::watches::Which;

/// Something that is due at a time. Whoever it is about looks whether it still has to be done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The next heartbeat of a stream.
    Heartbeat(StreamKey),
    /// The end of a framework that stayed away.
    Failover(FrameworkId),
    /// The next repeat of an update that is not acknowledged.
    Repeat(LaunchId),
    /// The next look for a launch whose reply was lost, or the next attempt to start it.
    Settle(LaunchId),
    /// `TASK_STARTING`, if the task still is on its way.
    Starting(LaunchId),
    /// The next attempt to stop a task.
    Stop(LaunchId),
    /// The next probe of a task.
    Probe(LaunchId, Which),
    /// The end of a task that takes longer than it may.
    Late(LaunchId),
    /// The next attempt to read the whole cluster.
    Recover,
    /// The next look for tasks of the last master.
    Strays,
    /// The end of those looks.
    StraysOver,
    /// The next look for task definitions that the cluster said nothing about.
    Definitions,
    /// The end of listening, if nobody came back.
    Unlisten,
    /// The next attempt to tell ECS what was decided about an agent.
    Decide(AgentId),
    /// The next look at what ECS shows of a decision about an agent.
    Doubt(AgentId),
    /// The time by which an agent that went away should be back.
    Away(AgentId),
    /// The time from which a framework may be asked again to leave an agent.
    Ask(AgentId, FrameworkId),
    /// The time by which a framework should have answered an inverse offer.
    AskedLong(OfferId),
    /// The time by which an event about a task or an instance should have arrived, by ARN.
    EventDue(Str),
}

/// All that is due.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    timers: BTreeSet<(Timestamp, Timer)>,
}

impl Agenda {
    /// Plans something.
    pub(crate) fn at(&mut self, at: Timestamp, timer: Timer) {
        self.timers.insert((at, timer));
    }

    /// Takes back what was planned.
    pub(crate) fn cancel(&mut self, at: Timestamp, timer: Timer) {
        self.timers.remove(&(at, timer));
    }

    /// Takes what is due, the earliest first.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<Timer> {
        self.timers.first().filter(|(at, _)| *at <= now)?;
        self.timers.pop_first().map(|(_, timer)| timer)
    }

    /// When something is due next.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// How much is planned.
    pub(crate) fn len(&self) -> usize {
        self.timers.len()
    }
}
