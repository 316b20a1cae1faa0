//! What services announce: the content of the events *ECS Service Action* and *ECS Deployment State
//! Change*.
//!
//! Announcements are collected in order during a step and taken at its end. They are not stored,
//! and no decision of the control plane depends on them.

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Realm;
use serde::{Deserialize, Serialize};

use crate::record::words;

words! {
    /// Severity.
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
    /// The name of a service action.
    ActionName {
        /// All tasks are running.
        SteadyState = "SERVICE_STEADY_STATE",
        /// Tasks repeatedly fail before they run.
        TaskStartImpaired = "SERVICE_TASK_START_IMPAIRED",
        /// Tasks repeatedly run and exit. Ours: ECS has no such event.
        TasksKeepExiting = "SERVICE_TASKS_KEEP_EXITING",
        /// No instance can take a task.
        TaskPlacementFailure = "SERVICE_TASK_PLACEMENT_FAILURE",
        /// A task of a DAEMON service is on an instance that its constraints exclude.
        DaemonPlacementConstraintViolated = "SERVICE_DAEMON_PLACEMENT_CONSTRAINT_VIOLATED",
        /// Moving tasks to even out its zones has started.
        RebalancingStarted = "SERVICE_REBALANCING_STARTED",
        /// Its zones are balanced.
        RebalancingCompleted = "SERVICE_REBALANCING_COMPLETED",
        /// Its zones are unbalanced and cannot be balanced.
        RebalancingStopped = "SERVICE_REBALANCING_STOPPED",
        /// Its tasks cannot be built from the task definition.
        TaskConfigurationFailure = "SERVICE_TASK_CONFIGURATION_FAILURE",
    }
}

words! {
    /// The state of a deployment.
    DeploymentName {
        /// It started.
        InProgress = "SERVICE_DEPLOYMENT_IN_PROGRESS",
        /// All its tasks are running.
        Completed = "SERVICE_DEPLOYMENT_COMPLETED",
        /// Its circuit breaker tripped.
        Failed = "SERVICE_DEPLOYMENT_FAILED",
    }
}

/// An announcement for the event stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Account and region.
    pub realm: Realm,
    /// `createdAt` of an action, `updatedAt` of a deployment.
    pub at: Timestamp,
    /// ARN of the cluster.
    pub cluster_arn: Str,
    /// ARN of the service, the resource of the event.
    pub service_arn: Str,
    /// INFO, WARN or ERROR.
    pub level: Level,
    /// The content.
    pub what: Announced,
}

/// The content of an announcement.
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
