//! When the cluster is read, and what came of it.

use std::collections::BTreeSet;
use std::ops::Bound;

use longshore_machine::Timestamp;
use longshore_replica::{
    Asked, Failure, Instance, InstancesAsk, Pressure, Question, Tasks, TasksAsk,
};
use longshore_wire_ecs::Str;

use super::{Cluster, InstancesFor, Read, TasksFor};
use crate::context::Context;
use crate::ids::LaunchId;
use crate::launches::Launches;
use crate::limits;

/// Tasks that one reading asks about at most: what one describe call takes.
const TASKS_MAX: usize = 100;
/// Launches among which a reading looks for tasks at most.
const HOT_LOOKED_AT_MAX: usize = 10_000;
/// Between complete readings while something is going on, in ms.
const LIST_MS: u64 = 2_000;

/// Where the last reading of tasks ended, so that the next begins behind it.
#[derive(Debug, Default)]
pub(super) struct ReadTo {
    hot: Option<LaunchId>,
    group: Option<LaunchId>,
    /// ARN of a task.
    stale: Option<Str>,
}

impl Cluster {
    fn instance_pressure(&self, launches: &Launches) -> Pressure {
        if self.needs_reading {
            return Pressure::Hot;
        }
        if self.reading_failed && self.audience {
            // What called for it waits still; one that fails again and again is no flood.
            return Pressure::Watchful;
        }
        if self.hears() {
            return Pressure::Idle;
        }
        if !launches.live().is_empty() {
            return Pressure::Busy;
        }
        let mut instances = self.replica.instances().values();
        match self.audience {
            false => Pressure::Idle,
            true if instances.any(|one| one.running_tasks + one.pending_tasks > 0) => {
                Pressure::Watchful
            }
            true => Pressure::Quiet,
        }
    }

    /// How much tasks have to be read; `None` when none has to be.
    fn task_pressure(&self, launches: &Launches) -> Option<Pressure> {
        if !self.stale.is_empty() {
            return Some(Pressure::Hot);
        }
        // What is about to change is told by an event; reading is for those that were lost.
        let pressure = if self.hears() { Pressure::Watchful } else { Pressure::Hot };
        if !launches.hot().is_empty() {
            return Some(pressure);
        }
        // That one task of a group has ended shows in nothing else.
        (!self.hears() && !launches.groups().is_empty()).then_some(Pressure::Busy)
    }

    /// When instances are read for launches that should show in their figures, and that no event has shown.
    fn unseen_at(&self, launches: &Launches) -> Option<Timestamp> {
        if launches.unseen().is_empty() || !self.hears() {
            return None;
        }
        self.unseen_pace.next_at(Pressure::Watchful)
    }

    /// When the next reading is due.
    pub(crate) fn next_at(&self, launches: &Launches) -> Option<Timestamp> {
        if !self.is_recovered() {
            return None;
        }
        let instances = self.instance_pace.next_at(self.instance_pressure(launches));
        let tasks =
            self.task_pressure(launches).and_then(|pressure| self.task_pace.next_at(pressure));
        let sweep = self.sweep.next_at(launches.live());
        [instances, tasks, sweep, self.unseen_at(launches)].into_iter().flatten().min()
    }

    /// Sends the readings that are due.
    pub(crate) fn read_if_due(&mut self, cx: &mut Context<'_>, launches: &Launches) {
        if !self.is_recovered() {
            return;
        }
        let is_due = |at: Option<Timestamp>| at.is_some_and(|at| at <= cx.now);
        let pressure = self.instance_pressure(launches);
        if is_due(self.instance_pace.next_at(pressure)) {
            self.read_instances(cx, pressure);
        }
        let is_due = |at: Option<Timestamp>| at.is_some_and(|at| at <= cx.now);
        if is_due(self.unseen_at(launches)) {
            self.read_unseen(cx, launches);
        }
        let is_due = |at: Option<Timestamp>| at.is_some_and(|at| at <= cx.now);
        let tasks =
            self.task_pressure(launches).and_then(|pressure| self.task_pace.next_at(pressure));
        if is_due(tasks) {
            self.read_tasks(cx, launches);
        }
        if self.sweep.next_at(launches.live()).is_some_and(|at| at <= cx.now) {
            self.read_sweep(cx, launches);
        }
    }

