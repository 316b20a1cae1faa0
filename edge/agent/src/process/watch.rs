//! Detects the end of a supervisor.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use super::proc::Process;

/// How often an adopted supervisor is polled. The kernel notifies only about children, and these
/// are not.
const POLL: Duration = Duration::from_millis(50);

/// Waits for the end of a process that is not our child.
pub(super) async fn until_gone(process: Process) {
    while process.is_running() {
        tokio::time::sleep(POLL).await;
    }
}

/// The exit code, as in a shell: 128 plus the signal number if killed by a signal.
pub(super) fn code(status: ExitStatus) -> Option<i32> {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal))
}
