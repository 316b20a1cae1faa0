//! The record of a service: what was asked for, its deployments, and what it has to tell.

use std::collections::{BTreeMap, VecDeque};

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::shape::service::DeploymentConfiguration;
use longshore_wire_ecs::shape::task::{PlacementConstraint, PlacementStrategy};
use serde::{Deserialize, Serialize};

use crate::record::{Tags, words};

words! {
    /// Status of a service.
    ServiceStatus {
        /// In use.
        Active = "ACTIVE",
        /// Deleted; its tasks are being stopped. Described, not listed.
        Draining = "DRAINING",
        /// Deleted, and without tasks; described for a while.
        Inactive = "INACTIVE",
    }
}

words! {
    /// What decides how many tasks there are, and where.
    Scheduling {
        /// A number of tasks.
        Replica = "REPLICA",
        /// One task on each instance.
        Daemon = "DAEMON",
    }
}

words! {
    /// Whose tags the tasks get.
    Propagate {
        /// Nobody's.
        None = "NONE",
        /// Those of the service.
        Service = "SERVICE",
        /// Those of the task definition.
        TaskDefinition = "TASK_DEFINITION",
    }
}

words! {
    /// How far a deployment has come.
    RolloutState {
        /// Its tasks do not all run yet, or others do.
        InProgress = "IN_PROGRESS",
        /// All its tasks have run, and no others.
        Completed = "COMPLETED",
        /// Its circuit breaker gave it up.
        Failed = "FAILED",
    }
}

words! {
    /// What became of a service deployment.
    Outcome {
        /// Under way.
        InProgress = "IN_PROGRESS",
        /// Completed.
        Successful = "SUCCESSFUL",
        /// Given up, or overtaken by the next one.
        Stopped = "STOPPED",
        /// The deployment before it is coming back.
        RollbackInProgress = "ROLLBACK_IN_PROGRESS",
        /// The deployment before it is back.
        RollbackSuccessful = "ROLLBACK_SUCCESSFUL",
        /// The deployment before it could not be brought back either.
        RollbackFailed = "ROLLBACK_FAILED",
    }
}

/// How many failed tasks end a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Threshold {
    /// So many.
    Count(u32),
    /// Percent of the desired count, within the bounds that ECS sets.
    BoundedPercent(u32),
    /// Percent of the desired count.
    UnboundedPercent(u32),
}

/// The circuit breaker of deployments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// Whether the deployment that completed last comes back.
    pub rollback: bool,
    /// Whether a task that is well sets the count back.
    pub reset_on_healthy_task: bool,
    /// How many failures it takes.
    pub threshold: Threshold,
}

/// A deployment: a task definition that the service is to run. It leaves the record once no task of it is wanted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Deployment {
    /// `ecs-svc/` and 19 digits; the `startedBy` of its tasks.
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
    /// It began.
    pub created_at: Timestamp,
    /// It last changed.
    pub updated_at: Timestamp,
    /// How far it has come.
    pub rollout: RolloutState,
    /// The same in words.
    pub reason: Str,
    /// Failures since a task was well.
    pub failed_tasks: u32,
    /// Whether a task of it has ever been RUNNING.
    pub reached_running: bool,
}

/// A service revision: what a deployment deployed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Revision {
    /// The whole ARN.
    pub arn: Str,
    /// ARN of the task definition.
    pub definition_arn: Str,
    /// Container names and images of the task definition.
    pub images: Vec<(Str, Str)>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A service deployment: the story of one change.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServiceDeployment {
    /// The whole ARN.
    pub arn: Str,
    /// When it was asked for, which is when it began.
    pub created_at: Timestamp,
    /// It last changed.
    pub updated_at: Timestamp,
    /// It ended.
    pub finished_at: Option<Timestamp>,
    /// ARNs of the revisions that ran when it began, and their tasks then.
    pub sources: Vec<(Str, u32)>,
    /// ARN of the revision to run.
    pub target: Str,
    /// What became of it.
    pub outcome: Outcome,
    /// The same in words.
    pub reason: Option<Str>,
    /// The revision that is brought back, and since when.
    pub rollback: Option<(Str, Timestamp)>,
    /// Failed tasks, as of the last change.
    pub failures: u32,
    /// How many it would have taken; `None` without a circuit breaker.
    pub threshold: Option<u32>,
}

