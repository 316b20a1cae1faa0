//! HTTP front ends, storage, and the loop that drives the machines.
//!
//! [`drive()`] is the entire shell around a machine: take inputs, step, perform outputs. Outputs
//! are performed by the machine's [`Host`]: the control plane's host commits before it replies, a
//! container instance's host talks to its runtime. [`dev`] assembles the local ECS.
//!
//! Invariants: one task owns each machine, and the rest of the program uses its mailbox; what a
//! client is told is on disk; no lock is held across an await; every queue is bounded, in bytes
//! where its entries may be large; a peer that does not read what is waiting for it is
//! disconnected.
#![forbid(unsafe_code)]

mod agent;
mod aws;
mod bodies;
pub mod clock;
mod data_dir;
pub mod dev;
mod door;
mod drive;
mod ecs;
mod events;
mod instance;
pub mod limits;
mod mesos;
mod metadata;
mod metrics;
mod notes;
mod pages;
mod progress;
mod storage;
pub mod trace;

pub use agent::AgentDoors;
pub use bodies::{Bodies, NoBody, Whole};
pub use data_dir::{DataDir, DataDirError, Scratch, Strange};
pub use door::{
    BindError, Callers, Front, HostName, Listener, Origin, Port, Refusal, Rules, bind, serve,
};
pub use longshore_bridge::{Means, Probed};
pub use longshore_control::Policy;

pub use drive::{Host, Watch, drive, seed};
pub use ecs::{Access, ControlHandle, Keys};
pub use instance::{Fleet, INSTANCES_MAX, InstanceConfig, RuntimeChoice};
pub use mesos::{
    Credentials, CredentialsError, Events, InsideDoor, InsideMaster, MesosMaster, Prober,
    challenged, log_level_by,
};
pub use metadata::Provisions;
pub use metrics::Metrics;
pub use storage::{Durability, Place, Storage, StorageError, WriteError};
