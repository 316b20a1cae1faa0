//! The local ECS and its hosts in one process, with one clock and one seed. Whatever clients,
//! networks and machines do, its books balance, and when the storm is over nothing is left undone.
//!
//! A [`World`] holds the control plane with its event bus, the disk that it commits to, hosts with
//! simulated containers, and clients that ask for anything. Messages are delayed, connections
//! break, agents restart, machines crash, and the control plane crashes and continues from what was
//! stored. One seed gives one run, so a failure can be reproduced.
//!
//! Checked in addition to each machine's own invariants (`audit`, after each step):
//! - stored records, recomputed: no instance holds more than it has, no task is where its
//!   constraints forbid, no service has more tasks than its bound, no record goes backwards
//!   (`check.rs`);
//! - what clients were told stays true: a client token stands for one set of tasks, and an event
//!   was seen for the last version of everything (`clients.rs`, `follower.rs`);
//! - once it is quiet: every service is steady, has failed, or says what it is waiting for;
//!   nothing runs that is not recorded; the control plane sleeps; and what was removed leaves no
//!   row (`quiet.rs`).
//!
//! A failed run is kept in `regressions.txt` and repeated by the tests from then on (`run.rs`).
#![forbid(unsafe_code)]

pub mod blox;
pub mod bridge;
mod chance;
mod check;
pub mod chronos;
mod clients;
mod definitions;
mod disk;
mod follower;
mod host;
pub mod marathon;
mod quiet;
mod run;
mod service_calls;
pub mod stacks;
mod tally;
mod world;

pub use run::{Run, regressions};
pub use tally::Tally;
pub use world::World;
