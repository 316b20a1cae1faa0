//! What services do that others may want to hear of: the content of the events *ECS Service Action* and *ECS Deployment State
//! Change*.
//!
//! Announcements are collected during a step, in order, and taken at its end. They are facts, not rows: nothing is stored, and
//! nothing that the control plane decides depends on them.

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Realm;
use serde::{Deserialize, Serialize};

use crate::record::words;

words! {
    /// How much it matters.
    Level {
        /// All is well.
        Info = "INFO",
        /// Something is not as it should be.
        Warn = "WARN",
        /// Something could not be done.
        Error = "ERROR",
    }
}

words! {
    /// What a service did or met.
    ActionName {
        /// All its tasks run.
        SteadyState = "SERVICE_STEADY_STATE",
        /// Its tasks fail before they run, again and again.
        TaskStartImpaired = "SERVICE_TASK_START_IMPAIRED",
        /// Its tasks run and end, again and again. Ours: ECS has no such event.
        TasksKeepExiting = "SERVICE_TASKS_KEEP_EXITING",
        /// No instance takes a task.
        TaskPlacementFailure = "SERVICE_TASK_PLACEMENT_FAILURE",
        /// A task of a DAEMON service is on an instance that its constraints exclude.
        DaemonPlacementConstraintViolated = "SERVICE_DAEMON_PLACEMENT_CONSTRAINT_VIOLATED",
        /// Its zones are being evened out.
        RebalancingStarted = "SERVICE_REBALANCING_STARTED",
        /// Its zones are even.
        RebalancingCompleted = "SERVICE_REBALANCING_COMPLETED",
        /// Its zones are not even, and cannot be made so.
        RebalancingStopped = "SERVICE_REBALANCING_STOPPED",
        /// Its tasks cannot be made from its task definition.
        TaskConfigurationFailure = "SERVICE_TASK_CONFIGURATION_FAILURE",
    }
}

words! {
    /// What became of a deployment.
    DeploymentName {
        /// It began.
        InProgress = "SERVICE_DEPLOYMENT_IN_PROGRESS",
        /// All its tasks run.
        Completed = "SERVICE_DEPLOYMENT_COMPLETED",
        /// Its circuit breaker gave it up.
        Failed = "SERVICE_DEPLOYMENT_FAILED",
    }
}

/// Something to tell the event stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Account and region.
    pub realm: Realm,
    /// `createdAt` of an action, `updatedAt` of a deployment.
    pub at: Timestamp,
    /// ARN of the cluster.
    pub cluster_arn: Str,
    /// ARN of the service, which is the resource of the event.
    pub service_arn: Str,
    /// INFO, WARN or ERROR.
    pub level: Level,
    /// What there is to tell.
    pub what: Announced,
}

/// What there is to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Announced {
    /// *ECS Service Action*.
    Action {
        /// `eventName`.
        name: ActionName,
        /// `reason`.
        reason: Option<Str>,
        /// `containerInstanceArns`.
        instances: Vec<Str>,
    },
    /// *ECS Deployment State Change*.
    Deployment {
        /// `eventName`.
        name: DeploymentName,
        /// `deploymentId`.
        deployment: Str,
        /// `reason`.
        reason: Str,
    },
}