    fn read_instances(&mut self, cx: &mut Context<'_>, pressure: Pressure) {
        let known: Vec<Str> = self.replica.instances().keys().cloned().collect();
        let pages = known.len().div_ceil(100).max(1) as u64;
        self.readings += 1;
        self.needs_reading = false;
        let complete = self.is_listing_due(cx.now, pressure) || known.is_empty();
        let ask = if complete {
            self.listed_at = cx.now;
            self.needs_listing = false;
            self.instance_pace.sent(cx.now, pages * 2);
            InstancesAsk::List
        } else {
            self.instance_pace.sent(cx.now, pages);
            InstancesAsk::Describe(known)
        };
        let (sequence, asked_at) = (self.readings, cx.now);
        let asked = cx.ask(|asked| Question::Instances(asked, ask));
        self.instances.insert(asked, InstancesFor::Pace { complete, sequence, asked_at });
    }

    /// Instances come and go seldom: they are found anew now and then, and described in between.
    fn is_listing_due(&self, now: Timestamp, pressure: Pressure) -> bool {
        let quiet = matches!(pressure, Pressure::Quiet | Pressure::Idle);
        quiet || self.needs_listing || self.since_listing(now) >= LIST_MS
    }

    fn read_unseen(&mut self, cx: &mut Context<'_>, launches: &Launches) {
        let arns = self.unseen_to_read(cx.now, launches);
        self.unseen_pace.sent(cx.now, arns.len().div_ceil(100) as u64);
        if arns.is_empty() {
            return self.unseen_pace.returned();
        }
        self.readings += 1;
        let asked = cx.ask(|asked| Question::Instances(asked, InstancesAsk::Describe(arns)));
        self.instances.insert(asked, InstancesFor::Unseen { sequence: self.readings });
    }

    fn read_tasks(&mut self, cx: &mut Context<'_>, launches: &Launches) {
        let mut arns = self.hot_tasks(cx.now, launches);
        // Where there are too many of both, both get half.
        arns.truncate(TASKS_MAX.saturating_sub(self.stale.len()).max(TASKS_MAX / 2));
        let stale = in_turn(&self.stale, self.read_to.stale.as_ref());
        let stale: Vec<Str> = stale.take(TASKS_MAX - arns.len()).cloned().collect();
        self.read_to.stale = stale.last().cloned();
        for arn in &stale {
            self.stale.remove(arn);
        }
        arns.extend(stale);
        if !self.hears() {
            arns.extend(self.group_tasks(TASKS_MAX - arns.len(), launches));
        }
        arns.sort_unstable();
        arns.dedup();
        if arns.is_empty() {
            // Events have time to tell of them.
            self.task_pace.sent(cx.now, 0);
            self.task_pace.returned();
            return;
        }
        self.readings += 1;
        self.task_pace.sent(cx.now, 1);
        let asked = cx.ask(|asked| Question::Tasks(asked, TasksAsk::Describe(arns)));
        self.tasks.insert(asked, TasksFor::Pace);
    }

    /// Tasks of launches that are about to change: as many as one reading takes, behind those that the last one took.
    fn hot_tasks(&mut self, now: Timestamp, launches: &Launches) -> Vec<Str> {
        let trusted_ms = if self.hears() { limits::TRUST_MS } else { 0 };
        let mut arns = Vec::new();
        let mut last = None;
        for id in in_turn(launches.hot(), self.read_to.hot.as_ref()).take(HOT_LOOKED_AT_MAX) {
            last = Some(id.clone());
            let launch = launches.get(id);
            let launch = launch.filter(|launch| now.since(launch.began_at()) >= trusted_ms);
            arns.extend(launch.and_then(|launch| launch.arn().cloned()));
            if arns.len() == TASKS_MAX {
                break;
            }
        }
        self.read_to.hot = last;
        arns
    }

    /// Tasks of groups: so many, behind those that the last reading took.
    fn group_tasks(&mut self, most: usize, launches: &Launches) -> Vec<Str> {
        let some = in_turn(launches.groups(), self.read_to.group.as_ref()).take(most);
        let some: Vec<&LaunchId> = some.collect();
        let arns = some.iter().filter_map(|id| launches.get(id)?.arn().cloned()).collect();
        self.read_to.group = some.last().map(|id| (*id).clone());
        arns
    }

