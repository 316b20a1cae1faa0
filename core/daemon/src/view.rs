//! The cluster state service: records of every cluster that is watched, and the log of their changes.
//!
//! A record is replaced by a strictly newer version of itself only, so what arrives twice or late changes nothing. What events
//! cannot tell (health, a connection that was lost without a new version) is taken from readings.
//!
//! Invariant: each change has a version of its own, greater than all before it, also over restarts: versions are set aside in
//! blocks, and a block that may have been used is never used again.
//!
//! Source: blox.md 1.5, 1.6, 1.7 and 1.9.

mod find;
mod log;
mod records;
mod show;

use std::collections::BTreeSet;
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_replica::{Instance, LastStatus, Task};
use longshore_wire_blox::Fault;
use longshore_wire_ecs::Str;

pub use self::log::Happened;
use self::log::Log;
use self::records::{Record, Records};
pub use self::show::{show_instance, show_task};
use crate::call::Stream;
use crate::limits;

/// A record, and the change that made it so.
#[derive(Clone, Debug, PartialEq)]
pub struct Entity<T> {
    /// The version of the view.
    pub version: u64,
    /// The record.
    pub record: T,
}

/// What a merge changed.
#[derive(Clone, Debug)]
pub(crate) struct Merged<T> {
    /// As it was; nothing if it was not known.
    pub(crate) before: Option<Arc<Entity<T>>>,
    /// As it is.
    pub(crate) after: Arc<Entity<T>>,
}

/// Where news of a record come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    /// An event, which tells less than a reading.
    Event,
    /// A reading, or the answer to a change.
    Reading,
}

impl Record for Instance {
    fn arn(&self) -> &Str {
        &self.arn
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn cluster(&self) -> Option<&Str> {
        self.detail.as_ref().map(|detail| &detail.cluster_arn)
    }

    /// A connection that is lost does not always make a new version.
    fn differs(&self, held: &Self) -> bool {
        (self.active, self.connected) != (held.active, held.connected)
    }

    fn complete(&mut self, held: &Self) {
        (self.running_tasks, self.pending_tasks) = (held.running_tasks, held.pending_tasks);
    }

    fn is_final(&self) -> bool {
        false
    }

    fn happened(entity: Arc<Entity<Self>>) -> Happened {
        Happened::Instance(entity)
    }
}

impl Record for Task {
    fn arn(&self) -> &Str {
        &self.arn
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn cluster(&self) -> Option<&Str> {
        self.detail.as_ref().map(|detail| &detail.cluster_arn)
    }

    fn differs(&self, held: &Self) -> bool {
        self.healthy != held.healthy
    }

    fn complete(&mut self, held: &Self) {
        self.healthy = held.healthy;
    }

    fn is_final(&self) -> bool {
        self.last_status == LastStatus::Stopped
    }

    fn happened(entity: Arc<Entity<Self>>) -> Happened {
        Happened::Task(entity)
    }
}

/// Everything that clients of the cluster state service can see.
#[derive(Debug)]
pub(crate) struct View {
    tasks: Records<Task>,
    instances: Records<Instance>,
    log: Log,
    /// The latest version that was given out.
    version: u64,
    /// Versions up to this one were set aside.
    reserved: u64,
}

impl View {
    /// A view whose versions follow those that were set aside before.
    pub(crate) fn new(reserved: u64) -> Self {
        Self {
            tasks: Records::default(),
            instances: Records::default(),
            log: Log::default(),
            version: reserved,
            reserved,
        }
    }

    /// The version up to which versions are to be set aside now, if those that were are used up.
    pub(crate) fn reserve(&mut self) -> Option<u64> {
        if self.version < self.reserved {
            return None;
        }
        self.reserved = self.version + limits::VERSIONS_RESERVED;
        Some(self.reserved)
    }

    fn merge<T: Record + Clone>(
        (records, log, version): (&mut Records<T>, &mut Log, &mut u64),
        now: Timestamp,
        record: T,
        via: Via,
    ) -> Option<Merged<T>> {
        let merged = records.merge(now, record, via, *version + 1)?;
        *version += 1;
        log.push(T::happened(merged.after.clone()));
        Some(merged)
    }

