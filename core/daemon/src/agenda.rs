//! What is due when.

use std::collections::BTreeSet;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;

/// Something that is due at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// To read which clusters there are.
    Clusters,
    /// To read a cluster, by its ARN.
    Read(Str),
    /// To read the tasks of a cluster that are about to change.
    Hot(Str),
    /// To look for tasks of a deployment whose starts were not answered.
    Settle(Str),
    /// To look at a slot again: the environment's name, the instance's ARN.
    Slot(Str, Str),
    /// To tell a task to stop once more: the environment, the instance, the task.
    Stop(Str, Str, Str),
    /// To forget a task that has stopped.
    Forget(Str),
    /// To write down that no start of a deployment is under way.
    Close(Str),
}

/// All that is due.
#[derive(Debug, Default)]
pub(crate) struct Agenda(BTreeSet<(Timestamp, Timer)>);

impl Agenda {
    pub(crate) fn at(&mut self, at: Timestamp, timer: Timer) {
        self.0.insert((at, timer));
    }

    /// What is due first, if it is due.
    pub(crate) fn due(&mut self, now: Timestamp) -> Option<Timer> {
        let (at, _) = self.0.first()?;
        if *at > now {
            return None;
        }
        self.0.pop_first().map(|(_, timer)| timer)
    }

    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.0.first().map(|(at, _)| *at)
    }
}
