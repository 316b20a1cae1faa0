//! EventBridge and SQS in the small: rules that match events, and queues that keep them until they
//! are deleted.
//!
//! Publishers report events through [`Bus::publish`] or [`Input::Published`]; rules on the default
//! event bus send them to queues; clients receive them there at least once, even across a restart.
//!
//! Invariants, checked by [`audit`]:
//! - Followers of the bus get every event ([`Output::Event`]), whether or not a rule wants it; none
//!   is stored for them.
//! - A message is in one of three indexes: ready, delayed, in flight.
//! - A sent message is kept until it is deleted, expires, is purged, or is dropped because the
//!   queue is full; expired and dropped messages are counted.
//! - While a message is in flight nobody else receives it.
//! - No event, receive or deletion looks at all messages of a queue.
//! - No decision reads a clock, a file or a socket; two runs with equal inputs and seed are equal.
//!
//! Source: EventBridge API reference 2015-10-07, SQS API reference 2012-11-05, and their guides.
//! Queue policies are stored but never enforced: a local account has no other principals.
#![forbid(unsafe_code)]

mod admit;
mod audit;
mod backlog;
mod deliver;
mod digest;
mod event;
mod fifo;
mod filter;
mod json;
pub mod limits;
mod machine;
mod moving;
mod pattern;
mod prepare;
mod queue;
mod receive;
pub mod record;
mod rules;
mod settings;
mod state;
mod transform;

pub use audit::{Violation, audit};
pub use event::Event;
pub use filter::{BadFilter, Filter};
pub use machine::{Answer, Bus, Call, Change, Input, Key, Output, Records, Refusal, Request};
pub use prepare::{Prepared, answer_alone};
pub use queue::Losses;
pub use rules::Rules;
pub use settings::{FifoSettings, Redrive, Settings};
pub use state::State;