    fn read_sweep(&mut self, cx: &mut Context<'_>, launches: &Launches) {
        let batch = self.sweep.batch(cx.now, launches.live());
        if batch.is_empty() {
            return;
        }
        let arns = batch.iter().filter_map(|id| launches.get(id)?.arn().cloned()).collect();
        let asked = cx.ask(|asked| Question::Tasks(asked, TasksAsk::Describe(arns)));
        self.tasks.insert(asked, TasksFor::Sweep);
    }

    /// Instances were read, or could not be.
    pub(crate) fn instances_answered(
        &mut self,
        cx: &mut Context<'_>,
        asked: Asked<Vec<Instance>>,
        result: Result<Vec<Instance>, Failure>,
    ) -> Vec<Read> {
        let Some(purpose) = self.instances.remove(&asked) else { return Vec::new() };
        let mut told = Vec::new();
        match purpose {
            InstancesFor::Recovery => {
                let result = result.map(|read| {
                    told.push(Read::Instances(self.replica.merge_instances(read, true)));
                    Vec::new()
                });
                told.extend(self.recovers(cx, result).map(Read::Recovered));
            }
            InstancesFor::Pace { complete, sequence, asked_at } => {
                self.instance_pace.returned();
                if result.is_ok() {
                    self.fresh_at = asked_at;
                    if std::mem::take(&mut self.waits_for_reading) {
                        told.push(Read::Fresh);
                    }
                }
                self.merge(cx, result, complete, sequence, &mut told);
            }
            InstancesFor::Unseen { sequence } => {
                self.unseen_pace.returned();
                self.merge(cx, result, false, sequence, &mut told);
            }
        }
        told
    }

    fn merge(
        &mut self,
        cx: &mut Context<'_>,
        result: Result<Vec<Instance>, Failure>,
        complete: bool,
        sequence: u64,
        told: &mut Vec<Read>,
    ) {
        match result {
            Ok(read) => {
                self.reading_failed = false;
                let news = self.replica.merge_instances(read, complete);
                told.extend(self.has_read(sequence).map(Read::Look));
                told.push(Read::Instances(news));
            }
            Err(failure) => {
                self.reading_failed = true;
                cx.note(format!("cannot read instances: {failure}"));
            }
        }
    }

    /// Tasks were read, or could not be.
    pub(crate) fn tasks_answered(
        &mut self,
        cx: &mut Context<'_>,
        asked: Asked<Tasks>,
        result: Result<Tasks, Failure>,
        launches: &Launches,
    ) -> Option<Read> {
        match self.tasks.remove(&asked)? {
            TasksFor::Recovery => {
                self.recovers(cx, result.map(|tasks| tasks.found)).map(Read::Recovered)
            }
            TasksFor::Strays => Some(Read::Strays(self.found_strays(cx, result))),
            TasksFor::Pace => {
                self.task_pace.returned();
                self.tasks_read(cx, result)
            }
            TasksFor::Sweep => {
                self.sweep.returned(cx.now, result.is_ok(), launches.live());
                self.tasks_read(cx, result)
            }
        }
    }

    fn tasks_read(&mut self, cx: &mut Context<'_>, result: Result<Tasks, Failure>) -> Option<Read> {
        match result {
            Ok(tasks) => {
                for task in &tasks.found {
                    self.expects_event(cx, task);
                }
                Some(Read::Tasks(tasks))
            }
            Err(failure) => {
                cx.note(format!("cannot read tasks: {failure}"));
                None
            }
        }
    }
}

/// A set from behind `last` on, and then from its beginning: everyone gets a turn.
fn in_turn<'a, T: Ord>(set: &'a BTreeSet<T>, last: Option<&'a T>) -> impl Iterator<Item = &'a T> {
    let after = last.map_or(Bound::Unbounded, Bound::Excluded);
    let before = last.map(|last| set.range::<T, _>((Bound::Unbounded, Bound::Included(last))));
    set.range::<T, _>((after, Bound::Unbounded)).chain(before.into_iter().flatten())
}
