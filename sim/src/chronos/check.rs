//! What was promised, and whether it holds: see [`super`].

use std::collections::{BTreeMap, BTreeSet};

use longshore_machine::Change;
use longshore_wire_chronos::{Schedule, TaskName};
use serde_json::Value;

pub(super) type Rows = BTreeMap<(String, String), String>;

/// Who reads along.
#[derive(Debug, Default)]
pub(super) struct Checker {
    /// How often there was a job of a name.
    generations: BTreeMap<String, u64>,
    /// Every run that was ever committed, with the generation of its job.
    runs: BTreeSet<(String, u64)>,
    launched: BTreeSet<(String, u64)>,
    /// Jobs that were concurrent once: their tasks may run beside each other for a while after that.
    concurrent: BTreeSet<(String, u64)>,
    /// What is wrong.
    pub(super) wrong: Option<String>,
}

fn row<'r>(rows: &'r Rows, kind: &str, id: &str) -> Option<&'r String> {
    rows.get(&(kind.to_owned(), id.to_owned()))
}

fn read(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_default()
}

/// Whether a run of a job has begun and not ended, in rows.
fn is_busy(rows: &Rows, job: &str) -> bool {
    rows.iter().any(|((kind, _), body)| {
        let run = || read(body);
        kind == "run" && is_live(&run(), job)
    })
}

fn is_live(run: &Value, job: &str) -> bool {
    let is_over = run["stage"].get("Ended").is_some();
    run["job"] == job && run["is_orphan"] == false && !is_over && run["stage"] != "Held"
}

/// A schedule in a row, as far as the model knows schedules: when it starts, and its period.
fn times(job: &Value) -> Option<(u64, u64)> {
    let schedule = Schedule::parse(job["job"]["schedule"].as_str()?).ok()?;
    let began = || job["memory"]["began_ms"].as_u64();
    let start = schedule.start.map_or_else(began, |start| start.utc_ms())?;
    Some((start, schedule.period.ms()))
}

impl Checker {
    fn fails(&mut self, text: String) {
        self.wrong.get_or_insert(text);
    }

    pub(super) fn generation(&self, job: &str) -> u64 {
        self.generations.get(job).copied().unwrap_or(0)
    }

    /// Whether tasks of a job may run beside each other.
    pub(super) fn was_concurrent(&self, job: &str) -> bool {
        self.concurrent.contains(&(job.to_owned(), self.generation(job)))
    }

    /// Changes were committed.
    pub(super) fn commits(
        &mut self,
        (before, after): (&Rows, &Rows),
        changes: &[Change],
        wall_ms: u64,
    ) {
        let mut begun: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        for change in changes {
            if let Change::Put { kind: "run", id, .. } = change
                && row(before, "run", id).is_none()
            {
                self.begins(id, &mut begun);
            }
        }
        for change in changes {
            match change {
                Change::Put { kind: "job", id, body } => {
                    let (old, new) = (row(before, "job", id).map(|old| read(old)), read(body));
                    if new["job"]["concurrent"] == true {
                        self.concurrent.insert((id.clone(), self.generation(id)));
                    }
                    if let Some(old) = &old {
                        self.passes(id, old, &new, &begun, (before, after), wall_ms);
                        self.succeeds(id, old, &new, after, &begun);
                    }
                }
                Change::Delete { kind: "job", id } => {
                    *self.generations.entry(id.clone()).or_default() += 1;
                }
                _ => {}
            }
        }
    }

    /// Promise 2: a run is there once.
    fn begins(&mut self, id: &str, begun: &mut BTreeMap<String, BTreeSet<u64>>) {
        let Some(name) = TaskName::parse(id) else {
            return self.fails(format!("{id} is no id of a task"));
        };
        let generation = self.generation(&name.job);
        if !self.runs.insert((id.to_owned(), generation)) {
            self.fails(format!("promise 2: the run {id} is there a second time"));
        }
        if name.attempt == 0 {
            begun.entry(name.job).or_default().insert(name.due_ms);
        }
    }

