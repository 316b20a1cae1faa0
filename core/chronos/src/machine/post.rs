//! Jobs that are posted, posted again, and deleted.
//!
//! A job that is posted again is another one with the same counters: its schedule begins anew. A run that was due already is not due
//! again because of that: a schedule that has the time of the last run among its own goes on after it.

use std::collections::BTreeMap;

use longshore_wire_chronos::limits::PARENTS_MAX;
use longshore_wire_chronos::{Counters, Definition, Malformed, Posted, Trigger};

use super::{Chronos, Context, Refusal};
use crate::jobs::{Job, Memory};
use crate::limits::JOBS_MAX;
use crate::runs::TaskId;

impl Chronos {
    pub(super) fn posts(&mut self, cx: &mut Context, posted: Posted) -> Result<(), Refusal> {
        let Posted { definition, mut counters } = posted;
        let name = definition.name.clone();
        self.has_parents(&definition)?;
        let before = self.jobs.get(&name);
        if before.is_none() && self.jobs.len() >= JOBS_MAX {
            return Err(Refusal(format!("there are {JOBS_MAX} jobs already: delete some")));
        }
        let mut memory = Memory { began_ms: cx.wall_ms, ..Memory::default() };
        let mut passed_ms = None;
        if let Some(before) = before {
            counters = before.counters;
            passed_ms = before.memory.last_due_ms;
            let is_parent = |parent: &String| match &definition.trigger {
                Trigger::Parents(parents) => parents.contains(parent),
                Trigger::Schedule { .. } => false,
            };
            let edges = before.memory.edges.iter().filter(|(parent, _)| is_parent(parent));
            memory.edges = edges.map(|(parent, count)| (parent.clone(), *count)).collect();
            memory.last_due_ms = passed_ms;
        }
        let job = placed(definition, counters, memory, cx.wall_ms, passed_ms)?;
        self.jobs.put(job);
        // What was held for a job that may now run beside itself.
        self.releases(&name);
        Ok(())
    }

    /// Source: frameworks.md 4.4: parents must exist, and a cycle is refused.
    fn has_parents(&self, definition: &Definition) -> Result<(), Refusal> {
        let Trigger::Parents(parents) = &definition.trigger else { return Ok(()) };
        if let Some(parent) = parents.iter().find(|parent| self.jobs.get(parent).is_none()) {
            return Err(Refusal(format!("parents: there is no job '{parent}': post it first")));
        }
        let name = &definition.name;
        if self.jobs.is_above(name, parents) {
            let text =
                format!("parents: '{name}' is a parent of its parents: there would be a cycle");
            return Err(Refusal(text));
        }
        Ok(())
    }

    /// Source: frameworks.md 4.4: children of a job with a schedule get its schedule, those of another one its parents.
    pub(super) fn deletes(&mut self, cx: &mut Context, name: &str) {
        let Some(job) = self.jobs.get(name) else { return };
        let definition = job.definition.clone();
        for child in self.jobs.children(name) {
            self.adopts(cx, &child, &definition);
        }
        let held: Vec<TaskId> = self.runs.held(name).cloned().collect();
        let live: Vec<TaskId> = self.runs.live(name).cloned().collect();
        let ended: Vec<TaskId> = self.runs.ended(name).cloned().collect();
        for id in held.iter().chain(&ended) {
            self.runs.remove(id);
        }
        for id in &live {
            if self.runs.get(id).is_some_and(|run| run.stage.is_out()) {
                // It is kept until its task has ended, so that a kill that is lost is said again.
                self.runs.edit(id, |run| run.is_orphan = true);
                self.kills(cx, id);
            } else {
                self.runs.remove(id);
            }
        }
        self.jobs.remove(name);
    }

    /// A child gets no more parents than a job may be posted with.
    pub(super) fn may_delete(&self, name: &str) -> Result<(), Refusal> {
        let Some(job) = self.jobs.get(name) else { return Ok(()) };
        let above = job.parents();
        for child in self.jobs.children(name) {
            let own = self.jobs.get(&child).map_or(0, |child| child.parents().len());
            if !above.is_empty() && own + above.len() > PARENTS_MAX + 1 {
                return Err(Refusal(format!(
                    "Job '{child}' would have more than {PARENTS_MAX} parents without '{name}': change its parents first"
                )));
            }
        }
        Ok(())
    }

    fn adopts(&mut self, cx: &mut Context, child: &str, gone: &Definition) {
        let Some(job) = self.jobs.get(child) else { return };
        let mut definition = Definition::clone(&job.definition);
        let (counters, mut memory) = (job.counters, job.memory.clone());
        match &gone.trigger {
            Trigger::Schedule { .. } => definition.trigger = gone.trigger.clone(),
            Trigger::Parents(above) => {
                let own = job.parents().iter().filter(|parent| **parent != gone.name);
                let mut parents: Vec<String> = own.chain(above).cloned().collect();
                parents.sort_unstable();
                parents.dedup();
                definition.trigger = Trigger::Parents(parents);
            }
        }
        match &definition.trigger {
            Trigger::Parents(_) => drop(memory.edges.remove(&gone.name)),
            Trigger::Schedule { .. } => {
                // It goes on where its parent was.
                let parent = self.jobs.get(&gone.name).map(|job| job.memory.clone());
                memory = Memory { edges: BTreeMap::new(), ..parent.unwrap_or_default() };
            }
        }
        let is_scheduled = matches!(definition.trigger, Trigger::Schedule { .. });
        // What its parent had is valid for it as well.
        if let Ok(job) = Job::new(definition, counters, memory) {
            self.jobs.put(job);
            let has = if is_scheduled { "schedule" } else { "parents" };
            cx.note(format!(
                "{child} has the {has} of {} from now on, which is deleted",
                gone.name
            ));
        }
    }
}

/// A job at the place in its schedule where it begins.
fn placed(
    definition: Definition,
    counters: Counters,
    mut memory: Memory,
    wall_ms: u64,
    passed_ms: Option<u64>,
) -> Result<Job, Refusal> {
    let has_start = match &definition.trigger {
        Trigger::Schedule { schedule, .. } => {
            memory.left = schedule.repeats;
            schedule.start.is_some()
        }
        Trigger::Parents(_) => false,
    };
    let refused = |why: Malformed| Refusal(why.to_string());
    let mut job = Job::new(definition, counters, memory).map_err(refused)?;
    // A clock that was set back makes old times new ones: then the schedule is believed.
    let passed_ms = passed_ms.filter(|passed| has_start && *passed <= wall_ms);
    if let (Some(passed_ms), Some(recurrence)) = (passed_ms, job.recurrence()) {
        let number = recurrence.at_or_after(0, passed_ms);
        // One that has other times begins where it says.
        let is_same = number.and_then(|number| recurrence.due_ms(number)) == Some(passed_ms);
        if is_same {
            let number = recurrence.at_or_after(0, passed_ms + 1).unwrap_or(u64::MAX);
            job.memory.number = number;
            job.memory.left = job.memory.left.map(|left| left.saturating_sub(number));
        }
    }
    Ok(job)
}
