//! What an instance remembers of its processes, and how they are ended.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::TaskSpec;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::process::ChildStdin;
use tokio::task::JoinSet;

use super::directory::Ran;
use super::sight::Sample;
use crate::supervise::Cgroup;

/// A container: its task, and its name in the definition.
pub(super) type Place = (ResourceId, Str);

/// What an instance remembers.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) running: BTreeMap<Place, Running>,
    pub(super) specs: BTreeMap<ResourceId, Arc<TaskSpec>>,
    /// Exit codes of found processes that ended before their task was named.
    pub(super) exits: BTreeMap<Place, Option<i32>>,
    /// Watchers, probes and the sweeper. They end with their process, or with this.
    pub(super) work: JoinSet<()>,
}

impl Table {
    /// Notes what was started; false if nobody wants it any more, and it is ended.
    pub(super) fn take_in(&mut self, place: &Place, running: Running) -> bool {
        let entry = self.running.get_mut(place);
        if entry.is_none() {
            running.end();
        }
        entry.map(|entry| *entry = running).is_some()
    }
}

/// A container from the moment that it is asked for until its end is told.
#[derive(Debug, Default)]
pub(super) struct Running {
    /// Once it is there.
    pub(super) supervisor: Option<Pid>,
    pub(super) ran: Option<Ran>,
    pub(super) killed: bool,
    /// What it had used when that was last asked for.
    pub(super) sample: Option<Sample>,
    /// Held so that the supervisor goes on.
    #[expect(dead_code, reason = "held, not used")]
    pub(super) lifeline: Option<ChildStdin>,
}

impl Running {
    /// Ends all of it.
    pub(super) fn end(&self) {
        if let Some(ran) = &self.ran {
            end(ran);
        }
        if let Some(supervisor) = self.supervisor {
            // One that was held up goes on, and does the rest.
            let _ = kill_process(supervisor, Signal::CONT);
        }
    }
}

/// Ends a command, its process group, and its control group.
pub(super) fn end(ran: &Ran) {
    signal_group(ran, Signal::KILL);
    if let Some(path) = &ran.cgroup {
        Cgroup::at(path).kill();
    }
}

/// Signals the process group of a command, unless its number is another's by now.
pub(super) fn signal_group(ran: &Ran, signal: Signal) {
    if ran.process.is_there() {
        // A group that is gone already is being noticed by its watcher.
        let _ = kill_process_group(ran.process.pid, signal);
    }
}