    /// Promises 2 and 3: a schedule goes forward, and what it passes over either runs or is late or meets a run.
    fn passes(
        &mut self,
        name: &str,
        old: &Value,
        new: &Value,
        begun: &BTreeMap<String, BTreeSet<u64>>,
        (before, after): (&Rows, &Rows),
        wall_ms: u64,
    ) {
        let is_same = old["job"]["schedule"] == new["job"]["schedule"]
            && old["memory"]["began_ms"] == new["memory"]["began_ms"];
        let numbers = (old["memory"]["number"].as_u64(), new["memory"]["number"].as_u64());
        let (Some((start, period)), (Some(from), Some(to))) = (times(new), numbers) else { return };
        if !is_same {
            return;
        }
        if to < from {
            return self.fails(format!("promise 2: the schedule of {name} goes back to {to}"));
        }
        let epsilon = new["job"]["epsilon"].as_str().unwrap_or("PT0S");
        let epsilon = longshore_wire_chronos::epsilon(epsilon).unwrap_or(0);
        let runs = begun.get(name);
        let left = |job: &Value| job["memory"]["left"].as_u64();
        let most = left(old).map_or(u64::MAX, |left| left);
        for number in (from..to).take(usize::try_from(most).unwrap_or(usize::MAX)) {
            let due = start + period * number;
            if due > wall_ms {
                self.fails(format!("promise 2: {name} is due at {due}, and it is {wall_ms}"));
            }
            let has_run = runs.is_some_and(|runs| runs.range(due..due + 1_000).next().is_some());
            let is_late = due + epsilon < wall_ms;
            if !has_run && !is_late && !is_busy(before, name) && !is_busy(after, name) {
                self.fails(format!("promise 3: {name} has no run for {due}, and it is {wall_ms}"));
            }
        }
    }

    /// Promise 5: a success of a job is a run of each child that has no other parent.
    fn succeeds(
        &mut self,
        name: &str,
        old: &Value,
        new: &Value,
        after: &Rows,
        begun: &BTreeMap<String, BTreeSet<u64>>,
    ) {
        let count = |job: &Value| job["job"]["successCount"].as_u64().unwrap_or(0);
        let many = usize::try_from(count(new).saturating_sub(count(old))).unwrap_or(0);
        if many == 0 {
            return;
        }
        for ((kind, child), body) in after {
            let job = || read(body);
            if kind != "job" || !body.contains("\"parents\"") {
                continue;
            }
            let job = job();
            let is_only = job["job"]["parents"]
                .as_array()
                .is_some_and(|all| all.len() == 1 && all[0] == name);
            let runs = begun.get(child).map_or(0, BTreeSet::len);
            if is_only && job["job"]["disabled"] == false && runs != many {
                self.fails(format!(
                    "promise 5: {name} has {many} successes and {child} {runs} runs"
                ));
            }
        }
    }

    /// Promise 1.
    pub(super) fn launches(&mut self, rows: &Rows, id: &str) {
        let is_stored = row(rows, "run", id).is_some_and(|body| read(body)["stage"] == "Launched");
        if !is_stored {
            self.fails(format!("promise 1: {id} is launched, and that is not committed"));
        }
    }

    /// Promise 1, at the master.
    pub(super) fn started(&mut self, id: &str, job: &str) {
        if !self.launched.insert((id.to_owned(), self.generation(job))) {
            self.fails(format!("promise 1: {id} was launched before"));
        }
    }

    /// Promise 6.
    pub(super) fn acknowledges(&mut self, rows: &Rows, id: &str, is_final: bool) {
        let ended = |body: &String| read(body)["stage"].get("Ended").is_some();
        if is_final && !row(rows, "run", id).is_none_or(ended) {
            self.fails(format!("promise 6: the end of {id} is acknowledged and not committed"));
        }
    }

    /// Promise 7.
    pub(super) fn rests(&mut self, rows: &Rows) {
        for ((kind, id), body) in rows {
            if kind == "run" && read(body)["stage"].get("Ended").is_none() {
                self.fails(format!("promise 7: the run {id} is left: {body}"));
            }
        }
    }
}

/// Commits changes.
pub(super) fn apply(rows: &mut Rows, changes: &[Change]) {
    for change in changes {
        match change {
            Change::Put { kind, id, body } => {
                rows.insert(((*kind).to_owned(), id.clone()), body.clone());
            }
            Change::Delete { kind, id } => drop(rows.remove(&((*kind).to_owned(), id.clone()))),
        }
    }
}
