//! What clients may ask, and what they are told.

use std::sync::Arc;

use longshore_replica::{Instance, Task};
use longshore_wire_blox::Fault;
use longshore_wire_blox::route::{SchedulerCall, StateCall};
use longshore_wire_blox::scheduler::{Deployment, Environment};
use longshore_wire_blox::v1;

use crate::gauges::Gauges;
use crate::view::{Entity, Happened};

/// Names a request, so that its reply finds the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// A request of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// To the cluster state service.
    State(StateCall),
    /// To the scheduler.
    Scheduler(SchedulerCall),
    /// To the scheduler, as v1.0 was to have it.
    V1(v1::Call),
    /// For numbers about all of it.
    Gauges,
}

/// Which changes a stream has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Those of tasks.
    Tasks,
    /// Those of instances.
    Instances,
}

/// What a client is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Some tasks.
    Tasks(Vec<Arc<Entity<Task>>>),
    /// A task.
    Task(Arc<Entity<Task>>),
    /// Some instances.
    Instances(Vec<Arc<Entity<Instance>>>),
    /// An instance.
    Instance(Arc<Entity<Instance>>),
    /// A stream: these changes first, and then each that happens from now on.
    Follow(Stream, Vec<Happened>),
    /// An environment.
    Environment(Environment),
    /// Environments.
    Environments(Vec<Environment>),
    /// A deployment.
    Deployment(Deployment),
    /// Deployments, newest first.
    Deployments(Vec<Deployment>),
    /// Yes, and nothing more.
    Done,
    /// What a client of v1.0 is told.
    V1(Result<v1::Answer, v1::Fault>),
    /// Numbers.
    Gauges(Box<Gauges>),
    /// It could not be.
    Refused(Fault),
}
