//! What the edge is asked to dial, and what came of it.
//!
//! A framework says how its task is to be checked, never where: the host is the agent on which the task runs, and the port one of the
//! task's own. Whoever makes a [`Probe`] has seen to that.

use longshore_wire_ecs::Str;

use crate::ids::FrameworkId;

/// Names one probe, so that what came of it finds the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProbeId(pub u64);

/// How a port is probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Means {
    /// A connection is made and closed.
    Tcp,
    /// GET, without proof of who answers.
    Http {
        /// Whether through TLS.
        tls: bool,
        /// Path and query, in characters that a request may hold.
        path: Str,
    },
}

/// Something to dial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Names it.
    pub id: ProbeId,
    /// Whose task is probed: no framework takes the turn of another.
    pub framework: FrameworkId,
    /// Address or name of the agent.
    pub host: Str,
    /// The port of the agent that is the task's.
    pub port: u16,
    /// The port as the task knows it: the one that a request names.
    pub inside_port: u16,
    /// Whether only IPv6 will do.
    pub ipv6: bool,
    /// How.
    pub means: Means,
    /// How long it may take, in ms.
    pub timeout_ms: u64,
}

/// What came of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probed {
    /// An answer over HTTP with this status.
    Status(u16),
    /// A connection.
    Connected,
    /// The other end refused, broke off, or did not speak the protocol.
    Failed(String),
    /// There was a connection, and no answer in time.
    TimedOut,
    /// There was no connection, and it is unknown whether the task or the way to it is at fault.
    Unreached(String),
}
