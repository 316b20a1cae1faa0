//! Launches that the last master sent just before it ended, and that ECS shows only after recovery read the cluster.
//!
//! For a minute after recovery the tasks are listed again, if there is a sign of a last master: a task of a framework, or a
//! framework that comes back. One of ours that is new is taken over as recovery would have
//! done, unless it would be a second one: its framework launched the same id again meanwhile, or is gone. That one is stopped.
//!
//! Invariant: a launch that this master made is never taken for a stray, however short its life.

use std::collections::BTreeSet;

use longshore_machine::Timestamp;
use longshore_replica::{Answer, Ask, Failure, LastStatus, Task};
use longshore_wire_ecs::Str;

use crate::launch::Phase;
use crate::machine::Output;
use crate::state::{Bridge, Purpose, Timer};
use crate::{limits, observe, recover};

/// What is needed to know a stray; empty once the looks are over.
#[derive(Debug, Default)]
pub(crate) struct Strays {
    /// ARNs of tasks that were read before.
    seen: BTreeSet<Str>,
    /// Launches of this master.
    own: BTreeSet<Str>,
    /// Whether there was a last master, as far as can be told.
    expected: bool,
    /// Listings of the look that is under way.
    out: usize,
    /// Whether a look was due while one was under way: it follows that one.
    again: bool,
    over: bool,
}

impl Strays {
    /// A launch of this master.
    pub(crate) fn launches(&mut self, id: &Str) {
        if !self.over {
            self.own.insert(id.clone());
        }
    }
}

/// There was a last master: a framework came back from it.
pub(crate) fn expect(bridge: &mut Bridge) {
    bridge.strays.expected = true;
}

/// Recovery has read this task.
pub(crate) fn saw(bridge: &mut Bridge, task: &Task) {
    bridge.strays.seen.insert(task.arn.clone());
    bridge.strays.expected |= recover::identity(task).is_some();
}

/// Recovery has read all tasks.
pub(crate) fn watch(bridge: &mut Bridge, now: Timestamp) {
    for after in limits::STRAY_LOOKS_MS {
        bridge.at(now + after, Timer::Strays);
    }
    bridge.at(now + limits::STRAY_LOOKS_END_MS, Timer::StraysOver);
}

/// Looks again. Reading all tasks of others in search of what cannot be there would cost whoever has many of them.
pub(crate) fn look(bridge: &mut Bridge, out: &mut Vec<Output>) {
    if !bridge.strays.expected {
        return;
    }
    if bridge.strays.out > 0 {
        bridge.strays.again = true;
        return;
    }
    for desired_running in [true, false] {
        let except = bridge.strays.seen.clone();
        bridge.ask(Purpose::Strays, Ask::ListTasks { desired_running, except }, out);
        bridge.strays.out += 1;
    }
}

/// The looks are over.
pub(crate) fn end(bridge: &mut Bridge) {
    bridge.strays = Strays { over: true, ..Strays::default() };
}

/// What a look found.
pub(crate) fn found(
    bridge: &mut Bridge,
    now: Timestamp,
    result: Result<Answer, Failure>,
    out: &mut Vec<Output>,
) {
    if bridge.strays.over {
        return;
    }
    bridge.strays.out -= 1;
    if bridge.strays.out == 0 && std::mem::take(&mut bridge.strays.again) {
        look(bridge, out);
    }
    // A look that failed is made up for by the next one; the last comes after any outage that a request outlives.
    let Ok(Answer::Tasks { found, .. }) = result else { return };
    for task in found {
        let is_new = bridge.strays.seen.insert(task.arn.clone());
        let own = task.started_by.as_ref().is_some_and(|id| bridge.strays.own.contains(id));
        if is_new && !own {
            take(bridge, now, task, out);
        }
    }
}

fn take(bridge: &mut Bridge, now: Timestamp, task: Task, out: &mut Vec<Output>) {
    let Some((framework, id)) = recover::identity(&task) else { return };
    let second = bridge.launch_of(&framework, &id).is_some_and(|one| one.phase != Phase::Over);
    let gone = bridge.completed.iter().any(|one| one.id == framework);
    if !second && !gone {
        bridge.wants_allocation(now);
        return recover::adopt(bridge, now, &framework, &id, task, out);
    }
    if task.last_status != LastStatus::Stopped {
        stop(bridge, now, task, out);
    }
}

/// Sees to it that a task ends which nobody may take for his.
pub(crate) fn stop(bridge: &mut Bridge, now: Timestamp, task: Task, out: &mut Vec<Output>) {
    let Some(launch) = task.started_by.clone() else { return };
    bridge.given_up.insert(launch.clone(), now);
    bridge.at(now + limits::GIVEN_UP_LOOK_MS, Timer::Settle(launch));
    observe::task(bridge, now, task, out);
}
