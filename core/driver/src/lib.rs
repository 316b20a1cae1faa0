//! A `SchedulerDriver`: what stands between a scheduler and a Mesos master.
//!
//! The contract is that of `org.apache.mesos.SchedulerDriver`: a scheduler calls methods that return a [`Status`] at once, and is
//! called back, one callback after the other. What happens below is the v1 scheduler API: the driver finds the master that leads,
//! subscribes, sends calls in their order, acknowledges, notices when the master is silent, and comes back. [`Driver`] decides all
//! of that; whoever hosts it owns the sockets and the thread of the callbacks.
//!
//! Invariants:
//! - The next callback is given out when the one before has returned. After `stop` there is none, after `abort` only `error`.
//! - A launch is sent again only if the master said that it did nothing. One of which nobody knows whether it arrived is asked about
//!   ([`limits::ASK_AFTER_MS`]) and never repeated: its tasks are launched at most once, and the scheduler hears of each. Calls that
//!   say the same when they are said twice are sent until they are answered.
//! - While there is no subscription nothing waits to be sent: tasks that are launched then are told lost at once.
//! - An update is acknowledged for the scheduler only after its callback has returned.
//!
//! Source: `SchedulerDriver` of Mesos 1.11 for statuses, callbacks and their order; its v1 scheduler API for calls and events.
#![forbid(unsafe_code)]

mod audit;
mod callbacks;
mod calls;
mod command;
mod ends;
pub mod framework;
mod hearing;
mod lane;
pub mod limits;
mod losses;
mod machine;
mod profile;
mod session;
mod status;

pub use audit::{Violation, audit};
pub use callbacks::Callback;
pub use command::{Command, Launch};
pub use lane::{Answer, CallNumber};
pub use machine::{Config, Driver, Input, Output};
pub use session::{Attempt, Detection, Ending, Leader};
pub use status::Status;
