//! Kills what a command leaves behind, and detects its end.
//!
//! The supervisor is a subreaper: orphans become its children, whatever sessions and groups they
//! are in. So repeatedly killing everything below the supervisor until nothing is left ends
//! everything.

use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, getpid, kill_process, wait, waitid, waitpid,
};

use super::Cgroup;
use crate::process::proc;

/// How long the remaining processes may take to end. Chosen by us: only uninterruptible system
/// calls take longer than a moment.
const PATIENCE: Duration = Duration::from_secs(5);

/// Interval between checks for remaining processes.
const PAUSE: Duration = Duration::from_millis(1);

/// The exit code of the command once it has ended, as in a shell: 128 plus the signal number if
/// killed by a signal. The command remains a zombie, so its id is not reused.
pub(super) fn code(command: Pid) -> Option<u8> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let status = waitid(WaitId::Pid(command), options).ok()??;
    let signal = || status.terminating_signal().map(|signal| 128 + signal);
    let code = status.exit_status().or_else(signal)?;
    // Both are always below 256.
    u8::try_from(code).ok()
}

/// Reaps orphans that have ended.
pub(super) fn reap_orphans(command: Pid) {
    let own = getpid().as_raw_nonzero().get();
    for pid in proc::below(getpid()).into_iter().filter(|pid| *pid != command) {
        if proc::stat(pid).is_some_and(|stat| stat.is_over() && stat.parent == own) {
            // Fails harmlessly if it is not our child.
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
}

/// Kills everything below this process, and reaps the command if it has ended by itself.
///
/// A scan of `/proc` is not atomic: if a process ends during the scan, its children are missed, and
/// become ours before the next one. So only the kernel's answer that there are no children counts.
pub(super) fn end_all(ended: Option<Pid>, cgroup: Option<&Cgroup>) {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(cgroup) = cgroup {
            cgroup.kill();
        }
        let left: Vec<Pid> =
            proc::below(getpid()).into_iter().filter(|pid| Some(*pid) != ended).collect();
        if left.is_empty() {
            // Process ids are no longer needed.
            while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
            if matches!(wait(WaitOptions::NOHANG), Err(Errno::CHILD)) {
                return;
            }
        }
        for pid in left {
            // It may be gone already, or not be our child.
            let _ = kill_process(pid, Signal::KILL);
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
        if Instant::now() > until {
            return;
        }
        std::thread::sleep(PAUSE);
    }
}
