//! Jobs: what was posted, what happened to them, and which of them is due next.
//!
//! This part keeps who is whose child, and the time of every schedule in an index: nothing looks at all jobs because time passes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_wire_chronos::{Counters, Definition, Malformed, Trigger};
use serde::{Deserialize, Serialize};

use crate::calendar::Recurrence;
use crate::place::Rule;

/// What a job remembers besides what was posted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// When a schedule without a start began, in ms since the epoch.
    pub(crate) began_ms: u64,
    /// The number of the next run of its schedule.
    pub(crate) number: u64,
    /// How many of them are left; `None` means for ever.
    pub(crate) left: Option<u64>,
    /// When its schedule was last due, in ms since the epoch, whether it ran then or not.
    pub(crate) last_due_ms: Option<u64>,
    /// How often each parent has succeeded since this job was last started for its parents.
    pub(crate) edges: BTreeMap<String, u64>,
}

/// A job.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) definition: Arc<Definition>,
    pub(crate) counters: Counters,
    pub(crate) memory: Memory,
    recurrence: Option<Recurrence>,
    rules: Arc<[Rule]>,
    /// Where it is in the index.
    due_ms: Option<u64>,
}

/// A job as it is shown.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What was posted.
    pub definition: Arc<Definition>,
    /// What happened.
    pub counters: Counters,
    /// Its schedule, with the runs that are left from the next one on.
    pub schedule: Option<String>,
}

impl Job {
    /// A job that has just been posted, or was stored.
    pub(crate) fn new(
        definition: Definition,
        counters: Counters,
        memory: Memory,
    ) -> Result<Self, Malformed> {
        let recurrence = match &definition.trigger {
            Trigger::Schedule { schedule, time_zone } => {
                Some(Recurrence::new(schedule, time_zone, memory.began_ms)?)
            }
            Trigger::Parents(_) => None,
        };
        let rules = Rule::all(&definition.constraints)?.into();
        let definition = Arc::new(definition);
        Ok(Self { definition, counters, memory, recurrence, rules, due_ms: None })
    }

    pub(crate) fn recurrence(&self) -> Option<&Recurrence> {
        self.recurrence.as_ref()
    }

    pub(crate) fn rules(&self) -> &Arc<[Rule]> {
        &self.rules
    }

    pub(crate) fn parents(&self) -> &[String] {
        match &self.definition.trigger {
            Trigger::Parents(parents) => parents,
            Trigger::Schedule { .. } => &[],
        }
    }

    /// When its schedule is due next; `None` if it has none, is disabled, or is over.
    pub(crate) fn next_due_ms(&self) -> Option<u64> {
        if self.definition.disabled || self.memory.left == Some(0) {
            return None;
        }
        self.recurrence.as_ref()?.due_ms(self.memory.number)
    }

    /// Whether its schedule has no run left.
    pub(crate) fn is_spent(&self) -> bool {
        let is_over = |of: &Recurrence| of.due_ms(self.memory.number).is_none();
        self.recurrence.as_ref().is_some_and(|of| self.memory.left == Some(0) || is_over(of))
    }

    pub(crate) fn shown(&self) -> Shown {
        let shown = |of: &Recurrence| of.shown(self.memory.left, self.memory.number);
        Shown {
            definition: self.definition.clone(),
            counters: self.counters,
            schedule: self.recurrence.as_ref().map(shown),
        }
    }
}

/// All jobs.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    pub(super) all: BTreeMap<String, Job>,
    pub(super) children: BTreeMap<String, BTreeSet<String>>,
    pub(super) due: BTreeSet<(u64, String)>,
    dirty: BTreeSet<String>,
}

impl Jobs {
    pub(crate) fn get(&self, name: &str) -> Option<&Job> {
        self.all.get(name)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&String, &Job)> {
        self.all.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn children(&self, name: &str) -> Vec<String> {
        self.children.get(name).into_iter().flatten().cloned().collect()
    }

    /// Puts a job in the place of the one of its name.
    pub(crate) fn put(&mut self, job: Job) {
        self.take_out(&job.definition.name.clone());
        self.dirty.insert(job.definition.name.clone());
        self.place(job);
    }

    /// Puts a job that is stored already.
    pub(crate) fn place(&mut self, mut job: Job) {
        let name = job.definition.name.clone();
        for parent in job.parents() {
            self.children.entry(parent.clone()).or_default().insert(name.clone());
        }
        job.due_ms = job.next_due_ms();
        self.due.extend(job.due_ms.map(|due| (due, name.clone())));
        self.all.insert(name, job);
    }

    fn take_out(&mut self, name: &str) -> Option<Job> {
        let job = self.all.remove(name)?;
        for parent in job.parents() {
            if let Some(children) = self.children.get_mut(parent) {
                children.remove(name);
                if children.is_empty() {
                    self.children.remove(parent);
                }
            }
        }
        if let Some(due) = job.due_ms {
            self.due.remove(&(due, name.to_owned()));
        }
        Some(job)
    }

    pub(crate) fn remove(&mut self, name: &str) {
        if self.take_out(name).is_some() {
            self.dirty.insert(name.to_owned());
        }
    }

    /// Changes what happened to a job, or whether it is disabled; not its trigger.
    pub(crate) fn edit(&mut self, name: &str, edit: impl FnOnce(&mut Job)) {
        let Some(job) = self.all.get_mut(name) else { return };
        edit(job);
        let due = job.next_due_ms();
        let before = std::mem::replace(&mut job.due_ms, due);
        if before != due {
            if let Some(before) = before {
                self.due.remove(&(before, name.to_owned()));
            }
            self.due.extend(due.map(|due| (due, name.to_owned())));
        }
        self.dirty.insert(name.to_owned());
    }

    /// The job whose schedule is due first, if it is by then.
    pub(crate) fn due_by(&self, wall_ms: u64) -> Option<String> {
        self.due.first().filter(|(due, _)| *due <= wall_ms).map(|(_, name)| name.clone())
    }

    /// When the next schedule is due.
    pub(crate) fn next_due_ms(&self) -> Option<u64> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Whether `ancestor` is above `name`, or is it, if its parents were these.
    pub(crate) fn is_above(&self, ancestor: &str, parents: &[String]) -> bool {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut waiting: Vec<&str> = parents.iter().map(String::as_str).collect();
        while let Some(one) = waiting.pop() {
            if one == ancestor {
                return true;
            }
            if seen.insert(one)
                && let Some(job) = self.all.get(one)
            {
                waiting.extend(job.parents().iter().map(String::as_str));
            }
        }
        false
    }

    /// Which jobs have changed since this was last asked.
    pub(crate) fn take_dirty(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.dirty)
    }
}
