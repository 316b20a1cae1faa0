//! What a Mesos master answers to operators, written from a [`View`](longshore_bridge::operator::View) of its state.
//!
//! - [`Page`]: the old endpoints, `/state` and its relatives. [`page::render`] writes one.
//! - [`Call`]: a request of the v1 operator API, read and checked as far as that needs no state. [`v1::answer`] writes the answer to
//!   a reading one; what writes is an [`OperatorCall`], which is for the bridge to do.
//! - [`legacy`]: the old endpoints that write, which come to the same calls.
//! - [`event`]: the records of the stream that operators subscribe to.
//!
//! A view does not change, so everything is written on whichever thread the reader of the answer has, in chunks, and nothing of the
//! size of the answer is ever held. Nothing here has a socket or a clock.
//!
//! Source: Apache Mesos 1.11, a master of which answered the requests that `tests/forms` describes.
#![forbid(unsafe_code)]

mod call;
pub mod event;
pub mod legacy;
mod metrics;
pub mod page;
mod resources;
mod sheet;
pub mod v1;

pub use call::{Call, Files, OperatorCall, Read, Refusal, Request};
pub use metrics::{prometheus, snapshot};
pub use page::{Asked, Page};
pub use sheet::CHUNK_BYTES;

/// How long an operator waits for a sign of life on the stream, in seconds. Source: Mesos, `DEFAULT_HEARTBEAT_INTERVAL`.
pub const HEARTBEAT_SECONDS: f64 = 15.0;
