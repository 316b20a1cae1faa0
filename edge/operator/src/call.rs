//! A request of the v1 operator API: read, and checked as far as that needs no state. Source: \[P2\].

pub(crate) mod check;
mod read;
mod state;

use std::collections::BTreeMap;

use longshore_bridge::{AgentId, FrameworkId, Role};
use longshore_wire_mesos::Media;
use longshore_wire_mesos::v1::MachineId;
use longshore_wire_mesos::v1::maintenance::Schedule;

/// A request, and the encoding of its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What is asked for.
    pub call: Call,
    /// The encoding that the answer is wanted in.
    pub media: Media,
}

/// Why a request is answered by a status and a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The body, as `text/plain; charset=utf-8`.
    pub text: String,
    /// What goes into the `Allow` header, if there is to be one.
    pub allow: Option<&'static str>,
}

impl Refusal {
    /// The answer to a request that is wrong.
    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self::with(400, text)
    }

    /// A status with its text.
    pub(crate) fn with(status: u16, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), allow: None }
    }

    /// The answer to a method that a path does not know.
    pub(crate) fn method(method: &str, allow: &'static str) -> Self {
        let quoted: Vec<String> = allow.split(", ").map(|one| format!("'{one}'")).collect();
        let text = format!(
            "405 Method Not Allowed. Expecting one of {{ {} }}, but received '{method}'.",
            quoted.join(", ")
        );
        Self { allow: Some(allow), ..Self::with(405, text) }
    }

    /// The answer to what has no counterpart in ECS.
    pub(crate) fn unknown_to_ecs() -> Self {
        Self::bad("Longshore does not reserve resources or make volumes: Amazon ECS has neither")
    }
}

/// What an operator asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// To be told something: [`v1::answer`](crate::v1::answer) does so.
    Read(Read),
    /// To have something done. The answer is 200 without a body.
    Write(OperatorCall),
    /// To follow what happens.
    Subscribe,
    /// Files of the master.
    Files(Files),
}

/// What an operator may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// `GET_HEALTH`
    Health,
    /// `GET_FLAGS`
    Flags,
    /// `GET_VERSION`
    Version,
    /// `GET_METRICS`
    Metrics,
    /// `GET_LOGGING_LEVEL`
    LoggingLevel,
    /// `GET_STATE`
    State,
    /// `GET_AGENTS`
    Agents,
    /// `GET_FRAMEWORKS`
    Frameworks,
    /// `GET_EXECUTORS`
    Executors,
    /// `GET_OPERATIONS`
    Operations,
    /// `GET_TASKS`
    Tasks,
    /// `GET_ROLES`
    Roles,
    /// `GET_WEIGHTS`
    Weights,
    /// `GET_MASTER`
    Master,
    /// `GET_QUOTA`
    Quota,
    /// `GET_MAINTENANCE_STATUS`
    MaintenanceStatus,
    /// `GET_MAINTENANCE_SCHEDULE`
    MaintenanceSchedule,
}

/// What an operator asks about files. Source: an unknown path is 404 with an empty body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Files {
    /// `LIST_FILES`
    List {
        /// The folder.
        path: String,
    },
    /// `READ_FILE`
    Read {
        /// The file.
        path: String,
        /// From where on.
        offset: u64,
        /// How much at most.
        length: Option<u64>,
    },
}

/// What an operator may have done. That it makes sense has been checked; [`OperatorCall::check`] says whether it can be done.
#[derive(Clone, Debug, PartialEq)]
pub enum OperatorCall {
    /// `SET_LOGGING_LEVEL`
    SetLoggingLevel {
        /// How much is logged.
        level: u32,
        /// For how long.
        nanoseconds: i64,
    },
    /// `UPDATE_WEIGHTS`
    UpdateWeights(Vec<(Role, f64)>),
    /// `UPDATE_QUOTA`. Unless forced, all guarantees together must not exceed what there is.
    UpdateQuota {
        /// Whether to do it anyway.
        force: bool,
        /// The new quota of each of these roles.
        quota: Vec<RoleQuota>,
    },
    /// `SET_QUOTA`, the old form: a guarantee that is a limit as well, for a role that has no quota yet.
    SetQuota {
        /// Whether to do it anyway.
        force: bool,
        /// The role.
        role: Role,
        /// By resource.
        guarantee: BTreeMap<String, f64>,
    },
    /// `REMOVE_QUOTA`
    RemoveQuota(Role),
    /// `UPDATE_MAINTENANCE_SCHEDULE`: takes the place of the last one.
    UpdateMaintenanceSchedule(Schedule),
    /// `START_MAINTENANCE`
    StartMaintenance(Vec<MachineId>),
    /// `STOP_MAINTENANCE`
    StopMaintenance(Vec<MachineId>),
    /// `DRAIN_AGENT`
    DrainAgent {
        /// Which.
        agent: AgentId,
        /// The time that tasks are given at most, in ms.
        max_grace_ms: Option<u64>,
        /// Whether it is marked gone in the end.
        mark_gone: bool,
    },
    /// `DEACTIVATE_AGENT`
    DeactivateAgent(AgentId),
    /// `REACTIVATE_AGENT`
    ReactivateAgent(AgentId),
    /// `MARK_AGENT_GONE`
    MarkAgentGone(AgentId),
    /// `TEARDOWN`
    Teardown(FrameworkId),
}

/// Quota of one role, by resource.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleQuota {
    /// The role.
    pub role: Role,
    /// What is kept for it.
    pub guarantees: BTreeMap<String, f64>,
    /// What it may not exceed.
    pub limits: BTreeMap<String, f64>,
}

#[cfg(test)]
mod tests;
