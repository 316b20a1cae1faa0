//! Bridges between model frameworks and a model of Amazon's ECS that is worse than any: under one clock and one seed, whatever
//! frameworks, networks, machines and crashes do, what frameworks are told is true, and when the storm is over everyone knows what is
//! there and nobody waits in vain.
//!
//! `cloud.rs` is the cluster and `api.rs` its API, behind the network of `network.rs`; `master.rs` hosts a bridge, `scheduler.rs` is a
//! framework, and `streams.rs` is between the two; `operators.rs` sets weights and quota. `storm.rs` has what happens, `quiet.rs` what must be true once it is over, and
//! `ledger.rs`, `promises.rs` and `check.rs` what must be true all the time. `faulty.rs` breaks a bridge on purpose, to show that each of
//! these would notice.

mod api;
mod bucket;
mod check;
mod cloud;
mod faulty;
mod forms;
mod history;
mod ledger;
mod master;
mod network;
mod operators;
mod promises;
mod quiet;
mod run;
mod scheduler;
mod storm;
mod streams;
mod world;

pub use faulty::Fault;
pub use run::{BridgeRun, regressions};
