//! A copy of a cluster's state, and the requests that a cluster accepts.
//!
//! Code that makes decisions in front of a cluster, real or local, sees it only through this crate:
//! it sends an [`Ask`], gets an [`Answer`], and keeps a [`Replica`] that merges results by version.
//! Nothing here knows the AWS SDK or decides about tasks.
//!
//! Cluster events arrive as [`News`], besides the answers. Both carry the same versions.
//!
//! Invariants: a record is never replaced by an older version of itself; only a complete reading
//! makes an instance disappear.
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
