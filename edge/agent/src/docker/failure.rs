//! Failures of calls to the daemon, worded as by the real container agent.
//!
//! Every call has a timeout, since a daemon that hangs must not block the task. Source of the names
//! and of the text of `DockerTimeoutError`: the open source Amazon ECS container agent.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use bollard::errors::Error;

/// Timeout of calls that only query or remove. Chosen by us.
pub(super) const CALL: Duration = Duration::from_secs(30);

/// Attempts for calls that the caller does not retry. Chosen by us: about six seconds in total.
const ATTEMPTS: u32 = 6;

/// Why a call failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// It timed out.
    TimedOut(Duration),
    /// The daemon returned an error, or cannot be reached.
    Refused(Error),
    /// The call is not supported, for this reason.
    Unsupported(String),
}

impl Failure {
    /// The HTTP status of the daemon's answer, if there was one.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(Error::DockerResponseServerError { status_code, .. }) => {
                Some(*status_code)
            }
            _ => None,
        }
    }

    /// Whether the container, image or volume does not exist.
    pub(super) fn is_missing(&self) -> bool {
        self.status() == Some(404)
    }

    /// `ErrorName: text`.
    pub(super) fn reason(&self, name: &str, transition: &str) -> String {
        match self {
            Self::TimedOut(_) => {
                format!("DockerTimeoutError: Could not transition to {transition}; {self}")
            }
            Self::Refused(_) | Self::Unsupported(_) => format!("{name}: {self}"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut(most) => {
                let seconds = most.as_secs();
                f.write_str("timed out after waiting ")?;
                match seconds / 60 {
                    0 => write!(f, "{seconds}s"),
                    minutes => write!(f, "{minutes}m{}s", seconds % 60),
                }
            }
            Self::Refused(error) => f.write_str(&describe(error)),
            Self::Unsupported(why) => f.write_str(why),
        }
    }
}

/// The daemon's error message, or why it cannot be reached.
pub(super) fn describe(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => {
            format!("Error response from daemon: {}", message.trim())
        }
        Error::DockerStreamError { error } => error.trim().to_owned(),
        other => {
            let mut text = other.to_string();
            let mut source = other.source();
            while let Some(cause) = source {
                let cause_text = cause.to_string();
                if !text.ends_with(&cause_text) {
                    text = format!("{text}: {cause_text}");
                }
                source = cause.source();
            }
            text
        }
    }
}

/// Runs `work` with a timeout.
pub(super) async fn bounded<T>(
    most: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(most, work).await {
        Ok(done) => done.map_err(Failure::Refused),
        Err(_) => Err(Failure::TimedOut(most)),
    }
}

/// Retries `work` while the daemon cannot be reached, within limits. Requests that the daemon
/// rejects are not retried.
pub(super) async fn retried<T, W>(work: impl Fn() -> W) -> Result<T, Failure>
where
    W: Future<Output = Result<T, Error>>,
{
    let mut attempt = 0;
    loop {
        attempt += 1;
        match bounded(CALL, work()).await {
            Err(failure)
                if attempt < ATTEMPTS && failure.status().is_none_or(|status| status >= 500) =>
            {
                tokio::time::sleep(pause(attempt)).await;
            }
            done => return done,
        }
    }
}

/// The delay after that many failures in a row.
pub(super) fn pause(failures: u32) -> Duration {
    Duration::from_millis(100_u64 << failures.min(6))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status_code: u16, message: &str) -> Failure {
        Failure::Refused(Error::DockerResponseServerError {
            status_code,
            message: message.to_owned(),
        })
    }

    #[test]
    fn reasons_read_as_those_of_the_real_agent() {
        let failure = refused(404, "no such image\n");
        assert_eq!(
            failure.reason("CannotPullContainerError", "pulled"),
            "CannotPullContainerError: Error response from daemon: no such image"
        );
        assert_eq!(
            Failure::TimedOut(Duration::from_mins(3))
                .reason("CannotStartContainerError", "started"),
            "DockerTimeoutError: Could not transition to started; timed out after waiting 3m0s"
        );
    }

    #[test]
    fn only_a_404_means_that_there_is_none() {
        assert!(refused(404, "").is_missing());
        assert!(!refused(409, "").is_missing());
        assert!(!Failure::TimedOut(CALL).is_missing());
    }

    #[test]
    fn pauses_grow_and_stay_short() {
        assert_eq!(pause(0), Duration::from_millis(100));
        assert_eq!(pause(1000), Duration::from_millis(6400));
    }
}
