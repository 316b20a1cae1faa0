//! Things that happened, for those who follow. Source: frameworks.md 3.6. Whoever shows them adds the time.

use std::sync::Arc;

use longshore_wire_marathon::PathId;
use longshore_wire_mesos::v1::TaskState;

use crate::instances::Instance;
use crate::plan::Step;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A task has another state.
    Status {
        /// The task.
        task: Arc<str>,
        /// What is known of it, or of the instance of a pod that it is of, after the update.
        instance: Box<Instance>,
        /// Its state.
        state: TaskState,
        /// Why, in Mesos's words.
        message: String,
    },
    /// An instance of a pod is further, or has ended.
    Instance {
        /// Which.
        id: Arc<str>,
        /// What is known of it.
        instance: Box<Instance>,
        /// How far it is, in Mesos's words.
        state: TaskState,
    },
    /// A task of which nothing was known has ended.
    UnknownTerminated {
        /// The task.
        task: String,
        /// Its state.
        state: TaskState,
    },
    /// The health of a task has changed.
    Health {
        /// The task.
        task: Arc<str>,
        /// Its app.
        app: PathId,
        /// Which version of it, in ms since the epoch.
        version_ms: u64,
        /// Whether it is well now.
        is_well: bool,
    },
    /// A health check of a task failed.
    CheckFailed {
        /// The task.
        task: Arc<str>,
        /// Its app.
        app: PathId,
        /// Which check, by its index.
        check: usize,
    },
    /// A task is ended because it is not well.
    UnhealthyKilled {
        /// The task.
        task: Arc<str>,
        /// Its app.
        app: PathId,
        /// Which version of it, in ms since the epoch.
        version_ms: u64,
        /// The agent's host.
        host: String,
        /// Why.
        reason: String,
    },
    /// Something of a group is wanted otherwise.
    GroupChanged {
        /// The group, or the app.
        path: PathId,
        /// Since when, in ms since the epoch.
        version_ms: u64,
    },
    /// A deployment begins a step.
    StepBegan {
        /// The deployment.
        deployment: Arc<str>,
        /// What is done.
        step: Step,
        /// Which step, from 0.
        at: usize,
    },
    /// A deployment has done a step.
    StepDone {
        /// The deployment.
        deployment: Arc<str>,
        /// What was done.
        step: Step,
        /// Which step, from 0.
        at: usize,
    },
    /// A deployment is done.
    DeploymentDone {
        /// The deployment.
        deployment: Arc<str>,
    },
    /// A deployment was cancelled.
    DeploymentFailed {
        /// The deployment.
        deployment: Arc<str>,
    },
    /// An app is gone, with all its instances.
    AppTerminated {
        /// Which.
        app: PathId,
    },
    /// A master has accepted the framework.
    Registered {
        /// The framework's id.
        framework: String,
    },
    /// A master has accepted it again.
    Reregistered,
    /// There is no subscription any more.
    Disconnected,
}
