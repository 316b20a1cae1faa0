//! What an instance remembers about its processes, and how they are ended.

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
    /// Watchers, probes and the sweeper. They end with their process, or when this is dropped.
    pub(super) work: JoinSet<()>,
}

impl Table {
    /// Records what was started; if it is no longer wanted, stops it and returns false.
    pub(super) fn take_in(&mut self, place: &Place, running: Running) -> bool {
        let entry = self.running.get_mut(place);
        if entry.is_none() {
            running.end();
        }
        entry.map(|entry| *entry = running).is_some()
    }
}

/// A container from when it is requested until its end is reported.
#[derive(Debug, Default)]
pub(super) struct Running {
    /// Set once it exists.
    pub(super) supervisor: Option<Pid>,
    pub(super) ran: Option<Ran>,
    pub(super) killed: bool,
    /// Resource usage when last queried.
    pub(super) sample: Option<Sample>,
    /// Keeps the supervisor running while held.
    #[expect(dead_code, reason = "held, not used")]
    pub(super) lifeline: Option<ChildStdin>,
}

impl Running {
    /// Kills all of it.
    pub(super) fn end(&self) {
        if let Some(ran) = &self.ran {
            end(ran);
        }
        if let Some(supervisor) = self.supervisor {
            // Resumes a suspended supervisor, which does the rest.
            let _ = kill_process(supervisor, Signal::CONT);
        }
    }
}

/// Kills a command, its process group, and its control group.
pub(super) fn end(ran: &Ran) {
    signal_group(ran, Signal::KILL);
    if let Some(path) = &ran.cgroup {
        Cgroup::at(path).kill();
    }
}

/// Signals the process group of a command, unless its id belongs to another process by now.
pub(super) fn signal_group(ran: &Ran, signal: Signal) {
    if ran.process.is_there() {
        // If the group is gone already, its watcher will notice.
        let _ = kill_process_group(ran.process.pid, signal);
    }
}