/// A line in `events`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServiceEvent {
    /// A UUID.
    pub id: Str,
    /// When it was written.
    pub created_at: Timestamp,
    /// The text.
    pub message: Str,
}

/// How a task of a service ended that was not told to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exit {
    /// The task.
    pub(crate) task: ResourceId,
    /// The first essential container that ended.
    pub(crate) container: Str,
    /// Its exit code, if it is known.
    pub(crate) code: Option<i32>,
    /// What its host said of it besides.
    pub(crate) reason: Option<Str>,
    /// How long the task had been RUNNING, in ms.
    pub(crate) ran_ms: u64,
}

/// How fast tasks may be started after some have failed or ended.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Starts {
    /// Last start of a task.
    pub(crate) last_at: Timestamp,
    /// Batches in a row of which a task ended before it ran.
    pub(crate) failed_batches: u32,
    /// Whether of the last batch none has failed or ended yet.
    pub(crate) fresh: bool,
    /// No task is started before.
    pub(crate) not_before: Timestamp,
    /// Tasks in a row that ran and ended by themselves before long.
    #[serde(default)]
    pub(crate) exits: u32,
    /// Batches in a row of which a task ended quickly, although it ran.
    #[serde(default)]
    pub(crate) quick_batches: u32,
    /// The last of these ends.
    #[serde(default)]
    pub(crate) last_exit: Option<Exit>,
}

/// What keeps a service from telling the same thing over and over.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Telling {
    /// Whether zones are being evened out.
    pub(crate) rebalancing: bool,
    /// Steady, and when that was told last.
    pub(crate) steady_at: Option<Timestamp>,
    /// Other things, by cause, and when they were told last.
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
    /// The whole ARN.
    pub arn: Str,
    /// Whether it is in use.
    pub status: ServiceStatus,
    /// What decides how many tasks there are.
    pub scheduling: Scheduling,
    /// How many tasks there should be: as asked for, or one for each instance.
    pub desired_count: u32,
    /// As given, with what follows from it.
    pub configuration: DeploymentConfiguration,
    /// Most tasks, in percent of the desired count.
    pub maximum_percent: u32,
    /// Fewest healthy tasks, in percent of the desired count.
    pub minimum_healthy_percent: u32,
    /// The circuit breaker, if it is on.
    pub breaker: Option<Breaker>,
    /// Constraints, as given.
    pub constraints: Vec<PlacementConstraint>,
    /// Strategies, as given.
    pub strategy: Vec<PlacementStrategy>,
    /// How long after its start the health of a task does not count, in seconds.
    pub grace_period_s: u32,
    /// Whether tasks are to be moved to even out zones.
    pub rebalancing: bool,
    /// Tasks that are started beyond the desired count, so that as many can be stopped in fuller zones.
    pub moves: u32,
    /// Whose tags the tasks get.
    pub propagate: Propagate,
    /// Whether tasks get tags that name service and cluster.
    pub managed_tags: bool,
    /// Tags.
    pub tags: Tags,
    /// The client token that made it, and the request that it stands for.
    pub token: Option<(Str, String)>,
    /// When it was made.
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
    /// How fast tasks may be started.
    pub starts: Starts,
    /// What has been told.
    pub telling: Telling,
}

impl Service {
    /// The deployment that is to run.
    pub(crate) fn primary(&self) -> Option<&Deployment> {
        self.deployments.first()
    }

    /// The group of its tasks.
    pub(crate) fn group(&self) -> Str {
        format!("{}{}", crate::record::SERVICE_GROUP, self.name).into()
    }
}
