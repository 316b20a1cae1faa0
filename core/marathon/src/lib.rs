//! A scheduler with Marathon's rules: which app has how many instances where, decided.
//!
//! An app says how many instances are wanted, and how they are to be. [`Marathon`] launches them on offers, ends what is too much or not
//! well, and changes apps by deployments, which go step by step. To a cluster it is a framework like anybody's: it hears the callbacks of
//! a driver ([`Input::Heard`]) and says its commands ([`Output::Say`]). It never sees what people write: whoever hosts it reads that into
//! an `App` that is complete. A pod is one too, whose instances have several tasks: see `members.rs`.
//!
//! Invariants:
//! - **Durable first.** All changes of a step are one [`Output::Store`], which is its first output: its host commits it before it does
//!   anything else of that step. So an instance is known before it is launched, and an update is acknowledged when what follows from it
//!   is stored. Whatever happens between two steps, [`Marathon::restore`] goes on from the rows.
//! - **Nothing twice.** A task id is launched once. An instance that may have been launched is asked about, never launched again.
//! - **What is there decides.** What an app lacks or has too much of follows from its rows and its instances, not from what was done
//!   before. So a crash in the middle of an upgrade changes nothing.
//! - During an upgrade instances that are well are ended only as far as enough others are well.
//! - Work of a step is bounded ([`limits`]); an offer is compared with what is needed, not with every app.
//!
//! Where Marathon's versions differ, this one follows 1.11; where that cannot work (`GROUP_BY` without a number), 1.4: see `rules.rs`.
//!
//! Source: frameworks.md 3 and 5.
#![forbid(unsafe_code)]

mod api;
mod apps;
mod audit;
mod deployments;
mod events;
mod instances;
pub mod limits;
mod machine;
mod members;
mod place;
mod places;
mod plan;
mod rows;
mod rules;
mod shares;
mod task;
mod timers;

pub use api::{AppView, Call, Mode, PodView, Problem, QueueView, Reply, TaskView, Ticket};
pub use apps::{Failure, Tally, Termination};
pub use audit::{Violation, audit};
pub use deployments::Deployment;
pub use events::Event;
pub use instances::{Check, Counts, Instance, Stage, Wellness, Why};
pub use machine::{Answer, Config, Input, Marathon, Output, Probe, Purpose, Request};
pub use members::{Member, MemberStage};
pub use place::Unfit;
pub use plan::{Action, Kind, Sort, Step};
