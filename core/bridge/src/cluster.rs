//! The cluster as far as it is known: readings, events, and when which of them is needed.
//!
//! Tasks that are about to change are read often. Tasks that run are read when their instance changed: an instance's version
//! rises whenever a task on it comes or goes. A slow sweep over all of them catches what that missed. Offers are made of a
//! reading that was asked for after whatever called for them, so that nothing is offered that someone else has taken.
//!
//! This part asks and remembers; what follows from it for tasks and offers is decided by [`crate::flows`].

mod agents;
mod feed;
mod readings;
mod recovery;
mod seen;
mod sweep;

use std::collections::{BTreeMap, BTreeSet};

use longshore_machine::Timestamp;
use longshore_replica::{Asked, Instance, InstanceNews, Pace, Replica, Task, Tasks};
use longshore_wire_ecs::Str;

pub(crate) use self::agents::{STANDING_ATTRIBUTE, agent, attributes, domain, host};
use self::feed::Feed;
pub(crate) use self::feed::Heard;
use self::readings::ReadTo;
use self::recovery::{Recovery, Strays};
pub(crate) use self::seen::Look;
use self::seen::Seen;
use self::sweep::Sweep;
use crate::ids::AgentId;
use crate::launches::Launches;

/// Why instances are read.
#[derive(Clone, Copy, Debug, PartialEq)]
enum InstancesFor {
    Recovery,
    /// The regular reading; whether it is complete.
    Pace {
        complete: bool,
        sequence: u64,
        asked_at: Timestamp,
    },
    /// The instances of launches that should show in their figures.
    Unseen {
        sequence: u64,
    },
}

/// Why tasks are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TasksFor {
    Recovery,
    /// A look for launches that recovery did not see yet.
    Strays,
    /// The regular reading.
    Pace,
    /// A batch of the sweep over all tasks that live.
    Sweep,
}

/// What a reading told.
#[derive(Debug)]
pub(crate) enum Read {
    /// Instances came, went or changed.
    Instances(InstanceNews),
    /// Launches are to be looked at, whether they show in the figures of their instances.
    Look(Look),
    /// Tasks, and the ARNs of those that are not known any more.
    Tasks(Tasks),
    /// Offers that wait for a reading can be made.
    Fresh,
    /// All tasks that there were at the start.
    Recovered(Vec<Task>),
    /// Tasks that a master before this one may have launched.
    Strays(Vec<Task>),
}

/// What is known of the cluster.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    replica: Replica,
    instances: BTreeMap<Asked<Vec<Instance>>, InstancesFor>,
    tasks: BTreeMap<Asked<Tasks>, TasksFor>,
    instance_pace: Pace,
    task_pace: Pace,
    unseen_pace: Pace,
    seen: Seen,
    listed_at: Timestamp,
    sweep: Sweep,
    read_to: ReadTo,
    readings: u64,
    /// When the last reading of instances that came back was asked for.
    fresh_at: Timestamp,
    /// Whether what is known of instances is known to be old.
    needs_reading: bool,
    /// Whether the last reading of instances failed, so that what called for it still waits.
    reading_failed: bool,
    /// Whether instances may have come or gone.
    needs_listing: bool,
    /// Whether an allocation waits for a reading.
    waits_for_reading: bool,
    /// Tasks to read because their instance changed.
    stale: BTreeSet<Str>,
    recovery: Recovery,
    strays: Strays,
    feed: Feed,
    /// Whether any framework is connected.
    audience: bool,
}

impl Cluster {
    pub(crate) fn instances(&self) -> &BTreeMap<Str, Instance> {
        self.replica.instances()
    }

    /// An instance by its ARN.
    pub(crate) fn instance(&self, arn: &str) -> Option<&Instance> {
        self.replica.instances().get(arn)
    }

    /// All agents on the machine of one, in order and with itself: they have its ports together. None where it does not say on which
    /// machine it is.
    pub(crate) fn on_machine_of(&self, instance: &Instance) -> Vec<AgentId> {
        let arns = self.replica.on_machine_of(instance);
        let ids = arns.filter_map(|arn| self.replica.instances().get(arn));
        ids.map(|instance| instance.id().into()).collect()
    }

    /// The instance that a framework knows under an agent id, which is the id inside its ARN.
    pub(crate) fn instance_of(&self, agent: &str) -> Option<&Instance> {
        // ARNs of one cluster differ in their last part only.
        let any = self.replica.instances().keys().next()?;
        let (prefix, _) = any.rsplit_once('/')?;
        self.replica.instances().get(&*format!("{prefix}/{agent}"))
    }

    /// A task by its ARN, as it was last told.
    pub(crate) fn task(&self, arn: &str) -> Option<&Task> {
        self.replica.tasks().get(arn)
    }

    /// Takes in a task; whether it is news.
    pub(crate) fn merge_task(&mut self, task: Task) -> bool {
        self.replica.merge_task(task)
    }

    /// An instance is like this since a change that ECS has just made.
    pub(crate) fn changed(&mut self, instance: Instance) -> InstanceNews {
        self.replica.merge_instances(vec![instance], false)
    }

    /// Nobody asks about a task any more.
    pub(crate) fn forget_task(&mut self, arn: &str) {
        self.stale.remove(arn);
        self.replica.forget_task(arn);
    }

    /// A task is to be read, since something about it changed.
    pub(crate) fn is_stale(&mut self, arn: Str) {
        self.stale.insert(arn);
    }

    /// The tasks on an instance are to be read.
    pub(crate) fn is_stale_on(&mut self, agent: &str, launches: &Launches) {
        self.stale.extend(launches.on(agent).filter_map(|launch| launch.arn().cloned()));
    }

    /// An instance is gone.
    pub(crate) fn instance_gone(&mut self, arn: &str) {
        self.forget_told(arn);
    }

    /// How many readings of instances or tasks were asked for.
    pub(crate) fn readings(&self) -> u64 {
        self.readings
    }

    /// Something ended, or did not begin, without an event that tells what it held.
    pub(crate) fn needs_reading(&mut self) {
        self.needs_reading = true;
    }

    /// Whether any framework is connected.
    pub(crate) fn has_audience(&mut self, is_anyone_there: bool) {
        self.audience = is_anyone_there;
    }

    /// Whether offers can be made of what is known: an offer is a promise, so it is made of what was read after `since`.
    /// If not, a reading is asked for, and [`Read::Fresh`] tells when it came back.
    pub(crate) fn is_fresh(&mut self, since: Timestamp) -> bool {
        let is_old = !self.hears() && self.fresh_at < since;
        let waits = self.needs_reading || is_old;
        if waits {
            self.needs_reading = true;
            self.waits_for_reading = true;
        }
        !waits
    }

    /// How much is kept.
    pub(crate) fn sizes(&self) -> [usize; 4] {
        let asked = self.instances.len() + self.tasks.len();
        [self.replica.instances().len(), self.replica.tasks().len(), asked, self.stale.len()]
    }
}
