//! Noticing the end of a supervisor.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use super::proc::Process;

/// How often an adopted supervisor is looked at. The kernel tells of the end of children only, and these are not.
const POLL: Duration = Duration::from_millis(50);

/// Waits for the end of a process that is not a child of ours.
pub(super) async fn until_gone(process: Process) {
    while process.is_running() {
        tokio::time::sleep(POLL).await;
    }
}

/// The exit code, as a shell would tell it: 128 and the signal number when a signal ended it.
pub(super) fn code(status: ExitStatus) -> Option<i32> {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal))
}
