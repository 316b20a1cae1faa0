//! HTTP front ends, storage, and the loop that drives the machines.
//!
//! [`drive()`] is the whole of the shell around a machine: take inputs, step, perform outputs. What a machine asks for is
//! performed by its [`Host`]: the control plane's commits before it answers, a container instance's talks to its
//! runtime. [`dev`] puts the parts of the local ECS together.
//!
//! Invariants: one task owns one machine and the rest of the program has a mailbox; what a client is told is on disk;
//! no lock is held across an await; every queue has a bound, in bytes where what waits may be large; a peer that takes nothing of
//! what waits for it is let go.
#![forbid(unsafe_code)]

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
mod progress;
mod storage;
pub mod trace;

pub use data_dir::{DataDir, DataDirError, Scratch, Strange};
pub use door::{BindError, Callers, HostName, Listener, Origin, Port, Rules, bind};
pub use longshore_control::Policy;

pub use drive::{Host, Watch, drive, seed};
pub use ecs::{Access, ControlHandle, Keys};
pub use instance::{Fleet, INSTANCES_MAX, InstanceConfig, RuntimeChoice};
pub use mesos::{Credentials, CredentialsError, MesosMaster};
pub use metadata::Provisions;
pub use metrics::Metrics;
pub use storage::{Durability, Place, Storage, StorageError, WriteError};
