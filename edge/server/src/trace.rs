//! Log lines for operators: one line per event, derived from the inputs and outputs of machines.
//!
//! Machines do not log. [`crate::drive()`] shows a [`crate::Watch`] each input and output, and the
//! watches here turn those that matter to an operator into events with fixed field names: `cluster
//! instance service framework task state reason`. Values chosen by others are escaped like Rust
//! strings, so that none of them can control a terminal or begin another line.
//!
//! Invariant: what is remembered is bounded by the number of instances, services and frameworks.

mod bridge;
mod control;

pub(crate) use bridge::BridgeWatch;
pub(crate) use control::ControlWatch;

/// The target of these events, which `longshore dev` and `longshore serve` show at level info.
pub const TARGET: &str = "longshore::events";

/// Logs an event for operators, at level info.
macro_rules! tell {
    ($($event:tt)*) => { tracing::info!(target: $crate::trace::TARGET, $($event)*) };
}
pub(crate) use tell;

/// The id inside an ARN.
fn short(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
