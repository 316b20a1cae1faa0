//! Blox, decided: a daemon scheduler, and the cluster state service that it looks through.
//!
//! An *environment* wants one task of a definition on each instance of a group; a *deployment* is one roll-out of that. The
//! scheduler compares what is wanted with what the view shows, slot by slot (a slot is an environment on an instance), and only
//! for slots about which something changed. The *view* is a copy of every cluster that is watched, with one count over all
//! its changes, which clients follow.
//!
//! Clusters are known through [`longshore_replica`] only: questions, answers, news.
//!
//! Parts with walls; each owns its data, and its fields are private:
//!
//! | part | owns | look here for |
//! |---|---|---|
//! | `view/` | records, their versions, the log of changes | what clients of the cluster state service see |
//! | `clusters` | which clusters are watched, readings | when a cluster is read, and what it costs |
//! | `environments/` | environments, deployments, tokens | what is stored, what clients of the scheduler see |
//! | `roster/` | the slots of an environment | what is to be started or stopped, as a [`Plan`] |
//! | `settling` | starts whose reply was lost | at most once |
//!
//! `flows/` holds no state: a flow asks one part, tells another, and pushes effects.
//!
//! Invariants:
//! - A slot has one attempt to start a task at a time, and none while it has a task that has not stopped.
//! - The reply of a start that was lost is settled by the tasks that have the deployment's id as `startedBy`, before the slot
//!   is tried again. That starts may be under way is stored before the first is sent, so a crash is such a loss.
//! - Nothing is started or stopped for an environment before its cluster was read once.
//! - The version of a record, and of the view, only grows; also over restarts.
#![forbid(unsafe_code)]

mod agenda;
mod audit;
mod call;
mod clusters;
mod context;
mod environments;
mod flows;
mod gauges;
mod kinds;
pub mod limits;
mod machine;
mod roster;
mod settling;
mod view;

pub use call::{Call, Reply, Stream, Ticket};
pub use gauges::{Gauges, Tally};
pub use machine::{Config, Daemon, Input, Output};
pub use roster::{Plan, StopWhy};
pub use view::{Entity, Happened, show_instance, show_task};
