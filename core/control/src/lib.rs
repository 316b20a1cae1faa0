//! The local ECS as one state machine: clusters, container instances, task definitions, tasks and
//! services.
//!
//! A request passes `admit` (parsed into core types, rejected with the errors of ECS, never parsed
//! again), changes [`State`] through a few methods that keep its indexes in sync, and produces
//! outputs: a reply, the changed records, and orders to host agents. Reports from agents come back
//! as inputs.
//!
//! Invariants, checked by [`audit`]:
//! - What an instance has left is what it registered minus what its tasks that are not STOPPED
//!   reserve.
//! - The `version` of a task or instance increases with every change and never decreases.
//! - Resources are released when a task is STOPPED, not when it is told to stop.
//! - Visible changes are announced on the event bus in the same step, so they are stored in the
//!   same commit.
//! - A service plan starts nothing above its upper bound and stops nothing below its lower bound.
//! - No decision reads a clock, a file or a socket; two runs with equal inputs and seed are
//!   equal.
//!
//! Source: operations follow the ECS API reference; messages are those of AWS where known.
#![forbid(unsafe_code)]

mod admit;
mod announce;
mod announce_events;
mod audit;
mod cluster_state;
mod expiry;
mod launch;
pub mod limits;
mod machine;
mod placing;
mod record;
mod report;
mod service;
mod setting;
mod show;
mod state;

pub use announce::{ActionName, Announced, Announcement, DeploymentName, Level};
pub use audit::{Violation, audit};
pub use cluster_state::TokenUse;
pub use machine::{CallId, Change, Control, Input, Key, Output, Records, Reply};
pub use record::{
    Cluster, ClusterStatus, Container, ContainerInstance, DefinitionStatus, InstanceStatus,
    LastStatus, Registered, StopCode, Tags, Task, TaskDefinition, TaskRow, TaskTemplate,
};
pub use service::{
    Breaker, Deployment, Outcome, Propagate, Revision, RolloutState, Scheduling, Service,
    ServiceDeployment, ServiceEvent, ServiceStatus, Threshold,
};
pub use setting::SettingName;
pub use state::{Policy, State};
