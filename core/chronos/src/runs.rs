//! Runs: each is one task, from the moment that it is due until its job's history has no room for it any more.
//!
//! This part knows which runs wait for an offer and in which order, which of them wait for a time, and which runs a job has. What a run
//! becomes is decided in `machine/`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_chronos::TaskName;
use serde::{Deserialize, Serialize};

use crate::limits::{HISTORY_RUNS_MAX, MESSAGE_BYTES_MAX};

/// The id of a task, which is that of its run.
pub(crate) type TaskId = Arc<str>;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum End {
    Finished,
    Failed,
    Lost,
    Killed,
    /// A master said that its launch did nothing; another run stands for it.
    NotLaunched,
}

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// Until the run before it has ended.
    Held,
    /// Until a time of the wall clock, in ms.
    Waiting { until_ms: u64 },
    /// Until there is an offer.
    Queued,
    /// Its launch is stored, and was said unless we ended first.
    Launched,
    /// Its task was heard of.
    Running,
    /// Its agent cannot be reached.
    Unreachable,
    /// It is over.
    Ended(End),
}

impl Stage {
    /// Whether a master may know the task.
    pub(crate) fn is_out(self) -> bool {
        matches!(self, Self::Launched | Self::Running | Self::Unreachable)
    }

    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Ended(_))
    }
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) job: String,
    /// When it was due, in ms since the epoch, as its id says.
    pub(crate) due_ms: u64,
    /// How many tasks there were for it before.
    pub(crate) attempt: u32,
    /// How many of them failed.
    pub(crate) failures: u32,
    /// Words that a person added to the command.
    pub(crate) arguments: String,
    pub(crate) stage: Stage,
    /// In which order runs came.
    pub(crate) order: u64,
    pub(crate) is_high: bool,
    /// Its job is not there any more.
    pub(crate) is_orphan: bool,
    /// Somebody wants it to end.
    pub(crate) is_killed: bool,
    pub(crate) agent: String,
    pub(crate) launched_ms: Option<u64>,
    pub(crate) ended_ms: Option<u64>,
    pub(crate) message: String,
    /// What it says to have processed.
    pub(crate) elements: u64,
}

impl Run {
    /// A run of a job that is due, in no place yet.
    pub(crate) fn new(job: &str, due_ms: u64) -> Self {
        Self {
            job: job.to_owned(),
            due_ms,
            attempt: 0,
            failures: 0,
            arguments: String::new(),
            stage: Stage::Held,
            order: 0,
            is_high: false,
            is_orphan: false,
            is_killed: false,
            agent: String::new(),
            launched_ms: None,
            ended_ms: None,
            message: String::new(),
            elements: 0,
        }
    }
}

/// The runs of a job.
#[derive(Debug, Default)]
pub(crate) struct OfJob {
    /// Those that have begun: queued, waiting for a retry, or out.
    live: BTreeSet<TaskId>,
    held: VecDeque<TaskId>,
    ended: VecDeque<TaskId>,
}

/// All runs.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    pub(super) all: BTreeMap<TaskId, Run>,
    pub(super) of_jobs: BTreeMap<String, OfJob>,
    /// Those that wait for an offer: of high priority, and others.
    pub(super) ready: [BTreeMap<u64, TaskId>; 2],
    /// When something is to be done about a run: at most one time each.
    pub(super) timers: BTreeSet<(Timestamp, TaskId)>,
    pub(super) timer_of: BTreeMap<TaskId, Timestamp>,
    /// How many have not ended.
    pub(super) unended: usize,
    next_order: u64,
    /// What has changed since it was last asked.
    dirty: BTreeSet<TaskId>,
}

impl Runs {
    pub(crate) fn get(&self, id: &str) -> Option<&Run> {
        self.all.get(id)
    }

    /// How many have not ended.
    pub(crate) fn unended(&self) -> usize {
        self.unended
    }

    /// How many wait for an offer.
    pub(crate) fn ready(&self) -> usize {
        self.ready.iter().map(BTreeMap::len).sum()
    }

    /// Those that wait for an offer, in their order.
    pub(crate) fn queue(&self) -> impl Iterator<Item = &TaskId> {
        self.ready.iter().flat_map(BTreeMap::values)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&TaskId, &Run)> {
        self.all.iter()
    }

    fn of(&self, job: &str) -> impl Iterator<Item = &OfJob> {
        self.of_jobs.get(job).into_iter()
    }

    /// Those of a job that have begun and not ended.
    pub(crate) fn live(&self, job: &str) -> impl Iterator<Item = &TaskId> {
        self.of(job).flat_map(|of| &of.live)
    }

    /// Those that wait for the one before them, in their order.
    pub(crate) fn held(&self, job: &str) -> impl Iterator<Item = &TaskId> {
        self.of(job).flat_map(|of| &of.held)
    }

    /// Those that have ended, the latest last.
    pub(crate) fn ended(&self, job: &str) -> impl DoubleEndedIterator<Item = &TaskId> {
        self.of_jobs.get(job).map(|of| of.ended.iter()).into_iter().flatten()
    }

