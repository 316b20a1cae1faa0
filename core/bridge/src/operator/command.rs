//! What an operator may have done.

use longshore_wire_mesos::v1::MachineId;
use longshore_wire_mesos::v1::maintenance::Schedule;

use super::record::QuotaView;
use crate::ids::{AgentId, FrameworkId, Role};

/// What an operator may have done. Its form has been checked; whether it can be done is for the bridge to say.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// These roles have these weights from now on.
    Weights(Vec<(Role, f64)>),
    /// These roles have this quota from now on; one that says nothing is none.
    Quota {
        /// Whether it may guarantee more than there is, or allow less than is launched.
        force: bool,
        /// By role.
        quota: Vec<(Role, QuotaView)>,
    },
    /// A framework ends, and all its tasks.
    Teardown(FrameworkId),
    /// Something is decided about an agent.
    Agent(AgentId, AgentWish),
    /// When machines are to be away; takes the place of the last schedule.
    Maintenance(Schedule),
    /// These machines are away from now on.
    MachinesDown(Vec<MachineId>),
    /// These machines are back.
    MachinesUp(Vec<MachineId>),
}

/// What an operator wants of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentWish {
    /// Nothing of it is offered any more; its tasks go on.
    Deactivate,
    /// The same, and its tasks are killed.
    Drain {
        /// The time that tasks are given at most, in ms.
        max_grace_ms: Option<u64>,
        /// Whether it is marked gone in the end.
        mark_gone: bool,
    },
    /// It is in use again.
    Reactivate,
    /// It is gone and must not come back: its tasks are lost.
    MarkGone,
}
