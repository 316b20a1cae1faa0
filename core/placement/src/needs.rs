//! The requirements of one task.

use longshore_wire_ecs::Str;
use serde::{Deserialize, Serialize};

/// The requirements of one task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// CPU units, 1024 per core.
    pub cpu: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Host ports, sorted.
    pub ports: Vec<Port>,
    /// GPUs.
    #[serde(default)]
    pub gpus: u32,
    /// Attributes that the instance must have.
    pub attributes: Vec<RequiredAttribute>,
}

/// An attribute that an instance must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequiredAttribute {
    /// Its name.
    pub name: Str,
    /// Its value, if the value matters.
    pub value: Option<Str>,
}

/// Transport protocol of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// A host port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Port {
    /// TCP and UDP ports are independent.
    pub protocol: Protocol,
    /// 1 to 65535.
    pub number: u16,
}
