//! How much of what runs may be replaced at a time: the numbers that all rolling replacements share.
//!
//! So many copies are wanted, and those that run are to become others while enough of them serve. How many may be started and stopped
//! now follows from two bounds and from what is there. Services of ECS, apps of Marathon and environments of Blox have the same bounds
//! under names and in units of their own ([`Share`]). What counts as there, which copies go first, and what happens when nothing can move
//! differs, and stays with each of them (ADR 0037).
//!
//! This crate depends on nothing: it knows no cluster and no protocol, only numbers.
//!
//! Invariants:
//! - Bounds are rounded towards caution: the lower one up, the upper one down.
//! - Whoever stops copies that are well only as a [`Budget`] allows never leaves fewer than the lower bound by that, and whoever starts no
//!   more than [`Bounds::starts`] never has more than the upper bound by that.
//! - If the bounds leave any room, a replacement in which each new copy becomes well comes to its end.
#![forbid(unsafe_code)]

mod bounds;
mod share;

pub use bounds::{Bounds, Budget};
pub use share::Share;
