//! A scheduler with Chronos's rules over a model of a Mesos master: under one clock and one seed, whatever clients, networks, agents,
//! clocks and crashes do, what was promised holds.
//!
//! `world.rs` has the scheduler, its store and the network; it crashes between any two outputs of a step, and goes on from what was
//! committed. `master.rs` is the master: it offers, starts tasks, loses and doubles updates, and loses agents. `check.rs` reads every
//! commit, every launch and every acknowledgement, and knows these promises:
//!
//! 1. A task is launched once, and its run is committed as launched before.
//! 2. A run of a schedule exists once for each time that it was due, and only for such times.
//! 3. What a schedule passes over was due longer ago than epsilon, or while its job was running.
//! 4. Tasks of a job that is not concurrent do not run beside each other, unless the agent of one is out of reach.
//! 5. A child of one parent has as many runs as its parent has successes.
//! 6. A final update is acknowledged only when what follows from it is committed, and a success counts once.
//! 7. When the storm is over, nothing waits: no run is queued or out, and no schedule is due.
//!
//! [`Fault`] plants mistakes in the host, to show that each would be noticed.

mod act;
mod check;
mod link;
mod master;
mod run;
mod world;

pub use run::{ChronosRun, Fault};
