//! Marathon's scheduler over a model of a master, under one clock and one seed: whatever agents, tasks, clients and crashes do, what it
//! promises is true, and when the storm is over every app is as it is wanted.
//!
//! `master.rs` is the master with its agents, `definitions.rs` the apps and pods that clients put, `world.rs` what happens and what must be true,
//! `places.rs` what must be true of where instances are.
//!
//! Promises:
//! - no task is launched that is not stored, and none twice;
//! - nothing is launched on what an agent does not have;
//! - an upgrade ends no instance that is well unless as many as must be well are left;
//! - instances of one configuration are where its constraints allow, and as many of an agent as they allow;
//! - one that is not ready replaces none that is well, in a deployment;
//! - in the end each app has exactly its instances, of its newest version and well, and nothing else runs.

mod definitions;
mod master;
mod places;
mod world;

pub use world::{Fault, MarathonRun};
