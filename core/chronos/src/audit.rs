//! What must hold after every step: what indexes say is what the records say.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::limits::HISTORY_RUNS_MAX;
use crate::machine::Chronos;
use crate::runs::{Stage, TaskId};

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What does not hold of a scheduler.
pub fn audit(chronos: &Chronos) -> Vec<Violation> {
    let mut wrong = Vec::new();
    audit_jobs(chronos, &mut wrong);
    audit_runs(chronos, &mut wrong);
    wrong.into_iter().map(Violation).collect()
}

fn audit_jobs(chronos: &Chronos, wrong: &mut Vec<String>) {
    let jobs = chronos.jobs();
    let due: BTreeSet<(u64, String)> =
        jobs.all().filter_map(|(name, job)| Some((job.next_due_ms()?, name.clone()))).collect();
    if due != jobs.due {
        wrong.push("the index of due times is not what jobs say".to_owned());
    }
    let mut children: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, job) in jobs.all() {
        for parent in job.parents() {
            children.entry(parent.clone()).or_default().insert(name.clone());
            if jobs.get(parent).is_none() {
                wrong.push(format!("{name} has a parent {parent} that is not there"));
            }
        }
        if jobs.is_above(name, job.parents()) {
            wrong.push(format!("{name} is above itself"));
        }
        if let Some(stray) = job.memory.edges.keys().find(|one| !job.parents().contains(one)) {
            wrong.push(format!("{name} counts {stray}, which is no parent of it"));
        }
    }
    if children != jobs.children {
        wrong.push("the index of children is not what jobs say".to_owned());
    }
}

fn audit_runs(chronos: &Chronos, wrong: &mut Vec<String>) {
    let (jobs, runs) = (chronos.jobs(), chronos.runs());
    let mut ready: [BTreeMap<u64, TaskId>; 2] = Default::default();
    let mut orders = BTreeSet::new();
    for (id, run) in runs.all() {
        if run.stage == Stage::Queued {
            ready[usize::from(!run.is_high)].insert(run.order, id.clone());
        }
        if !orders.insert(run.order) {
            wrong.push(format!("{id} has the order of another run"));
        }
        if !run.is_orphan && jobs.get(&run.job).is_none() {
            wrong.push(format!("the job of {id} is not there, and it is no orphan"));
        }
        if run.is_orphan && !run.stage.is_out() {
            wrong.push(format!("{id} is an orphan and {:?}", run.stage));
        }
        let has_timer = runs.timer_of.contains_key(id);
        let is_timed = matches!(run.stage, Stage::Waiting { .. } | Stage::Unreachable)
            || (run.is_killed && run.stage.is_out());
        if has_timer != is_timed {
            wrong.push(format!("{id} is {:?}, and has a timer: {has_timer}", run.stage));
        }
    }
    if ready != runs.ready {
        wrong.push("the queue is not what runs say".to_owned());
    }
    let timers: BTreeSet<_> = runs.timer_of.iter().map(|(id, at)| (*at, id.clone())).collect();
    if timers != runs.timers {
        wrong.push("the timers are not what the index of timers says".to_owned());
    }
    let unended = runs.all().filter(|(_, run)| !run.stage.is_over()).count();
    if unended != runs.unended() {
        wrong.push(format!("{} runs have not ended, not {unended}", runs.unended()));
    }
    for name in runs.of_jobs.keys() {
        if runs.ended(name).count() > HISTORY_RUNS_MAX {
            wrong.push(format!("{name} has too long a history"));
        }
        if runs.held(name).next().is_some() && !runs.is_busy(name) {
            wrong.push(format!("runs of {name} wait for none"));
        }
    }
}
