//! Sample schedulers: frameworks over [`longshore_driver`], each on a page, and one that speaks to the ECS API itself.
//!
//! - [`hello`]: launches a list of tasks, kills those marked for it, and ends when all have.
//! - [`batch`]: runs jobs, each until it succeeds or has failed too often.
//! - [`spread`]: keeps copies of a task running, evenly over zones.
//! - [`keeper`]: a machine over the ECS API, to begin a scheduler with.
#![forbid(unsafe_code)]

/// Shows what the driver says through `tracing`: why it is not connected, for instance. Without a subscriber nobody sees it.
pub fn log() {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false).init();
}

pub mod batch;
pub mod hello;
pub mod keeper;
pub mod spread;
