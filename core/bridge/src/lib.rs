//! A Mesos master to frameworks and an ECS client to the cluster, decided.
//!
//! [`Bridge`] takes calls of the v1 scheduler API and answers of the cluster, and asks for events to be sent and for things to be
//! done to the cluster. It keeps nothing on disk: what must survive is in ECS (the launch id in `startedBy`, framework
//! and task id in the overridden environment), and after a start it reads the cluster before it answers anyone.
//!
//! Invariants, checked by [`audit`]:
//! - A launch is started at most once. A reply that is lost is settled by finding the launch id, never by asking again.
//! - What is offered, launched or used by others is never offered again while it is so.
//! - `TASK_RUNNING` is said only when ECS says RUNNING. A terminal state is said only when ECS says STOPPED or no longer knows the task, when
//!   nothing was started, or when the agent is marked gone, down for maintenance or unreachable (`TASK_LOST`).
//! - An update that needs an acknowledgement is repeated until it has one.
//!
//! Rule ids such as \[C8\] are those of `docs/reference/mesos-rules.md`.
//! Source: Apache Mesos 1.11, the master, the allocator and the agent's status update manager.
#![forbid(unsafe_code)]

mod agenda;
mod agents;
mod allocator;
mod amounts;
mod audit;
mod calls;
mod checks;
mod cluster;
mod config;
mod context;
mod events;
mod flags;
mod flows;
mod frameworks;
mod happening;
mod ids;
mod launches;
pub mod limits;
mod machine;
mod maintenance;
pub mod operator;
mod probe;
mod ranges;
mod refusal;
mod updates;
mod watches;
mod words;
mod work;

pub use amounts::Amounts;
pub use audit::{Violation, audit};
pub use calls::{ValidCall, check};
pub use config::{
    CheckMode, Config, DefaultImage, Fetching, HOSTNAME_ATTRIBUTE, OFFER_DISK_MB, OFFER_PORTS,
    OFFER_TIMEOUT_S, Secrets,
};
pub use happening::Happening;
pub use ids::{AgentId, ExecutorId, FrameworkId, LaunchId, OfferId, Role, TaskId};
pub use machine::{Bridge, CallId, Input, Origin, Output, Response, StreamKey};
pub use probe::{Means, Probe, ProbeId, Probed};
pub use ranges::{Ranges, parse_ranges};
pub use words::check_role;
