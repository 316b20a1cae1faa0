//! Marathon's scheduler over a model of a master, under one clock and one seed: whatever agents, tasks, clients and crashes do, what it
//! promises is true, and when the storm is over every app is as it is wanted.
//!
//! `master.rs` is the master with its agents, `world.rs` what happens and what must be true.
//!
//! Promises:
//! - no task is launched that is not stored, and none twice;
//! - nothing is launched on what an agent does not have;
//! - an upgrade ends no instance that is well unless as many as must be well are left;
//! - in the end each app has exactly its instances, of its newest version and well, and nothing else runs.

mod master;
mod world;

pub use world::{Fault, MarathonRun};
