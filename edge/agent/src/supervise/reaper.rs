//! Ending what a command leaves behind, and hearing of its end.
//!
//! The supervisor is a sub-reaper: whoever loses its parent becomes its child, whatever sessions and groups it has made for itself. So
//! ending what is below the supervisor, again and again until nobody is left, ends everything.

use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, getpid, kill_process, wait, waitid, waitpid,
};

use super::Cgroup;
use crate::process::proc;

/// How long the rest may take to end. Chosen by us: only what the kernel itself waits for takes longer than a moment.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long between two looks at what is left.
const PAUSE: Duration = Duration::from_millis(1);

/// The exit code of the command once it has ended, as a shell would tell it: 128 and the signal number when a signal ended it. The
/// command stays what it is, so that its number is not given to another.
pub(super) fn code(command: Pid) -> Option<u8> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let status = waitid(WaitId::Pid(command), options).ok()??;
    let signal = || status.terminating_signal().map(|signal| 128 + signal);
    let code = status.exit_status().or_else(signal)?;
    // Both are below 256 by their nature.
    u8::try_from(code).ok()
}

/// Lets go of orphans that have ended.
pub(super) fn reap_orphans(command: Pid) {
    let own = getpid().as_raw_nonzero().get();
    for pid in proc::below(getpid()).into_iter().filter(|pid| *pid != command) {
        if proc::stat(pid).is_some_and(|stat| stat.is_over() && stat.parent == own) {
            // Somebody else's is not ours to wait for.
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
}

/// Ends all that is below this process, and lets go of the command if it has ended itself.
///
/// A look at `/proc` is not one moment: of a process that ends meanwhile the children are below nobody for that look, and become ours
/// with the next. So what counts is the kernel's word that there is no child.
pub(super) fn end_all(ended: Option<Pid>, cgroup: Option<&Cgroup>) {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(cgroup) = cgroup {
            cgroup.kill();
        }
        let left: Vec<Pid> =
            proc::below(getpid()).into_iter().filter(|pid| Some(*pid) != ended).collect();
        if left.is_empty() {
            // Nothing goes by its number any more.
            while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
            if matches!(wait(WaitOptions::NOHANG), Err(Errno::CHILD)) {
                return;
            }
        }
        for pid in left {
            // Gone already is as good; somebody else's is theirs to wait for.
            let _ = kill_process(pid, Signal::KILL);
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
        if Instant::now() > until {
            return;
        }
        std::thread::sleep(PAUSE);
    }
}
