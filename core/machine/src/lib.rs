//! What every decider is.
//!
//! A [`Machine`] is a synchronous value. The world tells it things ([`Machine::step`]) and lets time pass
//! ([`Machine::tick`]); it answers by pushing outputs, the effects that it asks for. It has no clock (the time comes
//! with each call), no randomness (ids come from seeded [`Ids`]), no threads, sockets, files, locks or async.
//! The product drives it with one loop, tests and simulations drive the same machine with a queue and a seed.
//!
//! Invariant: equal state, time and input give equal state and outputs, but for the lead of the wall clock, which is added where a
//! time is written down for people ([`Timestamp::wall`]).
#![forbid(unsafe_code)]

mod civil;
mod ids;
mod timestamp;
mod wall;

pub use ids::Ids;
pub use timestamp::Timestamp;
pub use wall::{set_wall_lead, wall_lead};

/// A decider.
pub trait Machine {
    /// What the world may tell it.
    type Input;
    /// What it may ask of the world.
    type Output;

    /// Takes one input at the time `now`.
    fn step(&mut self, now: Timestamp, input: Self::Input, out: &mut Vec<Self::Output>);

    /// Does what is due at the time `now`.
    fn tick(&mut self, now: Timestamp, out: &mut Vec<Self::Output>);

    /// When [`Machine::tick`] has something to do next; `None` while nothing is due ever.
    fn wake_at(&self) -> Option<Timestamp>;
}
