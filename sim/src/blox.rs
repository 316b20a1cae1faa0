//! Blox's scheduler in front of a model of Amazon's ECS, at its worst: replies are lost, reads are old, events are missing,
//! doubled and late, instances come, go, drain and refuse, tasks end by themselves, and the scheduler dies at any point of any
//! step, also between what it stores and what it does.
//!
//! Promises, checked against the model's truth and not against what the scheduler knows (`promises.rs`):
//! 1. an instance never has two tasks of an environment that have not stopped;
//! 2. once it is quiet, each instance that an environment wants has one running task of what is deployed, no other instance
//!    has any, every deployment is completed, and nothing is left of environments that ended with their tasks;
//! 3. versions of the cluster state service only grow, over all lives of the scheduler, and once it is quiet it shows the
//!    truth;
//! 4. every request is replied to, once, unless the scheduler dies first.
//!
//! A planted fault ([`Planted`]) breaks a promise, which shows that the check would see it.

mod clients;
mod ecs;
mod promises;
mod world;

pub use self::world::{BloxTally, Planted};

/// One run from one seed: a storm of so many turns, and the quiet after it.
///
/// # Errors
/// Which promise is broken, and when.
pub fn run(seed: u64, turns: u64, planted: Planted) -> Result<BloxTally, String> {
    world::World::new(seed, planted).run(turns)
}
