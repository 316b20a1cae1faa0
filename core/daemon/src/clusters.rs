//! Which clusters are watched, and when they are read.
//!
//! Events are how changes are known; a reading makes up for those that were lost. A reading is three questions, one after the
//! other: the instances, the tasks that should run, and those that should not. While readings find what no event told, they
//! follow each other quickly; while they find nothing, seldom. Without events they are all there is.
//!
//! Tasks of environments that are about to change are read more often, as long as they are.
//!
//! Invariant: one reading of a cluster is out at a time, and one look at tasks that are about to change.
//!
//! Source: design decision 5: events first, reads as a net. blox.md 1.7.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use longshore_machine::Timestamp;
use longshore_replica::{Asked, Instance, InstancesAsk, Question, Tasks, TasksAsk};
use longshore_wire_ecs::Str;

use crate::agenda::Timer;
use crate::context::Context;
use crate::limits;

/// Where a reading is.
#[derive(Debug, Default)]
struct Reading {
    /// When its question about tasks, or before that the one about instances, was asked.
    asked_at: Timestamp,
    /// ARNs of the tasks that should run, once they are read.
    running: BTreeSet<Str>,
    /// Requests that it took.
    requests: u64,
    /// Whether it found what no event had told.
    found: bool,
}

/// A cluster that is watched.
#[derive(Debug, Default)]
struct Watched {
    /// Whether it was read once.
    is_ready: bool,
    /// Whether it was read once, or could not be.
    is_tried: bool,
    reading: Option<Reading>,
    /// Whether to read it once more as soon as the reading that is out is over.
    again: bool,
    due_at: Timestamp,
    interval_ms: u64,
    /// Requests that the last reading took.
    requests: u64,
    /// ARNs of tasks of environments that are about to change.
    hot: BTreeSet<Str>,
    hot_to: Option<Str>,
    hot_is_planned: bool,
}

/// Why tasks are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TasksFor {
    /// Of a reading: those that should run.
    Running(Str),
    /// Of a reading: those that should not.
    Stopped(Str),
    /// Those of a cluster that are about to change.
    Hot(Str),
    /// A look for tasks of a deployment whose starts were not answered.
    Settle(Str),
}

/// All clusters that are watched.
#[derive(Debug, Default)]
pub(crate) struct Clusters {
    all: BTreeMap<Str, Watched>,
    instances: BTreeMap<Asked<Vec<Instance>>, Str>,
    tasks: BTreeMap<Asked<Tasks>, TasksFor>,
    /// Whether events arrive.
    hears: bool,
    /// Whether it is known which clusters there are.
    pub(crate) is_listed: bool,
}

impl Clusters {
    pub(crate) fn is_watched(&self, arn: &str) -> bool {
        self.all.contains_key(arn)
    }

    /// Whether a cluster was read, so that what is known of it can be acted on.
    pub(crate) fn is_ready(&self, arn: &str) -> bool {
        self.all.get(arn).is_some_and(|one| one.is_ready)
    }

    /// Whether everything that can be read was read once.
    pub(crate) fn all_tried(&self) -> bool {
        self.is_listed && self.all.values().all(|one| one.is_tried)
    }

    /// How many are watched, how many of them were read, and whether events arrive.
    pub(crate) fn sizes(&self) -> (usize, usize, bool) {
        (self.all.len(), self.all.values().filter(|one| one.is_ready).count(), self.hears)
    }

    /// ARNs of all that are watched.
    pub(crate) fn arns(&self) -> Vec<Str> {
        self.all.keys().cloned().collect()
    }

    /// Watches a cluster, unless there are too many; whether it is new.
    pub(crate) fn watch(&mut self, cx: &mut Context, arn: &Str) -> bool {
        if self.all.contains_key(arn) || self.all.len() >= limits::CLUSTERS_MAX {
            return false;
        }
        let watched =
            Watched { due_at: cx.now, interval_ms: limits::CHECK_MIN_MS, ..Watched::default() };
        self.all.insert(arn.clone(), watched);
        cx.agenda.at(cx.now, Timer::Read(arn.clone()));
        true
    }

    /// Watches a cluster no more.
    pub(crate) fn forget(&mut self, arn: &str) {
        self.all.remove(arn);
    }

