//! Our copy of a cluster's state, and what may be asked of the cluster.
//!
//! Deciders that stand in front of a cluster, real or local, know it only through this crate: they *ask*
//! ([`Ask`]), are *answered* ([`Answer`]), and keep a [`Replica`] that merges what they are told by version. Nothing here
//! knows the AWS SDK, and nothing here decides about tasks.
//!
//! Events of the cluster come as [`News`], beside the answers. Both carry the same versions.
//!
//! Invariants: a record is never replaced by an older version of itself; a complete reading is the only thing that makes
//! an instance disappear.
#![forbid(unsafe_code)]

mod ask;
mod merge;
mod news;
mod pace;
mod record;

pub use ask::{Answer, Ask, Definition, DefinitionContent, Failure, Mount, PortMapping, StartTask};
pub use merge::{InstanceNews, Replica};
pub use news::{News, Told};
pub use pace::{Pace, Pressure};
pub use record::{Container, Instance, LastStatus, StopCode, Task};