    pub(crate) fn is_busy(&self, job: &str) -> bool {
        self.of(job).any(|of| !of.live.is_empty())
    }

    /// Adds a run in its stage, with an id that no run has.
    pub(crate) fn add(&mut self, mut run: Run, arguments: &str) -> TaskId {
        let id = loop {
            let name = TaskName {
                due_ms: run.due_ms,
                attempt: run.attempt,
                job: run.job.clone(),
                arguments: arguments.to_owned(),
            };
            let id = name.to_string();
            if !self.all.contains_key(id.as_str()) {
                break TaskId::from(id);
            }
            run.due_ms += 1;
        };
        run.order = self.next_order;
        self.place(id.clone(), run);
        self.dirty.insert(id.clone());
        id
    }

    /// Puts a run where its stage says.
    pub(crate) fn place(&mut self, id: TaskId, run: Run) {
        self.next_order = self.next_order.max(run.order + 1);
        self.unended += usize::from(!run.stage.is_over());
        self.index(&id, &run);
        self.all.insert(id, run);
    }

    fn index(&mut self, id: &TaskId, run: &Run) {
        if run.stage == Stage::Queued {
            self.ready[usize::from(!run.is_high)].insert(run.order, id.clone());
        }
        if run.is_orphan {
            return;
        }
        let of = self.of_jobs.entry(run.job.clone()).or_default();
        match run.stage {
            Stage::Held => of.held.push_back(id.clone()),
            Stage::Ended(_) => of.ended.push_back(id.clone()),
            _ => drop(of.live.insert(id.clone())),
        }
    }

    fn unindex(&mut self, id: &TaskId, run: &Run) {
        if run.stage == Stage::Queued {
            self.ready[usize::from(!run.is_high)].remove(&run.order);
        }
        let Some(of) = self.of_jobs.get_mut(&run.job).filter(|_| !run.is_orphan) else { return };
        match run.stage {
            Stage::Held => of.held.retain(|one| one != id),
            Stage::Ended(_) => of.ended.retain(|one| one != id),
            _ => drop(of.live.remove(id)),
        }
        if of.live.is_empty() && of.held.is_empty() && of.ended.is_empty() {
            self.of_jobs.remove(&run.job);
        }
    }

    /// Changes a run.
    pub(crate) fn edit(&mut self, id: &TaskId, edit: impl FnOnce(&mut Run)) {
        let Some(mut run) = self.all.remove(id) else { return };
        self.unindex(id, &run);
        let was_over = run.stage.is_over();
        edit(&mut run);
        assert!(!was_over || run.stage.is_over(), "{id} has ended and goes on");
        self.unended -= usize::from(!was_over && run.stage.is_over());
        self.index(id, &run);
        self.all.insert(id.clone(), run);
        self.dirty.insert(id.clone());
    }

    /// It is over. Of a job that is not there nothing is kept, of others the latest.
    pub(crate) fn end(&mut self, id: &TaskId, end: End, message: &str, at_ms: u64) {
        self.timer(id, None);
        let Some(run) = self.all.get(id) else { return };
        if run.is_orphan {
            return self.remove(id);
        }
        let job = run.job.clone();
        self.edit(id, |run| {
            run.stage = Stage::Ended(end);
            run.ended_ms = Some(at_ms);
            run.message = short(message);
        });
        let many = self.ended(&job).count();
        let old: Vec<TaskId> =
            self.ended(&job).take(many.saturating_sub(HISTORY_RUNS_MAX)).cloned().collect();
        for id in old {
            self.remove(&id);
        }
    }

    /// Forgets a run.
    pub(crate) fn remove(&mut self, id: &TaskId) {
        self.timer(id, None);
        let Some(run) = self.all.remove(id) else { return };
        self.unindex(id, &run);
        self.unended -= usize::from(!run.stage.is_over());
        self.dirty.insert(id.clone());
    }

    /// When something is to be done about a run.
    pub(crate) fn timer(&mut self, id: &TaskId, at: Option<Timestamp>) {
        if let Some(before) = self.timer_of.remove(id) {
            self.timers.remove(&(before, id.clone()));
        }
        if let Some(at) = at {
            self.timer_of.insert(id.clone(), at);
            self.timers.insert((at, id.clone()));
        }
    }

    /// A run whose time has come; it has none any more.
    pub(crate) fn expired(&mut self, now: Timestamp) -> Option<TaskId> {
        let (at, id) = self.timers.first().filter(|(at, _)| *at <= now)?.clone();
        self.timers.remove(&(at, id.clone()));
        self.timer_of.remove(&id);
        Some(id)
    }

    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Which runs have changed since this was last asked.
    pub(crate) fn take_dirty(&mut self) -> BTreeSet<TaskId> {
        std::mem::take(&mut self.dirty)
    }
}

/// As much of a message as is kept.
fn short(message: &str) -> String {
    let mut end = message.len().min(MESSAGE_BYTES_MAX);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    message[..end].to_owned()
}
