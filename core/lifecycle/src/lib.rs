//! Brings the tasks on a host to their desired state and reports on them.
//!
//! [`Lifecycle`] decides when each container starts (dependencies), when a task is RUNNING or over
//! (essential containers), in which order containers are stopped, when they are killed (stop
//! timeouts), and what health checks mean. It asks a *runtime* to start, stop, kill and probe
//! containers and is told the results. [`Fleet`] is a set of hosts with a simulated runtime, for
//! tests and for scale.
//!
//! Invariants:
//! - A container is started at most once. After a restart of the agent, a task that was running
//!   is found or lost, but never started again.
//! - A task is reported STOPPED only when each of its containers has exited or was never started.
//! - A task that is over is kept until the control plane confirms that its end is recorded: a
//!   crash in between would make it look as if it had never run.
//! - An order whose generation is not newer than the last is ignored, whether it is full or not.
//!
//! Source: amazon-ecs-agent, and the ECS developer guide on the task lifecycle and container
//! dependencies.
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
