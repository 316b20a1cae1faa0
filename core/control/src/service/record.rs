//! The record of a service: what was requested, its deployments, and its events.

use std::collections::{BTreeMap, VecDeque};

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::shape::service::DeploymentConfiguration;
use longshore_wire_ecs::shape::task::{PlacementConstraint, PlacementStrategy};
use serde::{Deserialize, Serialize};

use crate::record::{Tags, words};

words! {
    /// Status of a service.
    ServiceStatus {
        /// Active.
        Active = "ACTIVE",
        /// Deleted, but its tasks are still stopping. Described but not listed.
        Draining = "DRAINING",
        /// Deleted and without tasks; described for a while.
        Inactive = "INACTIVE",
    }
}

words! {
    /// How the number and location of tasks are determined.
    Scheduling {
        /// A fixed number of tasks.
        Replica = "REPLICA",
        /// One task on each instance.
        Daemon = "DAEMON",
    }
}

words! {
    /// Where the tags of tasks come from.
    Propagate {
        /// Nowhere.
        None = "NONE",
        /// The service.
        Service = "SERVICE",
        /// The task definition.
        TaskDefinition = "TASK_DEFINITION",
    }
}

words! {
    /// The progress of a deployment.
    RolloutState {
        /// Not all of its tasks are running yet, or others still are.
        InProgress = "IN_PROGRESS",
        /// All its tasks have run, and no others do.
        Completed = "COMPLETED",
        /// Its circuit breaker tripped.
        Failed = "FAILED",
    }
}

words! {
    /// The status of a service deployment.
    Outcome {
        /// In progress.
        InProgress = "IN_PROGRESS",
        /// Completed.
        Successful = "SUCCESSFUL",
        /// Failed, or superseded by a newer one.
        Stopped = "STOPPED",
        /// The previous deployment is being restored.
        RollbackInProgress = "ROLLBACK_IN_PROGRESS",
        /// The previous deployment has been restored.
        RollbackSuccessful = "ROLLBACK_SUCCESSFUL",
        /// The previous deployment could not be restored either.
        RollbackFailed = "ROLLBACK_FAILED",
    }
}

/// How many failed tasks trip the circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Threshold {
    /// This many.
    Count(u32),
    /// Percentage of the desired count, within the bounds that ECS sets.
    BoundedPercent(u32),
    /// Percentage of the desired count.
    UnboundedPercent(u32),
}

/// The circuit breaker of deployments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// Whether to roll back to the last completed deployment.
    pub rollback: bool,
    /// Whether a healthy task resets the count.
    pub reset_on_healthy_task: bool,
    /// How many failures it takes.
    pub threshold: Threshold,
}

/// A deployment of a task definition. It is removed from the record once none of its tasks is
/// wanted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Deployment {
    /// `ecs-svc/` and 19 digits; also the `startedBy` of its tasks.
    pub id: Str,
    /// Family of the task definition.
    pub family: Str,
    /// Revision of the task definition.
    pub revision: u32,
    /// ARN of the task definition.
    pub definition_arn: Str,
    /// ARN of the service revision.
    pub revision_arn: Str,
    /// ARN of the service deployment that it is part of.
    pub deployment_arn: Str,
    /// When it started.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Its progress.
    pub rollout: RolloutState,
    /// Its progress as text.
    pub reason: Str,
    /// Failures since a task was last healthy.
    pub failed_tasks: u32,
    /// Whether any of its tasks has ever been RUNNING.
    pub reached_running: bool,
}

/// A service revision: what a deployment deployed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Revision {
    /// The full ARN.
    pub arn: Str,
    /// ARN of the task definition.
    pub definition_arn: Str,
    /// Container names and images of the task definition.
    pub images: Vec<(Str, Str)>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A service deployment: the history of one change.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServiceDeployment {
    /// The full ARN.
    pub arn: Str,
    /// When it was requested and started.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// ARNs of the revisions that ran when it started, and their task counts at that time.
    pub sources: Vec<(Str, u32)>,
    /// ARN of the target revision.
    pub target: Str,
    /// Its status.
    pub outcome: Outcome,
    /// The reason for the status.
    pub reason: Option<Str>,
    /// The revision being restored, and since when.
    pub rollback: Option<(Str, Timestamp)>,
    /// Number of failed tasks as of the last change.
    pub failures: u32,
    /// The failure threshold; `None` without a circuit breaker.
    pub threshold: Option<u32>,
}

