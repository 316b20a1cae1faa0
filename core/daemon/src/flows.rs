//! Flows: they hold no state, ask one part, tell another, and push effects.

mod acting;
mod answering;
mod calling;
mod deploying;
mod observing;
pub(crate) mod pending;
mod v1;
