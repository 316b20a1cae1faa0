//! The end of a container: waiting for it, bringing it about, and reading it off.
//!
//! The daemon's `wait` only says when to look; the truth is what `inspect` shows. A daemon that goes away and comes
//! back has either kept the container running, and it is waited for again, or knows how it ended.

use std::pin::pin;

use bollard::errors::Error;
use bollard::models::{ContainerInspectResponse, ContainerState, ContainerStateStatusEnum};
use bollard::query_parameters::{KillContainerOptionsBuilder, WaitContainerOptionsBuilder};
use futures_util::StreamExt;
use longshore_lifecycle::Event;

use super::failure::{Failure, pause, retried};

/// How a container is made to end. The later of two is the harsher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    /// By the stop signal of its image.
    Stop,
    /// At once.
    Kill,
}

/// Whether a container runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It was created and no more.
    NeverStarted,
    /// It runs, or is paused.
    Running,
    /// It ended; with its exit code, if that is known.
    Ended(Option<i32>),
}

/// Reads what the daemon says of a container.
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

/// Asks the daemon about a container, again for a while if it is away.
pub(super) async fn inspect(
    daemon: &bollard::Docker,
    id: &str,
) -> Result<ContainerInspectResponse, Failure> {
    retried(|| daemon.inspect_container(id, None)).await
}

/// Waits for the end of a container that was started, and answers with the news of it. For as long as the daemon does not say,
/// it is asked again: a container that nobody can see has not ended.
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

/// What the daemon's answer says of the end of a container; `None` if it runs, or nothing is said. `code` is what the wait for it
/// told.
fn end(seen: Result<ContainerInspectResponse, Failure>, code: Option<i64>) -> Option<Event> {
    match seen {
        Ok(seen) => {
            let seen = seen.state.unwrap_or_default();
            (state(&seen) != State::Running).then(|| exited(&seen))
        }
        // Somebody removed it: what the wait said is all there is.
        Err(failure) if failure.is_missing() => {
            Some(Event::Exited { code: code.and_then(narrow), reason: None })
        }
        Err(_) => None,
    }
}

/// Waits until the daemon says that the container ended, with which code, or cannot be asked.
async fn wait(daemon: &bollard::Docker, id: &str) -> Option<i64> {
    let options = WaitContainerOptionsBuilder::new().condition("not-running").build();
    let mut answers = pin!(daemon.wait_container(id, Some(options)));
    match answers.next().await? {
        Ok(answer) => Some(answer.status_code),
        // The client's way to tell of an exit code that is not 0.
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
        // It ended by itself just now, which its watcher is about to tell.
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
            // The container's configuration has taken over the image's.
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
