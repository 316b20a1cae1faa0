//! EventBridge and SQS in the small: rules that match events, queues that keep them until somebody deletes them.
//!
//! Whoever decides something publishes what happened ([`Bus::publish`], or [`Input::Published`]); rules on the default
//! event bus send it to standard queues; clients receive it there, at least once, also after a restart.
//!
//! Invariants, checked by [`audit`]:
//! - An event is told to those who follow the bus ([`Output::Event`]) whether or not a rule wants it, and kept for none of them.
//! - A message is in one of three indexes: ready, delayed, in flight.
//! - What was sent is kept until it is deleted, expires, is purged, or is dropped because the queue is full; the last two
//!   ways without a caller are counted.
//! - While a message is in flight nobody else receives it.
//! - No event, receive or deletion looks at all messages of a queue.
//! - No decision reads a clock, a file or a socket; two runs with equal inputs and seed are equal.
//!
//! Source: EventBridge API reference 2015-10-07, SQS API reference 2012-11-05, and their guides. A queue's policy is kept and
//! not asked: there is nobody else in a local account.
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
