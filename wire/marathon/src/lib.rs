//! What travels between a client of Marathon's REST API and a scheduler.
//!
//! [`App`] is an app as it is kept: valid, with every default filled in and every id absolute. What people write takes more forms
//! ([`form`]: deprecated members, relative ids), which are read into it, or refused with Marathon's words and the path of what is wrong.
//!
//! A pod is an app with several containers to an instance ([`Pod`]).
//!
//! Source: frameworks.md 3; Marathon 1.11, `docs/docs/rest-api/`.
#![forbid(unsafe_code)]

mod app;
pub mod form;
mod pod;
mod time;
mod typed;

pub use app::*;
pub use pod::*;
pub use time::{read_time, time};