    /// Takes in an instance; what that changes.
    pub(crate) fn merge_instance(
        &mut self,
        now: Timestamp,
        told: Instance,
        via: Via,
    ) -> Option<Merged<Instance>> {
        Self::merge((&mut self.instances, &mut self.log, &mut self.version), now, told, via)
    }

    /// Takes in a task; what that changes.
    pub(crate) fn merge_task(
        &mut self,
        now: Timestamp,
        told: Task,
        via: Via,
    ) -> Option<Merged<Task>> {
        Self::merge((&mut self.tasks, &mut self.log, &mut self.version), now, told, via)
    }

    /// Instances of a cluster that a reading which was asked for then did not show: they are gone.
    pub(crate) fn retain_instances(
        &mut self,
        cluster: &Str,
        named: &BTreeSet<Str>,
        asked_at: Timestamp,
    ) -> Vec<Arc<Entity<Instance>>> {
        self.instances.retain(cluster, asked_at, |entity| named.contains(&entity.record.arn))
    }

    /// Tasks of a cluster that a reading which was asked for then did not show, and that had not stopped: they are gone.
    pub(crate) fn retain_tasks(
        &mut self,
        cluster: &Str,
        named: &BTreeSet<Str>,
        asked_at: Timestamp,
    ) -> Vec<Arc<Entity<Task>>> {
        let stays =
            |entity: &Entity<Task>| entity.record.is_final() || named.contains(&entity.record.arn);
        self.tasks.retain(cluster, asked_at, stays)
    }

    /// A cluster is not there any more, and no environment is on it.
    pub(crate) fn forget_cluster(&mut self, cluster: &str) {
        self.instances.forget_cluster(cluster);
        self.tasks.forget_cluster(cluster);
    }

    /// Whether a task was told so shortly ago that its absence says nothing.
    pub(crate) fn is_fresh(&self, now: Timestamp, arn: &str) -> bool {
        self.tasks.is_fresh(now, arn)
    }

    /// A task is not shown any more.
    pub(crate) fn forget_task(&mut self, arn: &str) -> Option<Arc<Entity<Task>>> {
        self.tasks.forget(arn)
    }

    pub(crate) fn task(&self, arn: &str) -> Option<&Arc<Entity<Task>>> {
        self.tasks.get(arn)
    }

    pub(crate) fn instance(&self, arn: &str) -> Option<&Arc<Entity<Instance>>> {
        self.instances.get(arn)
    }

    /// The instances of a cluster.
    pub(crate) fn instances_of(
        &self,
        cluster: &str,
    ) -> impl Iterator<Item = &Arc<Entity<Instance>>> {
        self.instances.of(cluster)
    }

    /// The tasks of a cluster.
    pub(crate) fn tasks_of(&self, cluster: &str) -> impl Iterator<Item = &Arc<Entity<Task>>> {
        self.tasks.of(cluster)
    }

    /// ARNs of the tasks of a cluster that have stopped: nothing about them changes.
    pub(crate) fn stopped_of(&self, cluster: &str) -> BTreeSet<Str> {
        let stopped = self.tasks_of(cluster).filter(|entity| entity.record.is_final());
        stopped.map(|entity| entity.record.arn.clone()).collect()
    }

    /// What happened from a version on, with it; nothing for 0.
    pub(crate) fn since(&self, stream: Stream, version: u64) -> Result<Vec<Happened>, Fault> {
        if version == 0 {
            return Ok(Vec::new());
        }
        if version > self.version {
            return Err(Fault::OutOfRange);
        }
        self.log.since(stream, version).ok_or(Fault::OutOfRange)
    }

    /// How many tasks and instances are shown.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.tasks.len(), self.instances.len())
    }

    /// The latest version.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Checks everything that must be true of it.
    pub(crate) fn audit(&self) {
        assert!(self.version <= self.reserved, "a version was given out that was not set aside");
        self.log.audit(self.version);
        self.tasks.audit(self.version);
        self.instances.audit(self.version);
    }
}

#[cfg(test)]
mod tests;
