//! Requests to a cluster, and their results.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use longshore_wire_ecs::Str;

use crate::content::DefinitionContent;
use crate::record::{Instance, Task};

/// Names one question, so that its answer finds the way back. The type says what the answer is.
pub struct Asked<A> {
    number: u64,
    answer: PhantomData<fn() -> A>,
}

impl<A> Asked<A> {
    /// A name for the question of this number, which nobody else has.
    pub const fn new(number: u64) -> Self {
        Self { number, answer: PhantomData }
    }
}

// Derived ones would ask the same of the answer.
impl<A> Clone for Asked<A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for Asked<A> {}

impl<A> PartialEq for Asked<A> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<A> Eq for Asked<A> {}

impl<A> PartialOrd for Asked<A> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<A> Ord for Asked<A> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.number.cmp(&other.number)
    }
}

impl<A> fmt::Debug for Asked<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Asked({})", self.number)
    }
}

/// Something to ask of the cluster, by what its answer is.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// Which instances there are.
    Instances(Asked<Vec<Instance>>, InstancesAsk),
    /// Which tasks there are.
    Tasks(Asked<Tasks>, TasksAsk),
    /// A task definition.
    Definition(Asked<Option<Definition>>, DefinitionAsk),
    /// To start one task on one instance.
    Start(Asked<Outcome>, Box<StartTask>),
    /// To stop a task.
    Stop(Asked<Task>, StopTask),
    /// To change an instance; the same change twice does no harm.
    Change(Asked<Instance>, InstanceChange),
}

/// Which instances to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstancesAsk {
    /// All instances, found anew.
    List,
    /// These instances, by ARN.
    Describe(Vec<Str>),
}

/// Which tasks to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TasksAsk {
    /// All tasks that should run, or all that should not.
    List {
        /// Which.
        desired_running: bool,
        /// ARNs of tasks to leave out of the answer.
        except: BTreeSet<Str>,
    },
    /// These tasks, by ARN.
    Describe(Vec<Str>),
    /// The tasks with this `startedBy`, running or not.
    Find(Str),
}

/// Which task definition, and whether it is new.
#[derive(Clone, Debug, PartialEq)]
pub enum DefinitionAsk {
    /// A task definition, by `family`, `family:revision` or ARN.
    Describe(Str),
    /// A new revision.
    Register(Box<DefinitionContent>),
}

/// The task to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopTask {
    /// ARN.
    pub task: Str,
    /// For people.
    pub reason: Str,
}

/// What an instance is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceChange {
    /// Its ARN.
    pub instance: Str,
    /// What about it.
    pub to: Alteration,
}

/// What changes about an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alteration {
    /// Its status: ACTIVE, or else DRAINING.
    Active(bool),
    /// An attribute of that name has this value, or is not there any more.
    Attribute(Str, Option<Str>),
}

/// Starts one task on one instance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StartTask {
    /// ARN of the instance.
    pub instance: Str,
    /// `family:revision` or ARN.
    pub definition: Str,
    /// At most 36 characters.
    pub started_by: Str,
    /// Task group, as counted by spread strategies.
    pub group: Option<Str>,
    /// The container that the overrides below apply to.
    pub container: Str,
    /// Command override.
    pub command: Option<Vec<Str>>,
    /// Environment override.
    pub environment: BTreeMap<Str, Str>,
    /// CPU units override.
    pub cpu: Option<u32>,
    /// Override of the most memory it may have, in MiB. It is what is reserved, unless the next says otherwise.
    pub memory_mib: Option<u32>,
    /// Override of the memory that is reserved, in MiB.
    pub memory_reservation_mib: Option<u32>,
    /// Whole GPUs, if any.
    pub gpus: Option<u32>,
    /// The order for the container that fetches, if there is one and its definition does not say it.
    pub fetch: Option<Str>,
    /// Overrides of containers beside that one.
    pub others: Vec<ContainerStart>,
}

/// How one more container of a task is started.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerStart {
    /// Its name in the task definition.
    pub container: Str,
    /// Command override.
    pub command: Option<Vec<Str>>,
    /// Environment override.
    pub environment: BTreeMap<Str, Str>,
    /// CPU units override.
    pub cpu: u32,
    /// Override of the most memory it may have, in MiB. It is what is reserved, unless the next says otherwise.
    pub memory_mib: Option<u32>,
    /// Override of the memory that is reserved, in MiB.
    pub memory_reservation_mib: Option<u32>,
    /// Whole GPUs, if any.
    pub gpus: Option<u32>,
    /// The order for what fetches into its sandbox, if something does.
    pub fetch: Option<Str>,
}

