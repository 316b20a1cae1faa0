//! What frameworks whose decisions are a machine's have in common: they hear [`Callback`](crate::Callback)s and say
//! [`Command`](crate::Command)s.

mod offers;
mod subscription;

pub use offers::Offers;
pub use subscription::{GivenUp, Subscription};
