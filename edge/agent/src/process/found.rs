//! What is found of an earlier run: supervisors that still live, and what others have left.

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

/// How often output of tasks that are over is swept up. Chosen by us.
const SWEEP: Duration = Duration::from_mins(1);

/// How long an adopted supervisor is given to name its command, and how often it is asked. Chosen by us.
const NAMING: (u32, Duration) = (100, Duration::from_millis(20));

impl Processes {
    pub(crate) async fn inventory(&self) -> Vec<Found> {
        let found = self.aside(|this| {
            directory::sweep(&this.shared.root);
            let all = directory::all(&this.shared.root, &this.shared.setup.key);
            all.iter().filter_map(|directory| this.look_at(directory)).collect()
        });
        let found = found.await.unwrap_or_default();
        let root = self.shared.root.clone();
        self.spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                let root = root.clone();
                // One that broke off is tried again.
                let _ = tokio::task::spawn_blocking(move || directory::sweep(&root)).await;
            }
        });
        found
    }

    /// What became of a process that was started before. One that never began is made sure never to.
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
            this.ended(&place, code);
            drop(busy);
        });
    }

    /// A supervisor that was just beginning names its command a moment later.
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

/// Ends what is left of a container whose supervisor is gone.
pub(super) fn end_rest(directory: &Directory) {
    if let Some(ran) = directory.command() {
        end(&ran);
        if let Some(path) = &ran.cgroup {
            Cgroup::at(path).remove();
        }
    }
}

/// Ends what is left of a container whose supervisor is not known. If it lives all the same, it does the rest.
fn end_unknown(directory: &Directory) {
    if let Some(pid) = directory.unsealed() {
        let (task, container) = (directory.task, &*directory.container);
        tracing::warn!(%task, container, "stopping its process, which was started by an older version");
        // Gone already is as good.
        let _ = kill_process_group(pid, Signal::KILL);
    }
    // What the record says of the command is sealed, and believed all the same; then the record is nobody's.
    end_rest(directory);
    directory.disown();
}

/// Ends what is left below the directory of an instance that nobody will open again.
pub(crate) fn end_left_behind(root: &Folder, key: &Key) {
    directory::all(root, key).iter().for_each(end_unknown);
}

/// Whether a process names a path as a word of its command line.
pub(super) fn names_path(pid: Pid, path: &Path) -> bool {
    let path = path.as_os_str().as_encoded_bytes();
    proc::file(pid, "cmdline").split(|byte| *byte == 0).any(|word| word == path)
}
