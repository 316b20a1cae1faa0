//! What is asked beside the records of one cluster: which clusters there are, and starts on several instances at once.

use longshore_wire_ecs::Str;

use crate::ask::{Asked, Failure};
use crate::record::Task;

/// Instances that one [`StartOn`] names at most. Source: ECS API reference, *`StartTask`*.
pub const START_ON_MAX: usize = 10;

/// A cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Full ARN.
    pub arn: Str,
    /// Whether its status is ACTIVE.
    pub active: bool,
}

/// Something to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FleetQuestion {
    /// Which clusters there are, in account and region.
    Clusters(Asked<Vec<Cluster>>),
    /// A cluster by its name or ARN; nothing if there never was one.
    Cluster(Asked<Option<Cluster>>, Str),
    /// To start a task on each of some instances.
    Start(Asked<Starts>, Box<StartOn>),
}

/// One task on each of some instances, of one cluster and one definition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartOn {
    /// ARN of the cluster.
    pub cluster: Str,
    /// ARNs of the instances, at most [`START_ON_MAX`].
    pub instances: Vec<Str>,
    /// ARN of the task definition.
    pub definition: Str,
    /// At most 36 characters.
    pub started_by: Str,
}

/// What came of a [`StartOn`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Starts {
    /// Tasks that were accepted.
    pub started: Vec<Task>,
    /// Instances that did not take theirs.
    pub refused: Vec<NotStarted>,
}

/// An instance that did not take a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotStarted {
    /// ARN of the instance.
    pub instance: Str,
    /// For example `RESOURCE:MEMORY`.
    pub reason: Str,
}

/// What came of a [`FleetQuestion`].
#[derive(Clone, Debug, PartialEq)]
pub enum FleetAnswered {
    /// The clusters.
    Clusters(Asked<Vec<Cluster>>, Result<Vec<Cluster>, Failure>),
    /// A cluster, or that there is none.
    Cluster(Asked<Option<Cluster>>, Result<Option<Cluster>, Failure>),
    /// What came of a start.
    Start(Asked<Starts>, Result<Starts, Failure>),
}

impl FleetQuestion {
    /// That it has no answer, and why.
    pub fn fails(&self, failure: Failure) -> FleetAnswered {
        match self {
            Self::Clusters(asked) => FleetAnswered::Clusters(*asked, Err(failure)),
            Self::Cluster(asked, _) => FleetAnswered::Cluster(*asked, Err(failure)),
            Self::Start(asked, _) => FleetAnswered::Start(*asked, Err(failure)),
        }
    }
}
