//! The end of a container: waiting for it, causing it, and reading its result.
//!
//! The daemon's `wait` only says when to look; `inspect` is authoritative. After a daemon was
//! unreachable, it either still runs the container, which is then waited for again, or knows how it
//! ended.

use std::pin::pin;

use bollard::errors::Error;
use bollard::models::{ContainerInspectResponse, ContainerState, ContainerStateStatusEnum};
use bollard::query_parameters::{KillContainerOptionsBuilder, WaitContainerOptionsBuilder};
use futures_util::StreamExt;
use longshore_lifecycle::Event;

use super::failure::{Failure, pause, retried};

/// How to end a container. The later variant is the harsher one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    /// Send the stop signal of its image.
    Stop,
    /// Kill it at once.
    Kill,
}

/// The state of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Created but never started.
    NeverStarted,
    /// Running or paused.
    Running,
    /// Ended; with its exit code, if known.
    Ended(Option<i32>),
}

/// Converts the daemon's description of a container.
pub(super) fn state(state: &ContainerState) -> State {
    if state.status == Some(ContainerStateStatusEnum::CREATED) {
        State::NeverStarted
    } else if state.running == Some(true) {
        State::Running
    } else {
        State::Ended(state.exit_code.and_then(narrow))
    }
}

fn narrow(code: i64) -> Option<i32> {
    i32::try_from(code).ok()
}

/// Inspects a container, with retries while the daemon is unreachable.
pub(super) async fn inspect(
    daemon: &bollard::Docker,
    id: &str,
) -> Result<ContainerInspectResponse, Failure> {
    retried(|| daemon.inspect_container(id, None)).await
}

/// Waits for the end of a started container, and returns the event to report. Keeps asking while
/// the daemon does not answer: a container that cannot be seen has not necessarily ended.
pub(super) async fn until_ended(daemon: &bollard::Docker, id: &str) -> Event {
    let mut code = None;
    let mut failures = 0;
    loop {
        code = wait(daemon, id).await.or(code);
        let seen = inspect(daemon, id).await;
        if let Err(failure) = &seen
            && failures == 0
        {
            tracing::warn!(container = id, %failure, "cannot find out whether a container is running");
        }
        failures = if seen.is_ok() { 0 } else { failures + 1 };
        if let Some(ended) = end(seen, code) {
            return ended;
        }
        tokio::time::sleep(pause(failures)).await;
    }
}

/// The end of a container according to the daemon's answer; `None` if it runs or the answer is
/// inconclusive. `code` is the result of the wait.
fn end(seen: Result<ContainerInspectResponse, Failure>, code: Option<i64>) -> Option<Event> {
    match seen {
        Ok(seen) => {
            let seen = seen.state.unwrap_or_default();
            (state(&seen) != State::Running).then(|| exited(&seen))
        }
        // Somebody removed it: the result of the wait is all there is.
        Err(failure) if failure.is_missing() => {
            Some(Event::Exited { code: code.and_then(narrow), reason: None })
        }
        Err(_) => None,
    }
}

/// Waits until the daemon reports the end of the container, with its code, or cannot be reached.
async fn wait(daemon: &bollard::Docker, id: &str) -> Option<i64> {
    let options = WaitContainerOptionsBuilder::new().condition("not-running").build();
    let mut answers = pin!(daemon.wait_container(id, Some(options)));
    match answers.next().await? {
        Ok(answer) => Some(answer.status_code),
        // This is how the client reports a nonzero exit code.
        Err(Error::DockerContainerWaitError { code, .. }) => Some(code),
        Err(_) => None,
    }
}

fn exited(state: &ContainerState) -> Event {
    let killed = state.oom_killed == Some(true);
    let reason = "OutOfMemoryError: Container killed due to memory usage";
    Event::Exited { code: state.exit_code.and_then(narrow), reason: killed.then(|| reason.into()) }
}

/// Sends a container the signal that ends it.
pub(super) async fn signal(daemon: &bollard::Docker, id: &str, how: End) {
    match send(daemon, id, how).await {
        // It has just ended by itself, which its watcher will report.
        Err(failure) if matches!(failure.status(), Some(404 | 409)) => {}
        Err(failure) => {
            tracing::warn!(container = id, ?how, %failure, "cannot stop a container");
        }
        Ok(()) => {}
    }
}

async fn send(daemon: &bollard::Docker, id: &str, how: End) -> Result<(), Failure> {
    let signal = match how {
        End::Kill => "SIGKILL".to_owned(),
        End::Stop => {
            // The container's configuration includes the image's.
            let config = inspect(daemon, id).await?.config;
            let chosen = config.and_then(|config| config.stop_signal);
            chosen.filter(|signal| !signal.is_empty()).unwrap_or_else(|| "SIGTERM".to_owned())
        }
    };
    let options = KillContainerOptionsBuilder::new().signal(&signal).build();
    retried(|| daemon.kill_container(id, Some(options.clone()))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_that_ran_out_of_memory_says_so() {
        let state =
            ContainerState { exit_code: Some(137), oom_killed: Some(true), ..Default::default() };
        let reason = Some("OutOfMemoryError: Container killed due to memory usage".into());
        assert_eq!(exited(&state), Event::Exited { code: Some(137), reason });
    }

    #[test]
    fn a_created_container_has_not_ended() {
        let status = Some(ContainerStateStatusEnum::CREATED);
        let created = ContainerState { status, exit_code: Some(0), ..Default::default() };
        assert_eq!(state(&created), State::NeverStarted);
        let paused =
            ContainerState { running: Some(true), paused: Some(true), ..Default::default() };
        assert_eq!(state(&paused), State::Running);
    }

    #[test]
    fn only_a_container_that_is_known_to_be_gone_has_ended_unseen() {
        let refused = |status_code| {
            let message = String::new();
            Err(Failure::Refused(Error::DockerResponseServerError { status_code, message }))
        };
        let gone = Event::Exited { code: Some(3), reason: None };
        assert_eq!(end(refused(404), Some(3)), Some(gone));
        for nothing in [refused(500), refused(503), Err(Failure::TimedOut(super::super::CONNECT))] {
            assert_eq!(end(nothing, Some(3)), None);
        }
        let running = ContainerState { running: Some(true), ..Default::default() };
        let seen = ContainerInspectResponse { state: Some(running), ..Default::default() };
        assert_eq!(end(Ok(seen), None), None);
    }

    #[test]
    fn a_kill_outranks_a_stop() {
        assert!(Some(End::Kill) > Some(End::Stop) && Some(End::Stop) > None);
    }
}