impl ContainerStart {
    /// The memory that is reserved for it, in MiB.
    #[must_use]
    pub fn reserved_mib(&self) -> u32 {
        self.memory_reservation_mib.or(self.memory_mib).unwrap_or_default()
    }
}

/// A task definition, as far as a launch needs to know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definition {
    /// Full ARN.
    pub arn: Str,
    /// Whether it can be launched.
    pub active: bool,
    /// Names of its containers, in order.
    pub containers: Vec<Str>,
    /// Names of those among them that end the task when they end, in order.
    pub essential: Vec<Str>,
    /// Images of its containers, in order.
    pub images: Vec<Str>,
    /// The digest of its content, as the first container's label [`CONTENT_LABEL`](crate::CONTENT_LABEL) tells it.
    pub content: Option<Str>,
    /// CPU units that a task reserves.
    pub cpu: u32,
    /// MiB that a task reserves.
    pub memory_mib: u32,
    /// GPUs that a task gets.
    pub gpus: u32,
    /// Host ports that a task reserves.
    pub ports: Vec<u16>,
}

/// Tasks that were read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tasks {
    /// Those that the cluster knows.
    pub found: Vec<Task>,
    /// ARNs of those that it does not know any more.
    pub missing: Vec<Str>,
}

/// What came of `StartTask`.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The task was accepted.
    Started(Box<Task>),
    /// The task was not accepted.
    NotStarted {
        /// Failure reason, for example `RESOURCE:CPU`.
        reason: Str,
        /// Failure detail, for people.
        detail: Option<Str>,
    },
}

/// What came of a [`Question`].
#[derive(Clone, Debug, PartialEq)]
pub enum Answered {
    /// Instances; complete if they were listed.
    Instances(Asked<Vec<Instance>>, Result<Vec<Instance>, Failure>),
    /// Tasks.
    Tasks(Asked<Tasks>, Result<Tasks, Failure>),
    /// A task definition, or that there is none.
    Definition(Asked<Option<Definition>>, Result<Option<Definition>, Failure>),
    /// What came of a start.
    Start(Asked<Outcome>, Result<Outcome, Failure>),
    /// The task that was told to stop.
    Stop(Asked<Task>, Result<Box<Task>, Failure>),
    /// The instance as it is after a change, if ECS said how it is.
    Change(Asked<Instance>, Result<Option<Box<Instance>>, Failure>),
}

impl Question {
    /// That it has no answer, and why.
    pub fn fails(&self, failure: Failure) -> Answered {
        match self {
            Self::Instances(asked, _) => Answered::Instances(*asked, Err(failure)),
            Self::Tasks(asked, _) => Answered::Tasks(*asked, Err(failure)),
            Self::Definition(asked, _) => Answered::Definition(*asked, Err(failure)),
            Self::Start(asked, _) => Answered::Start(*asked, Err(failure)),
            Self::Stop(asked, _) => Answered::Stop(*asked, Err(failure)),
            Self::Change(asked, _) => Answered::Change(*asked, Err(failure)),
        }
    }
}

impl Answered {
    /// Why there is no answer, if there is none.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Instances(_, result) => result.as_ref().err(),
            Self::Tasks(_, result) => result.as_ref().err(),
            Self::Definition(_, result) => result.as_ref().err(),
            Self::Start(_, result) => result.as_ref().err(),
            Self::Stop(_, result) => result.as_ref().err(),
            Self::Change(_, result) => result.as_ref().err(),
        }
    }
}

/// Why an [`Question`] has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The cluster may have received the request but did not answer: it is unknown whether a change
    /// was made.
    Unsure(String),
    /// The cluster was not reached, or did not accept the credentials: nothing was done, and the
    /// request may be retried.
    NotDone(String),
    /// Too many requests: nothing was done, and the request may be retried.
    Throttled,
    /// The cluster rejected the request: nothing was done, and a retry would not help.
    Refused {
        /// Error code, for example `ClientException`.
        code: String,
        /// Error message.
        message: String,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsure(why) => write!(f, "no response from the cluster: {why}"),
            Self::NotDone(why) => write!(f, "cannot reach the cluster: {why}"),
            Self::Throttled => f.write_str("the cluster is throttling requests"),
            Self::Refused { code, message } => write!(f, "{code}: {message}"),
        }
    }
}
