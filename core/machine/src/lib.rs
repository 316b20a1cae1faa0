//! The interface of a deterministic state machine.
//!
//! A [`Machine`] is a synchronous value. The world passes inputs to it ([`Machine::step`]) and lets
//! time pass ([`Machine::tick`]); it answers with outputs, the effects that it asks for. It has no
//! clock (the time is an argument of each call), no randomness (ids come from seeded [`Ids`]), no
//! threads, sockets, files, locks or async. The product drives it with one loop; tests and
//! simulations drive the same machine with a queue and a seed.
//!
//! Invariant: equal state, time and input give equal state and outputs, except for the lead of the
//! wall clock, which is added where a time is written for people ([`Timestamp::wall`]).
#![forbid(unsafe_code)]

mod civil;
mod ids;
mod rows;
mod timestamp;
mod wall;

pub use ids::Ids;
pub use rows::{Change, Row, Unreadable};
pub use timestamp::Timestamp;
pub use wall::{set_wall_lead, wall_lead};

/// A deterministic state machine.
pub trait Machine {
    /// The inputs that it accepts.
    type Input;
    /// The outputs that it produces.
    type Output;

    /// Handles one input at time `now`.
    fn step(&mut self, now: Timestamp, input: Self::Input, out: &mut Vec<Self::Output>);

    /// Does what is due at time `now`.
    fn tick(&mut self, now: Timestamp, out: &mut Vec<Self::Output>);

    /// When [`Machine::tick`] next has something to do; `None` if nothing is scheduled.
    fn wake_at(&self) -> Option<Timestamp>;
}
