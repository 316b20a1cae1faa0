//! The local ECS and its hosts in one process, under one clock and one seed: whatever clients, networks and machines do, its
//! books balance, and when the storm is over nothing is left undone.
//!
//! A [`World`] holds the control plane with its event bus, the disk that its commits go to, hosts whose containers are made up, and
//! clients that ask for anything. Messages take their time, connections break, agents restart, machines die, and the
//! control plane crashes and goes on from what was stored. One seed gives one run, so that a failure can be looked at
//! again.
//!
//! What is checked, besides what every machine knows to be wrong with itself (`audit`, after each step):
//! - records, worked out anew: no instance holds more than it has, no task is where its constraints forbid, no service has more
//!   tasks than its bound, no record goes back (`check.rs`);
//! - what clients were told stays true: a client token stands for one set of tasks, an event was seen of the last version of
//!   everything (`clients.rs`, `follower.rs`);
//! - once it is quiet: every service is steady, given up, or says what it waits for; nothing runs that nobody knows; the
//!   control plane sleeps; and what was taken away leaves no row (`quiet.rs`).
//!
//! A run that failed is kept in `regressions.txt` and performed by the tests from then on (`run.rs`).
#![forbid(unsafe_code)]

mod chance;
mod check;
mod clients;
mod definitions;
mod disk;
mod follower;
mod host;
mod quiet;
mod run;
mod service_calls;
mod tally;
mod world;

pub use run::{Run, regressions};
pub use tally::Tally;
pub use world::World;
