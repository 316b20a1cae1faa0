//! What travels between a client of Chronos's REST API and a scheduler.
//!
//! - [`Definition`]: a job as it is posted and shown, with every member that Chronos 2.5 and 3.0 have.
//! - [`Schedule`]: the text of an ISO 8601 repeating interval, taken apart. What it means in a time zone is decided in `core/chronos`.
//! - [`answer`]: bodies of responses, and of errors.
//!
//! Chronos reads numbers and booleans that are written as strings, and so is done here. It ignores members that it does not know,
//! which loses what somebody meant: here they are refused, by name.
//!
//! Source: frameworks.md 4.1 and 4.2.
#![forbid(unsafe_code)]

pub mod answer;
mod definition;
mod fields;
pub mod limits;
mod malformed;
mod schedule;
mod task_id;

pub use definition::{
    Amount, Constraint, Container, ContainerKind, Counters, Defaults, Definition, Fetch, Network,
    Operator, Posted, Trigger, Variable, Volume,
};
pub use malformed::Malformed;
pub use schedule::{Period, Schedule, Start, epsilon, instant};
pub use task_id::TaskName;
