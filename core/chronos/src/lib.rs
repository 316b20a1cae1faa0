//! A scheduler with the rules of Chronos 2.5 and 3: which job runs when, decided.
//!
//! A job has a schedule or parents. [`Chronos`] decides when a run of it is due, launches it on an offer, and decides what follows from
//! its end: a retry, counters, the runs of children. To a cluster it is a framework like anybody's: it hears the callbacks of a driver
//! ([`Input::Heard`]) and says its commands ([`Output::Say`]).
//!
//! Two times are kept apart. When a run is due is a time of the wall clock, which people set; its host tells how far that is ahead
//! ([`Input::Clock`]). Waits (for a retry, for an answer) follow the time of machines, which nobody sets.
//!
//! Invariants:
//! - **Durable first.** All changes of a step are one [`Output::Store`], which is its first output: its host commits it before it does
//!   anything else of that step. So a run is known before it is launched, and an update is acknowledged when what follows from it is
//!   stored. Whatever happens between two steps, [`Chronos::restore`] goes on from the rows.
//! - **No run twice.** A schedule only moves forward; that it has moved and that the run exists is one change. A task id is launched once.
//!   A run is launched again, under another id, only if a master says that the launch did nothing.
//! - **None skipped.** A run whose time has come is launched however long it waits for an offer. Skipped, and said so, is what was due
//!   longer ago than its job's epsilon, and what is due while its job runs already.
//! - **Children run once for each success of their parents**, later if they run at that moment.
//! - Work of a step is bounded ([`limits`]), whatever is due.
//!
//! Where the two versions of Chronos differ, this one does what keeps these promises: see `due.rs`, `endings.rs` and `calls.rs`.
//!
//! Source: frameworks.md 4 and 2.2.
#![forbid(unsafe_code)]

mod audit;
mod calendar;
mod jobs;
pub mod limits;
mod machine;
mod place;
mod rows;
mod runs;
mod task;

pub use audit::{Violation, audit};
pub use jobs::Shown;
pub use machine::{Call, Chronos, Config, Gauges, Input, Output, Refusal, Reply, Search, Ticket};
