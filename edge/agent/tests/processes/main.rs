//! Plain processes as containers, with real processes, links and file systems.
//!
//! Tests that need root or a control group report on standard error when they are skipped.
#![forbid(unsafe_code)]

mod bench;
mod ends;
mod files;
mod restarts;
mod sandboxes;
