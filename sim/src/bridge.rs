//! Bridges between model frameworks and a cluster, the local ECS or a model of Amazon's that is worse than any: under one clock and one
//! seed, whatever frameworks, networks, machines and crashes do, what frameworks are told is true, and when the storm is over everyone
//! knows what is there and nobody waits in vain.
//!
//! `cloud.rs` is the cluster and `api.rs` its API, behind the network of `network.rs`; in its place `local.rs` has the local ECS, of
//! which `cloud.rs` is then a mirror. `master.rs` hosts a bridge, `scheduler.rs` is a framework, `describe.rs` what it says of itself,
//! and `streams.rs` is between the two; `driven.rs` has those that stand behind a driver; `operators.rs` sets weights and quota, looks
//! and watches; `probes.rs` has the checks of tasks.
//! `storm.rs` has what happens, `quiet.rs` and `shares.rs` what must be true once it is over, and `ledger.rs`, `promises.rs`,
//! `policy.rs`, `watch.rs` and `check.rs` what must be true all the time. `faulty.rs` breaks a bridge on purpose, to show that each of
//! these would notice.

mod api;
mod bucket;
mod check;
mod cloud;
mod describe;
mod driven;
mod faulty;
mod forms;
mod history;
mod ledger;
mod local;
mod master;
mod network;
mod operators;
mod policy;
mod probes;
mod promises;
mod quiet;
mod run;
mod scheduler;
mod shares;
mod storm;
mod streams;
mod watch;
mod world;

pub use faulty::Fault;
pub use run::{BridgeRun, Cluster, regressions};
