//! The local ECS, decided: clusters, container instances, task definitions, tasks and services as one state machine.
//!
//! A request passes `admit` (parsed into core types, refused in ECS's words, never parsed again), changes [`State`]
//! through a few methods that keep its indexes true, and leaves as outputs: a reply, the records that changed, and
//! orders to host agents. What an agent reports comes back as inputs.
//!
//! Invariants, checked by [`audit`]:
//! - What an instance has left is what it registered less what its tasks that are not STOPPED reserve.
//! - `version` of a task or instance rises with each change of it and never falls.
//! - Resources are released when a task is STOPPED, not when it is told to stop.
//! - What is seen to change is announced on the event bus in the same step, so that it is stored in the same commit.
//! - A plan of a service starts nothing above its upper bound and stops nothing below its lower one.
//! - No decision reads a clock, a file or a socket; two runs with equal inputs and seed are equal.
//!
//! Source: what each operation does follows the ECS API reference; texts follow what AWS answers, where known.
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
