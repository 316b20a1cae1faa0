//! What travels between a Blox client and the two services of Blox v0.3: the cluster state service and the daemon
//! scheduler.
//!
//! Clients of Blox are old and generated: they depend on the order of keys, on `null` where nothing is, on errors that are
//! plain text, and on 404 where others would say 405. All of that is fixed here and nowhere else. [`state`] and [`scheduler`]
//! have the JSON, [`route`] turns a request into a typed call or a [`Fault`], [`json`] writes as Go's encoder does. [`v1`] is the
//! API of the unfinished v1.0, with requests, answers and errors of its own.
//!
//! Source of every fact: `reference/blox.md` 1 and 2, which was read from Blox v0.3.0.
//!
//! Invariant: nothing here decides, and what a member can never hold is rejected here.
#![forbid(unsafe_code)]

pub mod arn;
mod fault;
pub mod json;
pub mod limits;
pub mod query;
pub mod route;
pub mod scheduler;
pub mod state;
pub mod v1;

pub use fault::Fault;
