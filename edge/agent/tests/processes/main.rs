//! Plain processes as containers, with real processes, links and file systems.
//!
//! What needs root or a control group says on standard error that it was skipped where there is none.
#![forbid(unsafe_code)]

mod bench;
mod ends;
mod files;
mod restarts;
