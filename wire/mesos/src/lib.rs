//! What travels between a Mesos framework and a master.
//!
//! - [`v1`]: the messages, made from `schema/mesos`.
//! - [`json`]: Mesos's own mapping of messages to JSON, which differs from protobuf's.
//! - [`recordio`]: the framing of event streams.
//! - [`Media`]: the two encodings of a body.
#![forbid(unsafe_code)]

mod enums;
pub mod json;
mod media;
pub mod recordio;
mod required;
mod states;

pub use prost::Message;

pub use media::{DecodeError, Media, accepted, encoded_bytes};
pub use states::is_terminal;

/// The messages of the v1 API.
#[expect(
    missing_docs,
    clippy::pedantic,
    reason = "generated from schema/mesos, whose names are those of the Mesos v1 API"
)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/mesos.v1.rs"));

    /// The scheduler API.
    pub mod scheduler {
        include!(concat!(env!("OUT_DIR"), "/mesos.v1.scheduler.rs"));
    }

    /// The operator API.
    pub mod master {
        include!(concat!(env!("OUT_DIR"), "/mesos.v1.master.rs"));
    }

    /// Quota of roles.
    pub mod quota {
        include!(concat!(env!("OUT_DIR"), "/mesos.v1.quota.rs"));
    }

    /// Maintenance of machines.
    pub mod maintenance {
        include!(concat!(env!("OUT_DIR"), "/mesos.v1.maintenance.rs"));
    }
}

/// The version of Mesos whose behaviour is served. Numbers and dots only: clients parse every part.
pub const MESOS_VERSION: &str = "1.11.0";
