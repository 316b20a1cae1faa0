//! What a driver is.

use std::fmt;

/// What a driver is. The numbers are those of `org.apache.mesos.Protos.Status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// `start` has not been called.
    NotStarted = 1,
    /// Callbacks come, and calls are taken.
    Running = 2,
    /// The scheduler gave up, or the driver did and called `error`.
    Aborted = 3,
    /// `stop` was called.
    Stopped = 4,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotStarted => "DRIVER_NOT_STARTED",
            Self::Running => "DRIVER_RUNNING",
            Self::Aborted => "DRIVER_ABORTED",
            Self::Stopped => "DRIVER_STOPPED",
        })
    }
}
