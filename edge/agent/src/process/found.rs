//! Finds what an earlier run left: supervisors that are still alive, and the results of others.

use std::path::Path;
use std::time::Duration;

use longshore_lifecycle::{Found, FoundState};
use rustix::process::{Pid, Signal, kill_process_group};

use super::directory::{self, Begun, Directory};
use super::proc::{self, Process};
use super::seal::Key;
use super::table::{Place, Running, end};
use super::{Processes, launch, watch};
use crate::busy::Busy;
use crate::files::Folder;
use crate::supervise::Cgroup;

/// How often output of ended tasks is swept. Chosen by us.
const SWEEP: Duration = Duration::from_mins(1);

/// Attempts and delay when waiting for an adopted supervisor to record its command. Chosen by us.
const NAMING: (u32, Duration) = (100, Duration::from_millis(20));

impl Processes {
    pub(crate) async fn inventory(&self) -> Vec<Found> {
        let found = self.aside(|this| {
            directory::sweep(&this.shared.root, this.shared.setup.sandbox_kept);
            let all = directory::all(&this.shared.root, &this.shared.setup.key);
            all.iter().filter_map(|directory| this.look_at(directory)).collect()
        });
        let found = found.await.unwrap_or_default();
        let (root, kept) = (self.shared.root.clone(), self.shared.setup.sandbox_kept);
        self.spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                let root = root.clone();
                // A failed sweep is retried next time.
                let _ = tokio::task::spawn_blocking(move || directory::sweep(&root, kept)).await;
            }
        });
        found
    }

    /// The state of a process started earlier. One that never started is kept from starting.
    fn look_at(&self, directory: &Directory) -> Option<Found> {
        let mut begun = directory.begun();
        if begun == Begun::NotYet {
            begun = if directory.fence() { Begun::Never } else { directory.begun() };
        }
        let state = match begun {
            Begun::Never => {
                directory::remove(&self.shared.root, directory);
                return None;
            }
            Begun::By(supervisor) if supervisor.is_running() => {
                self.adopt_supervisor(directory.clone(), supervisor);
                FoundState::Running
            }
            Begun::By(_) | Begun::Before => {
                end_rest(directory);
                FoundState::Exited(directory.exit_code())
            }
            Begun::NotYet | Begun::Unknown => {
                end_unknown(directory);
                FoundState::Exited(directory.exit_code())
            }
        };
        let bindings = match (begun, state) {
            (Begun::By(supervisor), FoundState::Running) => launch::bindings(supervisor.pid),
            _ => Vec::new(),
        };
        self.shared.setup.ports.found(&(directory.task, directory.container.clone()), &bindings);
        Some(Found {
            task: directory.task,
            container: directory.container.clone(),
            runtime_id: directory.runtime_id(),
            bindings,
            state,
        })
    }

    fn adopt_supervisor(&self, directory: Directory, supervisor: Process) {
        let place = (directory.task, directory.container.clone());
        let running = Running {
            supervisor: Some(supervisor.pid),
            ran: directory.command(),
            ..Running::default()
        };
        self.table().running.insert(place.clone(), running);
        let busy = Busy::new(&self.shared.busy);
        let this = self.clone();
        self.spawn(async move {
            this.name_command(&place, &directory).await;
            watch::until_gone(supervisor).await;
            let code = this.code(directory).await;
            let reason = if code == Some(0) { None } else { this.last_word(&place).await };
            this.ended(&place, code, reason);
            drop(busy);
        });
    }

    /// A supervisor that was just starting records its command a moment later.
    async fn name_command(&self, place: &Place, directory: &Directory) {
        let (times, pause) = NAMING;
        for _ in 0..times {
            let ran = directory.command();
            match self.table().running.get_mut(place) {
                Some(running) if running.ran.is_none() && ran.is_some() => running.ran = ran,
                Some(running) if running.ran.is_none() => {}
                _ => return,
            }
            tokio::time::sleep(pause).await;
        }
    }
}

/// Kills what is left of a container whose supervisor is gone.
pub(super) fn end_rest(directory: &Directory) {
    if let Some(ran) = directory.command() {
        end(&ran);
        if let Some(path) = &ran.cgroup {
            Cgroup::at(path).remove();
        }
    }
}

/// Kills what is left of a container whose supervisor is unknown. If the supervisor is still alive,
/// it does the rest.
fn end_unknown(directory: &Directory) {
    if let Some(pid) = directory.unsealed() {
        let (task, container) = (directory.task, &*directory.container);
        tracing::warn!(%task, container, "stopping its process, which was started by an older version");
        // It may be gone already.
        let _ = kill_process_group(pid, Signal::KILL);
    }
    // The record's command line is sealed, and therefore trusted; then the record is revoked.
    end_rest(directory);
    directory.disown();
}

/// Kills what is left below the directory of an instance that will not be opened again.
pub(crate) fn end_left_behind(root: &Folder, key: &Key) {
    directory::all(root, key).iter().for_each(end_unknown);
}

/// Whether a process has a path as an argument of its command line.
pub(super) fn names_path(pid: Pid, path: &Path) -> bool {
    let path = path.as_os_str().as_encoded_bytes();
    proc::file(pid, "cmdline").split(|byte| *byte == 0).any(|word| word == path)
}
