//! On one host: make the desired tasks actual, and report.
//!
//! [`Lifecycle`] decides which container starts when (dependencies), when a task is RUNNING or over (essential
//! containers), who is told to stop in which order, who is killed when (stop timeouts), and what health checks mean. It
//! asks a *runtime* to start, stop, kill and probe containers and is told what came of it. [`Fleet`] is many
//! hosts whose runtime is simulated, for tests and for scale.
//!
//! Invariants:
//! - A container is started at most once. After a restart of the agent a task that was running is found or lost,
//!   never started again.
//! - A task is reported STOPPED only when each of its containers has ended or never began.
//! - A task that is over is kept until the control plane says that its end is on record: a crash in between would make it
//!   look as if it had never run.
//! - An order whose generation is not newer than the last is ignored, whether it is full or not.
//!
//! Source: amazon-ecs-agent, and the ECS developer guide on task lifecycle and container dependencies.
#![forbid(unsafe_code)]

mod audit;
mod container;
mod dependency;
pub mod environment;
mod fleet;
mod health;
pub mod limits;
mod machine;
mod task;

pub use audit::{Violation, audit};
pub use fleet::Fleet;
pub use machine::{ContainerRef, Event, Found, FoundState, Input, Lifecycle, Output};
