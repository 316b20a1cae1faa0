//! What clients may want of a scheduler, and what they are told.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_wire_marathon::{App, PathId};

use crate::apps::{Failure, Tally, Termination};
use crate::deployments::Deployment;
use crate::instances::{Counts, Instance};
use crate::plan::{Sort, Step};

/// Who waits for a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// Whether apps that are put must be new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// None of them may exist.
    Create,
    /// All of them must exist.
    Update,
    /// Either.
    Any,
}

/// What a client may want.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// The apps and pods below a group, or one of them; `/` for all.
    Apps {
        /// The group.
        within: PathId,
    },
    /// An app or a pod.
    App {
        /// Which.
        id: PathId,
    },
    /// The versions of an app or a pod, newest first.
    Versions {
        /// Which.
        id: PathId,
    },
    /// The instances of the apps and pods below a group, or of one of them; `/` for all.
    Tasks {
        /// The group.
        within: PathId,
    },
    /// What waits to be launched.
    Queue,
    /// The deployments.
    Deployments,
    /// Apps or pods are to be as they are here. Their versions are not looked at.
    Put {
        /// The apps.
        apps: Vec<App>,
        /// Whether they must be new.
        mode: Mode,
        /// Whether deployments that stand in the way are cancelled.
        force: bool,
    },
    /// The apps and pods below a group are these, and no others.
    PutGroup {
        /// The group.
        group: PathId,
        /// The apps, all below it.
        apps: Vec<App>,
        /// Whether deployments that stand in the way are cancelled.
        force: bool,
        /// Whether only the plan is wanted.
        is_dry_run: bool,
    },
    /// An app is to be gone.
    Delete {
        /// Which.
        id: PathId,
        /// What it is.
        sort: Sort,
        /// Whether deployments that stand in the way are cancelled.
        force: bool,
    },
    /// An app is to have new instances.
    Restart {
        /// Which.
        id: PathId,
        /// Whether deployments that stand in the way are cancelled.
        force: bool,
    },
    /// An app is to be as it was.
    Return {
        /// Which.
        id: PathId,
        /// When that version was made, in ms since the epoch.
        version_ms: u64,
        /// Whether deployments that stand in the way are cancelled.
        force: bool,
    },
    /// Tasks of apps are to end.
    Kill {
        /// Their ids; those that are not there are left out.
        tasks: Vec<String>,
        /// Whether there are to be fewer from now on.
        scale: bool,
        /// Whether those out of reach are forgotten.
        wipe: bool,
        /// Whether deployments that stand in the way are cancelled.
        force: bool,
    },
    /// How the pods below a group are, or one pod; also those that are going.
    Pods {
        /// The group.
        within: PathId,
    },
    /// Instances of a pod are to end, and are replaced.
    KillInstances {
        /// The pod.
        pod: PathId,
        /// Their ids; those that are not there are left out.
        instances: Vec<String>,
        /// Whether those out of reach are forgotten.
        wipe: bool,
    },
    /// A deployment is to end.
    Cancel {
        /// Which.
        deployment: String,
        /// Whether everything stays as it is at that moment; otherwise it is taken back.
        force: bool,
    },
    /// An app is not to wait after failures.
    ResetDelay {
        /// Which.
        id: PathId,
    },
}

/// An app, and how it is.
#[derive(Clone, Debug, PartialEq)]
pub struct AppView {
    /// The app.
    pub app: Arc<App>,
    /// How many instances it has.
    pub counts: Counts,
    /// The deployment that locks it.
    pub deployment: Option<Arc<str>>,
    /// The last failure of an instance.
    pub failure: Option<Failure>,
    /// Tasks whose readiness was asked for, with the status of the last answer and whether it meant ready.
    pub readiness: Vec<(Arc<str>, Option<u16>, bool)>,
}

/// A task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskView {
    /// Its id.
    pub id: Arc<str>,
    /// What is known of it.
    pub instance: Instance,
}

/// A pod, and how it is.
#[derive(Clone, Debug, PartialEq)]
pub struct PodView {
    /// The pod.
    pub pod: Arc<App>,
    /// Whether it is not wanted any more.
    pub is_going: bool,
    /// Its instances.
    pub instances: Vec<TaskView>,
    /// Ends of instances that nobody asked for, newest first.
    pub ends: Vec<Termination>,
}

/// Launches of an app that wait.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueView {
    /// The app.
    pub app: Arc<App>,
    /// How many.
    pub count: u32,
    /// Since when, in ms since the epoch.
    pub since_ms: u64,
    /// How long they still wait after failures, in ms; 0 if they wait for offers.
    pub left_ms: u64,
    /// What became of offers.
    pub tally: Tally,
    /// When an offer was last used, in ms since the epoch.
    pub last_used_ms: Option<u64>,
    /// When an offer was last not used, in ms since the epoch.
    pub last_unused_ms: Option<u64>,
}

/// Something of an app that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The app.
    pub app: PathId,
    /// The member, for example `/constraints(0)`.
    pub path: String,
    /// What is wrong, and what would be right.
    pub text: String,
}

/// What a client is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Apps, in the order of their ids.
    Apps(Vec<AppView>),
    /// An app.
    App(Box<AppView>),
    /// Versions of an app, newest first.
    Versions(Vec<Arc<App>>),
    /// Tasks of apps and instances of pods, in the order of their ids.
    Tasks(Vec<TaskView>),
    /// Pods, in the order of their ids.
    Pods(Vec<PodView>),
    /// What waits.
    Queue(Vec<QueueView>),
    /// Deployments, with their ids.
    Deployments(Vec<(Arc<str>, Deployment)>),
    /// It is done, or is going to be by a deployment.
    Done {
        /// When this version was made, in ms since the epoch.
        version_ms: u64,
        /// The deployment.
        deployment: Arc<str>,
        /// The apps that were put, as they are wanted, and whether each is new.
        apps: BTreeMap<PathId, (Arc<App>, bool)>,
    },
    /// What would be done.
    Plan(Vec<Step>),
    /// These tasks were told to end.
    Killed(Vec<TaskView>),
    /// It is done, and there is no more to say.
    Ok,
    /// There is no such app.
    NoApp(PathId),
    /// There is no such version of an app.
    NoVersion(PathId, u64),
    /// There is no such deployment.
    NoDeployment(String),
    /// This exists already.
    Exists(PathId, Sort),
    /// These deployments stand in the way.
    Locked(Vec<Arc<str>>),
    /// It cannot be so.
    Invalid(Vec<Problem>),
    /// There are as many deployments as there may be.
    TooMany,
}