    /// Whether events arrive from now on. What happened before is read.
    pub(crate) fn hears(&mut self, cx: &mut Context, hears: bool) {
        self.hears = hears;
        for arn in self.arns() {
            self.read_soon(cx, &arn);
        }
    }

    /// A cluster is read as soon as possible.
    fn read_soon(&mut self, cx: &mut Context, arn: &Str) {
        let Some(watched) = self.all.get_mut(arn) else { return };
        watched.interval_ms = limits::CHECK_MIN_MS;
        if watched.reading.is_some() {
            watched.again = true;
        } else {
            watched.due_at = cx.now;
            cx.agenda.at(cx.now, Timer::Read(arn.clone()));
        }
    }

    /// Begins a reading that is due.
    pub(crate) fn read(&mut self, cx: &mut Context, arn: &Str) {
        let Some(watched) = self.all.get_mut(arn) else { return };
        if watched.reading.is_some() || watched.due_at > cx.now {
            return;
        }
        watched.reading = Some(Reading { asked_at: cx.now, ..Reading::default() });
        let asked = cx.ask(arn, |asked| Question::Instances(asked, InstancesAsk::List));
        self.instances.insert(asked, arn.clone());
    }

    /// The cluster whose instances were asked for, and when.
    pub(crate) fn answered_instances(
        &mut self,
        asked: Asked<Vec<Instance>>,
    ) -> Option<(Str, Timestamp)> {
        let arn = self.instances.remove(&asked)?;
        let asked_at = self.all.get(&arn)?.reading.as_ref()?.asked_at;
        Some((arn, asked_at))
    }

    /// Why tasks were asked for.
    pub(crate) fn answered_tasks(&mut self, asked: Asked<Tasks>) -> Option<TasksFor> {
        self.tasks.remove(&asked)
    }

    /// Instances are read: the tasks that should run are next.
    pub(crate) fn then_running(&mut self, cx: &mut Context, arn: &Str, count: usize, found: bool) {
        let Some(reading) = self.all.get_mut(arn).and_then(|one| one.reading.as_mut()) else {
            return;
        };
        reading.asked_at = cx.now;
        reading.requests = pages(count);
        reading.found = found;
        let ask = TasksAsk::List { desired_running: true, except: BTreeSet::new() };
        let asked = cx.ask(arn, |asked| Question::Tasks(asked, ask));
        self.tasks.insert(asked, TasksFor::Running(arn.clone()));
    }

    /// Tasks that should run are read: those that should not are next, but for those that have stopped already.
    pub(crate) fn then_stopped(
        &mut self,
        cx: &mut Context,
        arn: &Str,
        running: BTreeSet<Str>,
        except: BTreeSet<Str>,
        found: bool,
    ) {
        let Some(reading) = self.all.get_mut(arn).and_then(|one| one.reading.as_mut()) else {
            return;
        };
        reading.requests += pages(running.len());
        reading.running = running;
        reading.found |= found;
        let ask = TasksAsk::List { desired_running: false, except };
        let asked = cx.ask(arn, |asked| Question::Tasks(asked, ask));
        self.tasks.insert(asked, TasksFor::Stopped(arn.clone()));
    }

    /// A reading is over: ARNs of the tasks that should run, when they were asked for, and whether it was the first. The next
    /// one is planned.
    pub(crate) fn is_read(
        &mut self,
        cx: &mut Context,
        arn: &Str,
        count: usize,
        found: bool,
    ) -> Option<(BTreeSet<Str>, Timestamp, bool)> {
        let shared: u64 = self.all.values().map(|one| one.requests).sum();
        let watched = self.all.get_mut(arn)?;
        let reading = watched.reading.take()?;
        watched.requests = reading.requests + pages(count);
        let is_first = !watched.is_ready;
        (watched.is_ready, watched.is_tried) = (true, true);
        let missed = reading.found || found;
        watched.interval_ms = match (self.hears, missed) {
            (false, _) => limits::READ_MS,
            (true, true) => limits::CHECK_MIN_MS,
            (true, false) => (watched.interval_ms * 2).min(limits::CHECK_MAX_MS),
        };
        // All clusters share one budget of requests.
        let affordable = shared.max(watched.requests) * limits::REQUEST_MS;
        let wait = if std::mem::take(&mut watched.again) {
            0
        } else {
            watched.interval_ms.max(affordable)
        };
        watched.due_at = cx.now + wait;
        cx.agenda.at(watched.due_at, Timer::Read(arn.clone()));
        Some((reading.running, reading.asked_at, is_first))
    }

