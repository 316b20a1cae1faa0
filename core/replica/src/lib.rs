//! A copy of a cluster's state, and the requests that a cluster accepts.
//!
//! Deciders that stand in front of a cluster, real or local, know it only through this crate: they *ask*
//! ([`Question`]), are *answered* ([`Answered`]), and keep a [`Replica`] that merges what they are told by version. Nothing here
//! knows the AWS SDK, and nothing here decides about tasks.
//!
//! Cluster events arrive as [`News`], besides the answers. Both carry the same versions.
//!
//! Invariants: a record is never replaced by an older version of itself; only a complete reading
//! makes an instance disappear.
#![forbid(unsafe_code)]

mod ask;
mod content;
mod detail;
mod fleet;
mod merge;
mod news;
mod pace;
mod record;

pub use ask::{
    Alteration, Answered, Asked, ContainerStart, Definition, DefinitionAsk, Failure,
    InstanceChange, InstancesAsk, Outcome, Question, StartTask, StopTask, Tasks, TasksAsk,
};
pub use content::{CONTENT_LABEL, DefinitionContent, Fetch, Mount, MountSource, PortMapping};
pub use detail::{
    BindingDetail, ContainerDetail, InstanceDetail, OverrideDetail, Resource, TaskDetail,
};
pub use fleet::{Cluster, FleetAnswered, FleetQuestion, NotStarted, START_ON_MAX, StartOn, Starts};
pub use merge::{InstanceNews, Replica};
pub use news::{News, Told};
pub use pace::{Pace, Pressure};
pub use record::{Container, Instance, LastStatus, StopCode, Task};
