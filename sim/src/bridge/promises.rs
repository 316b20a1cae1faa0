//! What bridges promised frameworks: offers, and updates that are repeated until they are acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use longshore_bridge::StreamKey;
use longshore_machine::Timestamp;
use longshore_wire_mesos::v1::{Offer, TaskStatus};

use super::api::Subject;
use super::bucket::Bucket;
use super::cloud::Owner;
use super::ledger::is_taken;

/// First repeat of an update and the longest time between two, in ms.
const REPEAT_MS: (u64, u64) = (10_000, 600_000);
/// How much later than planned a repeat may come, in ms.
const SLACK_MS: u64 = 2_000;

/// What is on offer.
#[derive(Clone, Debug)]
pub(super) struct Promise {
    pub(super) stream: StreamKey,
    pub(super) framework: String,
    pub(super) role: String,
    pub(super) agent: String,
    pub(super) made_at: Timestamp,
    cpus_milli: u64,
    mem_milli: u64,
    disk_milli: u64,
    ports: BTreeSet<u64>,
}

impl Promise {
    /// Thousandths of a scalar.
    pub(super) fn amount(&self, name: &str) -> u64 {
        match name {
            "cpus" => self.cpus_milli,
            "mem" => self.mem_milli,
            "disk" => self.disk_milli,
            _ => 0,
        }
    }

    /// Whether another holds at least as much.
    pub(super) fn is_part_of(&self, other: &Self) -> bool {
        let scalars = ["cpus", "mem", "disk"];
        scalars.iter().all(|name| self.amount(name) <= other.amount(name))
            && self.ports.is_subset(&other.ports)
    }
}

/// An update that is out.
#[derive(Clone, Debug)]
struct Unacked {
    stream: StreamKey,
    uuid: Vec<u8>,
    /// The ECS task that it is about.
    container: Option<String>,
    sent_at: Timestamp,
    repeat_ms: u64,
}

/// What one bridge promised since it started.
#[derive(Debug)]
pub(super) struct Promises {
    pub(super) offers: BTreeMap<String, Promise>,
    unacked: BTreeMap<Owner, Unacked>,
    /// ECS tasks of which nothing may be told any more.
    superseded: BTreeSet<String>,
    /// What regular readings of instances and of tasks may use: for each there are two paces, which plan with half of the documented
    /// refill, and each with a burst of its own.
    instances: Bucket,
    tasks: Bucket,
}

/// Thousandths of a resource in an offer.
pub(super) fn milli(offer: &Offer, name: &str) -> u64 {
    let of = |value: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "amounts are positive and far below 2^53"
        )]
        let milli = (value * 1000.0).round() as u64;
        milli
    };
    let named = offer.resources.iter().filter(|one| one.name == name);
    named.filter_map(|one| one.scalar.as_ref()).map(|scalar| of(scalar.value)).sum()
}

impl Promises {
    pub(super) fn new() -> Self {
        let pace = Bucket::new(100, 20);
        Self {
            offers: BTreeMap::new(),
            unacked: BTreeMap::new(),
            superseded: BTreeSet::new(),
            instances: pace.clone(),
            tasks: pace,
        }
    }

    /// Regular readings of so many requests go out; false if that is more than planned.
    pub(super) fn reads(&mut self, now: Timestamp, subject: Subject, requests: u64) -> bool {
        let bucket = match subject {
            Subject::Instances => &mut self.instances,
            Subject::Tasks => &mut self.tasks,
        };
        bucket.take(now, requests)
    }

    /// An offer is made, for a role.
    pub(super) fn offer(
        &mut self,
        now: Timestamp,
        stream: StreamKey,
        framework: &str,
        role: String,
        offer: &Offer,
    ) {
        let ranges = offer.resources.iter().filter_map(|one| one.ranges.as_ref());
        let ports = ranges.flat_map(|ranges| &ranges.range).flat_map(|one| one.begin..=one.end);
        let promise = Promise {
            stream,
            framework: framework.to_owned(),
            role,
            agent: offer.agent_id.value.clone(),
            made_at: now,
            cpus_milli: milli(offer, "cpus"),
            mem_milli: milli(offer, "mem"),
            disk_milli: milli(offer, "disk"),
            ports: ports.collect(),
        };
        self.offers.insert(offer.id.value.clone(), promise);
    }

    /// Thousandths of CPUs and MiB that are on offer of an agent.
    pub(super) fn offered(&self, agent: &str) -> (u64, u64) {
        let of = self.offers.values().filter(|one| one.agent == agent);
        of.fold((0, 0), |(cpus, mem), one| (cpus + one.cpus_milli, mem + one.mem_milli))
    }

    /// A stream is nobody's any more.
    pub(super) fn stream_ended(&mut self, stream: StreamKey) {
        self.offers.retain(|_, one| one.stream != stream);
        self.unacked.retain(|_, one| one.stream != stream);
    }

    /// An update goes out; what is wrong with that.
    pub(super) fn update(
        &mut self,
        now: Timestamp,
        stream: StreamKey,
        framework: &str,
        status: &TaskStatus,
    ) -> Option<String> {
        let owner = (framework.to_owned(), status.task_id.value.clone());
        if status.unreachable_time.is_some() || is_taken(status) {
            // What is out is not repeated while the agent is away, and never if the task is given up.
            self.unacked.remove(&owner);
        }
        let uuid = status.uuid.clone()?;
        let container = status.container_status.as_ref().and_then(|one| one.container_id.as_ref());
        // A task of a group is a container in the ECS task.
        let container = container.map(|id| id.parent.as_deref().unwrap_or(id).value.clone());
        if let Some(id) = container.as_ref().filter(|id| self.superseded.contains(*id)) {
            return Some(format!("{owner:?} is told of {id}, whose place another has taken"));
        }
        let next = Unacked { stream, uuid, container, sent_at: now, repeat_ms: REPEAT_MS.0 };
        let out = self.unacked.get_mut(&owner).filter(|out| out.stream == stream);
        let Some(out) = out else {
            self.unacked.insert(owner, next);
            return None;
        };
        if out.uuid == next.uuid {
            out.repeat_ms = (out.repeat_ms * 2).min(REPEAT_MS.1);
            out.sent_at = now;
        } else if out.container.is_some() && out.container != next.container {
            // A launch of the last bridge showed up: the task of that id which had ended does not count any more.
            self.superseded.extend(std::mem::replace(out, next).container);
        } else {
            return Some(format!("an update of {owner:?} overtakes one that is not acknowledged"));
        }
        None
    }

    /// A framework acknowledged an update.
    pub(super) fn acknowledged(&mut self, framework: &str, task: &str, uuid: &[u8]) {
        let owner = (framework.to_owned(), task.to_owned());
        if self.unacked.get(&owner).is_some_and(|out| out.uuid == uuid) {
            self.unacked.remove(&owner);
        }
    }

    /// Updates that should have been repeated by now, on streams that are read.
    pub(super) fn overdue(
        &self,
        now: Timestamp,
        is_read: impl Fn(StreamKey) -> bool,
    ) -> Option<String> {
        let late = self.unacked.iter().find(|(_, out)| {
            is_read(out.stream) && now.since(out.sent_at) > out.repeat_ms + SLACK_MS
        });
        late.map(|(owner, out)| {
            format!("an update of {owner:?} was not repeated for {} ms", now.since(out.sent_at))
        })
    }
}