    /// A reading failed: it is tried again in a moment.
    pub(crate) fn is_not_read(&mut self, cx: &mut Context, arn: &Str) {
        let Some(watched) = self.all.get_mut(arn) else { return };
        (watched.reading, watched.is_tried) = (None, true);
        watched.due_at = cx.now + limits::READ_RETRY_MS;
        cx.agenda.at(watched.due_at, Timer::Read(arn.clone()));
    }

    /// A task of an environment is about to change, or is not any more.
    pub(crate) fn is_hot(&mut self, cx: &mut Context, cluster: &Str, task: &Str, is_hot: bool) {
        let Some(watched) = self.all.get_mut(cluster) else { return };
        if !is_hot {
            watched.hot.remove(task);
            return;
        }
        watched.hot.insert(task.clone());
        if !watched.hot_is_planned {
            watched.hot_is_planned = true;
            cx.after(limits::HOT_MS, Timer::Hot(cluster.clone()));
        }
    }

    /// Reads tasks that are about to change: each in its turn, where there are many.
    pub(crate) fn read_hot(&mut self, cx: &mut Context, cluster: &Str) {
        let Some(watched) = self.all.get_mut(cluster) else { return };
        let from = watched.hot_to.take().map_or(Bound::Unbounded, Bound::Excluded);
        let batch: Vec<Str> =
            watched.hot.range((from, Bound::Unbounded)).take(limits::HOT_MAX).cloned().collect();
        if watched.hot.is_empty() {
            watched.hot_is_planned = false;
            return;
        }
        if batch.is_empty() {
            // All have had their turn.
            cx.agenda.at(cx.now, Timer::Hot(cluster.clone()));
            return;
        }
        watched.hot_to = batch.last().filter(|_| batch.len() == limits::HOT_MAX).cloned();
        let asked = cx.ask(cluster, |asked| Question::Tasks(asked, TasksAsk::Describe(batch)));
        self.tasks.insert(asked, TasksFor::Hot(cluster.clone()));
    }

    /// Tasks that were about to change are read, or could not be: the next look is planned.
    pub(crate) fn hot_is_read(&mut self, cx: &mut Context, cluster: &Str) {
        if self.all.contains_key(cluster) {
            cx.after(limits::HOT_MS, Timer::Hot(cluster.clone()));
        }
    }

    /// Looks for the tasks that a deployment started.
    pub(crate) fn find(&mut self, cx: &mut Context, cluster: &Str, deployment: &Str) {
        let ask = TasksAsk::Find(deployment.clone());
        let asked = cx.ask(cluster, |asked| Question::Tasks(asked, ask));
        self.tasks.insert(asked, TasksFor::Settle(deployment.clone()));
    }

    /// Checks everything that must be true of them.
    pub(crate) fn audit(&self) {
        let (mut readings, mut hot) = (BTreeMap::<&Str, u32>::new(), BTreeMap::<&Str, u32>::new());
        self.instances.values().for_each(|arn| *readings.entry(arn).or_default() += 1);
        for why in self.tasks.values() {
            match why {
                TasksFor::Running(arn) | TasksFor::Stopped(arn) => {
                    *readings.entry(arn).or_default() += 1;
                }
                TasksFor::Hot(arn) => *hot.entry(arn).or_default() += 1,
                TasksFor::Settle(_) => {}
            }
        }
        for (arn, watched) in &self.all {
            let out = readings.get(arn).copied().unwrap_or(0);
            assert_eq!(out, u32::from(watched.reading.is_some()), "readings of {arn} that are out");
            assert!(hot.get(arn).is_none_or(|out| *out <= 1), "two looks at hot tasks are out");
            assert!(watched.hot.is_empty() || watched.hot_is_planned, "hot tasks are forgotten");
        }
    }
}

/// Requests that listing and describing so many takes.
fn pages(count: usize) -> u64 {
    2 * count.div_ceil(100).max(1) as u64
}
