//! Health checks, run inside the container.
//!
//! ECS considers only the check of the task definition and counts its results itself, so Docker
//! runs just one command at a time.

use std::time::Duration;

use bollard::errors::Error;
use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use futures_util::StreamExt;

/// Poll interval for a command that has closed its output but still runs. Chosen by us.
const POLL: Duration = Duration::from_millis(50);

/// Whether a command succeeds in time. One that does not end is left running: Docker cannot stop
/// it.
pub(super) async fn passes(
    daemon: &bollard::Docker,
    id: &str,
    words: Vec<String>,
    most: Duration,
) -> bool {
    matches!(tokio::time::timeout(most, run(daemon, id, words)).await, Ok(Ok(Some(0))))
}

async fn run(daemon: &bollard::Docker, id: &str, words: Vec<String>) -> Result<Option<i64>, Error> {
    let config = ExecConfig {
        cmd: Some(words),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..Default::default()
    };
    let made = daemon.create_exec(id, config).await?;
    // The output is read so that the command does not block on it.
    if let StartExecResults::Attached { mut output, .. } = daemon.start_exec(&made.id, None).await?
    {
        while let Some(piece) = output.next().await {
            piece?;
        }
    }
    loop {
        let seen = daemon.inspect_exec(&made.id).await?;
        if seen.running != Some(true) {
            return Ok(seen.exit_code);
        }
        tokio::time::sleep(POLL).await;
    }
}