/// An entry of `events`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServiceEvent {
    /// A UUID.
    pub id: Str,
    /// When it was added.
    pub created_at: Timestamp,
    /// The text.
    pub message: Str,
}

/// How a service task exited by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exit {
    /// The id of the task, as its ARN has it.
    pub(crate) task: Str,
    /// The essential container that exited; of several, the first that failed.
    pub(crate) container: Str,
    /// Its exit code, if known.
    pub(crate) code: Option<i32>,
    /// Further information from its host.
    pub(crate) reason: Option<Str>,
    /// How long the task had been RUNNING, in ms.
    pub(crate) ran_ms: u64,
}

/// The state that limits how fast tasks start after failures or exits.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Starts {
    /// When a task was last started.
    pub(crate) last_at: Timestamp,
    /// Consecutive batches with a task that ended before it ran.
    pub(crate) failed_batches: u32,
    /// Whether no task of the last batch has failed or exited yet.
    pub(crate) fresh: bool,
    /// No task is started before this time.
    pub(crate) not_before: Timestamp,
    /// Consecutive tasks that ran and soon exited by themselves.
    #[serde(default)]
    pub(crate) exits: u32,
    /// Consecutive batches with a task that ran but exited quickly.
    #[serde(default)]
    pub(crate) quick_batches: u32,
    /// The last such exit.
    #[serde(default)]
    pub(crate) last_exit: Option<Exit>,
}

/// Keeps a service from repeating the same events.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Telling {
    /// Whether zones are being rebalanced.
    pub(crate) rebalancing: bool,
    /// If steady, when that was last reported.
    pub(crate) steady_at: Option<Timestamp>,
    /// Other reports by cause, with the time of the last one.
    pub(crate) told: BTreeMap<Str, Timestamp>,
}

/// A service.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Service {
    /// Account and region.
    pub realm: Realm,
    /// Name of its cluster.
    pub cluster: Str,
    /// ARN of its cluster.
    pub cluster_arn: Str,
    /// Unique in its cluster.
    pub name: Str,
    /// The full ARN.
    pub arn: Str,
    /// ACTIVE, DRAINING or INACTIVE.
    pub status: ServiceStatus,
    /// How the number of tasks is determined.
    pub scheduling: Scheduling,
    /// Desired number of tasks: as requested, or one per instance.
    pub desired_count: u32,
    /// As given, with derived values.
    pub configuration: DeploymentConfiguration,
    /// Maximum number of tasks, as a percentage of the desired count.
    pub maximum_percent: u32,
    /// Minimum number of healthy tasks, as a percentage of the desired count.
    pub minimum_healthy_percent: u32,
    /// The circuit breaker, if enabled.
    pub breaker: Option<Breaker>,
    /// Constraints, as given.
    pub constraints: Vec<PlacementConstraint>,
    /// Strategies, as given.
    pub strategy: Vec<PlacementStrategy>,
    /// How long the health of a task is ignored after its start, in seconds.
    pub grace_period_s: u32,
    /// Whether tasks are moved to balance zones.
    pub rebalancing: bool,
    /// Tasks started beyond the desired count, so that as many can be stopped in fuller zones.
    pub moves: u32,
    /// Where the tags of tasks come from.
    pub propagate: Propagate,
    /// Whether tasks get tags naming the service and cluster.
    pub managed_tags: bool,
    /// Tags.
    pub tags: Tags,
    /// The client token that created it, and the request stored under it.
    pub token: Option<(Str, String)>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it became INACTIVE.
    pub inactive_at: Option<Timestamp>,
    /// PRIMARY first, then those being replaced, newest first. Empty once the service is INACTIVE.
    pub deployments: Vec<Deployment>,
    /// Newest first.
    pub events: VecDeque<ServiceEvent>,
    /// Service deployments, newest first.
    pub history: VecDeque<ServiceDeployment>,
    /// Revisions, newest first.
    pub revisions: VecDeque<Revision>,
    /// Limits how fast tasks start.
    pub starts: Starts,
    /// What has been reported.
    pub telling: Telling,
}

impl Service {
    /// The PRIMARY deployment.
    pub(crate) fn primary(&self) -> Option<&Deployment> {
        self.deployments.first()
    }

    /// The group that its tasks belong to.
    pub(crate) fn group(&self) -> Str {
        format!("{}{}", crate::record::SERVICE_GROUP, self.name).into()
    }
}
